"""Puts a fold of the domain behind the engine's port: records become messages, messages become records."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar, cast

import structlog
from prometheus_client import Counter
from pydantic import ValidationError

from streamer.domain.view import SETTINGS_KEY, Disregarded, Effect, Outcome, View
from streamer.engine.fold import NOTHING, Decision, LogRecord, Output, Rows, new_output
from streamer.errors import Ignored, Malformed, StreamerError
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.envelope import headers_of
from streamer.messages.quick import quick_reader
from streamer.messages.registry import MESSAGES, TOPICS
from streamer.pipeline.dead_letters import dead_letter

Row = TypeVar("Row")
log = structlog.get_logger()

IGNORED = Counter(
    "streamer_events_ignored_total", "Events that change nothing, by fold and reason", ["fold", "type", "reason"]
)


class DomainFold(Protocol[Row]):
    """What each module `streamer.domain.<fold>` offers (domain/view.py)."""

    NAME: str

    def fold(self, rows: View[Row], event: Message) -> Outcome: ...
    def wake(self, rows: View[Row], key: str) -> Outcome: ...
    def due_ms(self, row: Row) -> int | None: ...
    def read_row(self, key: str, value: bytes) -> Row: ...
    def write_row(self, row: Row) -> bytes: ...
    def row_key(self, event: Message) -> str: ...
    def quarantine(self, rows: View[Row], key: str, reason: str) -> None: ...


class MessageFold(Generic[Row]):
    """The engine's `Fold` around a module of the domain. `on_settings` hears of each settings event that is folded."""

    def __init__(
        self,
        module: ModuleType,
        *,
        topic: str,
        topic_id: str,
        on_settings: Callable[[SettingsApplied], None],
    ) -> None:
        domain = cast(DomainFold[Row], module)
        self.name = domain.NAME
        self.read_row = domain.read_row
        self.write_row = domain.write_row
        self.due_ms = domain.due_ms
        self._domain = domain
        self._fold = cast("Callable[[Any, Message], Outcome]", domain.fold)
        self._topic = topic
        self._topic_id = topic_id
        self._decoders = {message.ce_type.encode(): quick_reader(message) for message in TOPICS[topic]}
        self._on_settings = on_settings

    def fold(self, rows: Rows[Row], record: LogRecord) -> Decision:
        event = self._decode(record)
        try:
            outcome = self._fold(rows, event)
        except Ignored as ignored:
            IGNORED.labels(self.name, event.ce_type, ignored.reason).inc()
            return NOTHING
        if type(event) is SettingsApplied:
            self._on_settings(event)
        return self._decision(event.ce_type, outcome) if outcome else NOTHING

    def wake(self, rows: Rows[Row], key: str) -> Decision:
        return self._decision("tick", self._domain.wake(cast("View[Row]", rows), key))

    def _decision(self, cause: str, outcome: Outcome) -> Decision:
        effects: list[Any] = []
        outputs: list[Output] = []
        for made in outcome:
            if isinstance(made, Disregarded):
                IGNORED.labels(self.name, cause, made.reason).inc()
            elif isinstance(made, Effect):
                effects.append(made)
            else:
                value = made.to_json()
                headers = headers_of(made)
                for topic, key in made.places():
                    outputs.append(new_output((topic, key, value, headers, None)))
        return Decision(outputs, effects)

    def _decode(self, record: LogRecord) -> Message:
        for name, value in record.headers:
            if name == "ce_type":
                decode = self._decoders.get(value)
                if decode is None:
                    raise Malformed(f"{value[:60]!r} is no message of the topic {self._topic}", field="ce_type")
                if record.value is None:
                    raise Malformed("is empty", field="value")
                try:
                    return decode(record.value)
                except ValidationError as error:
                    raise refusal(error) from error
        raise Malformed("is missing", field="ce_type")

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        if not isinstance(error, StreamerError):
            place = traceback.extract_tb(error.__traceback__)[-1:] if error.__traceback__ else []
            log.error(
                "the fold raised; its row goes into quarantine",
                fold=self.name,
                error=type(error).__name__,
                offset=record.offset,
                place=[f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in place],
            )
        return dead_letter(
            record, error, topic=self._topic, topic_id=self._topic_id, partition=_partition(record), stage=self.name
        )

    def quarantine(self, rows: Rows[Row], record: LogRecord, error: Exception) -> None:
        key = self._row_key(record)
        if key is not None and key != SETTINGS_KEY:
            self._domain.quarantine(cast("View[Row]", rows), key, type(error).__name__)

    def _row_key(self, record: LogRecord) -> str | None:
        try:
            return self._domain.row_key(self._decode(record))
        except StreamerError:
            return record.key.decode("utf-8", "replace") if record.key else None


def refusal(error: ValidationError) -> Malformed:
    """The first thing that is wrong, with its field and without the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return Malformed(first["msg"], field=".".join(map(str, first["loc"])) or "value")


def outputs_of(messages: Sequence[Message]) -> list[Output]:
    """The records of messages, one for each of their places."""
    outputs = []
    for message in messages:
        value = message.to_json()
        headers = headers_of(message)
        for topic, key in message.places():
            outputs.append(Output(topic, key, value, headers))
    return outputs


def _partition(record: LogRecord) -> int:
    return getattr(record, "partition", -1)


def message_of(ce_type: str, value: bytes) -> Message:
    """A message from its type and JSON. Raises Malformed."""
    kind = MESSAGES.get(ce_type)
    if kind is None:
        raise Malformed(f"{ce_type[:60]!r} is no message of ours", field="ce_type")
    try:
        return kind.from_json(value)
    except ValidationError as error:
        raise refusal(error) from error
