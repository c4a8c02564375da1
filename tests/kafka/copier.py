"""A stream without rows and its worker, for tests with a real Kafka: `python -m tests.kafka.copier ...`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from streamer.engine.app import Engine
from streamer.engine.fold import LogRecord, Output
from streamer.engine.shell import StreamShell
from streamer.errors import Malformed
from streamer.topic_ids import topic_ids


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "log", "out", "dead", "app", "state"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    engine = Engine(given.app, given.bootstrap, state_dir=Path(given.state), session_seconds=3)

    def copy(record: LogRecord) -> list[Output]:
        if record.value == b"bad":
            raise Malformed("is bad")
        return [Output(given.out, (record.key or b"").decode(), record.value or b"")]

    def dead_letter(record: LogRecord, error: Exception) -> Output:
        return Output(given.dead, (record.key or b"").decode(), str(error).encode())

    shell = StreamShell(
        engine,
        topic=given.log,
        topic_id=asyncio.run(topic_ids(given.bootstrap, [given.log]))[given.log],
        handle=copy,
        dead_letter=dead_letter,
    )

    @engine.app.agent(shell.channel)
    async def copier(stream: Any) -> None:
        async for batch in stream.noack().events():
            await shell.put(batch)

    sys.exit(engine.run())


if __name__ == "__main__":
    main()
