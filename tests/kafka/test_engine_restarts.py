"""A worker that ends, in order or not, and the next one."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from streamer.engine.exits import EXIT_INFRASTRUCTURE
from tests.kafka.bench import Bench

PLACES = ["folded", "outputs-sent", "outputs-acknowledged", "rows-sent", "rows-acknowledged", "recovered"]

FETCHED_AT_MOST = 2_000  # records of one batch (broker_max_poll_records)


def numbers(count: int, *, keys: int = 20, start: int = 0) -> list[tuple[str, str]]:
    """Events with consecutive numbers, spread over keys; one of fifty is bad, one of seventy raises, some wait."""
    special = {49: "bad", 69: "boom", 29: "later"}
    return [
        (
            f"k{number % keys}",
            next((text for every, text in special.items() if number % (every + 1) == every), str(number)),
        )
        for number in range(start, start + count)
    ]


async def test_a_killed_worker_is_followed_by_one_that_goes_on_where_it_was(bench: Bench) -> None:
    first = bench.worker()
    await first.ready()
    await bench.send(numbers(500))
    await bench.caught_up()
    first.kill()
    await bench.send(numbers(500, start=500))
    second = bench.worker()
    await second.ready()
    await bench.caught_up()
    second.kill()
    await bench.check()


async def test_a_worker_that_is_told_to_stop_makes_durable_what_it_began_and_commits_it(bench: Bench) -> None:
    worker = bench.worker(session_seconds=30.0)
    await worker.ready()
    sending = asyncio.create_task(bench.send(numbers(4000), pause_seconds=0.01))
    await asyncio.sleep(0.6)
    begun = time.monotonic()
    assert await worker.stop() == 0
    assert time.monotonic() - begun < 10
    assert not (worker.state_dir / "running").exists()
    await sending
    committed, rows = await bench.committed(), await bench.rows()
    for partition, one in rows.items():
        begun_within = (
            one.w + 1 - committed[partition]
        )  # a batch of which a part was folded is read again, and passed over
        assert 0 <= begun_within < FETCHED_AT_MOST
    await bench.check()
    begun = time.monotonic()
    follower = bench.worker()
    await follower.ready(within_seconds=20)  # it left the group, so that nobody waits for the end of its session
    await bench.caught_up()
    follower.kill()
    await bench.check()


@pytest.mark.parametrize("place", PLACES)
async def test_wherever_a_worker_dies_rows_and_outputs_are_those_of_the_log(bench: Bench, place: str) -> None:
    await bench.send(numbers(300))
    dying = bench.worker(session_seconds=2, STREAMER_FAIL_POINT=f"{place}:{2 if place == 'recovered' else 3}")
    sending = asyncio.create_task(bench.send(numbers(1500, start=300), pause_seconds=0.05))
    assert await dying.ended() == -9
    follower = bench.worker(session_seconds=2)
    await sending
    await bench.caught_up()
    follower.kill()
    await bench.check()


async def test_a_storm_of_kills_and_joins_loses_and_doubles_nothing(bench: Bench) -> None:
    random_ = random.Random(7)
    sending = asyncio.create_task(bench.send(numbers(6000), pause_seconds=0.1))
    bench.worker("a", session_seconds=2)
    bench.worker("b", session_seconds=2)
    for _ in range(4):
        await asyncio.sleep(random_.uniform(1.0, 4.0))
        victim = random_.choice(bench.workers[-2:])
        victim.kill()
        bench.workers.remove(victim)
        bench.worker(victim.state_dir.name, session_seconds=2)
    await sending
    await bench.caught_up()
    bench.end_all()
    await bench.check()


async def test_what_two_workers_share_one_takes_over_when_the_other_dies(bench: Bench) -> None:
    first = bench.worker("a", session_seconds=3)
    await first.ready()
    await bench.send(numbers(300))
    second = bench.worker("b", session_seconds=3)
    await second.ready()
    await bench.send(numbers(300, start=300))
    await bench.caught_up()
    second.kill()
    await bench.send(numbers(300, start=600))
    await bench.caught_up()
    assert first.process.poll() is None
    first.kill()
    await bench.check()


async def test_a_worker_that_slept_beyond_its_session_ends_and_the_rows_stay_right(bench: Bench) -> None:
    import signal

    sleeper = bench.worker("a", session_seconds=3)
    await sleeper.ready()
    sending = asyncio.create_task(bench.send(numbers(6000), pause_seconds=0.05))
    await asyncio.sleep(1.0)
    sleeper.signal(signal.SIGSTOP)
    owner = bench.worker("b", session_seconds=3)
    await owner.ready()
    await sending
    await bench.caught_up()
    sleeper.signal(signal.SIGCONT)
    assert await sleeper.ended() == EXIT_INFRASTRUCTURE
    assert "no heartbeat was answered" in sleeper.said
    await bench.send(numbers(100, start=6000))
    await bench.caught_up()
    owner.kill()
    await bench.check()
