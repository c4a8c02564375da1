"""Agents, tables, pages and table routes as Faust has them work beside a fold, in the same app."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from streamer.local.kafka import free_port
from tests.kafka.bench import ROOT, Bench, eventually


class Both:
    """Worker processes of an app with a fold and with Faust's own features."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.words = f"words.{bench.names.log}"
        self.changelog = f"{bench.names.app}-counts-changelog"
        self.port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        bench, names = self._bench, self._bench.names
        options = {
            "bootstrap": bench.bootstrap,
            "log": names.log,
            "changelog": names.changelog,
            "out": names.out,
            "dead": names.dead,
            "app": names.app,
            "state": bench.folder / "both",
            "words": self.words,
            "port": self.port,
            "partitions": bench.partitions,
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with (bench.folder / "both.log").open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.kafka.stock_faust", *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self._running.append(process)
        return process

    def end_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait()

    async def say(self, word: str, times: int) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._bench.bootstrap)
        await producer.start()
        try:
            for _ in range(times):
                await producer.send(self.words, b'"again"', key=word.encode())
            await producer.flush()
        finally:
            await producer.stop()

    async def count(self, word: str) -> int | None:
        """What the worker's page answers; None while there is no answer."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/counts/{word}") as answer,
            ):
                return int((await answer.json())[word]) if answer.status == 200 else None
        except (aiohttp.ClientError, KeyError):
            return None


@pytest.fixture
def both(bench: Bench) -> Iterator[Both]:
    both = Both(bench)
    yield both
    both.end_all()


async def test_faust_tables_pages_and_table_routes_work_beside_a_fold_and_survive_a_restart(
    bench: Bench, both: Both
) -> None:
    await bench.make_topic(both.words, {})
    await bench.make_topic(both.changelog, {"cleanup.policy": "compact"})
    worker = both.start()
    sent = await bench.send([("a", "1"), ("a", "2"), ("b", "5")])
    await both.say("brake", 3)

    async def counted(times: int) -> bool:
        return await both.count("brake") == times

    async def folded() -> bool:
        return len(await bench.read(bench.names.out)) == sent

    await eventually(lambda: counted(3), 40, what="the page says 3")
    await eventually(folded, 20, what="the fold has answered")

    worker.send_signal(signal.SIGTERM)  # Faust's own tables are at least once: a kill may count twice
    await eventually(lambda: worker.poll() is not None, 30, what="the worker ends")
    both.start()
    await both.say("brake", 2)

    await eventually(lambda: counted(5), 40, what="the page says 5 after the restart")
