"""A vendor on a real socket: answers what is recorded, keeps what it was sent, and fails where a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from aiohttp import web

from streamer.platforms.samples import Exchange
from streamer.platforms.wire import SAFE_METHODS, Reply
from tests.contracts.vendor_contracts import breaches, operations

Fault = Literal["reset_before", "reset_after", "time_out", "429", "500", "unreadable"]
FAULTS: tuple[Fault, ...] = ("reset_before", "reset_after", "time_out", "429", "500", "unreadable")


@dataclass
class MockVendor:
    """`fault` strikes the request that `strikes` names (counted from 0 among those that are no log-in)."""

    platform: str
    calls: Sequence[Exchange]
    fault: Fault | None = None
    strikes: int = 0
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    booked: int = 0  # unsafe requests that were carried out
    breaches: list[str] = field(default_factory=list)
    origin: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        number = len(self.asked)
        self.asked.append((request.method, request.path_qs, body))
        self.breaches += breaches(self.platform, request.method, str(request.rel_url), dict(request.query),
                                  request.headers, _parsed(request, body)) or []  # fmt: skip
        reply = self._reply(request, number)
        if self.fault is not None and number == self.strikes:
            return await self._fail(request, reply)
        self.booked += request.method not in SAFE_METHODS
        return _response(reply, self.origin)

    async def _fail(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        assert request.transport is not None
        match self.fault:
            case "429":
                return web.Response(status=429, headers={"Retry-After": "7"}, text="too many")
            case "500":
                self.booked += 1
                return web.Response(status=500, text="<html>sorry</html>")
            case "unreadable":
                self.booked += 1
                return web.Response(status=200, text="<html>a proxy's page</html>", content_type="text/html")
            case "time_out":
                self.booked += 1
                await asyncio.sleep(30)
            case "reset_after":
                self.booked += 1
        request.transport.abort()
        return _response(reply, self.origin)

    def _reply(self, request: web.Request, number: int) -> Reply:
        """The recorded answer to this place, the n-th for the n-th request to it."""
        path = unquote(urlsplit(str(request.rel_url)).path)
        fitting = [one.reply for one in self.calls if one.method == request.method and unquote(one.path) == path]
        before = [
            one for one in self.asked[:number] if one[0] == request.method and unquote(urlsplit(one[1]).path) == path
        ]
        if not fitting:
            return Reply(404, {}, b'{"error": "nothing is recorded for this"}')
        return fitting[min(len(before), len(fitting) - 1)]


@asynccontextmanager
async def running(vendor: MockVendor) -> AsyncIterator[MockVendor]:
    """Listens on a free port of loopback. The contract is read before anybody waits for an answer."""
    operations(vendor.platform)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    vendor.origin = f"http://127.0.0.1:{port}"
    try:
        yield vendor
    finally:
        await runner.cleanup()


def beside_us(settings: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """The settings of a recording with every address of the vendor led to the mock."""
    local = {
        name: origin + text[len("https://") :].partition("/")[1] + text[len("https://") :].partition("/")[2]
        if isinstance(text, str) and text.startswith("https://") and name != "reference_uri" else text
        for name, text in settings.items()
    }  # fmt: skip
    return {"base_url": origin, **local, "allow_private_addresses": True, "request_timeout_seconds": 0.5,
            "calls_per_second": 1000}  # fmt: skip


def _parsed(request: web.Request, body: bytes) -> Any:
    if "form" in request.content_type:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _response(reply: Reply, origin: str) -> web.Response:
    dropped = ("content-length", "transfer-encoding", "content-encoding", "date", "connection")
    headers = {name: text for name, text in reply.headers.items() if name not in dropped}
    response = web.Response(status=reply.status, body=reply.body, headers=headers)
    for cookie in reply.cookies:
        response.headers.add("Set-Cookie", cookie)
    return response
