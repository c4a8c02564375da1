"""A plain aiokafka loop: rows in a dictionary, one changelog record and one decision sent for each event."""

from __future__ import annotations

import asyncio

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.decide.contender import (
    CHANGELOG,
    COMMIT_SECONDS,
    LINGER_MS,
    LOG,
    POLL_RECORDS,
    Task,
    task,
    until_terminated,
)
from benchmarks.decide.rows import PeerRows, stock_fold
from streamer.domain import stock


async def run(given: Task) -> None:
    loop = asyncio.get_running_loop()
    stop = until_terminated(loop)
    fold = stock_fold()
    stored = given.rows()
    views = [PeerRows(partition, stored) for partition in range(given.partitions)]
    producer = AIOKafkaProducer(
        bootstrap_servers=given.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=262_144,
    )
    consumer = AIOKafkaConsumer(
        LOG,
        bootstrap_servers=given.bootstrap,
        group_id=given.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await producer.start()
    await consumer.start()
    committed = loop.time()
    while not stop.is_set():
        fetched = await consumer.getmany(timeout_ms=200, max_records=POLL_RECORDS)
        futures = []
        for place, records in fetched.items():
            view = views[place.partition]
            for record in records:
                if not view.begin(record.timestamp, record.headers):
                    continue
                outputs = fold.fold(view, record).outputs
                for output in outputs:
                    futures.append(
                        await producer.send(
                            output.topic, output.value, output.key.encode(), headers=list(output.headers)
                        )
                    )
                for key in view.changed:
                    row = stock.write_row(view.decoded[key])
                    futures.append(await producer.send(CHANGELOG, row, key.encode(), partition=place.partition))
        if futures:
            await asyncio.gather(*futures)
        if loop.time() - committed >= COMMIT_SECONDS:
            await consumer.commit()
            committed = loop.time()
    await consumer.commit()
    await consumer.stop()
    await producer.stop()


if __name__ == "__main__":
    uvloop.run(run(task()))
