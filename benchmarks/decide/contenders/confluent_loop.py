"""A plain confluent-kafka loop (librdkafka, in C): rows in a dictionary, a changelog record and a decision an event."""

from __future__ import annotations

import signal
import time

from confluent_kafka import Consumer, KafkaException, Producer

from benchmarks.decide.contender import CHANGELOG, COMMIT_SECONDS, LINGER_MS, LOG, POLL_RECORDS, Task, task
from benchmarks.decide.rows import PeerRows, stock_fold
from streamer.domain import stock
from streamer.engine.fold import Record


def run(given: Task) -> None:  # noqa: C901 - one loop, as plain as it can be
    fold = stock_fold()
    stored = given.rows()
    views = [PeerRows(partition, stored) for partition in range(given.partitions)]
    producer = Producer(
        {
            "bootstrap.servers": given.bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": LINGER_MS,
            "partitioner": "murmur2_random", "queue.buffering.max.messages": 1_000_000,
        }
    )  # fmt: skip
    consumer = Consumer(
        {
            "bootstrap.servers": given.bootstrap, "group.id": given.group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )  # fmt: skip
    consumer.subscribe([LOG])
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    def delivered(error: object, _: object) -> None:
        if error is not None:
            raise KafkaException(error)

    signal.signal(signal.SIGTERM, stop)
    committed = time.monotonic()
    while not stopping:
        for message in consumer.consume(POLL_RECORDS, 0.2):
            if message.error():
                raise KafkaException(message.error())
            record = Record(
                message.offset(), message.timestamp()[1], message.key(), message.value(), tuple(message.headers() or ())
            )
            view = views[message.partition()]
            if not view.begin(record.timestamp, record.headers):
                continue
            for output in fold.fold(view, record).outputs:
                producer.produce(
                    output.topic, output.value, output.key, headers=list(output.headers), on_delivery=delivered
                )
            for key in view.changed:
                row = stock.write_row(view.decoded[key])
                producer.produce(CHANGELOG, row, key, partition=message.partition(), on_delivery=delivered)
        producer.poll(0)
        if time.monotonic() - committed >= COMMIT_SECONDS:
            producer.flush()
            try:
                consumer.commit(asynchronous=False)
            except KafkaException as error:
                if error.args[0].name() != "_NO_OFFSET":
                    raise
            committed = time.monotonic()
    producer.flush()
    consumer.close()


if __name__ == "__main__":
    run(task())
