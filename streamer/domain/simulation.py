"""All folds joined as the topics join them, without Kafka: the same code, one partition of each, in one order.

Time moves only with the history: what falls due on the way is woken at its moment. Calls to accounts end at the ledger
with the answer that the history gives, else with "confirmed".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, get_args

import msgspec

from streamer.domain import catalogue, dispatch, orders, purchasing, recalls, stock
from streamer.domain.checks import Invalid
from streamer.domain.effects import StartCall, StartPoll
from streamer.domain.memory import MemoryPartition
from streamer.domain.units import ms, utc
from streamer.domain.view import Effect
from streamer.errors import Ignored, StreamerError
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import AttemptOutcome, AttemptResult, Command, PollMoved

FOLDS = {
    "catalogue": catalogue,
    "orders": orders,
    "stock": stock,
    "recalls": recalls,
    "purchasing": purchasing,
    "commands": dispatch,
}
"""The log of each fold."""
Work = Callable[[], Sequence[Message | Effect]]
MOST_ROUNDS = 100_000
"""So many messages may follow from one event; more would never end."""


class Said(NamedTuple):
    """Something a fold said, or could not use; `at` is the time of its partition."""

    at_ms: int
    topic: str
    key: str
    message: Message | Refusal


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that a fold could not use (`dead-letter`), or that means nothing to it (`ignored`)."""

    kind: str
    event: str
    fold: str
    reason: str
    error: str


class Answer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an account answers to calls that fit: each field that is given must be that of the command."""

    result: str
    command: str | None = None  # its type
    account: str | None = None
    reference: str | None = None
    external_reference: str | None = None
    reason: str | None = None
    retry_after_seconds: float | None = None
    times: int = 1

    def __post_init__(self) -> None:
        results = get_args(AttemptResult)
        if self.result not in results:
            raise Invalid(f"{self.result!r} is none of {', '.join(results)}", field="result")

    def fits(self, command: Command) -> bool:
        return (
            self.times > 0
            and self.command in (None, command.ce_type)
            and self.account in (None, command.account)
            and self.reference in (None, getattr(command, "reference", None))
        )


class Simulation:
    """Six folds, and what they said so far is handed out as it is said."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.partitions = {name: MemoryPartition(module, now_ms) for name, module in FOLDS.items()}
        self.answers: list[Answer] = []
        self._waiting: deque[tuple[str, str, Message]] = deque()
        self._made = 0

    def apply(self, settings: SettingsApplied) -> Iterator[Said]:
        """Every partition of every log is told the settings."""
        for name in FOLDS:
            self._waiting.append((name, "", settings))
        yield from self._run()

    def send(self, *events: Message) -> Iterator[Said]:
        """Each event goes where it names, and so does all that follows from it."""
        for event in events:
            for topic, key in event.places():
                self._waiting.append((topic, key, event))
            yield from self._run()

    def go_to(self, at_ms: int) -> Iterator[Said]:
        """Time passes; each row that falls due is woken at its moment. Raises Invalid for a time that is past."""
        if at_ms < self.now_ms:
            raise Invalid(f"{utc(at_ms).isoformat()} lies before {utc(self.now_ms).isoformat()}", field="time")
        while True:
            due = [(each[0], name, each[1]) for name, fold in self.partitions.items() if (each := fold.next_due())]
            if not due or min(due)[0] > at_ms:
                break
            when, name, key = min(due)
            self._set_time(max(when, self.now_ms))
            fold = self.partitions[name]
            yield from self._take(name, "tick", key, partial(fold.wake, key))
            if fold.due(key) == when:
                raise Invalid(f"{key} was woken at {utc(when).isoformat()} and is still due", field=name)
            yield from self._run()
        self._set_time(at_ms)

    def _set_time(self, at_ms: int) -> None:
        self.now_ms = at_ms
        for fold in self.partitions.values():
            fold.now_ms = at_ms

    def _run(self) -> Iterator[Said]:
        for _ in range(MOST_ROUNDS):
            if not self._waiting:
                return
            topic, key, message = self._waiting.popleft()
            fold = self.partitions.get(topic)
            if fold is not None:
                row_key = _row_key(fold, message, key)
                yield from self._take(topic, message.ce_type, row_key, partial(fold.fold, message))
        raise Invalid("the folds never stop answering each other", field="history")

    def _take(self, topic: str, event: str, key: str, work: Work) -> Iterator[Said]:
        try:
            given = work()
        except Ignored as error:
            yield self._refused("ignored", event, topic, key, error)
            return
        except StreamerError as error:
            yield self._refused("dead-letter", event, topic, key, error)
            return
        except Exception as error:  # noqa: BLE001  # as the engine does: the row is set aside, the others go on
            self.partitions[topic].quarantine(key, type(error).__name__)
            yield self._refused("dead-letter", event, topic, key, error)
            return
        for made in given:
            if isinstance(made, Message):
                for to, its_key in made.places():
                    yield Said(self.now_ms, to, its_key, made)
                    self._waiting.append((to, its_key, made))
            elif (answer := self._answered(made)) is not None:
                for to, its_key in answer.places():
                    self._waiting.append((to, its_key, answer))

    def _refused(self, kind: str, event: str, topic: str, key: str, error: Exception) -> Said:
        return Said(self.now_ms, topic, key, Refusal(kind, event, topic, str(error), type(error).__name__))

    def _answered(self, effect: Effect) -> Message | None:
        now = utc(self.now_ms)
        if isinstance(effect, StartPoll):
            return PollMoved(
                account=effect.account, resource=effect.resource, sequence=effect.sequence, cursor=effect.cursor,
                records=0, at=now,
            )  # fmt: skip
        if not isinstance(effect, StartCall):
            return None
        answer = next((each for each in self.answers if each.fits(effect.command)), None)
        fields: Mapping[str, Any] = {"result": "found" if effect.mode == "look_up" else "confirmed"}
        if answer is not None:
            answer.times -= 1
            fields = {
                "result": answer.result,
                "external_reference": answer.external_reference,
                "reason": answer.reason,
                "retry_after_seconds": answer.retry_after_seconds,
            }
        elif getattr(effect.command, "reference", None) is not None:
            self._made += 1
            fields = {**fields, "external_reference": f"SIMULATED-{self._made}"}
        return AttemptOutcome(
            account=effect.account, command_id=effect.command_id, attempt=effect.attempt, at=now, **fields
        )


def _row_key(fold: MemoryPartition, message: Message, key: str) -> str:
    try:
        return fold.module.row_key(message)
    except StreamerError:
        return key


def at_ms(time: Any) -> int:
    """An aware time as milliseconds. Raises Invalid for one without an offset."""
    if time.tzinfo is None:
        raise Invalid(f"{time.isoformat()} needs an offset, such as Z", field="time")
    return ms(time)
