"""Events that make the process die (memory, recursion): found by a small file, written before a fold after a crash.

At first a whole chunk is written down; where one died, its events are folded one at a time; and an event, or a row
that a tick wakes, at which the process died again and again is set aside. The mark is removed when the fold has come
back, so that a process that dies of something else accuses nobody.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import orjson

DEATHS = 2  # that are known to have been at this very event; the crash that began the watch is the third
WATCHED_EVENTS = 10_000
"""After a crash, of each partition: more than what was folded and not yet durable (three chunks of 2,000 events)."""


class KillsProcesses(Exception):
    """The process died again and again while folding this event, or waking this row."""


class Span(NamedTuple):
    """Events that are folded together; offsets, both included."""

    partition: int
    first: int
    last: int


class Killers:
    """Of one fold in one process. `after_crash`: the last process of this worker did not end in order."""

    def __init__(self, file: Path, *, after_crash: bool) -> None:
        self._file = file
        self._deaths: dict[str, int] = {}  # by place: of processes before this one
        self._suspects: list[Span] = []  # chunks at which processes before this one died
        if after_crash:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                said = orjson.loads(file.read_bytes())
                self._deaths = {str(place): int(deaths) for place, deaths in said["deaths"].items()}
                self._suspects = [Span(*span) for span in said["suspects"]]
        else:
            file.unlink(missing_ok=True)
        self._now: Span | None = None
        self._rows_now: set[str] = set()
        self._watched_events = WATCHED_EVENTS if after_crash else 0
        self._left: dict[int, int] = {}

    def watching(self, partition: int) -> bool:
        """Whether what is folded of this partition is to be written down before."""
        return self._left.get(partition, self._watched_events) > 0

    def most(self, partition: int, offset: int, most: int) -> int:
        """How many events may be folded together from `offset` on; `most` if nothing is suspected."""
        if self._guilty_row(partition):
            return 1  # its tick is skipped in part, and that has to be durable before anything is folded on
        for suspect in self._suspects:
            if suspect.partition == partition and suspect.last >= offset:
                most = min(most, max(1, suspect.first - offset))
        return most

    def verdict(self, partition: int, offset: int) -> KillsProcesses | None:
        """Why this event is not to be folded. A tick is not guilty where one of the rows that it wakes is."""
        deaths = self._deaths.get(_event(partition, offset), 0)
        if deaths < DEATHS or self._guilty_row(partition):
            return None
        return KillsProcesses(f"the process died {deaths} times while folding it")

    def begin(self, partition: int, first: int, last: int) -> None:
        """Written down before the fold begins. In the end it may be cut before `last`."""
        self._now = Span(partition, first, last)
        self._rows_now = set()
        self._write()

    def begin_wake(self, partition: int, key: str) -> KillsProcesses | None:
        """Written down before a row is woken, unless there is a verdict: then this is why it is not to be woken."""
        place = _row(partition, key)
        self._rows_now.add(place)
        if (deaths := self._deaths.get(place, 0)) >= DEATHS:
            return KillsProcesses(f"the process died {deaths} times while waking it")
        self._write()
        return None

    def survived(self, partition: int, first: int, last: int) -> None:
        """These events were folded or set aside: none of them, and no row that they woke, is to be watched any more."""
        for place in (_event(partition, first), *self._rows_now):
            self._deaths.pop(place, None)
        self._suspects = [
            span._replace(first=max(span.first, last + 1)) if span.partition == partition else span
            for span in self._suspects
            if span.partition != partition or span.last > last
        ]
        self._now, self._rows_now = None, set()
        self._left[partition] = self._left.get(partition, self._watched_events) - (last - first + 1)
        self._write()

    def _guilty_row(self, partition: int) -> bool:
        rows = _row(partition, "")
        return any(deaths >= DEATHS and place.startswith(rows) for place, deaths in self._deaths.items())

    def _write(self) -> None:
        """What the next process is told if this one dies now. Without fsync: it has to outlive the process only."""
        deaths, suspects, now = dict(self._deaths), list(self._suspects), self._now
        if now is not None:
            places = set(self._rows_now)
            if now.first == now.last:
                places.add(_event(now.partition, now.first))
            else:
                suspects.append(now)
            for place in places:
                deaths[place] = deaths.get(place, 0) + 1
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(orjson.dumps({"deaths": deaths, "suspects": [list(span) for span in suspects]}))
        fresh.replace(self._file)


def _event(partition: int, offset: int) -> str:
    return f"{partition}:{offset}"


def _row(partition: int, key: str) -> str:
    return f"{partition}~{key}"
