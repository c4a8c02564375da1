"""Follows Kafka into the read model, in a thread of its own so that pages stay quick.

There is no consumer group: every process reads all. A topic with another id than before, or one that is shorter than
what was read, was made anew: then the model is, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamer.errors import StreamerError
from streamer.topic_ids import topic_ids
from streamer.web.console.projections import Change
from streamer.web.console.read_model import ReadModel, Source
from streamer.web.metrics import READ_MODEL_LAG, READ_MODEL_RECORDS

log = logging.getLogger(__name__)

BATCH = 500
LOOK_SECONDS = 5.0  # between two looks whether topics were made or made anew
BREATH_SECONDS = 0.002  # after each batch of a rebuild: pages come first


class Follower:
    """`on_changes` is called in the follower's thread, after the transaction that holds what changed."""

    def __init__(
        self,
        bootstrap_servers: str,
        model: ReadModel,
        topics: Iterable[str],
        on_changes: Callable[[set[Change]], None] = lambda _: None,
        retry_seconds: float = 1.0,
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.model = model
        self.topics = tuple(topics)
        self.on_changes = on_changes
        self.retry_seconds = retry_seconds
        self.lag: int | None = None  # records still to read; None until Kafka was reached
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read-model", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; waits until the last transaction is done."""
        self._stop.set()
        self._thread.join(15.0)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._follow_for_ever())

    async def _follow_for_ever(self) -> None:
        while not self._stop.is_set():
            try:
                await self._follow()
            except (KafkaError, OSError, StreamerError) as error:
                self.lag = None
                log.warning("the read model waits for Kafka: %s", error or type(error).__name__)
                await asyncio.to_thread(self._stop.wait, self.retry_seconds)
            except Exception:
                self.lag = None
                log.exception("the read model stopped and starts again")
                await asyncio.to_thread(self._stop.wait, self.retry_seconds)

    async def _follow(self) -> None:
        """Reads until topics appear or change, or until told to stop."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            client_id="streamer-console",
            fetch_max_wait_ms=100,
            fetch_min_bytes=1,
        )
        try:
            await consumer.start()
            cluster = await consumer._client.fetch_all_metadata()
            there = sorted(cluster.topics() & set(self.topics))
            ids = await topic_ids(self.bootstrap_servers, there) if there else {}
            partitions = [
                TopicPartition(topic, number) for topic in there for number in cluster.partitions_for_topic(topic) or ()
            ]
            if partitions:
                await self._begin(consumer, partitions, ids)
            await self._read(consumer, partitions, ids)
        finally:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), 5.0)

    async def _begin(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], ids: dict[str, str]) -> None:
        consumer.assign(partitions)
        first = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        positions = self.model.positions()
        for partition in partitions:
            known = positions.get(Source(*partition))
            if known is not None and (known[0] != ids[partition.topic] or known[1] > ends[partition]):
                log.warning("%s was made anew; the read model is built again", partition.topic)
                self.model.reset()
                positions = {}
                break
        for partition in partitions:
            known = positions.get(Source(*partition))
            consumer.seek(partition, max(known[1], first[partition]) if known else first[partition])

    async def _read(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], ids: dict[str, str]) -> None:
        loop = asyncio.get_running_loop()
        next_look = loop.time() + LOOK_SECONDS
        while not self._stop.is_set():
            if not partitions:
                await asyncio.to_thread(self._stop.wait, min(self.retry_seconds, 1.0))
                return
            batches = await consumer.getmany(timeout_ms=200, max_records=BATCH)
            records = [record for batch in batches.values() for record in batch]
            if records:
                changes = self.model.apply(records, ids)
                READ_MODEL_RECORDS.inc(len(records))
                self.on_changes(changes)
                await asyncio.sleep(BREATH_SECONDS)
            self.lag = await self._lag(consumer, partitions)
            READ_MODEL_LAG.set(self.lag)
            if loop.time() >= next_look:
                next_look = loop.time() + LOOK_SECONDS
                cluster = await consumer._client.fetch_all_metadata()
                there = cluster.topics() & set(self.topics)
                if not there or await topic_ids(self.bootstrap_servers, there) != ids:
                    return

    async def _lag(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> int:
        lag = 0
        for partition in partitions:
            end = consumer.highwater(partition)  # known once something was fetched
            if end is None:
                end = (await consumer.end_offsets([partition]))[partition]
            lag += max(0, end - await consumer.position(partition))
        return lag
