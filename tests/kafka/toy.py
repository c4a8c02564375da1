"""A small fold and its worker, for tests of the engine against a real Kafka: `python -m tests.kafka.toy ...`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from streamer.engine.app import Engine
from streamer.engine.fold import NOTHING, Decision, LogRecord, Output, Rows
from streamer.engine.shell import FoldShell
from streamer.errors import Malformed
from streamer.topic_ids import topic_ids


class Total(msgspec.Struct):
    """Sum and number of what came for a key; `due` wakes it once."""

    sum: int = 0
    count: int = 0
    due: int | None = None
    woken: int = 0
    quarantined: str | None = None


class Adder:
    """Adds numbers by key and tells the sum. `boom` raises, `later` wants to be woken."""

    name = "adder"

    def __init__(self, out: str, dead: str) -> None:
        self._out = out
        self._dead = dead

    def read_row(self, key: str, value: bytes) -> Total:
        return msgspec.json.decode(value, type=Total)

    def write_row(self, row: Total) -> bytes:
        return msgspec.json.encode(row)

    def due_ms(self, row: Total) -> int | None:
        return row.due

    def fold(self, rows: Rows[Total], record: LogRecord) -> Decision:
        key = (record.key or b"").decode()
        text = (record.value or b"").decode()
        row = rows.edit(key)
        if row is None:
            row = Total()
            rows.put(key, row)
        if text == "bad":
            raise Malformed("is no number", field="value")
        if text == "boom":
            row.sum += 1_000_000
            raise ZeroDivisionError
        if text == "kill":
            raise RecursionError
        if text == "later":
            row.due = rows.now_ms + 1500
            return NOTHING
        row.sum += int(text)
        row.count += 1
        return Decision([Output(self._out, key, f"{row.count}:{row.sum}".encode())])

    def wake(self, rows: Rows[Total], key: str) -> Decision:
        row = rows.edit(key)
        assert row is not None
        row.due = None
        row.woken += 1
        return Decision([Output(self._out, key, f"woken:{row.woken}".encode())])

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        return Output(
            self._dead, (record.key or b"").decode(), record.value or b"", (("why", type(error).__name__.encode()),)
        )

    def quarantine(self, rows: Rows[Total], record: LogRecord, error: Exception) -> None:
        row = rows.edit((record.key or b"").decode())
        if row is not None:
            row.quarantined = type(error).__name__


async def ids(bootstrap: str, log: str) -> str:
    return (await topic_ids(bootstrap, [log]))[log]


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "log", "changelog", "out", "dead", "app", "state"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--session", type=float, default=6.0)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    engine = Engine(
        given.app, given.bootstrap, state_dir=Path(given.state), tick_seconds=0.5, session_seconds=given.session
    )
    shell = FoldShell(
        engine,
        fold=Adder(given.out, given.dead),
        log=given.log,
        log_topic_id=asyncio.run(ids(given.bootstrap, given.log)),
        changelog=given.changelog,
    )

    def tell_ready() -> None:
        (Path(given.state) / "ready").write_text(str(os.getpid()))

    engine.on_ready = tell_ready

    @engine.app.agent(shell.channel)
    async def adder(stream: Any) -> None:
        async for batch in stream.noack().events():
            await shell.put(batch)

    sys.exit(engine.run())


if __name__ == "__main__":
    main()
