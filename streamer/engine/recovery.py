"""What a partition's changelog says: for each key the record with the highest watermark, whatever its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, cast

import orjson

from streamer.errors import Lost

WATERMARK_KEY = "~watermark"


class ChangelogRecord(Protocol):
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes]]: ...


class Watermark(NamedTuple):
    """Value of the watermark row: what the prefix up to W says beside its rows."""

    time_ms: int | None = None
    sources: dict[str, int] = {}  # noqa: RUF012 - nobody changes it
    asleep: tuple[str, ...] = ()
    """Rows that could not be woken; they sleep until an event edits them."""

    def written(self) -> bytes:
        return orjson.dumps(
            {"time_ms": self.time_ms, "sources": self.sources, "asleep": self.asleep}, option=orjson.OPT_SORT_KEYS
        )

    @classmethod
    def read(cls, value: bytes) -> Watermark:
        fields = orjson.loads(value)
        return cls(fields["time_ms"], fields["sources"], tuple(fields["asleep"]))


class Recovered(NamedTuple):
    w: int
    """Every event of the log up to this offset is in the rows; -1 if none."""
    rows: dict[str, bytes]
    due_ms: dict[str, int]
    watermark: Watermark
    behind: set[str]
    """Keys whose last record is not their highest: they go into the next chunk."""
    end: int
    """The changelog's end, as it was read before the recovery."""


class Recovery:
    """Reads one changelog partition up to `end` and no further (a fetch may go beyond, and cut a batch there)."""

    def __init__(self, log_topic_id: str, end: int) -> None:
        self._prefix = log_topic_id.encode() + b":"
        self._end = end
        self._values: dict[str, bytes | None] = {}  # with tombstones, until the recovery ends
        self._w: dict[str, int] = {}
        self._due_ms: dict[str, int] = {}
        self._behind: set[str] = set()

    def add(self, records: Iterable[ChangelogRecord]) -> None:  # noqa: C901, PLR0912 - one loop over millions
        values, highest, due_ms, prefix, end = self._values, self._w, self._due_ms, self._prefix, self._end
        start = len(prefix)
        seen, seen_w = b"", -1  # the rows of a batch share their `w`, and here its one number
        for record in records:
            if record.offset >= end:
                return
            w = due = None
            for name, header in record.headers:
                if name == "w":
                    if header == seen:
                        w = seen_w
                    elif header.startswith(prefix):
                        w = seen_w = int(header[start:])
                        seen = header
                elif name == "due":
                    due = int(header)
            if w is None or record.key is None:
                raise Lost(
                    f"changelog record at offset {record.offset} was not written for this log: its `w` header "
                    "names another topic id, or none; was the log deleted and made anew?"
                )
            key = record.key.decode()
            known = highest.get(key, -1)
            if w < known:
                self._behind.add(key)
                continue
            if self._behind:
                self._behind.discard(key)
            if w == known:
                if values[key] != record.value:
                    raise Lost(f"row {key!r} was written twice at w {w} with different bytes: a fold is not pure")
                continue
            highest[key] = w
            values[key] = record.value
            if due is not None:
                due_ms[key] = due
            else:
                due_ms.pop(key, None)

    def finish(self) -> Recovered:
        """What the rows are. The reader is empty afterwards: a copy of a million rows would cost too much."""
        values, due_ms = self._values, self._due_ms
        watermark = values.pop(WATERMARK_KEY, None)
        if watermark is None and self._w:
            raise Lost("the changelog has rows but no watermark row")
        w = max(self._w.values(), default=-1)
        self._w = {}
        self._behind.discard(WATERMARK_KEY)  # every chunk writes it
        for grave in [key for key, value in values.items() if value is None]:
            del values[grave]
            due_ms.pop(grave, None)
        return Recovered(
            w=w,
            rows=cast(dict[str, bytes], values),
            due_ms=due_ms,
            watermark=Watermark.read(watermark) if watermark is not None else Watermark(),
            behind=self._behind,
            end=self._end,
        )


def check_continuity(recovered: Recovered, *, committed: int | None, log_start: int, log_end: int) -> None:
    """Refuse to start where something that was acknowledged is missing. All are offsets of the log; `committed` is the
    next to read.

    Raises:
        Lost: rows or events are gone; the process exits with an alarm.
    """
    w = recovered.w
    if committed is not None and w < committed - 1:
        raise Lost(f"rows reach offset {w}, but offset {committed} was committed: the changelog has lost its end")
    if w >= log_end and w >= 0:
        raise Lost(f"rows reach offset {w}, but the log ends at {log_end}: the log has lost its end")
    if log_start > w + 1:
        raise Lost(
            f"rows reach offset {w}, but the log begins at {log_start}: events were deleted before they were folded"
        )
