"""Rows of the fold `stock`."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

from streamer.domain.allocation import waiting
from streamer.domain.stock_needs import position
from streamer.domain.stock_rows import StockRow, read_row
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined

STATES = ("quarantined", "held", "shortage", "below", "on order", "enough", "no policy")
"""Worst first. `shortage`: somebody waits, or more is promised than lies there. `below`: projected below the point."""


def take(database: sqlite3.Connection, key: str, value: bytes | None, at_ms: int) -> set[Change]:
    row = read_row(key, value) if value is not None else None
    if not isinstance(row, StockRow):
        database.execute("DELETE FROM stock WHERE key = ?", (key,))
        database.execute("DELETE FROM stock_day WHERE key = ?", (key,))
        return {Change.STOCK}
    location, _, sku = key.partition("/")
    stand = position(row, at_ms, lead_days(row))
    queued = waiting(row)
    policy = row.policy
    incoming = stand.incoming + stand.incoming_later
    arrivals = [need.expected for need in row.incoming.values() if need.expected]
    needed = [line.needed_by for line in row.lines.values() if line.needed_by and line.short]
    text = description(row)
    database.execute(
        "INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key, location, sku, text, float(row.on_hand), float(row.reserved),
            float(row.on_hand - row.reserved - row.safety), float(incoming), float(stand.projected), float(queued),
            float(policy.reorder_point) if policy else None, float(policy.order_up_to) if policy else None,
            state_of(row, stand.projected, queued, incoming), min(arrivals, default=""), min(needed, default=""),
            row.as_of_ms,
        ),
    )  # fmt: skip
    if row.as_of_ms:
        day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
        database.execute("INSERT OR REPLACE INTO stock_day VALUES (?, ?, ?)", (key, day, float(row.on_hand)))
    parts = [facts.part_number for facts in row.facts.values()]
    search_index.put(
        database, "stock", key, sku, location, text, *parts, *(offer.supplier_sku for offer in row.offers.values())
    )
    changes = {Change.STOCK}
    if quarantined(database, "stock", key, row.quarantined):
        changes.add(Change.ERRORS)
    return changes


def state_of(row: StockRow, projected: Decimal, queued: Decimal, incoming: Decimal) -> str:
    """One word for a row; the first of STATES that fits."""
    if row.quarantined is not None:
        return "quarantined"
    if row.holds:
        return "held"
    if queued > 0 or row.on_hand < row.reserved:
        return "shortage"
    if row.policy is None:
        return "no policy"
    if projected < row.policy.reorder_point:
        return "below"
    return "on order" if incoming > 0 else "enough"


def lead_days(row: StockRow) -> int:
    """The item's own lead time, else that of its first supplier."""
    if row.policy is not None and row.policy.lead_time_days is not None:
        return row.policy.lead_time_days
    offers = sorted((offer.rank, offer.lead_time_days or 0) for offer in row.offers.values() if not offer.withdrawn)
    return offers[0][1] if offers else 0


def description(row: StockRow) -> str:
    """What people call it: the settings' words before the platform's."""
    texts = [row.facts[source].description for source in ("settings", "catalogue") if source in row.facts]
    return next((text for text in texts if text), "")
