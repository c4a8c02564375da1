"""Faust as its documentation shows it: an agent, a table write and a send for each event."""

from __future__ import annotations

import logging
from typing import Any

import faust

from benchmarks.decide.contender import COMMIT_SECONDS, DECISIONS, LINGER_MS, LOG, Task, task
from benchmarks.decide.rows import SETTINGS_KEY, PeerRows, stock_fold
from streamer.domain import stock
from streamer.engine.fold import Record


class TableRows(PeerRows):
    """Rows live in Faust's table, as bytes."""

    def __init__(self, partition: int, stored: dict[str, bytes], table: Any) -> None:
        super().__init__(partition, stored)
        self._first, self._table = stored, table

    def read(self, key: str) -> Any:
        row = self.decoded.get(key)
        if row is None:
            value = self._table.get(key) or self._first[key]
            row = self.decoded[key] = stock.read_row(key, value)
        return row


def application(given: Task) -> Any:
    app = faust.App(
        given.group, broker=f"kafka://{given.bootstrap}", store="memory://", value_serializer="raw", web_enabled=False,
        topic_partitions=given.partitions, broker_commit_interval=COMMIT_SECONDS, producer_linger=LINGER_MS / 1000,
        producer_acks=-1, stream_wait_empty=False, datadir=given.folder,
    )  # fmt: skip
    log = app.topic(LOG, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    decisions = app.topic(DECISIONS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    table = app.Table("rows", key_type=str, value_type=bytes, partitions=given.partitions)
    fold = stock_fold()
    stored = given.rows()
    views = [TableRows(partition, stored, table) for partition in range(given.partitions)]
    for view in views:
        view.read(SETTINGS_KEY)

    @app.agent(log)
    async def decide(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            view = views[message.partition]
            headers = tuple(message.headers.items() if isinstance(message.headers, dict) else message.headers)
            record = Record(message.offset, int(message.timestamp * 1000), message.key, message.value, headers)
            if not view.begin(record.timestamp, headers):
                continue
            for output in fold.fold(view, record).outputs:
                await decisions.send(key=output.key.encode(), value=output.value, headers=dict(output.headers))
            for key in view.changed:
                table[key] = stock.write_row(view.decoded[key])

    return app


if __name__ == "__main__":
    worker = faust.Worker(application(task()), loglevel=logging.WARNING)
    worker.execute_from_commandline()
