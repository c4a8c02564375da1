"""A changelog of very many stock rows, as the engine writes them: for what a restart costs, and for memory."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import shop
from benchmarks.broker import SendRecord
from benchmarks.running import Shop
from streamer.domain.partitions import partition_of
from streamer.domain.stock_rows import Line, StockRow, write_row
from streamer.domain.view import SETTINGS_KEY
from streamer.engine.recovery import WATERMARK_KEY, Watermark
from streamer.messages.applied import SettingsApplied
from streamer.topics import changelog

RESERVATIONS = 8
ON_HAND = 1_000_000
OLD_ORDER = 100_000_000


def row_value() -> bytes:
    """A row of about 350 bytes: counted, with eight reservations."""
    lines = {f"{shop.ACCOUNT}/{OLD_ORDER + place}/1": Line(Decimal(place)) for place in range(1, 1 + RESERVATIONS)}
    row = StockRow(
        known=True, counted=True, level=Decimal(ON_HAND), as_of_ms=1_767_600_000_000, level_account=shop.ACCOUNT,
        reserved=sum((line.quantity for line in lines.values()), Decimal(0)), lines=lines,
    )  # fmt: skip
    return write_row(row)


async def seed(product: Shop, rows: int) -> int:
    """Fills the changelog of `stock` before the first start of a worker; returns the bytes of a row.

    Its watermark is the end of the log as `streamer apply` left it, so the rows hold the settings too.
    """
    ends = await product.broker.end_offsets("stock", shop.PARTITIONS)
    value, settings = row_value(), await _settings(product)
    keys: list[list[bytes]] = [[] for _ in range(shop.PARTITIONS)]
    for number in range(rows):
        key = f"{shop.LOCATION}/{shop.sku(number)}"
        keys[partition_of(key, shop.PARTITIONS)].append(key.encode())

    def of_partition(partition: int) -> Iterator[SendRecord]:
        header = (("w", f"{product.topic_ids['stock']}:{ends[partition] - 1}".encode()),)
        yield SETTINGS_KEY.encode(), settings, header
        for key in keys[partition]:
            yield key, value, header
        yield WATERMARK_KEY.encode(), Watermark().written(), header

    topic = changelog(product.app_id, "stock")
    await product.broker.load(topic, ((partition, of_partition(partition)) for partition in range(shop.PARTITIONS)))
    # One event more: a changelog that reaches the end of its log cannot be told from one of a lost log.
    await product.load("stock", [shop.level("NUDGE-" + str(place), 1) for place in range(16)])
    return len(value)


async def _settings(product: Shop) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=product.broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition("stock", 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        found: Any = await consumer.getone()
        return SettingsApplied.from_json(found.value).to_json()
    finally:
        await consumer.stop()
