"""The runner: plays calls, and is the only place that opens HTTP connections.

For every account it keeps a rate, a breaker and what was kept (tokens), so one slow platform delays no other. It tells
exactly whether an unsafe request was begun: before its first byte `may_start` is asked; what fails earlier is NotSent.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import ValidationError

from streamer.errors import NotSent, Refused, StreamerError, Unavailable, Unclear, Unsupported
from streamer.platforms.addresses import PublicResolver, check_url
from streamer.platforms.base import Platform, Rate
from streamer.platforms.breaker import Breaker
from streamer.platforms.judging import judge, where
from streamer.platforms.masking import Mask
from streamer.platforms.settings import spellings
from streamer.platforms.standing import Standing
from streamer.platforms.wire import (
    NOTE,
    Alone,
    AskMoment,
    Call,
    HttpRequest,
    Keep,
    MailboxRequest,
    MailRequest,
    Moment,
    Recall,
    Release,
    Reply,
)

T = TypeVar("T")
MayStart = Callable[[], None]

LARGEST_REPLY_BYTES = 16_000_000
CONNECT_SECONDS = 10.0
SHORT_PAUSE_SECONDS = 1.0

_gate: ContextVar[Callable[[], None] | None] = ContextVar("gate", default=None)


class Keeper(Protocol):
    """Where tokens are kept for an account. `keep` returns when the value is durable."""

    async def recall(self, account: str, name: str) -> str | None: ...
    async def keep(self, account: str, name: str, value: str | None, expires_in_seconds: float | None) -> None: ...


class MemoryKeeper:
    """Keeps tokens as long as the process lives: enough where a new one can always be had."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[str, float | None]] = {}

    async def recall(self, account: str, name: str) -> str | None:
        value, until = self._kept.get((account, name), (None, None))
        return None if until is not None and self._clock() >= until else value

    async def keep(self, account: str, name: str, value: str | None, expires_in_seconds: float | None) -> None:
        if value is None:
            self._kept.pop((account, name), None)
        else:
            until = None if expires_in_seconds is None else self._clock() + expires_in_seconds
            self._kept[account, name] = (value, until)


class _GatedRequest(aiohttp.ClientRequest):
    """Asks the gate when the connection stands and nothing has been written on it."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        gate = _gate.get()
        if gate is not None:
            gate()
        return await super().send(conn)


class _Exchange:
    """One request under way: whether it was begun, and when it must be over."""

    def __init__(self, may_start: MayStart | None, *, safe: bool) -> None:
        self._may_start = None if safe else may_start
        self.began = False

    def begin(self) -> None:
        """Called before the first byte that can do something; raises NotSent when it is too late."""
        if self._may_start is not None:
            self._may_start()
        self.began = True


class _Line:
    """What belongs to one account."""

    def __init__(self, platform: Platform[Any]) -> None:
        settings = platform.settings
        rates = (Rate(settings.calls_per_second),) if settings.calls_per_second else platform.rates()
        self.limiters = [_limiter(rate) for rate in rates]
        self.at_once = platform.at_once
        self.slow_down = platform.slow_down
        self.held_until = 0.0  # on the monotonic clock: the other side asked for a pause
        self.breaker = Breaker()
        self.mask = Mask(settings.secrets())
        self.private = settings.allow_private_addresses
        self.hosts = platform.allowed_hosts()
        self.sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self.locks: dict[str, asyncio.Lock] = {}

    def hold(self, seconds: float) -> None:
        """No call of this account goes out before so many seconds are over."""
        self.held_until = max(self.held_until, time.monotonic() + seconds)

    def standing(self) -> Standing:
        """Only inside the loop that makes the calls: the limiters' counts run down by its clock."""
        left = []
        for limiter in self.limiters:
            limiter.has_capacity(limiter.max_rate)  # brings its level up to date
            left.append((max(0.0, limiter.max_rate - limiter._level), limiter.max_rate, limiter.time_period))
        now = time.monotonic()
        return Standing(*min(left), max(0.0, self.held_until - now), self.breaker.open_seconds(now))

    def session(self, *, safe: bool, plain: bool) -> aiohttp.ClientSession:
        """Unsafe requests get a connection of their own.

        On a kept one that the other side has just closed, nobody could tell whether the request was read.
        """
        if (safe, plain) not in self.sessions:
            resolver = PublicResolver(private=self.private, plain=plain)
            connector = aiohttp.TCPConnector(
                resolver=resolver, force_close=not safe, limit=self.at_once, use_dns_cache=False
            )
            self.sessions[safe, plain] = aiohttp.ClientSession(
                connector=connector,
                request_class=_GatedRequest,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "streamer/0.1", "Accept": "application/json, */*;q=0.5"},
                trust_env=False,
            )
        return self.sessions[safe, plain]


