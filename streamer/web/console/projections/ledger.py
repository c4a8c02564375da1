"""Rows of the fold `dispatch`: commands, the polls of each account, and until when its tokens hold."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from streamer.domain.dispatch_rows import LedgerRow, PollRow, SecretRow, read_row
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    row = read_row(key, value) if value is not None else None
    if row is None:
        database.execute("DELETE FROM command WHERE key = ?", (key,))
        database.execute("DELETE FROM poll WHERE key = ?", (key,))
        database.execute("DELETE FROM token WHERE key = ?", (key,))
        search_index.remove(database, "command", key)
        quarantined(database, "dispatch", key, None)
        return {Change.COMMANDS}
    changes: set[Change] = set()
    if isinstance(row, LedgerRow) and row.kind:
        _command(database, key, row)
        changes.add(Change.COMMANDS)
    elif isinstance(row, PollRow):
        database.execute(
            "INSERT OR REPLACE INTO poll VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, row.account, row.resource, row.every_ms, row.ended_ms, row.started_ms, row.due_ms, row.records,
             row.error or "", json.dumps(row.cursor), row.paused_by or ""),
        )  # fmt: skip
        changes.add(Change.COMMANDS)
    elif isinstance(row, SecretRow):
        _token(database, key, row)
        changes.add(Change.COMMANDS)
    if quarantined(database, "dispatch", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    return changes


def _token(database: sqlite3.Connection, key: str, row: SecretRow) -> None:
    account, _, name = key.split("/", 2)
    if row.sealed is None:
        database.execute("DELETE FROM token WHERE key = ?", (key,))
    else:
        database.execute(
            "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?)", (key, account, name, row.expires_ms, row.at_ms)
        )


def _command(database: sqlite3.Connection, key: str, row: LedgerRow) -> None:
    account, _, command_id = key.partition("/")
    body: dict[str, Any] = json.loads(bytes(row.body)) or {}
    reference, order_id = str(body.get("reference") or ""), str(body.get("order_id") or "")
    order_key = str(body.get("record_key") or (f"{account}/{order_id}" if order_id else ""))
    newest = max([row.created_ms, row.closed_ms or 0, *(attempt.started_ms for attempt in row.attempts)])
    database.execute(
        "INSERT OR REPLACE INTO command VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (key, account, command_id, row.kind, row.object, str(body.get("cause") or ""), reference,
         order_key, row.state, row.attempt, row.reason or row.conflict or "", newest),
    )  # fmt: skip
    search_index.put(database, "command", key, command_id, reference, order_id, row.external_reference, row.object)
