"""Whatever a platform's address is sent, it ends as events, a dead letter with a reason, or ignored with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from streamer.errors import Ignored, Malformed
from streamer.messages.base import Message
from streamer.platforms.base import UNFORESEEN, Platform, example, find, platform_names
from streamer.platforms.samples import arrivals, read_sample
from streamer.platforms.wire import Raw
from tests.contracts.recorded import Recording, payloads

PAYLOADS = payloads()
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
BODIES = {
    "nothing": b"", "spaces": b"  \n", "null": b"null", "true": b"true", "number": b"7", "text": b'"x"',
    "an empty list": b"[]", "an empty object": b"{}", "a list of null": b"[null]", "half an object": b'{"id": 1',
    "two objects": b"{}{}", "no JSON": b"hello", "not UTF-8": b'{"id": "\xff\xfe"}',
    "UTF-16": '{"id": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}", "NaN": b'{"id": NaN}', "deep": b"[" * 5000 + b"]" * 5000,
    "deep objects": b'{"a":' * 2000 + b"1" + b"}" * 2000, "a huge number": b'{"id": ' + b"9" * 5000 + b"}",
    "XML": b"<a/>", "XML with entities": BOMB, "XML from outside": OUTSIDE, "broken XML": b"<a><b></a>",
    "zeroes": b"\0" * 64, "a form": b"a=1&b=2&payload=%7B",
}  # fmt: skip


def judged(adapter: Platform[Any], raw: Raw) -> list[Message] | Malformed | Ignored:
    """What becomes of it; whatever else is raised fails the test."""
    try:
        return adapter.read(raw)
    except (Malformed, Ignored) as reason:
        assert str(reason).strip()
        assert len(str(reason)) < 1000
        assert UNFORESEEN not in str(reason), f"the adapter stumbled: {reason.__cause__!r}"
        return reason


def raws_of(recording: Recording) -> list[Raw]:
    sample = read_sample(recording.path)
    return list(arrivals(example(recording.platform, sample.settings), sample))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("name", [name for name in platform_names() if find(name).can("normalise")])
def test_a_body_that_makes_no_sense_is_refused_with_a_reason(name: str, body: bytes) -> None:
    kinds = {"", "application/json", "application/xml", "message/rfc822", "application/x-www-form-urlencoded"}
    for kind in kinds:
        outcome = judged(example(name), Raw(body, {"content-type": kind}))
        assert not isinstance(outcome, list) or body in (b"", b"{}", b"[]", b"null") or outcome == [], outcome


@pytest.mark.parametrize("recording", PAYLOADS)
def test_half_a_payload_is_never_half_believed(recording: Recording) -> None:
    adapter = example(recording.platform, read_sample(recording.path).settings)
    for raw in raws_of(recording):
        for part in (raw.body[: len(raw.body) // 2], raw.body[:-2]):
            judged(adapter, raw._replace(body=part))
        if raw.body.lstrip()[:1] in (b"{", b"["):
            assert not isinstance(judged(adapter, raw._replace(body=raw.body[: len(raw.body) // 2])), list)


@pytest.mark.parametrize("recording", PAYLOADS)
def test_a_payload_with_one_wrong_value_is_refused_or_read_and_nothing_breaks(recording: Recording) -> None:
    adapter = example(recording.platform, read_sample(recording.path).settings)
    for raw in raws_of(recording):
        try:
            told = orjson.loads(raw.body)
        except orjson.JSONDecodeError:
            continue
        for changed in variations(told):
            judged(adapter, raw._replace(body=orjson.dumps(changed)))


def variations(told: Any) -> Iterator[Any]:
    """The payload with one place missing, or of another kind; at most three levels down."""
    wrong: tuple[Any, ...] = (None, "", "x" * 5000, -1, 1e300, True, [], {}, [None], "31.12.2026", "1.234,50")
    for path in places(told, 3):
        yield replaced(told, path, None, delete=True)
        for value in wrong:
            yield replaced(told, path, value)


def places(told: Any, depth: int, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = told.items() if isinstance(told, dict) else list(enumerate(told))[:1] if isinstance(told, list) else ()
    for name, value in inner:
        yield (*path, name)
        if depth > 1:
            yield from places(value, depth - 1, (*path, name))


def replaced(told: Any, path: tuple[Any, ...], value: Any, *, delete: bool = False) -> Any:
    if not path:
        return value
    copy = dict(told) if isinstance(told, dict) else list(told)
    if delete and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], value, delete=delete)
    return copy
