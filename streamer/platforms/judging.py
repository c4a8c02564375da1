"""What an answer means for the one who asked, and calls played without a network. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import orjson

from streamer.errors import StreamerError, Unavailable, Unclear
from streamer.platforms.wire import Call, HttpRequest, RefusedReply, Reply, Request

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 86_400.0
LONGEST_EXCERPT = 300
_TELLING = (
    "error",
    "errors",
    "message",
    "Message",
    "detail",
    "title",
    "error_description",
    "reason",
    "fault",
    "o:errorDetails",
)
_ADDRESS = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+")


def judge(request: HttpRequest, reply: Reply, *, now: datetime | None = None) -> Reply:
    """The reply, if it is one of success or one that the request accepts.

    Raises Unavailable where nothing was done (429, or 503 with a promise), RefusedReply for a definite no, and for all
    that leaves it open: Unclear after an unsafe request, Unavailable after a safe one.
    """
    status = reply.status
    if 200 <= status < 300 or status in request.accept:
        return reply
    said = f"{request.method} {where(request)} answered {status}{excerpt(reply)}"
    pause = pause_of(request, reply, now=now)
    if status == 429 or (status == 503 and pause is not None):
        raise Unavailable(said, retry_after_seconds=pause)
    if status in (408, 425) or status >= 500 or (status == 409 and not request.safe):
        raise Unavailable(said, retry_after_seconds=pause) if request.safe else Unclear(said)
    raise RefusedReply(said, reply)


def where(request: HttpRequest) -> str:
    """Host and path of a request; never its query, which may hold a secret."""
    return request.url.split("?", 1)[0].partition("//")[2]


def pause_of(request: HttpRequest, reply: Reply, *, now: datetime | None = None) -> float | None:
    """Seconds to wait by `Retry-After`, else by the platform's own headers; None where nothing says so."""
    if (told := retry_after(reply.headers, now=now)) is not None:
        return told
    for name, unit in request.pauses.items():
        try:
            number = float(reply.headers.get(name.lower(), ""))
        except ValueError:
            continue
        seconds = number / 1000 if unit.endswith("milliseconds") else number
        if unit.startswith("epoch"):
            seconds -= (now or datetime.now(UTC)).timestamp()
        if not math.isnan(seconds):
            return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)
    return None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds to wait by `Retry-After`, which is a number (Shopify sends "2.0") or an HTTP date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = (until - (now or datetime.now(UTC))).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)


def excerpt(reply: Reply) -> str:
    """What the other side gives as its reason: short, without addresses of people."""
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        text = re.sub(r"<[^>]*>", " ", reply.body[:2000].decode("utf-8", "replace"))
    else:
        told = {name: body[name] for name in _TELLING if body.get(name)} if isinstance(body, dict) else body
        text = orjson.dumps(told).decode() if told else ""
    text = _ADDRESS.sub("…", " ".join(text.split()))
    return f": {text[:LONGEST_EXCERPT]}" if text else ""


def play(call: Call[T], answer: Callable[[Request], Any]) -> T:
    """Run a call with answers from a function; a StreamerError that it raises reaches the call."""
    try:
        request = next(call)
        while True:
            try:
                answered = answer(request)
            except StreamerError as error:
                request = call.throw(error)
            else:
                request = call.send(answered)
    except StopIteration as stop:
        result: T = stop.value
        return result
