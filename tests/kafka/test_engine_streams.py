"""A stream without rows: nothing of its topic is left out, and what it says of itself to receivers is true."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

import pytest

from streamer.engine.sending import partition_of
from tests.kafka.bench import ROOT, Bench, eventually


class Copiers:
    """Worker processes of the copying stream."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> subprocess.Popen[bytes]:
        bench, names = self._bench, self._bench.names
        state = bench.folder / f"copier-{name}"
        with (bench.folder / f"copier-{name}.log").open("ab") as errors:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.kafka.copier", "--bootstrap", bench.bootstrap, "--log", names.log),
                    *("--out", names.out, "--dead", names.dead, "--app", names.app, "--state", str(state)),
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        self._running.append(process)
        return process

    def said(self, name: str) -> str:
        """The log of a worker."""
        return (self._bench.folder / f"copier-{name}.log").read_text(errors="replace")

    def end_all(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def copiers(bench: Bench) -> Iterator[Copiers]:
    copiers = Copiers(bench)
    yield copiers
    copiers.end_all()


def records(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(f"k{number % 23}", "bad" if number % 50 == 49 else str(number)) for number in range(start, start + count)]


async def check(bench: Bench) -> None:
    """Each record came out at least once; and `srcw` claims no output that is not in the receiver's topic before it."""
    names = bench.names
    raw = {(record.partition, record.offset): record for record in await bench.read(names.log)}
    wanted: dict[str, set[tuple[int, int]]] = {names.out: set(), names.dead: set()}
    for place, record in raw.items():
        wanted[names.dead if record.value == b"bad" else names.out].add(place)
    for topic, places in wanted.items():
        seen: dict[int, set[tuple[int, int]]] = defaultdict(set)  # by partition of the receiver
        for record in await bench.read(topic):
            headers = dict(record.headers)
            _, partition, offset = headers["src"].decode().split(":")
            seen[record.partition].add((int(partition), int(offset)))
            claimed = {
                place
                for place in places
                if place[0] == int(partition)
                and place[1] <= int(headers["srcw"])
                and partition_of(raw[place].key, bench.partitions) == record.partition
            }
            assert claimed <= seen[record.partition], "an output was claimed that the receiver has not"
        assert set().union(*seen.values()) == places


async def test_a_stream_leaves_nothing_out_when_its_workers_die_join_and_stop(bench: Bench, copiers: Copiers) -> None:
    sending = asyncio.create_task(bench.send(records(5000), pause_seconds=0.12))
    first = copiers.start("a")
    await asyncio.sleep(4.5)
    first.kill()
    copiers.start("b")
    await asyncio.sleep(2.5)
    third = copiers.start("c")
    await eventually(lambda: "ready" in copiers.said("c"), 40, what="the third worker is ready")
    await asyncio.sleep(1.0)
    third.send_signal(signal.SIGTERM)
    await sending
    assert await asyncio.to_thread(third.wait, 20) == 0
    await bench.caught_up()
    await check(bench)


async def test_a_stream_goes_on_at_the_very_record_that_was_not_committed(bench: Bench, copiers: Copiers) -> None:
    first = copiers.start("a")
    await bench.send(records(100))
    await bench.caught_up()
    first.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(first.wait, 20) == 0
    await bench.send(records(100, start=100))
    copiers.start("a")
    await bench.caught_up()
    await check(bench)
