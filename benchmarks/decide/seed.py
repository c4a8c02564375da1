"""Fills the log with a workload, and a changelog with rows as the product's engine writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.broker import Broker, SendRecord
from benchmarks.decide.records import Event, by_partition
from streamer.domain.partitions import partition_of
from streamer.domain.view import SETTINGS_KEY
from streamer.engine.recovery import WATERMARK_KEY, Watermark
from streamer.messages.applied import SettingsApplied


async def log(broker: Broker, topic: str, events: list[Event], settings: bytes, partitions: int) -> None:
    """The first record of each partition tells the settings that its rows know: a seeded changelog reaches up to it."""

    def of_partition(chosen: list[Event]) -> Iterator[SendRecord]:
        yield b"", settings, (("ce_type", SettingsApplied.ce_type.encode()),)
        for event in chosen:
            yield event.key, event.value, event.headers

    parts = enumerate(by_partition(events, partitions))
    await broker.load(topic, ((partition, of_partition(chosen)) for partition, chosen in parts))


async def changelog(broker: Broker, topic: str, rows: Mapping[str, bytes], partitions: int, log_topic_id: str) -> None:
    """The rows of each partition at watermark 0, then its watermark row; the settings go to all partitions."""
    header = (("w", f"{log_topic_id}:0".encode()),)

    def of_partition(partition: int) -> Iterator[SendRecord]:
        for key, value in rows.items():
            if key == SETTINGS_KEY or partition_of(key, partitions) == partition:
                yield key.encode(), value, header
        yield WATERMARK_KEY.encode(), Watermark().written(), header

    await broker.load(topic, ((partition, of_partition(partition)) for partition in range(partitions)))
