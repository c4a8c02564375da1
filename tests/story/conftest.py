"""One product for all tests of the story that only look at what a day came to, or add to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.story import day as days
from tests.story.checker import caught_up, outcome
from tests.story.day import Day
from tests.story.product import running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """A day without any trouble: `day.outcome` is what it came to, `day.records` how long it was."""
    async with running(tmp_path_factory.mktemp("shop"), shop_secret=days.FIRST.secret) as product:
        product.stand_ins.recalls = days.recalls()
        day = Day(product)
        await day.run()
        await caught_up(product)
        day.outcome, day.records = outcome(product), product.witness.count
        yield day
