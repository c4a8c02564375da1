"""The runner slows down when it is asked to, holds to several limits at once and tells what it does not know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streamer.errors import NotSent, Refused, Unavailable, Unclear
from streamer.platforms.base import Rate
from streamer.platforms.http import Runner
from streamer.platforms.judging import judge, pause_of
from streamer.platforms.wire import NOTE, Call, HttpRequest, PauseUnit, Reply, alone, get, keep, post, recall, release
from tests.platforms.vendors import Account

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.Response]]


def serving(handler: Handler) -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return TestServer(app)


@pytest.mark.parametrize(
    ("name", "unit", "text", "seconds"),
    [
        ("X-Wait", "seconds", "7", 7),
        ("X-Wait", "milliseconds", "2500", 2.5),
        ("X-RateLimit-Reset", "epoch", str(NOW.timestamp() + 9), 9),
        ("X-RateLimit-Reset", "epoch_milliseconds", str((NOW.timestamp() + 9) * 1000), 9),
        ("X-RateLimit-Reset", "epoch", "1000", 0),
        ("X-Wait", "seconds", "soon", None),
        ("X-Wait", "seconds", "nan", None),
        ("X-Wait", "seconds", "1e12", 86_400),
    ],
)
def test_platforms_say_in_their_own_headers_when_to_come_back(
    name: str, unit: PauseUnit, text: str, seconds: float | None
) -> None:
    request = HttpRequest("GET", "https://x.example", safe=True, pauses={name: unit})
    found = pause_of(request, Reply(429, {name.lower(): text}), now=NOW)
    assert found == (pytest.approx(seconds) if seconds is not None else None)


def test_retry_after_wins_and_a_503_with_a_promise_did_nothing() -> None:
    request = HttpRequest("POST", "https://x.example", pauses={"X-Wait": "milliseconds"})
    with pytest.raises(Unavailable) as told:
        judge(request, Reply(503, {"x-wait": "1500"}, safe=False))
    assert told.value.retry_after_seconds == 1.5
    with pytest.raises(Unclear):
        judge(request, Reply(503, {}, safe=False))
    with pytest.raises(Unavailable) as told:
        judge(request, Reply(429, {"x-wait": "1500", "retry-after": "3"}, safe=False))
    assert told.value.retry_after_seconds == 3


async def test_after_a_429_no_other_call_of_the_account_goes_out_until_the_pause_is_over() -> None:
    asked = 0

    async def busy(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with serving(busy) as server, Runner() as runner:
        account = Account.at(str(server.make_url("")))
        for _ in range(3):
            with pytest.raises(Unavailable) as told:
                await runner.run(account.ask(get(f"{account.base('')}/x")), account)
            assert told.value.retry_after_seconds == pytest.approx(60, abs=5)
    assert asked == 1


async def test_an_answer_that_says_how_little_is_left_slows_the_next_call_down() -> None:
    async def fine(request: web.Request) -> web.Response:
        return web.json_response({})

    class Careful(Account):
        def slow_down(self, reply: Reply) -> float | None:
            return 0.2

    async with serving(fine) as server, Runner() as runner:
        account = Careful.at(str(server.make_url("")))
        begun = time.monotonic()
        for _ in range(3):
            await runner.run(account.ask(get(f"{account.base('')}/x")), account)
        assert time.monotonic() - begun >= 0.4


async def test_of_several_limits_the_narrowest_holds() -> None:
    async def fine(request: web.Request) -> web.Response:
        return web.json_response({})

    class Narrow(Account):
        rate = (Rate(100.0, 1.0), Rate(2.0, 0.4))

    async with serving(fine) as server, Runner() as runner:
        account = Narrow.at(str(server.make_url("")), calls_per_second=None)
        begun = time.monotonic()
        for _ in range(4):
            await runner.run(account.ask(get(f"{account.base('')}/x")), account)
        assert time.monotonic() - begun >= 0.35


async def test_how_an_account_stands_is_told_by_its_narrowest_limit_the_pause_it_asked_for_and_its_breaker() -> None:
    async def answers(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "60"}) if "busy" in request.path else web.Response()

    class Narrow(Account):
        rate = (Rate(100.0, 1.0), Rate(4.0, 3600.0))

    async with serving(answers) as server, Runner() as runner:
        account = Narrow.at(str(server.make_url("")), calls_per_second=None)
        assert runner.standings() == {}
        await runner.run(account.ask(get(f"{account.base('')}/x")), account)
        standing = runner.standings()[account.account]
        assert (round(standing.calls_left), standing.calls, standing.per_seconds) == (3, 4, 3600)
        assert (standing.held_seconds, standing.breaker_seconds) == (0, None)
        with pytest.raises(Unavailable):
            await runner.run(account.ask(get(f"{account.base('')}/busy")), account)
        assert runner.standings()[account.account].held_seconds == pytest.approx(60, abs=5)


async def test_what_breaks_after_an_unsafe_request_was_carried_out_is_unclear() -> None:
    async def half(request: web.Request) -> web.Response:
        return web.json_response({}, status=200 if request.path == "/orders" else 400)

    def two_steps(account: Account) -> Call[None]:
        yield from account.ask(post(f"{account.base('')}/orders", {}))
        yield from account.ask(post(f"{account.base('')}/lines", {}))

    async with serving(half) as server, Runner() as runner:
        account = Account.at(str(server.make_url("")))
        with pytest.raises(Unclear, match="a first part was done"):
            await runner.run(two_steps(account), account)
        with pytest.raises(Refused):
            await runner.run(account.ask(post(f"{account.base('')}/lines", {})), account)


async def test_a_turn_that_does_not_come_is_no_reason_to_wait_for_ever_and_the_end_of_a_call_gives_it_back() -> None:
    def waits(account: Account) -> Call[str]:
        yield from alone("token")
        yield from account.ask(get(f"{account.base('')}/slow"))
        yield from release("token")
        return "done"

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.json_response({})

    async with serving(slow) as server, Runner() as runner:
        account = Account.at(str(server.make_url("")))
        first = asyncio.create_task(runner.run(waits(account), account))
        await asyncio.sleep(0.05)
        with pytest.raises(NotSent, match="busy with its token"):
            await runner.run(waits(account), account, timeout_seconds=0.05)
        assert await first == "done"

        def breaks(account: Account) -> Call[Any]:
            yield from alone("token")
            raise Refused("no")

        with pytest.raises(Refused):
            await runner.run(breaks(account), account)
        assert await runner.run(waits(account), account) == "done"


async def test_a_kept_token_is_seen_in_no_error_and_a_note_in_all_of_them() -> None:
    async def talkative(request: web.Request) -> web.Response:
        return web.json_response({"error": "kept-token and PO-771204 are unknown"}, status=404)

    def call(account: Account) -> Call[None]:
        yield from keep("token", "kept-token")
        yield from keep(f"{NOTE}orders", "PO-771204")
        assert (yield from recall(f"{NOTE}orders")) == "PO-771204"
        yield from account.ask(get(f"{account.base('')}/orders"))

    async with serving(talkative) as server, Runner() as runner:
        account = Account.at(str(server.make_url("")))
        with pytest.raises(Refused) as told:
            await runner.run(call(account), account)
    assert "kept-token" not in str(told.value)
    assert "PO-771204" in str(told.value)
