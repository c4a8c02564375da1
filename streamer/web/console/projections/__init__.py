"""What the read model keeps of each source: tables that lists sort and filter by, and words to search for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from streamer.web.console.projections import (
    audit,
    catalogue,
    dead_letters,
    ledger,
    orders,
    purchasing,
    recalls,
    statuses,
    stock,
)
from streamer.web.console.projections.changes import Change

__all__ = ["FOLDS", "TOPICS", "Change"]

FOLDS: dict[str, Callable[[sqlite3.Connection, str, bytes | None, int], set[Change]]] = {
    "catalogue": catalogue.take,
    "orders": orders.take,
    "stock": stock.take,
    "recalls": recalls.take,
    "purchasing": purchasing.take,
    "dispatch": ledger.take,
}
"""Fold -> what is kept of a row: (database, row key, value or None where it was deleted, time in ms)."""

TOPICS: dict[str, Callable[[sqlite3.Connection, Any], set[Change]]] = {
    "order-status": statuses.take,
    "dead-letters": dead_letters.take,
    "audit": audit.take,
}
"""Public topic -> what is kept of a record."""
