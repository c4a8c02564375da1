"""The product: its engine on Faust, one fold, nothing beside it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.decide.contender import LOG, Task, task
from benchmarks.decide.rows import stock_fold
from benchmarks.profiling import profile_if_asked
from streamer.engine.app import Engine
from streamer.engine.shell import FoldShell


def made(given: Task) -> Engine:
    engine = Engine(given.group, given.bootstrap, state_dir=Path(given.folder) / "state")
    shell = FoldShell(engine, fold=stock_fold(), log=LOG, log_topic_id=given.log_topic_id, changelog=given.changelog)

    @engine.app.agent(shell.channel, name="stock")
    async def fold(batches: Any) -> None:
        async for batch in batches.noack().events():
            await shell.put(batch)

    return engine


if __name__ == "__main__":
    profile_if_asked()
    logging.basicConfig(level=logging.INFO)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # as `streamer worker` does
    sys.exit(made(task()).run())
