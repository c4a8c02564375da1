"""The topic `dead-letters`: the record as it came, and why it could not be used."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import Any

from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change

PREFIX = "dead-letter-"


def take(database: sqlite3.Connection, record: Any) -> set[Change]:
    context = {
        name.removeprefix(PREFIX): value.decode("utf-8", "replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
    letter_id = (
        context.get("id")
        or hashlib.sha256(f"{record.topic}:{record.partition}:{record.offset}".encode()).hexdigest()[:26]
    )
    key = bytes.fromhex(context["key-hex"]) if "key-hex" in context else record.key
    original = [[name, value.hex()] for name, value in record.headers if not name.startswith(PREFIX)]
    timestamp = context.get("timestamp", "")
    database.execute(
        "INSERT OR REPLACE INTO dead_letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            letter_id, context.get("topic", ""), context.get("partition", ""), context.get("offset", ""),
            context.get("stage", ""), context.get("reason", ""), context.get("class", ""), context.get("account", ""),
            int(timestamp) if timestamp.isdigit() else record.timestamp, key, record.value, json.dumps(original),
            len(record.value or b""),
        ),
    )  # fmt: skip
    text_key = (key or b"").decode("utf-8", "replace")
    search_index.put(
        database, "dead letter", letter_id, letter_id, text_key, context.get("reason"), context.get("account")
    )
    return {Change.ERRORS}
