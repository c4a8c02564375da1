"""The read model says what the topics say, however often it is built."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streamer.web.console.follower import Follower
from streamer.web.console.projections import Change
from streamer.web.console.read_model import FILE, Reader, ReadModel
from tests.web import shop
from tests.web.conftest import create_topics
from tests.web.shop import Sent


def content(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table but the positions, sorted."""
    database = sqlite3.connect(data_dir / FILE)
    names = database.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search%' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    tables = {}
    for (name,) in names:
        if name not in ("position", "document"):  # offsets and row numbers go by the order of arrival
            tables[name] = sorted(database.execute(f"SELECT * FROM {name}"), key=repr)  # noqa: S608 - of the schema
    database.close()
    return tables


@asynccontextmanager
async def following(bootstrap: str, data_dir: Path, topics: shop.Topics) -> AsyncIterator[Follower]:
    model = ReadModel(data_dir, topics.sources)
    follower = Follower(bootstrap, model, topics.sources, retry_seconds=0.1)
    follower.start()
    try:
        yield follower
    finally:
        await asyncio.to_thread(follower.stop)
        model.close()


async def caught_up(data_dir: Path, follower: Follower, records: int) -> None:
    """Waits until the model has read so many records in all."""
    reader = Reader(data_dir)
    try:
        async with asyncio.timeout(30):
            while (reader.number("SELECT sum(next_offset) FROM position") or 0) < records or follower.lag != 0:
                assert follower.alive
                await asyncio.sleep(0.05)
    finally:
        reader.close()


async def send(bootstrap: str, records: list[Sent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for record in records:
            await producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))
        await producer.flush()
    finally:
        await producer.stop()


@pytest.fixture
async def topics(kafka_bootstrap: str, topic_name: Callable[[str], str]) -> shop.Topics:
    names = shop.Topics(topic_name("a"), topic_name("p") + ".")
    await create_topics(kafka_bootstrap, {topic: {} for topic in names.sources})
    return names


async def test_a_model_that_was_deleted_is_built_again_and_says_the_same(
    kafka_bootstrap: str, topics: shop.Topics, tmp_path: Path
) -> None:
    records = shop.a_day(topics)
    await send(kafka_bootstrap, records)
    for name in ("first", "again"):
        async with following(kafka_bootstrap, tmp_path / name, topics) as follower:
            await caught_up(tmp_path / name, follower, len(records))
    first, again = content(tmp_path / "first"), content(tmp_path / "again")
    assert first == again
    assert len(first["orders"]) == 3
    assert len(first["stock"]) == 4
    assert len(first["dead_letter"]) == 2


async def test_a_model_that_was_stopped_goes_on_where_it_was(
    kafka_bootstrap: str, topics: shop.Topics, tmp_path: Path
) -> None:
    records = shop.a_day(topics)
    half = len(records) // 2
    await send(kafka_bootstrap, records[:half])
    async with following(kafka_bootstrap, tmp_path / "a", topics) as follower:
        await caught_up(tmp_path / "a", follower, half)
    await send(kafka_bootstrap, records[half:])
    async with following(kafka_bootstrap, tmp_path / "a", topics) as follower:
        await caught_up(tmp_path / "a", follower, len(records))
    async with following(kafka_bootstrap, tmp_path / "b", topics) as follower:
        await caught_up(tmp_path / "b", follower, len(records))
    assert content(tmp_path / "a") == content(tmp_path / "b")


async def test_a_topic_that_was_made_anew_is_read_from_its_start_and_the_old_is_forgotten(
    kafka_bootstrap: str, topics: shop.Topics, tmp_path: Path
) -> None:
    await send(kafka_bootstrap, shop.a_day(topics))
    async with following(kafka_bootstrap, tmp_path, topics) as follower:
        await caught_up(tmp_path, follower, 1)
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        await admin.delete_topics([topics.of("stock")])
        await admin.close()
        await asyncio.sleep(1.0)
        await create_topics(kafka_bootstrap, {topics.of("stock"): {}})
        await send(kafka_bootstrap, [shop.stock_row(topics, "main", "NEW-1", on_hand=1)])
        reader = Reader(tmp_path)
        async with asyncio.timeout(30):
            while [row["sku"] for row in reader.all("SELECT sku FROM stock")] != ["NEW-1"]:
                await asyncio.sleep(0.1)
        reader.close()


def test_a_late_write_of_a_dead_owner_changes_nothing(tmp_path: Path) -> None:
    topics = shop.Topics("x")
    model = ReadModel(tmp_path, topics.sources)
    late = shop.stock_row(topics, "main", "LAMP", on_hand=9, w=4)
    new = shop.stock_row(topics, "main", "LAMP", on_hand=3, w=5)
    ids = dict.fromkeys(topics.sources, "t")
    model.apply([shop.as_record(new, 0), shop.as_record(late, 1)], ids)
    reader = Reader(tmp_path)
    assert reader.number("SELECT on_hand FROM stock") == 3
    gone = Sent(new.topic, new.key, None, (("w", b"log:6"),))
    model.apply([shop.as_record(gone, 2), shop.as_record(late, 3)], ids)
    assert reader.number("SELECT count(*) FROM stock") == 0
    reader.close()
    model.close()


def test_a_record_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    topics = shop.Topics("x")
    model = ReadModel(tmp_path, topics.sources)
    bad = Sent(topics.of("stock"), b"main/LAMP", b"{broken", (("w", b"log:1"),))
    odd = Sent(topics.public + "audit", b"x", b"[]", ())
    good = shop.stock_row(topics, "main", "BULB", on_hand=3)
    changes = model.apply(
        [shop.as_record(record, at) for at, record in enumerate([bad, odd, good])], dict.fromkeys(topics.sources, "t")
    )
    assert changes == {Change.STOCK}
    reader = Reader(tmp_path)
    assert [row["key"] for row in reader.all("SELECT key FROM stock")] == ["main/BULB"]
    assert reader.number("SELECT max(next_offset) FROM position") == 3
    reader.close()
    model.close()


def test_a_file_that_is_no_database_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 400)
    model = ReadModel(tmp_path, {})
    assert model.positions() == {}
    model.close()
    assert oct((tmp_path / FILE).stat().st_mode)[-3:] == "600"
