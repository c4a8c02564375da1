"""One partition of a fold in memory: rows are bytes between two events, as they are on Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from streamer.domain.view import Effect, Outcome, View
from streamer.messages.base import Message


class FoldModule(Protocol):
    """What a module of streamer.domain offers to the engine."""

    NAME: str

    def fold(self, rows: View[Any], event: Message) -> Outcome: ...
    def wake(self, rows: View[Any], key: str) -> Outcome: ...
    def due_ms(self, row: Any) -> int | None: ...
    def read_row(self, key: str, value: bytes) -> Any: ...
    def write_row(self, row: Any) -> bytes: ...
    def row_key(self, event: Message) -> str: ...
    def quarantine(self, rows: View[Any], key: str, reason: str) -> None: ...


class MemoryRows:
    """The view during one event; what a fold raises leaves the rows as they were, since `commit` is not called."""

    def __init__(self, partition: MemoryPartition, source: tuple[str, int] | None = None) -> None:
        self._partition = partition
        self.source = source
        self.seen: dict[str, Any] = {}
        self.changed: dict[str, bool] = {}  # key -> whether it still exists

    @property
    def now_ms(self) -> int:
        return self._partition.now_ms

    @property
    def partition(self) -> int:
        return self._partition.number

    def passed(self, source: str, offset: int) -> bool:
        return self._partition.passed.get(source, -1) >= offset

    def read(self, key: str) -> Any:
        if key in self.changed and not self.changed[key]:
            return None
        if key not in self.seen:
            value = self._partition.rows.get(key)
            if value is None:
                return None
            self.seen[key] = self._partition.module.read_row(key, value)
        return self.seen[key]

    def edit(self, key: str) -> Any:
        row = self.read(key)
        if row is not None:
            self.changed[key] = True
        return row

    def put(self, key: str, row: Any) -> None:
        self.seen[key] = row
        self.changed[key] = True

    def delete(self, key: str) -> None:
        self.seen.pop(key, None)
        self.changed[key] = False

    def commit(self) -> None:
        write, rows = self._partition.module.write_row, self._partition.rows
        for key, exists in self.changed.items():
            if exists:
                rows[key] = write(self.seen[key])
            else:
                rows.pop(key, None)
            self._partition.note_due(key)


class MemoryPartition:
    """Rows of one partition of one fold, their time, and when they are due."""

    rows_type: type[MemoryRows] = MemoryRows

    def __init__(self, module: Any, now_ms: int, number: int = 0) -> None:
        self.module: FoldModule = module
        self.now_ms = now_ms
        self.number = number
        self.rows: dict[str, bytes] = {}
        self.passed: dict[str, int] = {}
        self._due: dict[str, int] = {}

    def fold(self, event: Message, source: tuple[str, int] | None = None) -> Sequence[Message | Effect]:
        """Raises what the fold raises; the rows are then as they were."""
        view = self.rows_type(self, source)
        given = self.module.fold(view, event)
        view.commit()
        return given

    def wake(self, key: str) -> Sequence[Message | Effect]:
        view = self.rows_type(self)
        given = self.module.wake(view, key)
        view.commit()
        return given

    def quarantine(self, key: str, reason: str = "test") -> None:
        view = self.rows_type(self)
        self.module.quarantine(view, key, reason)
        view.commit()

    def due(self, key: str) -> int | None:
        return self._due.get(key)

    def next_due(self) -> tuple[int, str] | None:
        """The row that is due first: of one moment, the lowest key."""
        return min(((when, key) for key, when in self._due.items()), default=None)

    def note_due(self, key: str) -> None:
        row = self.row(key)
        when = None if row is None else self.module.due_ms(row)
        if when is None:
            self._due.pop(key, None)
        else:
            self._due[key] = when

    def row(self, key: str) -> Any:
        """The row as it would be read after a restart, or None."""
        value = self.rows.get(key)
        return None if value is None else self.module.read_row(key, value)
