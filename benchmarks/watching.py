"""Looks at decisions from outside: a consumer of the topics that a worker writes, on the clock of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import shop

FETCH_WAIT_MS = 2

Seen = Callable[[Any, float], None]
"""Called with each record and the monotonic time at which it was there."""


class Watch:
    """Reads what is written to `topics` from the moment it is entered."""

    def __init__(self, bootstrap: str, topics: list[str], seen: Seen) -> None:
        self._places = [TopicPartition(topic, number) for topic in topics for number in range(shop.PARTITIONS)]
        self._seen = seen
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=FETCH_WAIT_MS
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_end(*self._places)
        for place in self._places:
            await self._consumer.position(place)
        self._task = asyncio.get_running_loop().create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    def check(self) -> None:
        """Raises what ended the reading, if anything did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _read(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=1000)
            now = time.monotonic()
            for records in fetched.values():
                for record in records:
                    self._seen(record, now)


def type_of(record: Any) -> bytes:
    """The CloudEvents type of a record."""
    return next((value for name, value in record.headers if name == "ce_type"), b"")
