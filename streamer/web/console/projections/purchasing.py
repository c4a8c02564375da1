"""Rows of the fold `purchasing`."""

from __future__ import annotations

import sqlite3

from streamer.domain.purchasing_rows import read_row
from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    row = read_row(key, value) if value is not None else None
    changes = {Change.PURCHASE_ORDERS}
    if quarantined(database, "purchasing", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    return changes
