"""Recorded payloads: files that hold what arrived at an account, or what is sent, with the answers of the other side.

A file is a JSON object with `delivery` (a push) or `poll` (exchanges), `followups` (answers to fetches), `settings`
and `verify`; a body is `body` (JSON), `body_text` or `body_file` (a file beside it). Any other file is a bare body.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import orjson

from streamer.errors import Ignored, Malformed, NotSent, StreamerError
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand
from streamer.platforms.base import Platform
from streamer.platforms.judging import judge, play
from streamer.platforms.wire import (
    Alone,
    AskMoment,
    HttpRequest,
    Keep,
    Moment,
    Raw,
    RawPage,
    Recall,
    Release,
    Reply,
    Request,
)

MOST_ROUNDS = 10  # of fetches that follow from fetches
NONCE = "0" * 32
STANDS_AT = datetime(2026, 1, 1, tzinfo=UTC)  # when what is recorded without a time is read


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its answer. `query` and `body` are compared only where they are recorded."""

    method: str
    url: str  # address or path, without the query
    query: Mapping[str, str]
    body: Any
    reply: Reply

    @property
    def path(self) -> str:
        return urlsplit(self.url).path or self.url


@dataclass(frozen=True, slots=True)
class Sample:
    """A recorded payload."""

    delivery: Raw | None
    poll: Sequence[Exchange]
    followups: Sequence[Exchange]
    settings: Mapping[str, Any]
    verify: Mapping[str, str]
    command: Mapping[str, Any]
    calls: Sequence[Exchange]


def read_sample(path: Path, headers: Mapping[str, str] | None = None) -> Sample:
    """The file's content; `headers` belong to a bare body. Raises Malformed."""
    content = _content(path)
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not told.keys() & {"delivery", "poll", "command"}:
        raw = Raw(content, lower(headers or {}), "example")
        command = told if isinstance(told, dict) else {}
        return Sample(raw, (), (), {}, {}, command, ())
    delivery = told.get("delivery")
    return Sample(
        delivery=_delivery(delivery, told.get("verify", {}), path.parent) if delivery is not None else None,
        poll=_exchanges(told.get("poll", ()), path.parent),
        followups=_exchanges(told.get("followups", ()), path.parent),
        settings=told.get("settings", {}),
        verify=told.get("verify", {}),
        command=told.get("command", {}),
        calls=_exchanges(told.get("calls", ()), path.parent),
    )


def read_headers(path: Path) -> dict[str, str]:
    """Headers from a file: a JSON object, or lines `Name: value`. Raises Malformed."""
    text = _content(path).decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            return {str(name): str(value) for name, value in orjson.loads(text).items()}
        except orjson.JSONDecodeError as error:
            raise Malformed(f"is no JSON: {error}", field=str(path)) from error
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def read_replies(path: Path) -> list[Reply]:
    """Answers from a file: a list of responses, or an object whose `calls` or `replies` hold them."""
    try:
        told = orjson.loads(_content(path))
    except orjson.JSONDecodeError as error:
        raise Malformed(f"is no JSON: {error}", field=str(path)) from error
    if isinstance(told, dict):
        told = told.get("calls") or told.get("replies") or [told]
    return [reply_of(one.get("response", one), path.parent) for one in told]


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


# --- what it means ----------------------------------------------------------------------------------------------------


def arrivals(platform: Platform[Any], sample: Sample) -> Iterator[Raw]:
    """The raw events of the delivery or poll, as they would stand on the raw topic."""
    if sample.delivery is not None:
        yield sample.delivery._replace(account=platform.account)
    for exchange in sample.poll:
        resource = platform.resource_of(exchange.method, exchange.path)
        pages = platform.split(resource or "", exchange.reply.body) if exchange.reply.status < 300 else ()
        for page in pages:
            headers = {"content-type": exchange.reply.headers.get("content-type", ""), **lower(page.headers)}
            yield Raw(
                page.body,
                headers,
                platform.account,
                page.resource or None,
                exchange.method,
                exchange.path,
                exchange.query,
                received_at=STANDS_AT,
            )


def messages_of(platform: Platform[Any], raws: Iterable[Raw]) -> Iterator[Message | StreamerError]:
    """The events of raw events, in order; for one that is refused or ignored, the reason."""
    for raw in raws:
        try:
            yield from platform.read(raw)
        except (Malformed, Ignored) as reason:
            yield reason


def followed(
    platform: Platform[Any], told: Iterable[Message | StreamerError], followups: Sequence[Exchange]
) -> Iterator[Message | StreamerError]:
    """The events of the answers to fetches, and of the answers to what they ask, from recorded exchanges."""
    player = Player(followups)
    asked: set[str] = set()
    wanted = [one for one in told if isinstance(one, FetchCommand)]
    for _ in range(MOST_ROUNDS):
        news: list[Message | StreamerError] = []
        for command in wanted:
            if command.command_id in asked:
                continue
            asked.add(command.command_id)
            try:
                page = play(platform.fetch(command), player)
            except StreamerError as error:
                news.append(error)
            else:
                news += messages_of(platform, [_of_page(platform, page)])
        yield from news
        wanted = [one for one in news if isinstance(one, FetchCommand)]
        if not wanted:
            return