class _Turns:
    """What one run of a call does alone."""

    def __init__(self, line: _Line) -> None:
        self.line = line
        self._held: set[str] = set()

    async def take(self, request: Alone | Release, seconds: float) -> object:
        """Begins or ends a turn. Raises NotSent when the turn does not come in time."""
        lock = self.line.locks.setdefault(request.name, asyncio.Lock())
        if isinstance(request, Release):
            if request.name in self._held:
                self._held.discard(request.name)
                lock.release()
        elif request.name not in self._held:
            try:
                async with asyncio.timeout(seconds):
                    await lock.acquire()
            except TimeoutError as error:
                raise NotSent(f"another call of the account is still busy with its {request.name}") from error
            self._held.add(request.name)
        return None

    def end(self) -> None:
        for name in self._held:
            self.line.locks[name].release()
        self._held.clear()


class Runner:
    """Plays calls for all accounts of this process. Use as an asynchronous context manager, or `close()` it."""

    def __init__(self, keeper: Keeper | None = None) -> None:
        self._keeper = keeper or MemoryKeeper()
        self._lines: dict[str, _Line] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every connection."""
        for line in self._lines.values():
            for session in line.sessions.values():
                await session.close()
        self._lines.clear()

    def is_open(self, account: str) -> bool:
        """Whether calls of this account are held back because the other side keeps failing."""
        line = self._lines.get(account)
        return line is not None and line.breaker.is_open

    def standings(self) -> dict[str, Standing]:
        """Of each account that this process has called."""
        return {account: line.standing() for account, line in self._lines.items()}

    async def run(
        self,
        call: Call[T],
        platform: Platform[Any],
        *,
        timeout_seconds: float | None = None,
        may_start: MayStart | None = None,
    ) -> T:
        """What the call returns.

        `timeout_seconds` is for each request with the waiting before it (else the account's `request_timeout_seconds`).
        `may_start` raises NotSent when an unsafe request may no longer begin. Raises the errors of a Call
        (errors.py); once an unsafe request was carried out, what breaks later is Unclear, never "nothing was done".
        """
        line = self._lines.get(platform.account)
        if line is None:
            line = self._lines[platform.account] = _Line(platform)
        seconds = timeout_seconds or platform.settings.request_timeout_seconds
        turns = _Turns(line)
        try:
            return await self._play(call, platform.account, turns, seconds, may_start)
        finally:
            turns.end()

    async def _play(self, call: Call[T], account: str, turns: _Turns, seconds: float, may_start: MayStart | None) -> T:
        carried_out = False
        try:
            request = next(call)
            while True:
                try:
                    if isinstance(request, Alone | Release):
                        answer: object = await turns.take(request, seconds)
                    else:
                        answer = await self._answer(request, turns.line, account, seconds, may_start)
                    carried_out |= not getattr(request, "safe", True)
                except StreamerError as error:
                    request = call.throw(error)
                else:
                    request = call.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        except (Unclear, Unsupported):
            raise
        except StreamerError as error:
            if carried_out:
                raise Unclear(f"a first part was done, then: {error}") from error
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ValidationError) as error:
            reason = f"the answer could not be understood ({type(error).__name__})"
            raise (Unclear(reason) if carried_out else Unavailable(reason)) from error

    async def _answer(
        self,
        request: HttpRequest | MailRequest | MailboxRequest | Recall | Keep | AskMoment,
        line: _Line,
        account: str,
        seconds: float,
        may_start: MayStart | None,
    ) -> object:
        match request:
            case Recall():
                kept = await self._keeper.recall(account, request.name)
                if kept and not request.name.startswith(NOTE):
                    line.mask.add(*spellings(kept))
                return kept
            case Keep():
                if request.value and not request.name.startswith(NOTE):
                    line.mask.add(*spellings(request.value))
                await self._keeper.keep(account, request.name, request.value, request.expires_in_seconds)
                return None
            case AskMoment():
                await asyncio.sleep(0)  # a long calculation lets others work by asking for the time
                return Moment(datetime.now(UTC), secrets.token_hex(16))
        leased = isinstance(request, HttpRequest) and request.leased
        exchange = _Exchange(may_start, safe=request.safe and not leased)
        wait = line.breaker.wait_seconds(time.monotonic())
        if wait > 0:
            raise Unavailable(f"{account} keeps failing; calls are held back", retry_after_seconds=wait)
        try:
            async with asyncio.timeout(getattr(request, "timeout_seconds", None) or seconds):
                for limiter in line.limiters:
                    await limiter.acquire()
                await _pause(line, account)
                reply = await self._exchange(request, line, exchange)
        except StreamerError as error:
            self._learn(line, error)
            raise _masked(error, line.mask) from error.__cause__
        except (TimeoutError, aiohttp.ClientError, OSError, EOFError) as error:
            line.breaker.failed(time.monotonic())
            raise failure(request, error, began=exchange.began) from error
        except BaseException:
            line.breaker.undecided()
            raise
        line.breaker.succeeded()
        if isinstance(reply, Reply) and (pause := line.slow_down(reply)):
            line.hold(pause)
        return reply

    async def _exchange(
        self, request: HttpRequest | MailRequest | MailboxRequest, line: _Line, exchange: _Exchange
    ) -> object:
        match request:
            case HttpRequest():
                return judge(request, await self._http(request, line, exchange))
            case MailRequest():
                from streamer.platforms.mail import hand_over

                return await hand_over(request, exchange.begin)
            case MailboxRequest():
                from streamer.platforms.mail import read_mailbox

                return await read_mailbox(request)
        raise TypeError(f"nobody can answer {type(request).__name__}")

    async def _http(self, request: HttpRequest, line: _Line, exchange: _Exchange) -> Reply:
        check_url(request.url, line.hosts, private=line.private)
        body, content_type = request.content()
        headers = dict(request.headers)
        if content_type and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = content_type
        token = _gate.set(exchange.begin)
        try:
            async with line.session(safe=request.safe, plain=request.url.startswith("http:")).request(
                request.method,
                request.url,
                params=request.query or None,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            ) as answer:
                content = await _limited(answer, request)
                cookies = tuple(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, found, content, request.safe, cookies)
        finally:
            _gate.reset(token)

    def _learn(self, line: _Line, error: StreamerError) -> None:
        """Failures of the other side count for the breaker; a definite answer shows that it lives."""
        match error:
            case NotSent():
                line.breaker.undecided()
            case Refused() | Unavailable(retry_after_seconds=float()):
                line.breaker.succeeded()
                line.hold(getattr(error, "retry_after_seconds", None) or 0.0)
            case _:
                line.breaker.failed(time.monotonic())


def _limiter(rate: Rate) -> AsyncLimiter:
    calls, seconds = rate
    return AsyncLimiter(max(calls, 1.0), seconds if calls >= 1.0 else seconds / calls)


async def _pause(line: _Line, account: str) -> None:
    """Waits out a short pause that the other side asked for. Raises Unavailable for a longer one."""
    left = line.held_until - time.monotonic()
    if left > SHORT_PAUSE_SECONDS:
        raise Unavailable(f"{account} asked for a pause", retry_after_seconds=left)
    if left > 0:
        await asyncio.sleep(left)


async def _limited(answer: aiohttp.ClientResponse, request: HttpRequest) -> bytes:
    limit = request.largest_reply_bytes or LARGEST_REPLY_BYTES
    content = bytearray()
    async for piece in answer.content.iter_chunked(65_536):
        content += piece
        if len(content) > limit:
            reason = f"{request.method} {where(request)} answered with more than {limit} bytes"
            raise Unavailable(reason) if request.safe else Unclear(reason)
    return bytes(content)


def failure(request: HttpRequest | MailRequest | MailboxRequest, error: BaseException, *, began: bool) -> StreamerError:
    """What a broken connection or a time-out means: NotSent before an unsafe request was begun, Unclear after."""
    what = where(request) if isinstance(request, HttpRequest) else request.url.partition("//")[2]
    reason = f"{what}: {'no answer in time' if isinstance(error, TimeoutError) else type(error).__name__}"
    if request.safe:
        return Unavailable(reason)
    return Unclear(reason) if began else NotSent(reason)


def _masked(error: StreamerError, mask: Mask) -> StreamerError:
    with contextlib.suppress(IndexError, TypeError):
        error.args = (mask(str(error.args[0])), *error.args[1:])
    return error
