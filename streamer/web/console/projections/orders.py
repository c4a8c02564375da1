"""Rows of the fold `orders`."""

from __future__ import annotations

import json
import sqlite3

from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    row = json.loads(value) if value is not None else {}
    changes = {Change.ORDERS}
    if quarantined(database, "orders", key, row.get("quarantined")):
        changes.add(Change.ERRORS)
    return changes
