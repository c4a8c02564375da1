"""What a page may wait for, and rows that decide nothing until a person has looked."""

from __future__ import annotations

import sqlite3
from enum import StrEnum


class Change(StrEnum):
    """Kinds of things that pages show; a browser hears which of them changed."""

    ORDERS = "orders"
    STOCK = "stock"
    PURCHASE_ORDERS = "purchase-orders"
    COMMANDS = "commands"
    RECALLS = "recalls"
    RECORDS = "records"
    ERRORS = "errors"
    AUDIT = "audit"


def quarantined(database: sqlite3.Connection, fold: str, key: str, reason: str | None) -> bool:
    """Keeps the list of quarantined rows; whether it changed."""
    if reason is None:
        return bool(database.execute("DELETE FROM quarantine WHERE fold = ? AND key = ?", (fold, key)).rowcount)
    database.execute("INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)", (fold, key, reason))
    return True
