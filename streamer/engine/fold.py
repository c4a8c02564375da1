"""The port between a fold and the engine: what a fold is given, and what it gives back.

A fold is a pure function of the prefix of one log partition: no clock, no random, no I/O, no iteration over a set. The
same prefix must give the same rows and outputs, byte for byte, in every process; everything that the engine promises
rests on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

Row = TypeVar("Row")

TICK = b"streamer.tick"
"""Value of the header `ce_type` of a tick, the only record that the engine itself writes to a log."""


class LogRecord(Protocol):
    """One record of a log, as aiokafka's ConsumerRecord has it."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, stamped by the broker (the log's `message.timestamp.type` is LogAppendTime)."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Record(NamedTuple):
    """A LogRecord of our own making: for tests and simulations, and for what is set aside, with its partition."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1


def placed(record: LogRecord, partition: int, *, key: bytes | None = None) -> Record:
    """The record with its place, as whoever looks at what was set aside must know it; for a woken row with its key."""
    if key is not None:
        return Record(record.offset, record.timestamp, key, None, tuple(record.headers), partition)
    return Record(record.offset, record.timestamp, record.key, record.value, tuple(record.headers), partition)


class Output(NamedTuple):
    """One record to send. `partition` is Kafka's default, murmur2 of the key, unless given."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


new_output = partial(tuple.__new__, Output)
"""An Output out of a tuple of all its fields, in a third of the time: for hot paths."""


class Decision(NamedTuple):
    """What a fold gives back beside the rows it changed."""

    outputs: Sequence[Output] = ()
    """Acknowledged by Kafka before the rows are sent."""
    effects: Sequence[object] = ()
    """Local: handed to `on_effects` once the rows of the chunk are acknowledged; lost in a crash, so rows must imply
    them."""


NOTHING = Decision()


class Rows(Protocol[Row]):
    """A fold's view of the rows of its own partition."""

    now_ms: int
    """Time of the partition: the highest tick, or the record's own timestamp before the first tick."""
    partition: int
    source: tuple[str, int] | None
    """(`<topic id>:<partition>`, offset) of the event in another log that caused this record; None for foreign
    records."""

    def read(self, key: str) -> Row | None:
        """The row, not to be changed."""

    def edit(self, key: str) -> Row | None:
        """The row, which may now be changed in place; it is written with the chunk."""

    def put(self, key: str, row: Row) -> None:
        """A new or replaced row. Keys that begin with `~` are the engine's."""

    def delete(self, key: str) -> None: ...

    def passed(self, source: str, offset: int) -> bool:
        """Whether `source` will never again send an output of its event at `offset` that is not dropped unseen."""


class Fold(Protocol[Row]):
    """The decisions of one log. Errors raised by `fold` and `wake` are repeatable by definition.

    `errors.Malformed` and `errors.Refused` make a dead letter and leave the rows as they were; any other Exception
    makes a dead letter and calls `quarantine`. MemoryError, RecursionError and what is no Exception end the process.
    """

    @property
    def name(self) -> str: ...

    def read_row(self, key: str, value: bytes) -> Row:
        """The inverse of `write_row`; what it raises ends the process, since no row may be dropped."""

    def write_row(self, row: Row) -> bytes: ...

    def due_ms(self, row: Row) -> int | None:
        """When a tick shall wake this row."""

    def fold(self, rows: Rows[Row], record: LogRecord) -> Decision: ...

    def wake(self, rows: Rows[Row], key: str) -> Decision:
        """Called at a tick for a row that is due; must change its due time. A row that stays due sleeps until an event
        edits it."""

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        """For a bad event, one that kills processes, or (record: the tick, with the row's key) a row that cannot be
        woken."""

    def quarantine(self, rows: Rows[Row], record: LogRecord, error: Exception) -> None:
        """Mark the row that `record` is about; must raise for no input. For a failed wake `record` is as in
        `dead_letter`."""
