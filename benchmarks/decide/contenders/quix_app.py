"""Quix Streams: a stateful application, rows in its RocksDB store with a changelog, at least once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from quixstreams import Application
from quixstreams.context import message_context
from quixstreams.models import SerializationContext, Serializer, TopicConfig
from quixstreams.state.rocksdb.options import RocksDBOptions

from benchmarks.decide.contender import COMMIT_SECONDS, DECISIONS, LINGER_MS, LOG, Task, task
from benchmarks.decide.rows import SETTINGS_KEY, PeerRows, stock_fold
from streamer.domain import stock
from streamer.engine.fold import Output, Record


class StateRows(PeerRows):
    """The row of the message's key, from Quix's state; the settings are kept decoded."""

    state: Any

    def __init__(self, partition: int, stored: dict[str, bytes]) -> None:
        super().__init__(partition, {})
        self._first = stored
        self.settings = stock.read_row(SETTINGS_KEY, stored[SETTINGS_KEY])

    def read(self, key: str) -> Any:
        if key == SETTINGS_KEY:
            return self.settings
        row = self.decoded.get(key)
        if row is None:
            value = self.state.get("row")
            row = self.decoded[key] = stock.read_row(key, value or self._first[key])
        return row


class OutputValue(Serializer):
    """The output's bytes; its key and headers are set by the stream."""

    def __call__(self, value: Any, ctx: SerializationContext) -> bytes:  # noqa: ARG002 - as Quix calls it
        return bytes(value.value)


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)


def application(given: Task) -> Application:
    app = Application(
        broker_address=given.bootstrap, consumer_group=given.group, auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS, state_dir=Path(given.folder) / f"quix-{given.name}", loglevel="WARNING",
        auto_create_topics=True, processing_guarantee="at-least-once",
        rocksdb_options=RocksDBOptions(dumps=as_bytes, loads=lambda value: value),
        producer_extra_config={
            "acks": "all", "enable.idempotence": True, "linger.ms": LINGER_MS, "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
        },
    )  # fmt: skip
    config = TopicConfig(num_partitions=given.partitions, replication_factor=1)
    log = app.topic(LOG, key_deserializer="str", value_deserializer="bytes", config=config)
    decisions = app.topic(DECISIONS, key_serializer="str", value_serializer=OutputValue(), config=config)
    fold = stock_fold()
    stored = given.rows()
    views: dict[int, StateRows] = {}

    def decide(value: bytes, key: str, timestamp: int, headers: Any, state: Any) -> Sequence[Output]:
        partition = message_context().partition
        view = views.get(partition)
        if view is None:
            view = views[partition] = StateRows(partition, stored)
        if not view.begin(timestamp, headers):
            return []
        view.decoded.clear()
        view.state = state
        outputs = fold.fold(view, Record(0, timestamp, key.encode(), value, headers)).outputs
        for changed in view.changed:
            state.set("row", stock.write_row(view.decoded[changed]))
        return outputs

    stream = app.dataframe(log).apply(decide, stateful=True, metadata=True, expand=True)
    stream = stream.set_headers(lambda output, *_: list(output.headers))
    stream.to_topic(decisions, key=lambda output: output.key)
    return app


if __name__ == "__main__":
    application(task()).run()
