"""Breaks things at moments that a seed chooses, counted by how far the day has come."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from streamer.local.supervisor import Supervised
from tests.story.product import Product

PAUSE_SECONDS = 20.0
READY_SECONDS = 60.0

Fault = Callable[[Product, random.Random], Awaitable[None]]


class Blow(NamedTuple):
    """One fault, when so many records have been seen and so many seconds after that."""

    at_count: int
    after_seconds: float
    fault: Fault


def blows(seed: int, faults: Sequence[Fault], *, records: int) -> list[Blow]:
    """Moments for the faults, in order, over a day of so many records."""
    chance = random.Random(seed)
    counts = sorted(chance.randrange(records // 20, records * 9 // 10) for _ in faults)
    return [Blow(count, chance.uniform(0.0, 0.2), fault) for count, fault in zip(counts, faults, strict=True)]


async def strike(product: Product, planned: Sequence[Blow], *, seed: int) -> list[str]:
    """Deals the blows; returns what was done, for the report of a failure. Runs beside the day."""
    chance = random.Random(seed)
    done = []
    for blow in planned:
        while product.witness.count < blow.at_count:
            await asyncio.sleep(0.005)
        await asyncio.sleep(blow.after_seconds)
        await blow.fault(product, chance)
        done.append(f"{blow.fault.__name__} at {product.witness.count}")
    return done


async def kill_worker(product: Product, chance: random.Random) -> None:
    """As `kill -9` does; the supervisor starts it again."""
    worker = chance.choice(product.workers)
    await _once_ready(product, worker)  # otherwise all blows of a short day fall into one start
    before = worker.restarts
    worker.kill()
    while worker.restarts == before:  # until the supervisor has seen it, the next blow would hit the dead
        await asyncio.sleep(0.05)


async def kill_web(product: Product, _chance: random.Random) -> None:
    """Gateway and console are gone for a moment; platforms try again."""
    product.web.kill()


async def pause_worker(product: Product, chance: random.Random) -> None:
    """Frozen for longer than its session lasts, then let go: a zombie that must notice."""
    worker = chance.choice(product.workers)
    await _once_ready(product, worker)
    pid = worker.pid
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(PAUSE_SECONDS)
        os.kill(pid, signal.SIGCONT)


async def join_worker(product: Product, _chance: random.Random) -> None:
    """One more worker, which takes over some of the partitions."""
    worker = product.new_worker(f"worker-{len(product.workers) + 1}")
    worker.start()
    product.workers.append(worker)


async def leave_worker(product: Product, _chance: random.Random) -> None:
    """The last worker that came ends in order."""
    if len(product.workers) > 1:
        await product.workers.pop().stop()


async def restart_broker(product: Product, _chance: random.Random) -> None:
    """The one broker is killed and comes back with its data."""
    await asyncio.to_thread(product.kafka.kill)
    await asyncio.sleep(1.0)
    await product.kafka.start_async()


async def _once_ready(product: Product, worker: Supervised) -> None:
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while not product.is_ready(worker) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)
