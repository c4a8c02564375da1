"""The product: its engine on Faust, one fold, nothing beside it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import faust

from benchmarks.decide.contender import LOG, Task, task
from benchmarks.decide.rows import stock_fold
from benchmarks.profiling import profile_if_asked
from streamer.engine.app import Engine
from streamer.engine.shell import FoldShell


def application(given: Task) -> Any:
    engine = Engine(given.group, given.bootstrap, state_dir=Path(given.folder) / "state")
    shell = FoldShell(engine, fold=stock_fold(), log=LOG, log_topic_id=given.log_topic_id, changelog=given.changelog)

    @engine.app.agent(shell.channel, name="stock")
    async def fold(batches: Any) -> None:
        async for batch in batches.noack().events():
            await shell.put(batch)

    return engine.app


if __name__ == "__main__":
    profile_if_asked()
    faust.Worker(application(task()), loglevel=logging.INFO).execute_from_commandline()