def _of_page(platform: Platform[Any], page: RawPage) -> Raw:
    return Raw(page.body, lower(page.headers), platform.account, page.resource)


class Player:
    """Answers requests from recorded exchanges, each of which serves once; raises NotSent where none fits."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._left = list(exchanges)
        self._aside = Aside()

    def __call__(self, request: Request) -> Any:
        match request:
            case HttpRequest():
                return judge(request, self._reply(request))
            case _:
                return self._aside(request)

    def _reply(self, request: HttpRequest) -> Reply:
        for exact in (True, False):
            for place, exchange in enumerate(self._left):
                if _fits(exchange, request, exact=exact):
                    reply = self._left.pop(place).reply
                    return Reply(reply.status, reply.headers, reply.body, request.safe, reply.cookies)
        if request.form is not None and "grant_type" in request.form:
            return Reply(
                200, {}, b'{"access_token": "example", "token_type": "Bearer", "expires_in": 3600}', request.safe
            )
        raise NotSent(f"no answer is recorded for {request.method} {request.url}")


class Aside:
    """What the runner answers without the network: nothing was kept before, and the time stands still."""

    def __init__(self) -> None:
        self._kept: dict[str, str | None] = {}

    def __call__(self, request: Request) -> Moment | str | None:
        match request:
            case Recall():
                return self._kept.get(request.name)
            case Keep():
                self._kept[request.name] = request.value
                return None
            case Alone() | Release():
                return None
            case AskMoment():
                return Moment(STANDS_AT, NONCE)
        raise NotSent(f"{type(request).__name__} is not answered from a file")


def _fits(exchange: Exchange, request: HttpRequest, *, exact: bool) -> bool:
    parts = urlsplit(request.url)
    if exchange.method != request.method or exchange.path != parts.path:
        return False
    if not exact:
        return True
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()} | dict(request.query)
    if any(query.get(name) != value for name, value in exchange.query.items()):
        return False
    sent = request.json if request.json is not None else request.form
    return exchange.body is None or _plain(exchange.body) == _plain(sent)


def _plain(body: Any) -> Any:
    """For comparison: GraphQL by its variables, not by its text."""
    if isinstance(body, Mapping) and "query" in body and "variables" in body:
        return body["variables"]
    return body


# --- reading ----------------------------------------------------------------------------------------------------------


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"cannot be read: {error.strerror}", field=str(path)) from error


def _body(told: Mapping[str, Any], folder: Path) -> bytes:
    if "body_file" in told:
        return _content(folder / told["body_file"])
    if "body_text" in told:
        return str(told["body_text"]).encode()
    return orjson.dumps(told["body"]) if "body" in told else b""


def _delivery(told: Mapping[str, Any], verify: Mapping[str, str], folder: Path) -> Raw:
    path, query = _split(told.get("path", ""), told.get("query", {}))
    at = verify.get("at")
    return Raw(
        _body(told, folder),
        lower(told.get("headers", {})),
        "example",
        method=told.get("method", "POST"),
        path=path,
        query=query,
        received_at=datetime.fromisoformat(at).astimezone(UTC) if at else None,
        url=verify.get("url", ""),
    )


def _exchanges(told: Iterable[Mapping[str, Any]], folder: Path) -> tuple[Exchange, ...]:
    return tuple(_exchange(one.get("request", {}), one.get("response", {}), folder) for one in told)


def _exchange(request: Mapping[str, Any], response: Mapping[str, Any], folder: Path) -> Exchange:
    url, query = _split(request.get("url") or request.get("path", ""), request.get("query", {}))
    return Exchange(request.get("method", "GET"), url, query, request.get("body"), reply_of(response, folder))


def _split(address: str, query: Any) -> tuple[str, dict[str, str]]:
    url, _, text = address.partition("?")
    more = dict(parse_qsl(query)) if isinstance(query, str) else {str(k): str(v) for k, v in query.items()}
    return url, dict(parse_qsl(text, keep_blank_values=True)) | more


def reply_of(told: Mapping[str, Any], folder: Path) -> Reply:
    """The answer that a recorded `response` is."""
    headers = {name: text for name, text in told.get("headers", {}).items() if name.lower() != "set-cookie"}
    return Reply(told.get("status", 200), lower(headers), _body(told, folder), cookies=_cookies(told))


def _cookies(told: Mapping[str, Any]) -> tuple[str, ...]:
    """The name=value part of each; one header or a list of them."""
    given = next((text for name, text in told.get("headers", {}).items() if name.lower() == "set-cookie"), ())
    return tuple(text.partition(";")[0].strip() for text in ([given] if isinstance(given, str) else given))
