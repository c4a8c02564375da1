"""The rows of one partition: bytes at rest, a bounded number of them decoded, and the changes of the open chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic

from streamer.engine.fold import Fold, Row
from streamer.errors import Lost, Malformed

RESERVED = "~"
ROW_OVERHEAD_BYTES = 100  # upper bound of what a record adds to key and value: header `w`, header `due`, lengths


class RowStore(Generic[Row]):
    """What a fold sees as `Rows`. A chunk either closes (`close`) or is undone (`restore`); one step of it, by
    `undo_step`."""

    def __init__(self, fold: Fold[Row], partition: int, *, hot_rows: int = 20_000) -> None:
        self.partition = partition
        self.now_ms = 0
        self.source: tuple[str, int] | None = None
        self.sources: dict[str, int] = {}
        self.changed: dict[str, Row | None] = {}  # None: deleted
        self.dirty: set[str] = set()  # changed since the engine last looked at when they are due
        self.touched = False  # set by every change; for the engine to reset
        self.estimate_bytes = 0  # of the open chunk's rows, before they are written
        self._fold = fold
        self._read_row = fold.read_row
        self._stored: dict[str, bytes] = {}
        self._hot: dict[str, Row] = {}
        self._warm: dict[str, Row] = {}  # the generation before; both together are the cache
        self._hot_rows = hot_rows
        self._before_step: dict[str, tuple[bool, bytes | None]] | None = None

    # ---- what a fold may use

    def read(self, key: str) -> Row | None:
        row = self._hot.get(key)
        return row if row is not None else self._find(key)

    def edit(self, key: str) -> Row | None:
        row = self._hot.get(key)
        if row is None:
            row = self._find(key)
            if row is None:
                return None
        if self._before_step is not None:
            self._remember(key)
        if key not in self.changed:
            self.changed[key] = row
            self.estimate_bytes += len(self._stored[key]) + len(key) + ROW_OVERHEAD_BYTES
        self.dirty.add(key)
        self.touched = True
        return row

    def put(self, key: str, row: Row) -> None:
        if key.startswith(RESERVED):
            raise Malformed(f"row keys that begin with {RESERVED} are the engine's", field="key")
        if self._before_step is not None:
            self._remember(key)
        if key not in self.changed:
            self.estimate_bytes += len(self._stored.get(key, b"")) + len(key) + ROW_OVERHEAD_BYTES
        self.changed[key] = self._hot[key] = row
        self.dirty.add(key)
        self.touched = True

    def delete(self, key: str) -> None:
        if self._before_step is not None:
            self._remember(key)
        if key not in self.changed:
            self.estimate_bytes += len(key) + ROW_OVERHEAD_BYTES
        self.changed[key] = None
        self._forget(key)
        self.dirty.add(key)
        self.touched = True

    def passed(self, source: str, offset: int) -> bool:
        return self.sources.get(source, -1) >= offset

    # ---- what the engine uses

    def load(self, stored: dict[str, bytes]) -> None:
        self._stored = stored

    def stored(self, key: str) -> bytes | None:
        """The row as of the last closed chunk."""
        return self._stored.get(key)

    def keys(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def begin_step(self) -> None:
        """From now on each change keeps what `undo_step` needs. Slow: for ticks, where one bad row must undo no other.

        `dirty` must be empty: it gathers the keys that the step changes.
        """
        self._before_step = {}

    def end_step(self) -> None:
        self._before_step = None

    def undo_step(self) -> None:
        self.dirty.clear()
        for key, (was_changed, value) in (self._before_step or {}).items():
            self._forget(key)
            if not was_changed:
                del self.changed[key]
            elif value is None:
                self.changed[key] = None
            else:
                self.changed[key] = self._hot[key] = self._decode(key, value)
        self._before_step = None

    def written(self, key: str) -> bytes | None:
        """A changed row as bytes; None: deleted."""
        row = self.changed[key]
        return None if row is None else self._fold.write_row(row)

    def close(self, written: list[tuple[str, bytes | None]]) -> None:
        """Take over the rows of a finished chunk, as bytes."""
        stored = self._stored
        for key, value in written:
            if value is None:
                stored.pop(key, None)
            else:
                stored[key] = value
        self.changed = {}
        self.estimate_bytes = 0
        if len(self._hot) > self._hot_rows:
            self._warm = self._hot
            self._hot = {}

    def restore(self) -> None:
        """Drop the open chunk: its rows are decoded again from what is stored."""
        for key in self.changed:
            self._forget(key)
        self.changed = {}
        self.dirty.clear()
        self.estimate_bytes = 0
        self._before_step = None

    def _find(self, key: str) -> Row | None:
        row = self._warm.pop(key, None)
        if row is None:
            if key in self.changed:
                return self.changed[key]
            value = self._stored.get(key)
            if value is None:
                return None
            row = self._decode(key, value)
        self._hot[key] = row
        return row

    def _decode(self, key: str, value: bytes) -> Row:
        try:
            return self._read_row(key, value)
        except Exception as error:
            raise Lost(f"row {key!r} of {self._fold.name} cannot be read: {error!r}") from error

    def _forget(self, key: str) -> None:
        self._hot.pop(key, None)
        self._warm.pop(key, None)

    def _remember(self, key: str) -> None:
        before = self._before_step
        if before is not None and key not in before:
            before[key] = (True, self.written(key)) if key in self.changed else (False, None)
