"""Rows of the fold `orders`."""

from __future__ import annotations

import sqlite3

from streamer.domain.order_rows import OrderRow, read_row
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
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
