"""What crosses the border between an adapter and the world: raw events, requests, replies, and the `Call` that joins
them.

A `Call[T]` is a generator: it yields a request, is sent the answer, and returns a `T`. One runner plays it
(`http.py`), so an adapter never awaits, opens no connection and reads no clock; a loop over pages is a plain loop. In
an adapter one writes

    reply = yield from send(get(url))        # an HTTP exchange; errors arrive here as exceptions and may be caught
    now = yield from moment()                # the time and a nonce, for signatures and Date headers
    token = yield from recall("token")       # what `keep` put there, unless it has expired
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, ValidationError

from streamer.errors import Malformed, Refused, Unavailable, Unclear

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)

PauseUnit = Literal["seconds", "milliseconds", "epoch", "epoch_milliseconds"]
"""How a header says when to come back: after so long, or at a time since 1970."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

NOTE = "note."
"""What is kept under a name that begins so is no secret: it is kept sealed like all, and masked nowhere."""


class Raw(NamedTuple):
    """Bytes as a platform sent them.

    `headers` have lower-case names; `resource` is set for what a poll or fetch brought.
    """

    body: bytes
    headers: Mapping[str, str] = {}
    account: str = ""
    resource: str | None = None
    method: str = "POST"
    path: str = ""
    query: Mapping[str, str] = {}
    received_at: datetime | None = None
    url: str = ""  # the public address, where the platform signs it

    def header(self, name: str) -> str:
        """The header's text, or "" where it is missing."""
        return self.headers.get(name.lower(), "")

    def json(self) -> Any:
        """Raises Malformed."""
        return read_json(self.body)

    def parse(self, model: type[ModelT]) -> ModelT:
        """The body as `model`; raises Malformed that names the field."""
        return parse(model, self.body)


class Response(NamedTuple):
    """What the gateway answers."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP exchange. `safe`: repeating it does no harm (by default what HTTP says of the method).

    At most one of `json`, `form`, `body` is set. Statuses in `accept` come back as replies instead of errors.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    safe: bool = False
    accept: frozenset[int] = frozenset()
    timeout_seconds: float | None = None
    largest_reply_bytes: int | None = None
    pauses: Mapping[str, PauseUnit] = field(
        default_factory=dict
    )  # headers beside Retry-After that say when to come back
    leased: bool = False  # like an unsafe one it may only begin while the account is this worker's

    def content(self) -> tuple[bytes | None, str | None]:
        """The body's bytes and the content type that goes with them, unless `headers` name one."""
        if self.body is not None:
            return self.body, None
        if self.form is not None:
            return urlencode(self.form).encode(), "application/x-www-form-urlencoded"
        if self.json is not None:
            return orjson.dumps(self.json), "application/json"
        return None, None


@dataclass(frozen=True, slots=True)
class MailRequest:
    """Hand one mail to the account's SMTP server.

    Envelope addresses without brackets; `options` are ESMTP parameters.
    """

    # smtp://host:587 (STARTTLS), smtps://host:465 (TLS), smtp+plain://host:port (neither: for a server beside us)
    url: str
    sender: str
    recipient: str
    message: bytes
    sender_options: tuple[str, ...] = ()
    recipient_options: tuple[str, ...] = ()
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    safe: bool = False


@dataclass(frozen=True, slots=True)
class MailboxRequest:
    """Read at most `limit` mails whose UID is above `after_uid`, oldest first; nothing in the mailbox is changed.

    Of a mail above `largest_mail_bytes` only the headers come.
    """

    url: str  # imaps://host:993, imap+plain://host:port (no encryption: for a server beside us)
    username: str
    password: str = field(repr=False)
    mailbox: str = "INBOX"
    uid_validity: str | None = None  # of the cursor; when the server's differs, all mails are read from the start
    after_uid: int = 0
    limit: int = 50
    largest_mail_bytes: int = 10_000_000
    safe: bool = True


class Span(NamedTuple):
    """What a back-fill looks at: records changed from `since` until `until` (aware times), or those of `ids`."""

    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()


class Recall(NamedTuple):
    """Ask for what was kept under `name`; None when nothing is there or its time is over."""

    name: str


class Keep(NamedTuple):
    """Keep a text (a token, a cookie) for this account, durably, before the call goes on."""

    name: str
    value: str | None  # None forgets it
    expires_in_seconds: float | None = None


class Alone(NamedTuple):
    """Wait until no other call of this account is between `Alone` and `Release` of `name`."""

    name: str


class Release(NamedTuple):
    """The end of what `Alone` began; the end of a call releases too."""

    name: str


class AskMoment(NamedTuple):
    """Ask for the time and a nonce."""


