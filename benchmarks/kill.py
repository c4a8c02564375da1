"""B4: a worker with a million stock rows is killed under load and started again: how long until it decides."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import many_rows, report, shop
from benchmarks.broker import Broker, local_broker
from benchmarks.decide.check import Wrong
from benchmarks.latency import Orders
from benchmarks.running import Shop
from benchmarks.watching import Watch, type_of
from streamer.messages.orders import LineDecision

NAME = "b4_kill"
RATE = 200
BEFORE_SECONDS, AFTER_SECONDS = 15.0, 40.0
GOAL_SECONDS = 20.0
DRAIN_SECONDS = 120.0
BROKER = {"log.cleaner.enable": "false"}  # a million rows at once are no usual changelog to compact


async def run(*, rows: int = 1_000_000, repeats: int = 1) -> dict[str, Any]:
    """Measures, prints and saves. Raises Wrong where a decision is lost, or made in two ways."""
    measured = [await _one(rows) for _ in range(repeats)]
    spreads = {name: report.spread([one[name] for one in measured]) for name in measured[0]}
    goals = {
        f"first decision at most {GOAL_SECONDS:.0f} s after the restart": (
            spreads["first_decision_seconds"]["median"] <= GOAL_SECONDS
        ),
    }
    result = {"rows": rows, "orders_per_second": RATE, **spreads, "goals": goals}
    report.show(
        f"B4 kill: {rows:,} stock rows of {measured[0]['row_bytes']:.0f} bytes, kill -9 at {RATE} orders a second",
        ["", "median", "low", "high"],
        [
            [name.replace("_", " "), *(f"{value:,.1f}" for value in found.values())]
            for name, found in spreads.items()
        ],
        [
            "nothing lost, nothing doubled: checked, every order has one decision",
            *(f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()),
        ],
    )  # fmt: skip
    report.save(NAME, result)
    return result


async def _one(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker(BROKER) as broker:
            product = Shop(broker, Path(folder))
            await product.prepare()
            row_bytes = await many_rows.seed(product, rows)
            orders = Orders(broker.bootstrap)
            began = time.monotonic()
            worker = product.start()
            try:
                found = {"row_bytes": float(row_bytes), "first_start_seconds": await product.ready(worker) - began}
                await orders.start()
                async with Watch(broker.bootstrap, ["orders", "order-status"], orders.seen) as watch:
                    sending = asyncio.create_task(orders.send(RATE, BEFORE_SECONDS + AFTER_SECONDS))
                    await asyncio.sleep(BEFORE_SECONDS)
                    worker.kill()
                    await _quiet(orders)
                    decided = len(orders.decided)
                    began = time.monotonic()
                    worker = product.start()
                    while len(orders.decided) == decided:
                        worker.check()
                        watch.check()
                        await asyncio.sleep(0.01)
                    found["first_decision_seconds"] = time.monotonic() - began
                    keys = await sending
                    await _all_decided(orders, keys)
                    found["resident_mb"] = worker.resident_mb()
                await _check(broker, keys)
                return found
            finally:
                await orders.stop()
                worker.stop()


async def _quiet(orders: Orders) -> None:
    """What the killed worker had sent has arrived."""
    count = -1
    while count != len(orders.decided):
        count = len(orders.decided)
        await asyncio.sleep(0.3)


async def _all_decided(orders: Orders, keys: list[str]) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while any(key not in orders.told for key in keys):
        if time.monotonic() > deadline:
            raise Wrong(f"{sum(key not in orders.told for key in keys)} of {len(keys)} orders have no status")
        await asyncio.sleep(0.2)


async def _check(broker: Broker, keys: list[str]) -> None:
    """Every order has one decision; a decision that was sent twice is the same both times."""
    decisions: dict[str, LineDecision] = {}
    for record in await broker.records("orders", shop.PARTITIONS):
        if type_of(record) == b"line-decision":
            decision = LineDecision.from_json(record.value)
            if decisions.setdefault(decision.message_id(), decision) != decision:
                raise Wrong(f"{decision.message_id()} was decided in two ways")
    counts = Counter(decision.order_key for decision in decisions.values())
    wrong = [key for key in keys if counts[key] != 1]
    if wrong:
        raise Wrong(f"{len(wrong)} orders have not one decision, {[(key, counts[key]) for key in wrong[:3]]}")
