"""Webhook subscriptions that expire are renewed before their end by the owner of the account, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
import pytest

from streamer.domain import dispatch
from streamer.domain.effects import StartPoll
from streamer.domain.times import utc
from streamer.engine.fold import Output
from streamer.errors import Unavailable
from streamer.messages.commands import PollMoved
from streamer.pipeline.callers import Callers
from streamer.platforms.base import AccountSettings, Call, Platform, Role, Subscribed, post
from streamer.platforms.judging import play
from streamer.platforms.settings import example_settings
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Reply
from tests.domain.memory import Partition, settings

A_DAY = timedelta(days=1)
MARGIN = timedelta(hours=1)
STEP_SECONDS = 300.0


class Watched(Platform[AccountSettings]):
    """A platform whose subscriptions last as long as it says, and have an id by which they are renewed."""

    title = "Watched"
    docs = "https://example.com"
    roles = frozenset({Role.SOURCE})
    subscriptions: ClassVar[Mapping[str, float]] = {"orders": MARGIN.total_seconds()}

    def subscribe(self, resource: str, state: Mapping[str, str]) -> Call[Subscribed]:
        reply = yield from self.ask(post(f"https://example.com/{resource}", dict(state), safe=True))
        told = reply.json()
        expires = datetime.fromisoformat(told["expires_at"]) if told["expires_at"] else None
        return Subscribed(expires, {"id": told["id"]})


class Shop:
    """The owner's partition, the worker's callers and the platform, on one clock."""

    def __init__(self, lasts: timedelta | None = A_DAY) -> None:
        self.lasts = lasts
        self.down = False
        self.made = 0
        self.renewed: list[tuple[datetime, str]] = []
        self.failed: list[datetime] = []
        self.ends: datetime | None = None
        self.partition = Partition(dispatch)
        self.platform = Watched(example_settings(AccountSettings, {"name": "shop"}))
        self.partition.send(settings(partitions=1, accounts={"shop": self.platform.facts()}))

    @property
    def now(self) -> datetime:
        return utc(self.partition.now_ms)

    def restart(self) -> None:
        """A worker that has the rows of the one before, and nothing else of it."""
        rows, now = dict(self.partition.rows), self.now
        self.partition = Partition(dispatch, now=now)
        self.partition.rows.update(rows)
        self.platform = Watched(self.platform.settings)

    async def passes(self, time: timedelta) -> None:
        until = self.now + time
        while self.now < until:
            for effect in self.partition.tick(seconds=STEP_SECONDS):
                if isinstance(effect, StartPoll):
                    await self._called(effect)

    async def _called(self, effect: StartPoll) -> None:
        told: list[Output] = []

        async def send(outputs: list[Output]) -> None:
            told.extend(outputs)

        working = Callers({"shop": self.platform}, self, send)  # type: ignore[arg-type]
        working.start([effect], lambda: None)
        await working.finish()
        [moved] = told
        event = PollMoved.from_json(moved.value)
        self.partition.send(event.model_copy(update={"at": self.now}))

    async def run(self, call: Call[Any], *_: Any, **__: Any) -> Any:
        """Stands where calls go out."""
        return play(call, self._answer)

    def _answer(self, request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(self.now, "0" * 32)
        assert isinstance(request, HttpRequest)
        if self.down:
            self.failed.append(self.now)
            raise Unavailable("down for maintenance")
        known = request.json.get("id")
        if known is None:
            self.made += 1
        else:
            self.renewed.append((self.now, known))
        self.ends = self.now + self.lasts if self.lasts else None
        body = {"id": known or f"subscription-{self.made}", "expires_at": self.ends.isoformat() if self.ends else None}
        return Reply(200, {}, orjson.dumps(body))


async def test_a_subscription_is_made_once_and_renewed_shortly_before_its_end() -> None:
    shop = Shop()
    await shop.passes(timedelta(minutes=10))
    assert shop.made == 1
    first_end = shop.ends
    assert first_end is not None
    await shop.passes(timedelta(hours=25))
    [(at, known)] = shop.renewed
    assert known == "subscription-1"
    assert timedelta(minutes=40) <= first_end - at <= MARGIN
    assert shop.made == 1


async def test_a_worker_that_starts_again_renews_what_the_one_before_made() -> None:
    shop = Shop()
    await shop.passes(timedelta(hours=20))
    shop.restart()
    await shop.passes(timedelta(hours=2))
    assert (shop.made, shop.renewed) == (1, [])
    await shop.passes(timedelta(hours=3))
    assert [known for _, known in shop.renewed] == ["subscription-1"]
    assert shop.made == 1


async def test_a_renewal_that_fails_is_tried_again_until_it_succeeds() -> None:
    shop = Shop()
    await shop.passes(timedelta(hours=20))
    end = shop.ends
    assert end is not None
    shop.down = True
    await shop.passes(timedelta(hours=3, minutes=30))
    assert len(shop.failed) >= 4
    pauses = [later - earlier for earlier, later in zip(shop.failed, shop.failed[1:], strict=False)]
    assert max(pauses) <= timedelta(minutes=15)
    shop.restart()  # and a crash in the middle of it forgets nothing
    shop.down = False
    await shop.passes(timedelta(minutes=30))
    [(at, known)] = shop.renewed
    assert known == "subscription-1"
    assert at < end
    assert shop.made == 1


async def test_a_subscription_that_ended_while_the_platform_was_down_is_renewed_when_it_is_back() -> None:
    shop = Shop()
    await shop.passes(timedelta(hours=20))
    shop.down = True
    await shop.passes(timedelta(hours=10))
    shop.down = False
    await shop.passes(timedelta(minutes=20))
    assert len(shop.renewed) == 1
    assert shop.ends is not None
    assert shop.ends > shop.now


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_subscription_without_an_end_is_never_made_again(restarts: bool) -> None:
    shop = Shop(lasts=None)
    await shop.passes(timedelta(hours=2))
    if restarts:
        shop.restart()
    await shop.passes(timedelta(days=2))
    assert (shop.made, shop.renewed) == (1, [])


async def test_what_expires_sooner_than_its_margin_is_renewed_at_every_look_and_no_oftener() -> None:
    shop = Shop(lasts=timedelta(minutes=30))
    await shop.passes(timedelta(hours=2))
    assert shop.made == 1
    assert 7 <= len(shop.renewed) <= 8
    assert shop.ends is not None
    assert shop.ends > shop.now


def test_an_end_may_be_told_with_any_offset() -> None:
    shop = Shop()
    call = shop.platform.look("orders", {"expires_at": "2026-03-10T12:00:00+02:00", "id": "x"})
    page = play(call, lambda _: Moment(datetime(2026, 3, 10, 8, 0, tzinfo=UTC), "0"))
    assert page.cursor["id"] == "x"
    assert not page.records
