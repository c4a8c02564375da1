"""The product: its engine on Faust, one stream of raw records."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import faust

from benchmarks.decide.contender import Task, task
from benchmarks.normalising.accounts import normaliser
from benchmarks.profiling import profile_if_asked
from streamer.engine.app import Engine
from streamer.engine.shell import StreamShell


def application(given: Task) -> Any:
    engine = Engine(given.group, given.bootstrap, state_dir=Path(given.folder) / "state")
    handle = normaliser(given.log_topic_id)
    shell = StreamShell(
        engine, topic=handle.topic, topic_id=given.log_topic_id, handle=handle, dead_letter=handle.dead_letter
    )

    @engine.app.agent(shell.channel, name="normalise")
    async def normalise(batches: Any) -> None:
        async for batch in batches.noack().events():
            await shell.put(batch)

    return engine.app


if __name__ == "__main__":
    profile_if_asked()
    faust.Worker(application(task()), loglevel=logging.INFO).execute_from_commandline()
