"""Things break for minutes, at moments that a seed chooses: nothing is lost, doubled or promised twice.

`make chaos` runs this; `STREAMER_CHAOS_SEED` chooses other moments.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.story import day as days
from tests.story.chaos import (
    Fault,
    blows,
    join_worker,
    kill_web,
    kill_worker,
    leave_worker,
    pause_worker,
    restart_broker,
    strike,
)
from tests.story.checker import check, outcome, settled
from tests.story.day import Day
from tests.story.product import running

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]

SEED = int(os.environ.get("STREAMER_CHAOS_SEED", "20262"))
ORDERS = 300
MIXED: Sequence[Fault] = (
    *(join_worker, pause_worker, kill_web, restart_broker, kill_worker, leave_worker),
    *(join_worker, join_worker, kill_worker, leave_worker, pause_worker, kill_web, restart_broker, leave_worker),
)


@asynccontextmanager
async def a_day(folder: Path, workers: int = 1) -> AsyncIterator[Day]:
    async with running(folder, workers=workers, shop_secret=days.FIRST.secret) as product:
        product.stand_ins.recalls = days.recalls()
        yield Day(product, patience_seconds=900.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What a day without any trouble comes to, and how many records it makes."""
    async with a_day(tmp_path_factory.mktemp("undisturbed")) as day:
        await day.run()
        await settled(day.product)
        return outcome(day.product), day.witness.count


@pytest.mark.asyncio(loop_scope="module")
async def test_twenty_kills_of_the_worker_change_no_decision_no_quantity_and_no_order(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    came_to, records = undisturbed
    async with a_day(tmp_path) as day:
        planned = blows(SEED, [kill_worker] * 20, records=records)
        await through(day, planned)
        assert len(day.product.ended) >= 20
        assert outcome(day.product) == came_to
        await check(day.product)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_day_with_faults_of_every_kind_comes_to_the_same(
    undisturbed: tuple[dict[str, Any], int], tmp_path: Path
) -> None:
    came_to, records = undisturbed
    async with a_day(tmp_path) as day:
        await through(day, blows(SEED + 1, MIXED, records=records))
        assert outcome(day.product) == came_to
        await check(day.product)


@pytest.mark.asyncio(loop_scope="module")
async def test_under_load_nothing_is_lost_doubled_or_promised_twice(tmp_path: Path) -> None:
    async with a_day(tmp_path, workers=2) as day:
        await day.levels_in_the_morning()
        faults = list(MIXED)
        random.Random(SEED + 2).shuffle(faults)
        begun = day.witness.count
        planned = [one._replace(at_count=one.at_count + begun) for one in blows(SEED + 2, faults, records=ORDERS * 8)]
        struck = asyncio.create_task(strike(day.product, planned, seed=SEED + 2))
        await day.trade(ORDERS, seed=SEED + 2)
        await asyncio.wait_for(struck, 900)
        waiting = await settled(day.product, within_seconds=900)
        await check(day.product, people=waiting)
        decided = {one.json["order_id"] for one in day.witness.all("order-status", "order-line-status")}
        assert len(decided) == ORDERS


async def through(day: Day, planned: Any) -> None:
    """The whole day, with blows dealt beside it."""
    struck = asyncio.create_task(strike(day.product, planned, seed=SEED))
    try:
        await day.run()
    finally:
        print("\n".join(await asyncio.wait_for(struck, 900)))
    assert await settled(day.product) == []
