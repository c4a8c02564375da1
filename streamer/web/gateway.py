"""Webhook gateway: bytes of a platform in, a record on `raw.<platform>`, and 2xx only once Kafka has acknowledged it.

Nothing is parsed before the sender has proved who it is, and nothing is judged afterwards: a body that makes no sense
is recorded like any other and becomes a dead letter where it is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from streamer.errors import BadSignature, Misconfigured, Refused, StreamerError, Unavailable
from streamer.platforms.raw_record import Headers, raw_headers
from streamer.platforms.wire import Raw, Response
from streamer.web.config import WebAccount, WebConfig
from streamer.web.metrics import HOOK_SECONDS, HOOKS
from streamer.web.outbox import Outbox

log = logging.getLogger(__name__)

NEVER_RECORDED = ("authorization", "cookie", "proxy-authorization", "faust-", "livecheck-", "x-forwarded-")
"""Names, or beginnings of names, of request headers that reach no topic, whatever a platform asks for."""

RETRY_AFTER = {"Retry-After": "5"}


class Hook(Protocol):
    """The part of a platform's adapter that the gateway uses.

    It may also have `reads_headers` and `reads_query`, names of what `normalise` looks at beside the body, and
    `delivery_header`, the name of the header with the platform's own id of a delivery.
    """

    def verify(self, raw: Raw, at: datetime) -> None: ...
    def challenge(self, raw: Raw) -> Response | None: ...
    def respond(self, raw: Raw) -> Response: ...
    def object_key(self, raw: Raw) -> str: ...


class Gateway:
    """Handlers of `/hooks/{account}`."""

    def __init__(
        self,
        config: WebConfig,
        outbox: Outbox,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.outbox = outbox
        self.clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/hooks/{account}", self.receive),
            web.get("/hooks/{account}", self.handshake, allow_head=False),
        ]

    async def handshake(self, request: web.Request) -> web.Response:
        """Some platforms ask by GET, once, whether the address is ours."""
        account = self._account(request)
        answer = self._challenge(account, self._raw(request, account, b""))
        if answer is None:
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        return answer

    async def receive(self, request: web.Request) -> web.Response:
        """One delivery. 401, 404, 408, 413 and 415 record nothing; 503 may have recorded it."""
        begun = time.perf_counter()
        account = self._account(request)
        try:
            response = await self._receive(request, account)
        except web.HTTPException as answer:
            HOOKS.labels(account.name, _outcome(answer.status)).inc()
            raise
        HOOKS.labels(account.name, _outcome(response.status)).inc()
        HOOK_SECONDS.labels(account.name).observe(time.perf_counter() - begun)
        return response

    async def _receive(self, request: web.Request, account: WebAccount) -> web.Response:
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="send the body without Content-Encoding\n")
        raw = self._raw(request, account, await self._body(request))
        if (answer := self._challenge(account, raw)) is not None:
            return answer
        hook: Hook = account.hook
        try:
            hook.verify(raw, raw.received_at or self.clock())
        except BadSignature as error:
            log.warning("hook of %s refused: %s", account.name, error)
            raise web.HTTPUnauthorized(text="the signature does not fit\n") from None
        except Misconfigured as error:
            log.error("hook of %s cannot be checked: %s", account.name, error)  # noqa: TRY400
            raise web.HTTPServiceUnavailable(text="try again later\n", headers=RETRY_AFTER) from None
        try:
            for one in self._meant(account, raw):
                told = raw._replace(account=one.name)
                headers = _headers(one.hook, told, one.platform)
                await self.outbox.send(f"raw.{one.platform}", _key(one.hook, told), told.body, headers)
        except Unavailable as error:
            log.warning("hook of %s not recorded: %s", account.name, error)
            raise web.HTTPServiceUnavailable(text="try again later\n", headers=RETRY_AFTER) from error
        except Refused as error:
            raise web.HTTPRequestEntityTooLarge(self.config.max_body_bytes, len(raw.body)) from error
        return _response(hook.respond(raw))

    def _meant(self, account: WebAccount, raw: Raw) -> list[WebAccount]:
        """The accounts of the companies that a delivery is about: several may share one address and one secret."""
        found = [one for one in self.config.accounts.values() if one.platform == account.platform
                 and one.hook is not None and getattr(one.hook, "settings", None) is not None
                 and one.hook.settings.realms]  # fmt: skip
        realms = _realms(account.hook, raw) if found else frozenset()
        meant = [one for one in found if realms & set(one.hook.settings.realms) and self._believes(one, raw)]
        return meant or [account]

    def _believes(self, account: WebAccount, raw: Raw) -> bool:
        try:
            account.hook.verify(raw, raw.received_at or self.clock())
        except (BadSignature, Misconfigured):
            return False
        return True

    def _account(self, request: web.Request) -> WebAccount:
        account = self.config.accounts.get(request.match_info["account"])
        if account is None or account.hook is None:
            raise web.HTTPNotFound(text="no such account\n")
        return account

    async def _body(self, request: web.Request) -> bytes:
        if (length := request.content_length) is not None and length > self.config.max_body_bytes:
            raise web.HTTPRequestEntityTooLarge(self.config.max_body_bytes, length)
        try:
            async with asyncio.timeout(self.config.body_seconds):
                return await request.read()  # ends with 413 as soon as a body without length is too long
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the body did not come in time\n") from None

    def _raw(self, request: web.Request, account: WebAccount, body: bytes) -> Raw:
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            lower = name.lower()
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
        origin = self.config.public_origin or f"{request.scheme}://{request.host}"
        return Raw(
            body=body,
            headers=headers,
            account=account.name,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            received_at=self.clock(),
            url=origin + request.path_qs,
        )

    def _challenge(self, account: WebAccount, raw: Raw) -> web.Response | None:
        try:
            answer = account.hook.challenge(raw)
        except BadSignature:
            raise web.HTTPUnauthorized(text="the signature does not fit\n") from None
        return None if answer is None else _response(answer)


def _key(hook: Hook, raw: Raw) -> str:
    try:
        return f"{raw.account}/{hook.object_key(raw)}"
    except (StreamerError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return f"{raw.account}/{hashlib.sha256(raw.body).hexdigest()[:32]}"


def _realms(hook: Hook, raw: Raw) -> frozenset[str]:
    """The companies that a delivery names; none where it cannot be read, which is found out where it is normalised."""
    try:
        realms: frozenset[str] = hook.realms_in(raw)  # type: ignore[attr-defined]
    except (StreamerError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return frozenset()
    return realms


def _headers(hook: Hook, raw: Raw, platform: str) -> Headers:
    """What goes with the bytes: of the request only what the adapter says it reads, since tokens travel there, too."""
    reads_query = getattr(hook, "reads_query", ())
    kept = raw._replace(query={name: raw.query[name] for name in sorted(reads_query) if name in raw.query})
    return raw_headers(
        kept,
        platform=platform,
        source=f"/hooks/{raw.account}",
        event_id=_delivery_id(hook, raw),
        reads=sorted(
            name for name in getattr(hook, "reads_headers", ()) if not name.lower().startswith(NEVER_RECORDED)
        ),
    )


def _delivery_id(hook: Hook, raw: Raw) -> str:
    """The platform's own id of the delivery where it sends one in a header that it names, else a hash of the body."""
    header = getattr(hook, "delivery_header", None)
    return (raw.header(header) if header else "") or hashlib.sha256(raw.body).hexdigest()


def _response(answer: Response) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers) or None)


def _outcome(status: int) -> str:
    return {401: "bad signature", 408: "too slow", 413: "too large", 415: "encoded", 503: "not recorded"}.get(
        status, "recorded" if status < 300 else "other"
    )
