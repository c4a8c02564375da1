"""The one broker of a run, its topics, and what is read from and written to it from outside the contenders."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamer.local.kafka import LocalKafka

TOPIC_SECONDS = 30.0
LOAD_BATCH_BYTES = 500_000
SendRecord = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]


class Broker:
    """Admin, a consumer that looks at offsets, and a producer that loads logs."""

    def __init__(self, kafka: LocalKafka) -> None:
        self.bootstrap = kafka.bootstrap
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        self._looker = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._looker.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._looker.stop()
        await self._admin.close()

    async def fresh_topics(self, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
        """Deletes these topics with what the run before left in them, and makes them anew."""
        there = set(await self._admin.list_topics()) & set(topics)
        if there:
            await self._admin.delete_topics(sorted(there))
            await self._until(lambda listed: not there & listed)
        await self._admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=dict(configs)) for name, configs in topics.items()]
        )
        await self._until(lambda listed: set(topics) <= listed)

    async def _until(self, reached: Any) -> None:
        deadline = time.monotonic() + TOPIC_SECONDS
        while not reached(set(await self._admin.list_topics())):
            if time.monotonic() > deadline:
                raise TimeoutError("the broker did not make or delete the topics in time")
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # the controller knows before the leaders do

    async def end_offsets(self, topic: str, partitions: int) -> list[int]:
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        ends = await self._looker.end_offsets(places)
        return [ends[place] for place in places]

    async def records(self, topic: str, partitions: int) -> list[Any]:
        """All of a topic, in the order of each partition."""
        ends = dict(enumerate(await self.end_offsets(topic, partitions)))
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            max_partition_fetch_bytes=8_000_000,
        )  # fmt: skip
        await consumer.start()
        try:
            places = [TopicPartition(topic, partition) for partition in range(partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            found: list[Any] = []
            while [place for place in places if await consumer.position(place) < ends[place.partition]]:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    found += batch
            return found
        finally:
            await consumer.stop()

    async def load(self, topic: str, batches: Iterable[tuple[int, Iterable[SendRecord]]]) -> None:
        """Writes records of one partition after the other, in order, without gaps."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True, max_batch_size=LOAD_BATCH_BYTES
        )
        await producer.start()
        try:
            for partition, records in batches:
                batch = producer.create_batch()
                for key, value, headers in records:
                    if batch.append(key=key, value=value, timestamp=None, headers=list(headers)) is None:
                        await producer.send_batch(batch, topic, partition=partition)
                        batch = producer.create_batch()
                        batch.append(key=key, value=value, timestamp=None, headers=list(headers))
                if batch.record_count():
                    await producer.send_batch(batch, topic, partition=partition)
            await producer.flush()
        finally:
            await producer.stop()


@asynccontextmanager
async def local_broker(properties: Mapping[str, str] | None = None) -> AsyncIterator[Broker]:
    """A Kafka of this run alone, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        kafka = LocalKafka(Path(folder) / "kafka", properties=properties)
        await kafka.start_async()
        try:
            async with Broker(kafka) as broker:
                yield broker
        finally:
            await kafka.stop_async()
