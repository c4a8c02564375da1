"""The public topic `audit`: what people did, and what they settled by it."""

from __future__ import annotations

import sqlite3
from typing import Any

from streamer.messages.status import AuditEntry
from streamer.web.console.projections.changes import Change

SETTLING = frozenset({"dead-letter.replay", "dead-letter.mend", "dead-letter.resolve"})


def take(database: sqlite3.Connection, record: Any) -> set[Change]:
    if record.value is None:
        return set()
    entry = AuditEntry.from_json(record.value)
    at_ms = int(entry.at.timestamp() * 1000)
    database.execute(
        "INSERT OR IGNORE INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)",
        (f"{entry.act_id}:{entry.subject}", entry.actor, entry.act, entry.subject, entry.origin, at_ms, record.value),
    )
    if entry.act not in SETTLING:
        return {Change.AUDIT}
    database.execute(
        "INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?, ?)",
        (entry.subject.removeprefix("dead-letter/"), entry.act, entry.actor, at_ms, entry.reason or ""),
    )
    return {Change.AUDIT, Change.ERRORS}
