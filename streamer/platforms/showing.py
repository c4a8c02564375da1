"""Requests as people read them, with every secret masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from streamer.platforms.base import Platform
from streamer.platforms.judging import judge
from streamer.platforms.masking import MASK, Mask
from streamer.platforms.samples import Aside
from streamer.platforms.settings import spellings
from streamer.platforms.wire import Call, HttpRequest, Keep, MailboxRequest, MailRequest, Reply, Request

HIDDEN_HEADERS = ("authorization", "cookie", "token", "secret", "api-key", "apikey", "signature", "auth")
HIDDEN_FIELDS = ("password", "secret", "assertion", "token")


@dataclass
class Shown:
    """One account whose requests are shown."""

    platform: Platform[Any]
    end: str = ""
    mask: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.mask = Mask(self.platform.settings.secrets())

    def line(self, request: HttpRequest | MailRequest | MailboxRequest) -> dict[str, Any]:
        """The request as JSON, in the form of recorded requests."""
        match request:
            case HttpRequest():
                return self._http(request)
            case MailRequest():
                head = {
                    "MAIL FROM": " ".join((f"<{request.sender}>", *request.sender_options)),
                    "RCPT TO": " ".join((f"<{request.recipient}>", *request.recipient_options)),
                }
                body = self.mask(request.message.decode("utf-8", "replace"))
                return {"method": "SMTP", "url": request.url, "headers": head, "body_text": body}
        return {"method": "IMAP", "url": request.url, "headers": {"mailbox": request.mailbox}}

    def _http(self, request: HttpRequest) -> dict[str, Any]:
        body, kind = request.content()
        headers = {"Content-Type": kind, **request.headers} if kind else dict(request.headers)
        line: dict[str, Any] = {"method": request.method, "url": self._masked(request.url)}
        if request.query:
            line["query"] = {name: self._field(name, text) for name, text in request.query.items()}
        if headers:
            line["headers"] = {name: self._header(name, text) for name, text in headers.items()}
        if request.json is not None:
            line["body"] = orjson.loads(self._masked(orjson.dumps(request.json).decode()))
        elif request.form is not None:
            line["body_form"] = {name: self._field(name, text) for name, text in request.form.items()}
        elif body is not None:
            line["body_text"] = self._masked(body.decode("utf-8", "replace"))
        return line

    def _header(self, name: str, text: str) -> str:
        if not any(part in name.lower() for part in HIDDEN_HEADERS):
            return self._masked(text)
        scheme, space, _ = text.partition(" ")
        return f"{scheme} {MASK}" if space and scheme.isalnum() else MASK

    def _field(self, name: str, text: str) -> str:
        return MASK if any(part in name.lower() for part in HIDDEN_FIELDS) else self._masked(text)

    def _masked(self, text: str) -> str:
        return self.mask(text)


def show(call: Call[Any], shown: Shown, answers: Sequence[Reply]) -> Iterator[dict[str, Any]]:
    """One line for each request, as far as the answers reach. Raises what the call raises."""
    left, aside = list(answers), Aside()
    try:
        request: Request = next(call)
        while True:
            if not isinstance(request, HttpRequest | MailRequest | MailboxRequest):
                if isinstance(request, Keep) and request.value:
                    shown.mask.add(*spellings(request.value), quote(request.value))
                request = call.send(aside(request))
                continue
            yield shown.line(request)
            if not left:
                shown.end = "what follows depends on the answer; --replies FILE gives it"
                return
            request = _advance(call, request, left.pop(0))
    except StopIteration as stop:
        shown.end = f"done: {stop.value}"


def _advance(call: Call[Any], request: HttpRequest | MailRequest | MailboxRequest, reply: Reply) -> Request:
    from dataclasses import replace

    from streamer.errors import StreamerError

    if not isinstance(request, HttpRequest):
        return call.send(replace(reply, safe=request.safe))
    try:
        answer = judge(request, replace(reply, safe=request.safe))
    except StreamerError as error:
        return call.throw(error)
    return call.send(answer)
