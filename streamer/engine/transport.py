"""Faust's Kafka transport, fetching whole batches: one message for each partition and fetch of a batched topic.

Faust's costs for an event (four tasks, locks, a turn of the stream) are then paid once a batch. The message's value is
the list of records as aiokafka has them, its offset the last one's. Batches of a partition are acknowledged in order,
so the highest acknowledged offset may be committed. Topics that nobody asked for in batches (agents, tables and table
routes as Faust has them) come record by record as ever. The producer is idempotent.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Container
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import KafkaError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streamer.engine.exits import die
from streamer.engine.lease import Lease

FETCH_WAIT_MS = 20  # the driver's 1,500 would let a partition wait behind an empty one


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Leaves a batch as it is: the event's value is the list of Kafka records."""

    def compile(self, app: Any, **_options: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(None, message.value, (), message)

        return decode


class PlainRecords(OrderedDict[Any, Any]):
    """What a fetcher has fetched, by partition. Records of batched topics stay as they are read from the batch.

    aiokafka makes a second object of each, with topic and partition in it: a third of the time of reading one.
    """

    def __init__(self, batched: Container[str]) -> None:
        super().__init__()
        self._batched = batched

    def __setitem__(self, place: Any, fetched: Any) -> None:
        if type(fetched) is FetchResult and place.topic in self._batched:
            fetched._partition_records._consumer_record = _as_it_is
        super().__setitem__(place, fetched)


def _as_it_is(_place: Any, record: Any) -> Any:
    return record


def plain_records(consumer: AIOKafkaConsumer, topics: Container[str]) -> None:
    """From now on a started consumer gives the records of `topics` as engine.fold.LogRecord has them, and no more."""
    consumer._fetcher._records = PlainRecords(topics)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Sets what Faust's settings do not reach, and watches the heartbeats for the lease."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._isolation_level = "read_committed"  # producers of raw topics may write in transactions
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        transport: Any = self.transport
        consumer: Any = self._consumer
        plain_records(consumer, transport.batched)
        transport.lease.watch(consumer._coordinator)


class Consumer(driver.Consumer):
    """Hands out batches instead of records, where a topic wants them."""

    @property
    def _batched(self) -> set[str]:
        transport: Any = self.transport
        batched: set[str] = transport.batched
        return batched

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        generation = self.app.consumer_generation_id
        fetched, _active = await self._wait_next_records(timeout)
        if fetched is None or self.should_stop:
            return
        # What came while the partitions were assigned anew may have been fetched before that (it was on its way from
        # the fetching thread), and would leave out what lies before it: it is read again from where the group stands.
        if not self.flow_active or self.app.consumer_generation_id != generation:
            with contextlib.suppress(KafkaError):  # in the middle of a rebalance; the assignment seeks anyhow
                await self.perform_seek()
            return
        # What was fetched is handed out, paused since or not: aiokafka would not give it again.
        for partition, fetched_records in fetched.items():
            # Both may have changed while the batch before was taken.
            if not self.flow_active or self.app.consumer_generation_id != generation:  # type: ignore[redundant-expr]
                break
            tp = TP(partition.topic, partition.partition)
            if tp.topic not in self._batched:
                for record in fetched_records:
                    if not self.flow_active or self.app.consumer_generation_id != generation:  # type: ignore[redundant-expr]
                        return
                    yield tp, self._to_message(tp, record)
                continue
            # After a seek this is the next offset to read, else the last one read: what is equal may not be left out.
            read = self._read_offset[tp]
            records = fetched_records
            if read is not None and records[0].offset < read:
                records = [record for record in records if record.offset >= read]
            if not records:
                continue
            last = records[-1]
            yield (
                tp,
                ConsumerMessage(
                    tp.topic,
                    tp.partition,
                    last.offset,
                    last.timestamp / 1000.0,
                    last.timestamp_type,
                    [],
                    None,
                    records,  # type: ignore[arg-type]  # a batch stands where Faust has one value
                    None,
                    0,
                    0,
                    tp,
                    generation_id=generation,  # without it the stream drops the batch in silence
                ),
            )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Batches are acknowledged in order, so gaps need no book-keeping."""
        if tp.topic not in self._batched:
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self._batched:
            stock: int | None = super()._new_offset(tp)
            return stock
        acked = self._acked[tp]
        if not acked:
            return None
        highest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return highest + 1

    async def _drain_messages(self, fetcher: Any) -> None:
        """What is raised in here would end the fetcher alone, and the worker would limp on."""
        try:
            await super()._drain_messages(fetcher)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing would be read any more
            if not self.should_stop:
                die("the consumer stopped reading", error)


class Producer(driver.Producer):
    """Idempotent: a retried batch is appended once and in its place."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True, "request_timeout_ms": 30_000}


class Transport(driver.Transport):
    Consumer = Consumer
    Producer = Producer

    def __init__(self, url: Any, app: Any, lease: Lease) -> None:
        super().__init__(url, app)
        self.lease = lease
        self.batched: set[str] = set()
        """Topics whose records are handed out in batches."""
