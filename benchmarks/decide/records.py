"""The bytes of a workload, made once and read by every contender in every run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec


class Event(NamedTuple):
    """One record of the log, as its producer sends it."""

    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


_events = msgspec.msgpack.Decoder(list[Event])
_rows = msgspec.msgpack.Decoder(dict[str, bytes])
EVENTS, ROWS, DECISIONS = "events.msgpack", "rows.msgpack", "decisions.msgpack"


class Decided(NamedTuple):
    """What is compared of a decision; its time is the broker's and differs between runs."""

    state: str
    approved: str
    rejected: str


_decisions = msgspec.msgpack.Decoder(dict[str, Decided])


def write(folder: Path, events: list[Event], rows: dict[str, bytes], decisions: dict[str, Decided]) -> None:
    for name, value in ((EVENTS, events), (ROWS, rows), (DECISIONS, decisions)):
        (folder / name).write_bytes(msgspec.msgpack.encode(value))


def read_events(folder: Path) -> list[Event]:
    return _events.decode((folder / EVENTS).read_bytes())


def read_rows(folder: Path) -> dict[str, bytes]:
    return _rows.decode((folder / ROWS).read_bytes())


def read_decisions(folder: Path) -> dict[str, Decided]:
    """By CloudEvents id."""
    return _decisions.decode((folder / DECISIONS).read_bytes())


def by_partition(events: list[Event], partitions: int) -> Iterator[list[Event]]:
    for partition in range(partitions):
        yield [event for event in events if event.partition == partition]
