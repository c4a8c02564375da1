"""Events that make the process itself die (memory, recursion): found by a small local file, written before each fold after a crash.

The third time an event was begun and never survived, it is set aside. Until a process has survived what waited at its start,
it folds one event at a time.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import orjson

TRIES = 3
FIRST_WATCHED = (
    50  # events of a partition after a crash: what killed the last process is among those it had not made durable
)


class KillsProcesses(Exception):
    """The event was begun three times and the process died each time."""


class Killers:
    """Of one fold in one process. `after_crash`: the last process of this worker did not end in order."""

    def __init__(self, file: Path, *, after_crash: bool) -> None:
        self._file = file
        self._tries: dict[str, int] = {}
        if after_crash:
            with contextlib.suppress(OSError, orjson.JSONDecodeError):
                self._tries = {str(place): int(count) for place, count in orjson.loads(file.read_bytes()).items()}
        self._first_watched = FIRST_WATCHED if after_crash else 0
        self._watched: dict[int, int] = {}

    def watching(self, partition: int) -> bool:
        """Whether each event of this partition is to be written down before it is folded."""
        return self._watched.get(partition, 0) < self._first_watched

    def is_killer(self, partition: int, offset: int) -> bool:
        return self._tries.get(f"{partition}:{offset}", 0) >= TRIES

    def error(self, partition: int, offset: int) -> KillsProcesses:
        return KillsProcesses(f"the process died {self._tries[f'{partition}:{offset}']} times while folding it")

    def begin(self, partition: int, offset: int) -> None:
        """Written down before the fold begins."""
        place = f"{partition}:{offset}"
        self._tries[place] = self._tries.get(place, 0) + 1
        self._write()

    def survived(self, partition: int, offset: int) -> None:
        """The event was folded; it is no killer."""
        self._tries.pop(f"{partition}:{offset}", None)
        self._watched[partition] = self._watched.get(partition, 0) + 1
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(orjson.dumps(self._tries))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._file)
