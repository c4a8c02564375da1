"""A fold beside Faust's own features in one app, for tests: `python -m tests.kafka.stock_faust ...`.

An agent of the usual kind counts words into a table of the usual kind, a page and a table route answer for them.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import faust

from streamer.engine.app import Engine
from streamer.engine.shell import FoldShell
from streamer.topic_ids import topic_ids
from tests.kafka.toy import Adder


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "log", "changelog", "out", "dead", "app", "state", "words"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--partitions", type=int, required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    engine = Engine(
        given.app,
        given.bootstrap,
        state_dir=Path(given.state),
        tick_seconds=0.5,
        session_seconds=6,
        view_port=given.port,
    )
    shell = FoldShell(
        engine,
        fold=Adder(given.out, given.dead),
        log=given.log,
        log_topic_id=asyncio.run(topic_ids(given.bootstrap, [given.log]))[given.log],
        changelog=given.changelog,
    )

    @engine.app.agent(shell.channel)
    async def adder(stream: Any) -> None:
        async for batch in stream.noack().events():
            await shell.put(batch)

    words = engine.app.topic(given.words, key_type=str, value_type=str)
    counts: Any = engine.app.Table("counts", default=int, partitions=given.partitions)

    @engine.app.agent(words)
    async def count(stream: faust.StreamT[str]) -> None:
        async for key, _ in stream.items():  # noqa: PERF102 - a stream is no dictionary
            counts[key] += 1

    @engine.app.page("/counts/{word}")
    @engine.app.table_route(table=counts, match_info="word")
    async def look(web: Any, request: Any, word: str) -> Any:
        return web.json({word: counts[word]})

    sys.exit(engine.run())


if __name__ == "__main__":
    main()
