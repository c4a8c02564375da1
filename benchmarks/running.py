"""The whole product for a measurement: its topics, its settings applied, and `streamer worker` as a process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import shop
from benchmarks.broker import Broker, SendRecord
from benchmarks.processes import Process
from streamer.domain.partitions import partition_of

READY_SECONDS = 240.0


class Shop:
    """The shop of `shop.py` on a broker. `folder` takes its data and logs."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.topic_ids: dict[str, str] = {}
        self.app_id = "bench"
        self._starts = 0

    async def prepare(self) -> None:
        """Makes the topics and applies the settings."""
        from streamer import settings as configuration
        from streamer.commands.apply import apply_settings
        from streamer.commands.connection import admin_client, platforms_in_use
        from streamer.topic_ids import topic_ids
        from streamer.topics import FOLDS, create_missing, expected

        (self.folder / "streamer.toml").write_text(shop.SETTINGS)
        os.environ.update(
            STREAMER_SETTINGS=str(self.folder / "streamer.toml"),
            STREAMER_DATA_DIR=str(self.folder / "data"),
            STREAMER_KAFKA__BOOTSTRAP_SERVERS=self.broker.bootstrap,
            **shop.MADE_UP,
        )
        settings = configuration.load()
        async with admin_client(self.broker.bootstrap) as admin:
            await create_missing(admin, expected(settings.kafka, platforms_in_use(settings)))
        await asyncio.sleep(1)  # the controller knows before the leaders do
        await apply_settings()
        self.topic_ids = await topic_ids(self.broker.bootstrap, [*FOLDS.values()])

    async def load(self, topic: str, records: Iterable[SendRecord]) -> None:
        """Writes records, each to the partition of its key."""
        parts: list[list[SendRecord]] = [[] for _ in range(shop.PARTITIONS)]
        for record in records:
            parts[partition_of((record[0] or b"").decode(), shop.PARTITIONS)].append(record)
        await self.broker.load(topic, enumerate(parts))

    def start(self) -> Process:
        """A worker; it is ready once `ready` returns."""
        self._starts += 1
        argv = [sys.executable, "-m", "benchmarks.worker", "worker", "--name", "bench", "--view-port", "0"]
        return Process(argv, log=self.folder / f"worker-{self._starts}.log")

    async def ready(self, worker: Process) -> float:
        """Waits until all rows are recovered; monotonic time at which it was seen."""
        deadline = time.monotonic() + READY_SECONDS
        while '"ready"' not in worker.log.read_text(errors="replace"):
            worker.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker is not ready:\n{worker.log.read_text(errors='replace')[-3000:]}")
            await asyncio.sleep(0.05)
        return time.monotonic()
