"""Rows of the fold `orders`."""

from __future__ import annotations

import sqlite3

from streamer.domain.order_rows import OrderRow, read_row
from streamer.domain.record_rows import COPY, CopyRow, split_key
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    if key.startswith(COPY):
        return _copy(database, key, value)
    row = read_row(key, value) if value is not None else None
    if isinstance(row, OrderRow) and row.visit is not None:
        visit = row.visit
        year = str(visit.year) if visit.year else None
        search_index.put(
            database, "appointment", key, row.number, visit.vin, visit.make, visit.model, year, row.reference
        )
    changes = {Change.ORDERS}
    if quarantined(database, "orders", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    return changes


def _copy(database: sqlite3.Connection, key: str, value: bytes | None) -> set[Change]:
    """A record on a route."""
    route, order_key = split_key(key)
    name = f"{route}/{order_key}"
    row = read_row(key, value) if value is not None else None
    changes = {Change.RECORDS}
    if quarantined(database, "orders", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    if not isinstance(row, CopyRow):
        database.execute("DELETE FROM record WHERE key = ?", (name,))
        search_index.remove(database, "record", name)
        return changes
    account, _, source_id = order_key.partition("/")
    database.execute(
        "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (name, route, order_key, account, row.number or source_id, row.kind, row.state, row.reference,
         row.external_reference or "", row.revision, row.reason or "", row.asked_by or "", row.changed_ms),
    )  # fmt: skip
    search_index.put(database, "record", name, row.number, source_id, row.reference, row.external_reference)
    return changes
