"""The same day told again: platforms repeat what they send, and operators replay topics."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaConsumer

from streamer.topics import FOLDS
from tests.story.checker import GROUP, caught_up, check, outcome
from tests.story.day import Day

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(400)]


async def test_all_of_it_sent_a_second_and_a_third_time_in_another_order_changes_nothing(day: Day) -> None:
    before = outcome(day.product)
    for seed in (2, 3):
        await day.send_all_again(seed=seed)
        await caught_up(day.product)
    assert outcome(day.product) == before
    await check(day.product)


async def test_raw_topics_read_again_from_their_start_change_nothing(day: Day) -> None:
    before = outcome(day.product)
    rows = {fold: day.witness.rows(fold) for fold in FOLDS}
    raw = {place: 0 for place in day.witness.ends() if place.topic.startswith("raw.")}

    async def back_to_the_start() -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=day.product.kafka.bootstrap, group_id=GROUP, enable_auto_commit=False
        )
        consumer.assign(list(raw))
        await consumer.start()
        await consumer.commit(raw)
        await consumer.stop()

    seen = len(day.witness.all("orders", "order"))
    await day.product.restart_worker(back_to_the_start)
    await day.witness.until(
        lambda: len(day.witness.all("orders", "order")) > seen, "raw topics are read again", within_seconds=60
    )
    await caught_up(day.product)
    assert outcome(day.product) == before
    changed = [key for fold, kept in rows.items() for key in _changed(kept, day.witness.rows(fold))]
    assert changed == []


def _changed(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Keys of rows that are not as they were, but for the clock's own: watermarks and polls."""
    keys = before.keys() | after.keys()
    return [
        key
        for key in sorted(keys)
        if before.get(key) != after.get(key) and not key.startswith("~") and not _is_poll(key)
    ]


def _is_poll(key: str) -> bool:
    return "/poll/" in key or key.startswith("poll/")
