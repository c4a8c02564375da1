"""The supplier's own book: what was ordered from it, however often; written down before anything is answered."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson


@dataclass
class Entry:
    """One purchase order. `booked` counts how often it was booked: above 1 it was placed twice."""

    order_id: str
    reference: str
    by: str  # http, or the mail address it was sent to
    lines: list[dict[str, str]]
    reply_to: str = ""
    message_id: str = ""
    needed_by: str | None = None
    booked: int = 1
    state: str = "received"
    sequence: int = 0
    keys: list[str] = field(default_factory=list)


class Book:
    """Orders by reference, in a file of one JSON object a line: the last line of a reference is how it stands."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._entries: dict[str, Entry] = {}
        whole = 0
        if file.exists():
            for line in file.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break  # cut off while it was written: it was never answered
                entry = Entry(**orjson.loads(line))
                self._entries[entry.reference] = entry
                whole += len(line)
        self._file = file.open("ab")
        self._file.truncate(whole)

    def close(self) -> None:
        self._file.close()

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def find(self, reference: str) -> Entry | None:
        return self._entries.get(reference)

    def find_by_key(self, key: str) -> Entry | None:
        """The order that came with this idempotency key."""
        return next((entry for entry in self._entries.values() if key in entry.keys), None)

    def add(self, entry: Entry) -> Entry:
        """A new order; one whose reference is there already is booked a second time, as a careless supplier would."""
        known = self._entries.get(entry.reference)
        if known is not None:
            known.booked += 1
            known.keys += entry.keys
            entry = known
        self._entries[entry.reference] = entry
        self.write(entry)
        return entry

    def next_id(self, prefix: str) -> str:
        return f"{prefix}-{1000 + sum(entry.booked for entry in self._entries.values()) + 1}"

    def write(self, entry: Entry) -> None:
        """Durable when it returns."""
        self._file.write(orjson.dumps(asdict(entry)) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
