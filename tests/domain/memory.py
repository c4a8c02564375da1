"""The product's partition in memory, stricter than the engine is.

Every row lives as bytes between two events. So a change that was not announced by `edit` or `put`, a row that does not
survive `write_row` and `read_row`, and an event that is not harmless when it comes a second time all fail here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from streamer.domain.memory import MemoryPartition, MemoryRows
from streamer.domain.view import SETTINGS_KEY, Effect
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message

T = TypeVar("T", bound=Message)

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday morning: the partition's time unless a test says otherwise."""
LARGEST_ROW = 256 * 1024  # bytes; the engine refuses more


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


class _Rows(MemoryRows):
    """As the product's, and asserts that a fold keeps to the rules of rows."""

    def put(self, key: str, row: Any) -> None:
        assert row is not None
        assert key == SETTINGS_KEY or not key.startswith("~"), f"{key} is the engine's"
        super().put(key, row)

    def commit(self) -> None:
        partition = self._partition
        write, read = partition.module.write_row, partition.module.read_row
        for key, row in self.seen.items():
            value = write(row)
            if key not in self.changed:
                assert value == partition.rows[key], f"row {key} was changed without edit or put"
                continue
            assert write(read(key, value)) == value, f"row {key} does not survive being written and read: {value!r}"
            assert len(value) < LARGEST_ROW, f"row {key} has {len(value)} bytes"
        super().commit()


class Partition(MemoryPartition):
    """Rows of one partition of one fold; `twice` delivers every event a second time and asserts that nothing happens.

    `sent` keeps every message that the fold ever gave back, `effects` every effect.
    """

    rows_type = _Rows

    def __init__(self, module: Any, *, twice: bool = True, now: datetime = START, number: int = 0) -> None:
        super().__init__(module, ms(now), number)
        self.twice = twice
        self.sent: list[Message] = []
        self.effects: list[Effect] = []
        self._known: dict[tuple[str, str], bytes] = {}

    def send(self, *events: Message, source: tuple[str, int] | None = None) -> list[Any]:
        """Folds the events in order and gives back what came of all; what a fold raises leaves the rows alone."""
        outcome: list[Any] = []
        for event in events:
            again = type(event).from_json(event.to_json())
            assert again == event, "the event does not survive Kafka"
            key = self.module.row_key(again)
            assert isinstance(key, str)
            outcome += self._record(self.fold(again, source))
            if self.twice:
                before = dict(self.rows)
                for repeated in self.fold(again, source):
                    assert isinstance(repeated, Message), (
                        f"a duplicate of {event.message_id()} had the effect {repeated}"
                    )
                    first = self._known.get((repeated.ce_type, repeated.message_id()))
                    assert first == repeated.to_json(), (
                        f"a duplicate of {event.message_id()} said something new: {repeated}, first {first!r}"
                    )
                assert self.rows == before, f"a duplicate of {event.message_id()} changed a row"
        return outcome

    def tick(self, *, to: datetime | None = None, seconds: float = 0, days: float = 0) -> list[Any]:
        """Moves the time and wakes what is due, in order of (due, key)."""
        ahead_ms = int(timedelta(days=days, seconds=seconds).total_seconds() * 1000)
        self.now_ms = max(self.now_ms, ms(to) if to is not None else self.now_ms + ahead_ms)
        outcome: list[Any] = []
        for _ in range(10_000):
            due = sorted((when, key) for key in self.rows if (when := self.due(key)) is not None)
            due = [(when, key) for when, key in due if when <= self.now_ms]
            if not due:
                return outcome
            when, key = due[0]
            given = self.wake(key)
            assert key not in self.rows or self.due(key) != when, f"{key} was woken and is still due at {when}"
            outcome += self._record(given)
        raise AssertionError("rows wake without end")

    def due(self, key: str) -> int | None:
        return self.module.due_ms(self.module.read_row(key, self.rows[key]))

    def _record(self, given: Iterable[Message | Effect]) -> list[Any]:
        """Keeps what was said; the same id never carries two contents."""
        outcome = list(given)
        for item in outcome:
            if not isinstance(item, Message):
                assert isinstance(item, Effect)
                self.effects.append(item)
                continue
            body = item.to_json()
            assert type(item).from_json(body) == item, f"{item} does not survive Kafka"
            assert item.places(), f"{item.message_id()} goes nowhere"
            known = self._known.setdefault((item.ce_type, item.message_id()), body)
            assert known == body, f"{item.message_id()} was {known!r} and is now {body!r}"
            self.sent.append(item)
        return outcome


def of(kind: type[T], outcome: Iterable[object]) -> list[T]:
    """The messages of one kind, in order."""
    return [item for item in outcome if isinstance(item, kind)]


def settings(**changes: Any) -> SettingsApplied:
    """Settings of a small company; `changes` replace whole fields."""
    fields: dict[str, Any] = {
        "revision": 1,
        "hash": "h",
        "rules": 1,
        "company": "Parts Ltd",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "accounts": {},
        "suppliers": {},
        "locations": ("main",),
    }
    return SettingsApplied(**(fields | changes))
