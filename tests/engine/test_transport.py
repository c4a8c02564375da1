"""Which fetched records are handed out: none that may have been fetched before the partitions were assigned anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from streamer.engine.transport import Consumer

LOG = TopicPartition("log", 0)


def records(first: int, last: int) -> list[ConsumerRecord[bytes, bytes]]:
    return [ConsumerRecord("log", 0, offset, 1_000, 0, b"k", b"v", 0, 1, 1, ()) for offset in range(first, last + 1)]


class Fetching(Consumer):
    """A consumer whose fetches come from a list; before each answer it does what the list says."""

    def __init__(self, *answers: tuple[str, list[ConsumerRecord[bytes, bytes]]]) -> None:  # no broker, no thread
        self.app: Any = SimpleNamespace(consumer_generation_id=1)
        self.transport: Any = SimpleNamespace(batched={"log"})
        self.flow_active = True
        self._read_offset: Any = {LOG: None}
        self._answers = list(answers)
        self.sought = 0

    @property
    def should_stop(self) -> bool:
        return False

    async def _wait_next_records(self, timeout: float) -> Any:
        meanwhile, found = self._answers.pop(0)
        if meanwhile == "assigned anew":
            self.app.consumer_generation_id += 1
        self.flow_active = meanwhile != "in a rebalance"
        return {LOG: found}, {LOG}

    async def perform_seek(self) -> None:
        self.sought += 1

    async def handed_out(self) -> list[list[int]]:
        batches: list[Any] = [message.value async for _tp, message in self.getmany(1.0)]
        return [[record.offset for record in batch] for batch in batches]


async def test_what_was_fetched_in_the_same_assignment_is_handed_out() -> None:
    assert await Fetching(("", records(5, 7))).handed_out() == [[5, 6, 7]]


@pytest.mark.parametrize("meanwhile", ["assigned anew", "in a rebalance"])
async def test_what_was_on_its_way_while_partitions_were_assigned_is_read_again(meanwhile: str) -> None:
    consumer = Fetching((meanwhile, records(2000, 2005)), ("", records(847, 850)))
    assert await consumer.handed_out() == []
    assert consumer.sought == 1
    assert await consumer.handed_out() == [[847, 848, 849, 850]]