class Moment(NamedTuple):
    """The runner's answer to `AskMoment`; the nonce is 32 hexadecimal digits."""

    now: datetime
    nonce: str


class Mail(NamedTuple):
    """One mail out of a mailbox."""

    uid: int
    body: bytes


class Mailbox(NamedTuple):
    """The answer to a MailboxRequest. `skipped`: UIDs of mails that are gone, or whose headers alone are too large."""

    uid_validity: str
    mails: tuple[Mail, ...]
    more: bool
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer (or the last line of an SMTP server). `safe` is the request's."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    safe: bool = True
    cookies: tuple[str, ...] = ()  # the name=value part of each Set-Cookie

    def json(self) -> Any:
        """The body; raises Unclear after an unsafe request and Unavailable after a safe one when it cannot be read."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise self.unreadable("is not JSON") from error

    def parse(self, model: type[ModelT]) -> ModelT:
        """The body as `model`; raises like `json`."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise self.unreadable(_first(error)) from error

    def unreadable(self, reason: str) -> Unclear | Unavailable:
        """The error for an answer of success that does not say what we must know."""
        text = f"the answer with status {self.status} {reason}"
        return Unavailable(text) if self.safe else Unclear(text)


Request = HttpRequest | MailRequest | MailboxRequest | Recall | Keep | Alone | Release | AskMoment
Call = Generator[Request, Any, T]


class RefusedReply(Refused):
    """A definite refusal with the answer that said so."""

    def __init__(self, reason: str, reply: Reply) -> None:
        super().__init__(reason, status=reply.status)
        self.reply = reply


class Subscribed(NamedTuple):
    """What stands of a webhook subscription: `state` comes back when it is renewed; None: it never expires."""

    expires_at: datetime | None
    state: Mapping[str, str] = {}


class RawPage(NamedTuple):
    """One record for the raw topic. `key` is the platform's id of the object, for the order of records."""

    body: bytes
    resource: str
    key: str | None = None
    headers: Mapping[str, str] = {}


class Page(NamedTuple):
    """What a poll brought; `cursor` is stored when the records are on the raw topic."""

    records: Sequence[RawPage]
    cursor: Mapping[str, str]
    more: bool = False


class Placed(NamedTuple):
    """The other side has it; `external_reference` is its id for it, `evidence` what an operator may want to see."""

    external_reference: str | None = None
    evidence: Mapping[str, str] = {}


def get(
    url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpRequest:
    """A safe question."""
    return HttpRequest("GET", url, headers or {}, query or {}, safe=True, **more)


def put(url: str, json: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> HttpRequest:
    """Replace an object. Not safe unless the platform says that the same PUT twice is one."""
    return HttpRequest("PUT", url, headers or {}, json=json, **more)


def patch(url: str, json: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> HttpRequest:
    """Change fields of an object."""
    return HttpRequest("PATCH", url, headers or {}, json=json, **more)


def post(url: str, json: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> HttpRequest:
    """A POST that may change something, unless `safe=True` says otherwise."""
    return HttpRequest("POST", url, headers or {}, json=json, **more)


def send(request: HttpRequest | MailRequest) -> Call[Reply]:
    """One exchange. Raises RefusedReply, Unavailable, Unclear or NotSent (errors.py)."""
    reply: Reply = yield request
    return reply


def look_into(request: MailboxRequest) -> Call[Mailbox]:
    """Mails of a mailbox."""
    mailbox: Mailbox = yield request
    return mailbox


def recall(name: str) -> Call[str | None]:
    """What was kept for this account under `name`, if it still holds."""
    value: str | None = yield Recall(name)
    return value


def keep(name: str, value: str | None, expires_in_seconds: float | None = None) -> Call[None]:
    """Keep a text for this account; durable when the call goes on."""
    yield Keep(name, value, expires_in_seconds)


def alone(name: str) -> Call[None]:
    """From here to `release` no other call of the account does the same."""
    yield Alone(name)


def release(name: str) -> Call[None]:
    """The next may go on."""
    yield Release(name)


def moment() -> Call[Moment]:
    """The time and a nonce."""
    answer: Moment = yield AskMoment()
    return answer


def read_json(body: bytes) -> Any:
    """Raises Malformed."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error}") from error


def parse(model: type[ModelT], body: bytes) -> ModelT:
    """A foreign JSON body as `model`; raises Malformed that names the first wrong field, never its value."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise malformed(error) from error


def malformed(error: ValidationError) -> Malformed:
    """A pydantic error without the input in it, which may be personal."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return Malformed(first["msg"], field=".".join(map(str, first["loc"])) or None)


def _first(error: ValidationError) -> str:
    found = malformed(error)
    return f"cannot be read: {found}"
