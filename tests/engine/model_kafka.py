"""Kafka as the engine sees it: a log, a compacted changelog with its cleaner, outputs, a committed offset, a network
that is late."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streamer.engine.fold import Record
from streamer.engine.partition import RowRecord
from tests.engine.model_fold import KEYS, TICK_HEADERS

COMPACTION_LAG = 300  # steps; stands for min.compaction.lag.ms and delete.retention.ms of a week
LOG_ID = "LogLogLogLogLogLogLogL"
SOURCE = "SrcSrcSrcSrcSrcSrcSrcS:0"

DEFAULT_KINDS = {"mix": 60, "noop": 25, "delete": 15, "tick": 15, "malformed": 4, "boom": 5, "refused": 3, "again": 5}


class ChangelogRecord(NamedTuple):
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    appended_at: int


@dataclass
class Kafka:
    rng: random.Random
    kinds: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_KINDS))
    now: int = 0
    log: list[Record] = field(default_factory=list)
    changelog: list[ChangelogRecord] = field(default_factory=list)
    changelog_end: int = 0
    batch_starts: list[int] = field(default_factory=lambda: [0])
    outputs: list[tuple[tuple[str, str], bytes]] = field(default_factory=list)
    committed: int | None = 0
    on_the_way: list[Callable[[], None]] = field(default_factory=list)
    _grave_until: dict[int, int] = field(default_factory=dict)
    _uid: int = 0
    _source: int = 0

    def event(self, kind: str | None = None, number: int | None = None) -> None:
        """One more event in the log."""
        rng = self.rng
        kind = kind or rng.choices(list(self.kinds), list(self.kinds.values()))[0]
        offset = len(self.log)
        if kind == "tick":
            self.log.append(Record(offset, 1000 * self.now + offset, b"", None, TICK_HEADERS))  # no two at one time
            return
        if kind == "again" and (sent := [record for record in self.log if record.headers and record.key]):
            again = rng.choice(sent)  # the sender's zombie, or a crash between its outputs and its rows
            self.log.append(again._replace(offset=offset, timestamp=1000 * self.now))
            return
        self._uid += 1
        key = rng.choice(KEYS)
        value = [self._uid, kind if kind != "again" else "mix", key, rng.choice(KEYS), number or rng.randint(1, 50)]
        headers: tuple[tuple[str, bytes], ...] = ()
        if rng.random() < 0.4:
            self._source += rng.randint(0, 2)
            headers = (
                ("src", f"{SOURCE}:{self._source}".encode()),
                ("srcw", b"%d" % max(-1, self._source - 1 - rng.randint(0, 3))),
            )
        self.log.append(Record(offset, 1000 * self.now, key.encode(), json.dumps(value).encode(), headers))

    def append_rows(self, rows: Sequence[RowRecord]) -> int:
        """The base offset of the batch."""
        base = self.changelog_end
        for row in rows:
            self.changelog.append(ChangelogRecord(self.changelog_end, row.key, row.value, row.headers, self.now))
            self.changelog_end += 1
        self.batch_starts.append(self.changelog_end)
        return base

    def clean(self) -> None:
        """The log cleaner: of records older than the lag only a key's last stays; a tombstone for one more lag."""
        limit = self.now - COMPACTION_LAG
        last = {record.key: record.offset for record in self.changelog if record.appended_at <= limit}
        kept = []
        for record in self.changelog:
            if record.appended_at <= limit:
                if last[record.key] > record.offset:
                    continue
                if record.value is None and self.now >= self._grave_until.setdefault(
                    record.offset, self.now + COMPACTION_LAG
                ):
                    continue
            kept.append(record)
        self.changelog = kept

    def land(self) -> None:
        """Everything that is on its way arrives."""
        for arrive in self.on_the_way:
            arrive()
        self.on_the_way.clear()
