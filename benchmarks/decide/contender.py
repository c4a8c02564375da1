"""What every contender is told, and what all share, so that they do the same work under the same conditions."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from benchmarks.decide.records import read_rows

LOG, DECISIONS, CHANGELOG = "stock", "orders", "bench-stock-changelog"
LINGER_MS = 5
COMMIT_SECONDS = 1.0
POLL_RECORDS = 2000


class Task(msgspec.Struct):
    """Command line of a contender: one JSON value."""

    bootstrap: str
    folder: str
    """Of the workload's files, and for what the contender keeps on disk."""
    partitions: int
    log_topic_id: str
    name: str
    changelog: str = CHANGELOG

    def rows(self) -> dict[str, bytes]:
        """The rows as they stand before the first event."""
        return read_rows(Path(self.folder))

    @property
    def group(self) -> str:
        return f"bench-{self.name}"


def task() -> Task:
    return msgspec.json.decode(sys.argv[1].encode(), type=Task)


def until_terminated(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    return stop
