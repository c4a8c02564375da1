"""Faust as its documentation shows it: an agent that sends what each raw record becomes."""

from __future__ import annotations

import logging
from typing import Any

import faust

from benchmarks.decide.contender import COMMIT_SECONDS, LINGER_MS, Task, task
from benchmarks.normalising.accounts import normaliser
from streamer.engine.fold import Record


def application(given: Task) -> Any:
    app = faust.App(
        given.group, broker=f"kafka://{given.bootstrap}", store="memory://", value_serializer="raw", web_enabled=False,
        topic_partitions=given.partitions, broker_commit_interval=COMMIT_SECONDS, producer_linger=LINGER_MS / 1000,
        producer_acks=-1, stream_wait_empty=False, datadir=given.folder,
    )  # fmt: skip
    handle = normaliser(given.log_topic_id)

    def raw_topic(name: str) -> Any:
        return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    targets: dict[str, Any] = {}

    @app.agent(raw_topic(handle.topic))
    async def normalise(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            headers = tuple(message.headers.items() if isinstance(message.headers, dict) else message.headers)
            record = Record(message.offset, int(message.timestamp * 1000), message.key, message.value, headers)
            for output in handle(record):
                target = targets.get(output.topic) or targets.setdefault(output.topic, raw_topic(output.topic))
                await target.send(key=output.key.encode(), value=output.value, headers=dict(output.headers))

    return app


if __name__ == "__main__":
    faust.Worker(application(task()), loglevel=logging.WARNING).execute_from_commandline()
