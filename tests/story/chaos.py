"""Breaks things at moments that a seed chooses, counted by how far the day has come."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tests.story.product import Product

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
    deadline = asyncio.get_running_loop().time() + 30
    while not product.is_ready(worker) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)  # otherwise all blows of a short day fall into one start
    worker.kill()
