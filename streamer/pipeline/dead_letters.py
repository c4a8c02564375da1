"""What cannot be used is kept: the record as it came, and in headers where it came from and why it is here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from streamer.engine.fold import LogRecord, Output

TOPIC = "dead-letters"
PREFIX = "dead-letter-"
REASON_LIMIT = 500  # characters; a reason names fields, never their content

OURS = frozenset({"src", "srcw"})  # the engine's own, meaningless for whoever reads or replays


def dead_letter_id(topic_id: str, partition: int, offset: int) -> str:
    """The same record gives the same id, however often it is met."""
    return hashlib.sha256(f"{topic_id}:{partition}:{offset}".encode()).hexdigest()[:26]


def dead_letter(
    record: LogRecord,
    error: BaseException,
    *,
    topic: str,
    topic_id: str,
    partition: int,
    stage: str,
    account: str | None = None,
    key: str | None = None,
) -> Output:
    """The record with its key, value and headers byte for byte, and the context in headers `dead-letter-…`.

    A reason may name fields and settings; what the event holds of people stays in the value.
    """
    reason = explain(error)
    context = {
        "id": dead_letter_id(topic_id, partition, record.offset),
        "topic": topic,
        "partition": str(partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp),
        "stage": stage,
        "reason": reason,
        "class": type(error).__name__,
    }
    if account:
        context["account"] = account
    if record.key is not None and (text := _utf8(record.key)) is None:
        context["key-hex"] = record.key.hex()
    elif record.key is not None:
        key = text
    headers = (*without_ours(record.headers), *((PREFIX + name, text.encode()) for name, text in context.items()))
    return Output(TOPIC, key or "", record.value or b"", headers)


def explain(error: BaseException) -> str:
    """One sentence without the input in it: pydantic's and our own errors name the field; of others only the kind."""
    from pydantic import ValidationError

    from streamer.errors import StreamerError

    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False, include_context=False)
        text = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in found[:5])
    elif isinstance(error, StreamerError):
        text = str(error)
    else:
        text = f"internal error: {type(error).__name__}"
    return " ".join(text.split())[:REASON_LIMIT]


def without_ours(headers: Iterable[tuple[str, bytes]]) -> Sequence[tuple[str, bytes]]:
    """Headers that belong to the event; an earlier dead letter's context is not carried on."""
    return [(name, value) for name, value in headers if name not in OURS and not name.startswith(PREFIX)]


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
