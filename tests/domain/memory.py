"""One partition of a fold in memory: the view that the engine gives, stricter than the engine is.

Every row lives as bytes between two events. So a change that was not announced by `edit` or `put`, a row that does not
survive `write_row` and `read_row`, and an event that is not harmless when it comes a second time all fail here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from streamer.domain.view import SETTINGS_KEY, Effect, Outcome, View
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message

T = TypeVar("T", bound=Message)

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday morning: the partition's time unless a test says otherwise."""
LARGEST_ROW = 256 * 1024  # bytes; the engine refuses more


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


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


class _Rows:
    """The view during one event: rows are decoded from bytes when first touched."""

    def __init__(self, partition: Partition, source: tuple[str, int] | None) -> None:
        self._partition = partition
        self._source = source
        self._seen: dict[str, Any] = {}
        self._changed: dict[str, bool] = {}  # key -> whether it still exists

    @property
    def now_ms(self) -> int:
        return self._partition.now_ms

    @property
    def partition(self) -> int:
        return self._partition.number

    @property
    def source(self) -> tuple[str, int] | None:
        return self._source

    def passed(self, source: str, offset: int) -> bool:
        return self._partition.passed.get(source, -1) >= offset

    def read(self, key: str) -> Any:
        if key in self._changed and not self._changed[key]:
            return None
        if key not in self._seen:
            value = self._partition.rows.get(key)
            if value is None:
                return None
            self._seen[key] = self._partition.module.read_row(key, value)
        return self._seen[key]

    def edit(self, key: str) -> Any:
        row = self.read(key)
        if row is not None:
            self._changed[key] = True
        return row

    def put(self, key: str, row: Any) -> None:
        assert row is not None
        assert key == SETTINGS_KEY or not key.startswith("~"), f"{key} is the engine's"
        self._seen[key] = row
        self._changed[key] = True

    def delete(self, key: str) -> None:
        self._seen.pop(key, None)
        self._changed[key] = False

    def commit(self) -> None:
        partition = self._partition
        write, read = partition.module.write_row, partition.module.read_row
        for key, row in self._seen.items():
            value = write(row)
            if key not in self._changed:
                assert value == partition.rows[key], f"row {key} was changed without edit or put"
                continue
            assert write(read(key, value)) == value, f"row {key} does not survive being written and read: {value!r}"
            assert len(value) < LARGEST_ROW, f"row {key} has {len(value)} bytes"
            partition.rows[key] = value
        for key, exists in self._changed.items():
            if not exists:
                partition.rows.pop(key, None)


class Partition:
    """Rows of one partition of one fold; `twice` delivers every event a second time and asserts that nothing happens.

    `sent` keeps every message that the fold ever gave back, `effects` every effect.
    """

    def __init__(self, module: Any, *, twice: bool = True, now: datetime = START, number: int = 0) -> None:
        self.module: FoldModule = module
        self.twice = twice
        self.now_ms = ms(now)
        self.number = number
        self.rows: dict[str, bytes] = {}
        self.sent: list[Message] = []
        self.effects: list[Effect] = []
        self.passed: dict[str, int] = {}
        self._known: dict[tuple[str, str], bytes] = {}

    def send(self, *events: Message, source: tuple[str, int] | None = None) -> list[Any]:
        """Folds the events in order and gives back what came of all; what a fold raises leaves the rows alone."""
        outcome: list[Any] = []
        for event in events:
            again = type(event).from_json(event.to_json())
            assert again == event, "the event does not survive Kafka"
            key = self.module.row_key(again)
            assert isinstance(key, str)
            outcome += self._record(self._fold(again, source))
            if self.twice:
                before = dict(self.rows)
                for repeated in self._fold(again, source):
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
            view = _Rows(self, None)
            given = self.module.wake(view, key)
            view.commit()
            assert key not in self.rows or self.due(key) != when, f"{key} was woken and is still due at {when}"
            outcome += self._record(given)
        raise AssertionError("rows wake without end")

    def quarantine(self, key: str, reason: str = "test") -> None:
        view = _Rows(self, None)
        self.module.quarantine(view, key, reason)
        view.commit()

    def due(self, key: str) -> int | None:
        return self.module.due_ms(self.module.read_row(key, self.rows[key]))

    def row(self, key: str) -> Any:
        """The row as it would be read after a restart, or None."""
        value = self.rows.get(key)
        return None if value is None else self.module.read_row(key, value)

    def _fold(self, event: Message, source: tuple[str, int] | None) -> Sequence[Message | Effect]:
        view = _Rows(self, source)
        given = self.module.fold(view, event)
        view.commit()
        return given

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
