"""Somebody who reads every topic from its start: what stands in Kafka, not what the product says of itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

T = TypeVar("T")

TICK = "streamer.tick"
NOISE = (TICK, "poll-moved")  # what comes by the clock, whatever happens in the shop
SETTLED_SECONDS = 1.5


class Seen(NamedTuple):
    """One record, with its headers as text."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str
    value: bytes | None
    headers: dict[str, str]

    @property
    def type(self) -> str:
        return self.headers.get("ce_type", "")

    @property
    def json(self) -> Any:
        return json.loads(self.value or b"null")


class Witness:
    """`async with Witness(bootstrap, topics) as witness:` follows topics (name, partitions) until the block ends."""

    def __init__(self, bootstrap: str, topics: Iterable[tuple[str, int]]) -> None:
        self._bootstrap = bootstrap
        self.places = [TopicPartition(topic, number) for topic, many in topics for number in range(many)]
        self._records: dict[str, list[Seen]] = defaultdict(list)
        self._raw: dict[str, list[Any]] = defaultdict(list)
        self._from: dict[str, list[Any]] = defaultdict(list)
        self._ends: dict[TopicPartition, int] = {}
        self._rows: dict[tuple[str, str], tuple[int, bytes | None]] = {}
        self._moved = asyncio.Condition()
        self._failed: BaseException | None = None
        self.count = 0  # of records that come of what happens in the shop
        self.last_at = time.monotonic()  # when the last of them came

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        await self._consumer.start()
        self._consumer.assign(self.places)
        await self._consumer.seek_to_beginning(*self.places)
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _follow(self) -> None:
        try:
            while True:
                for records in (await self._consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        self._take(record)
                async with self._moved:
                    self._moved.notify_all()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._failed = error
            raise

    def _take(self, record: Any) -> None:
        seen = Seen(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp,
            (record.key or b"").decode("utf-8", "replace"),
            record.value,
            {name: value.decode("utf-8", "replace") for name, value in record.headers},
        )
        self._records[seen.topic].append(seen)
        self._raw[seen.topic].append(record)
        if "src" in seen.headers:
            self._from[seen.headers["src"].rpartition(":")[0]].append(record)
        self._ends[TopicPartition(seen.topic, seen.partition)] = seen.offset + 1
        if "w" in seen.headers and seen.topic.endswith("-changelog"):
            w = int(seen.headers["w"].rpartition(":")[2])
            place = (seen.topic, seen.key)
            if w >= self._rows.get(place, (-1, None))[0]:
                self._rows[place] = (w, seen.value)
        elif seen.type not in NOISE:
            self.count += 1
            self.last_at = time.monotonic()

    # ---- looking

    def all(self, topic: str, *types: str) -> list[Seen]:
        """Everything on a topic but ticks, in the order in which it was read; of these types only, if there are any."""
        found = [record for record in self._records[topic] if record.type != TICK]
        return [record for record in found if record.type in types] if types else found

    def with_ticks(self, topic: str) -> list[Seen]:
        return list(self._records[topic])

    def everything(self) -> Iterator[Seen]:
        return (record for records in self._records.values() for record in records)

    def raw(self, topic: str) -> list[Any]:
        """The records as Kafka gave them, each partition in the order of its offsets."""
        return list(self._raw[topic])

    def from_source(self, place: str) -> list[Any]:
        """What one partition of one log (`<topic id>:<partition>`) made its fold say, on whichever topic."""
        return list(self._from[place])

    def ends(self) -> dict[TopicPartition, int]:
        """The next offset of each partition that has records."""
        return dict(self._ends)

    def once(self, topic: str, *types: str) -> list[Seen]:
        """The same, without those whose `ce_id` came before: a restart may say the same thing again."""
        return list({(record.type, record.headers.get("ce_id")): record for record in self.all(topic, *types)}.values())

    def row(self, fold: str, key: str) -> Any:
        """The row as the changelog has it: the record with the highest `w`."""
        found = self._rows.get((f"streamer-{fold}-changelog", key))
        return json.loads(found[1]) if found is not None and found[1] is not None else None

    def rows(self, fold: str) -> dict[str, bytes]:
        topic = f"streamer-{fold}-changelog"
        return {key: value for (of, key), (_, value) in self._rows.items() if of == topic and value is not None}

    # ---- waiting

    async def until(self, found: Callable[[], T], what: str, within_seconds: float = 20.0) -> T:
        """What `found` gives as soon as it is true."""
        deadline = time.monotonic() + within_seconds
        while True:
            if self._failed is not None:
                raise AssertionError("the witness reads no more") from self._failed
            if result := found():
                return result
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not within {within_seconds:.0f} s: {what}")
            async with self._moved:
                try:
                    await asyncio.wait_for(self._moved.wait(), min(left, 0.5))
                except TimeoutError:
                    continue

    async def quiet(self, seconds: float = SETTLED_SECONDS, within_seconds: float = 60.0) -> None:
        """Waits until nothing but what the clock brings has come for so long."""
        began = time.monotonic()
        while time.monotonic() - max(self.last_at, began) < seconds:
            if time.monotonic() - began > within_seconds:
                raise AssertionError(f"after {within_seconds:.0f} s there is still something new")
            await asyncio.sleep(0.05)


def newest(records: Sequence[Seen]) -> dict[str, Any]:
    """Of statuses the one with the highest `ce_sequence` for each line or purchase order."""
    best: dict[str, tuple[int, Any]] = {}
    for record in records:
        value = record.json
        name = value.get("reference") or f"{value['order_id']}/{value['line_id']}"
        sequence = int(record.headers["ce_sequence"])
        if sequence >= best.get(name, (-1, None))[0]:
            best[name] = (sequence, value)
    return {name: value for name, (_, value) in best.items()}
