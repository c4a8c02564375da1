"""A worker that limps ends."""

from __future__ import annotations

import time
from typing import Any

import pytest

from streamer.engine.watchdog import LOOP_BLOCKED_SECONDS, Watchdog, Watched


class Work:
    busy = False
    moved = 0


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def watched(work: Work) -> Watched:
    return Watched("fold stock", busy=lambda: work.busy, progress=lambda: work.moved, within_seconds=60)


def test_work_that_does_not_move_is_found(work: Work, watched: Watched) -> None:
    start = time.monotonic()
    work.busy = True
    assert watched.stuck_seconds(start) == 0
    assert watched.stuck_seconds(start + 59) < watched.within_seconds < watched.stuck_seconds(start + 61)


def test_work_that_moves_or_rests_is_left_alone(work: Work, watched: Watched) -> None:
    start = time.monotonic()
    work.busy = True
    for minute in range(10):
        work.moved += 1
        assert watched.stuck_seconds(start + 60 * minute) == 0
    work.busy = False
    assert watched.stuck_seconds(start + 10_000) == 0


def test_a_loop_that_no_longer_turns_is_found(watched: Watched) -> None:
    dog = Watchdog([watched])
    assert "blocked" in (dog.look_once(time.monotonic() + LOOP_BLOCKED_SECONDS + 1) or "")


def test_the_thread_says_what_is_stuck_and_does_not_die_of_what_it_looks_at() -> None:
    said: list[str] = []

    def broken() -> Any:
        raise ZeroDivisionError

    dog = Watchdog([Watched("odd", busy=broken, progress=broken)], on_stuck=said.append)
    dog.start()
    deadline = time.monotonic() + 5
    while not said and time.monotonic() < deadline:
        time.sleep(0.05)
    dog.stop()
    assert "ZeroDivisionError" in said[0]
