"""What ends is started again; what is stopped stays stopped; nothing outlives its supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from streamer.local.supervisor import Supervised

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


async def until(condition, seconds: float = 10.0) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_process_comes_back_as_another(tmp_path: Path) -> None:
    ends: list[int] = []
    process = Supervised("sleeper", SLEEPER, log=tmp_path / "sleeper.log", on_end=lambda _, code: ends.append(code))
    process.start()
    try:
        await until(lambda: process.pid is not None)
        first = process.pid
        assert process.kill()
        await until(lambda: process.pid not in (None, first))
        assert ends == [137]
        assert process.restarts == 1
    finally:
        await process.stop()
    assert not alive(first or 0)


async def test_a_stopped_process_is_gone_and_stays_gone(tmp_path: Path) -> None:
    process = Supervised("sleeper", SLEEPER, log=tmp_path / "sleeper.log")
    process.start()
    await until(lambda: process.pid is not None)
    pid = process.pid
    await process.stop()
    assert pid is not None
    assert not alive(pid)
    assert process.restarts == 0


async def test_a_process_that_ends_at_once_is_tried_again_with_growing_pauses(tmp_path: Path) -> None:
    process = Supervised("broken", [sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "broken.log")
    process.start()
    try:
        await until(lambda: process.restarts >= 2)
    finally:
        await process.stop()
    assert process.restarts < 10
