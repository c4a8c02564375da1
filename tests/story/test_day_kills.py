"""The same day while its worker is killed: it comes to the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.story import day as days
from tests.story.chaos import blows, kill_worker, strike
from tests.story.checker import check, outcome, settled
from tests.story.day import Day
from tests.story.product import running

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

SEED = 20_261


async def test_three_kills_at_random_moments_change_no_decision_no_quantity_and_no_order(
    day: Day, tmp_path: Path
) -> None:
    async with running(tmp_path, shop_secret=days.FIRST.secret) as product:
        product.stand_ins.recalls = days.recalls()
        another = Day(product, patience_seconds=90.0)
        planned = blows(SEED, [kill_worker] * 3, records=day.records)
        struck = asyncio.create_task(strike(product, planned, seed=SEED))
        await another.run()
        await asyncio.wait_for(struck, 60)
        await settled(product)
        assert len(product.ended) == 3
        assert outcome(product) == day.outcome
        await check(product)
