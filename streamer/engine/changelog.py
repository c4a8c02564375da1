"""Reads what a fold's owner must know before it begins: committed offsets, then the changelog up to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamer.engine.recovery import Recovered, Recovery, check_continuity
from streamer.engine.transport import plain_records
from streamer.errors import Unavailable

FETCH_RECORDS = 5_000
FETCH_BYTES = 4 * 1024 * 1024
STALLED_SECONDS = 120.0
COORDINATOR_SECONDS = 30.0

Progress = Callable[[int], None]


def _reader(bootstrap_servers: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=20,
        request_timeout_ms=30_000,
    )


async def committed_offsets(
    bootstrap_servers: str, group: str, topic: str, partitions: Iterable[int]
) -> dict[int, int]:
    """The next offset to read, of each partition that has one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        wanted = [TopicPartition(topic, partition) for partition in partitions]
        found = await _patiently(lambda: admin.list_consumer_group_offsets(group, partitions=wanted))
    finally:
        await admin.close()
    return {place.partition: said.offset for place, said in found.items() if said.offset >= 0}


async def _patiently(ask: Callable[[], Awaitable[dict[Any, Any]]]) -> dict[Any, Any]:
    """Asks again while the coordinator is being elected or loads; the first group of a new cluster waits for it."""
    deadline = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.2)


async def recover(
    bootstrap_servers: str,
    *,
    group: str,
    log: str,
    log_topic_id: str,
    changelog: str,
    partitions: Iterable[int],
    progress: Progress,
) -> dict[int, Recovered]:
    """The rows of `partitions`, with the committed offset read before the changelog's end (engine: a rule).

    Raises:
        Lost: rows or events that were acknowledged are not there.
        Unavailable: no record came for STALLED_SECONDS.
    """
    wanted = sorted(partitions)
    committed = await committed_offsets(bootstrap_servers, group, log, wanted)
    consumer = _reader(bootstrap_servers)
    await consumer.start()
    plain_records(consumer, {changelog})
    try:
        places = {partition: TopicPartition(changelog, partition) for partition in wanted}
        ends = await consumer.end_offsets(list(places.values()))
        logs = [TopicPartition(log, partition) for partition in wanted]
        log_starts = await consumer.beginning_offsets(logs)
        log_ends = await consumer.end_offsets(logs)
        readers = {partition: Recovery(log_topic_id, ends[place]) for partition, place in places.items()}
        reading = {place: readers[partition] for partition, place in places.items() if ends[place] > 0}
        await _read(consumer, reading, ends, progress)
    finally:
        await consumer.stop()
    recovered = {}
    for partition, reader in readers.items():
        place = TopicPartition(log, partition)
        recovered[partition] = reader.finish()
        check_continuity(
            recovered[partition],
            committed=committed.get(partition),
            log_start=log_starts[place],
            log_end=log_ends[place],
        )
    return recovered


async def _read(
    consumer: AIOKafkaConsumer, reading: dict[Any, Recovery], ends: dict[Any, int], progress: Progress
) -> None:
    if not reading:
        return
    consumer.assign(list(reading))
    await consumer.seek_to_beginning(*reading)
    left = set(reading)
    moved_at = time.monotonic()
    positions: dict[Any, int] = {}
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=200, max_records=FETCH_RECORDS)
        for place, records in fetched.items():
            reading[place].add(records)
            progress(len(records))
        now = {place: await consumer.position(place) for place in left}
        if now != positions:
            moved_at, positions = time.monotonic(), now
        elif time.monotonic() - moved_at > STALLED_SECONDS:
            raise Unavailable(
                f"the recovery from {next(iter(left)).topic} made no progress for {STALLED_SECONDS:.0f} s"
            )
        done = {place for place in left if now[place] >= ends[place]}
        if done:
            left -= done
            consumer.pause(*done)
        await asyncio.sleep(0)


async def keys_between(bootstrap_servers: str, changelog: str, partition: int, start: int, end: int) -> set[str]:
    """Keys of the records that somebody else wrote into the changelog from `start` up to `end`."""
    place = TopicPartition(changelog, partition)
    consumer = _reader(bootstrap_servers)
    await consumer.start()
    keys: set[str] = set()
    try:
        consumer.assign([place])
        consumer.seek(place, start)
        deadline = time.monotonic() + STALLED_SECONDS
        while await consumer.position(place) < end:
            if time.monotonic() > deadline:
                raise Unavailable(f"offsets {start} to {end} of {changelog} could not be read")
            for records in (await consumer.getmany(timeout_ms=200)).values():
                keys |= {record.key.decode() for record in records if record.offset < end and record.key is not None}
    finally:
        await consumer.stop()
    return keys
