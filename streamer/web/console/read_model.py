"""The console's read model: SQLite, filled from Kafka, to be deleted at any time.

The offsets stand in the same transaction as what was read, so a crash at any point loses and repeats nothing. One
thread writes; pages read through connections of their own and see whole transactions only (WAL).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
from pydantic import ValidationError

from streamer.web.console import schema
from streamer.web.console.projections import FOLDS, TOPICS, Change

log = logging.getLogger(__name__)

FILE = "console.sqlite"


class Source(NamedTuple):
    """One partition that the model follows."""

    topic: str
    partition: int


class Record(Protocol):
    """aiokafka's ConsumerRecord fits."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class ReadModel:
    """The writer's side. `sources` maps a topic to the fold whose rows it holds, or to the public topic that it is."""

    def __init__(self, data_dir: Path, sources: Mapping[str, str]) -> None:
        self.path = data_dir / FILE
        self.sources = dict(sources)
        data_dir.mkdir(parents=True, exist_ok=True)
        self._database = self._open()
        if self._version() != schema.VERSION:
            self.reset()

    def close(self) -> None:
        self._database.close()

    def reset(self) -> None:
        """Empties the model in place (pages may be reading it); the next records are the first ones again."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name = 'search' DESC")
        for (name,) in tables.fetchall():
            if not name.startswith(("search_", "sqlite_")):  # parts of others
                database.execute(f'DROP TABLE "{name}"')
        for statement in _statements(schema.TABLES):
            database.execute(statement)
        database.execute("INSERT INTO meta VALUES ('version', ?)", (str(schema.VERSION),))
        database.execute("COMMIT")

    def positions(self) -> dict[Source, tuple[str, int]]:
        """Partition -> (topic id, next offset)."""
        rows = self._database.execute("SELECT topic, partition, topic_id, next_offset FROM position")
        return {Source(topic, partition): (topic_id, offset) for topic, partition, topic_id, offset in rows}

    def apply(self, records: Iterable[Record], topic_ids: Mapping[str, str]) -> set[Change]:
        """Takes records in, in one transaction with their offsets; gives the kinds of things that changed.

        A record that cannot be read is passed over and logged: the folds judge records, not the console.
        """
        database = self._database
        changes: set[Change] = set()
        ends: dict[Source, int] = {}
        database.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                ends[Source(record.topic, record.partition)] = record.offset + 1
                try:
                    self._take(record, changes)
                except (msgspec.MsgspecError, ValidationError, ValueError, LookupError, ArithmeticError) as error:
                    log.warning(
                        "console passes over %s/%d@%d: %s",
                        record.topic,
                        record.partition,
                        record.offset,
                        type(error).__name__,
                    )
            database.executemany(
                "INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?)",
                [(topic, partition, topic_ids[topic], end) for (topic, partition), end in ends.items()],
            )
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        return changes

    def _take(self, record: Record, changes: set[Change]) -> None:
        source = self.sources[record.topic]
        if source in TOPICS:
            changes |= TOPICS[source](self._database, record)
        elif record.key is not None and self._is_newest(source, record):
            key = record.key.decode()
            if not key.startswith("~"):
                changes |= FOLDS[source](self._database, key, record.value, record.timestamp)

    def _is_newest(self, fold: str, record: Record) -> bool:
        """Whether the row has the highest `w` so far; a late write of an owner that was cut off has a lower one."""
        key = (record.key or b"").decode()
        written_at = next((value.decode() for name, value in record.headers if name == "w"), "")
        log_id, _, offset_text = written_at.rpartition(":")
        log_offset = int(offset_text) if offset_text else record.offset
        known = self._database.execute(
            "SELECT log_id, log_offset FROM fold_row WHERE fold = ? AND key = ?", (fold, key)
        ).fetchone()
        if known is not None and known[0] == log_id and log_offset < known[1]:
            return False
        self._database.execute(
            "INSERT OR REPLACE INTO fold_row VALUES (?, ?, ?, ?, ?)", (fold, key, log_id, log_offset, record.value)
        )
        return True

    def _version(self) -> int:
        try:
            row = self._database.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(row[0]) if row else 0

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # it holds what the rows hold: people's data, too
        try:
            return _writer(self.path)
        except sqlite3.DatabaseError as error:
            log.warning("the read model cannot be read (%s) and is made anew", error)
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            return _writer(self.path)


def _writer(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0, cached_statements=256)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the last transactions, offsets with them
    database.execute("PRAGMA cache_size=-32000")
    database.execute("SELECT count(*) FROM sqlite_schema")
    return database


class Reader:
    """The pages' side: rows as sqlite3.Row, by name."""

    def __init__(self, data_dir: Path) -> None:
        self._database = sqlite3.connect(
            f"file:{data_dir / FILE}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=5.0
        )
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA query_only=ON")
        self._database.execute("PRAGMA cache_size=-16000")

    def close(self) -> None:
        self._database.close()

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        return self._database.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._database.execute(query, values).fetchone()
        return row

    def number(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        row = self._database.execute(query, values).fetchone()
        return row[0] if row else 0

    def fold_row(self, fold: str, key: str) -> bytes | None:
        """The bytes of a fold's row, as of the last record read."""
        value: bytes | None = self.number("SELECT value FROM fold_row WHERE fold = ? AND key = ?", fold, key) or None
        return value


def _statements(script: str) -> list[str]:
    return [statement for statement in script.split(";") if statement.strip()]
