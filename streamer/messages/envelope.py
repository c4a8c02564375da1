"""CloudEvents 1.0 in Kafka's binary mode: attributes as headers `ce_…`, the value as it is."""

from __future__ import annotations

from functools import lru_cache

from streamer.messages.base import Message

SOURCE = b"streamer"
CONTENT_TYPE = b"application/json"

Headers = tuple[tuple[str, bytes], ...]


@lru_cache(maxsize=256)
def _fixed(ce_type: str) -> Headers:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_type", ce_type.encode()),
        ("ce_source", SOURCE),
        ("content-type", CONTENT_TYPE),
    )


def headers_of(message: Message) -> Headers:
    """The record headers of a message; `ce_sequence` where it has a revision that readers compare."""
    headers = (*_fixed(message.ce_type), ("ce_id", message.message_id().encode()))
    if message.ce_type in ("order-line-status", "purchase-order-status"):
        headers += (("ce_sequence", str(message.revision).encode()),)  # type: ignore[attr-defined]
    return headers


def type_of(headers: Headers | list[tuple[str, bytes]]) -> str | None:
    """The CloudEvents type of a record, or None."""
    for name, value in headers:
        if name == "ce_type":
            return value.decode("utf-8", "replace")
    return None
