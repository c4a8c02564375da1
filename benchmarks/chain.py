"""B7: raw orders of three lines, waiting in Kafka, to the status of each line: normalise, orders, stock and back."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import report, shop
from benchmarks.broker import Broker, SendRecord, local_broker
from benchmarks.decide.check import Wrong
from benchmarks.processes import Process
from benchmarks.running import Shop
from benchmarks.watching import type_of
from streamer.messages.status import OrderLineStatus

NAME = "b7_chain"
SKUS = 10_000
LINES = 3
FIRST_ORDER = 6_000_000_000
WARM_UP_SHARE = 0.1
GOAL_ORDERS = 3_000  # per CPU-second
LONGEST_SECONDS = 300.0


async def run(*, orders: int = 30_000, repeats: int = 3) -> dict[str, Any]:
    """Measures, prints and saves. Raises Wrong where a line has not the status that it must have."""
    rates: list[tuple[float, float]] = []
    for _ in range(repeats):
        rates.append(await _one(orders))
        print(f"chain: {rates[-1][0]:,.0f} orders per CPU-second", flush=True)
    per_cpu, per_second = ([rate[place] for rate in rates] for place in (0, 1))
    goals = {f"{GOAL_ORDERS:,} orders per CPU-second": report.spread(per_cpu)["median"] >= GOAL_ORDERS}
    result = {
        "orders": orders,
        "lines_each": LINES,
        "raw_bytes": len(shop.order(FIRST_ORDER, [shop.sku(number) for number in range(LINES)])),
        "orders_per_cpu_second": report.spread(per_cpu),
        "orders_per_second": report.spread(per_second),
        "goals": goals,
    }
    report.show(
        f"B7 whole chain: raw orders of {LINES} lines to order-status",
        ["", "orders per CPU-second", "low", "high", "orders per second"],
        [["streamer, one worker", *report.spread(per_cpu).values(), report.spread(per_second)["median"]]],
        [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()],
    )
    report.save(NAME, result)
    return result


async def _one(orders: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker() as broker:
            product = Shop(broker, Path(folder))
            await product.prepare()
            await product.load("stock", shop.levels(SKUS, 1_000_000))
            await product.load("raw.shopify", _raw(orders))
            worker = product.start()
            try:
                rates = await _watch(broker, worker, orders)
            finally:
                worker.stop()
            await _check(broker, orders)
            return rates


def _raw(orders: int) -> Iterator[SendRecord]:
    skus = shop.Skus(SKUS)
    for number in range(orders):
        yield shop.raw_order(FIRST_ORDER + number, skus.draw(LINES))


async def _watch(broker: Broker, worker: Process, orders: int) -> tuple[float, float]:
    """Orders per CPU-second and per second, by the decisions: from when a share of them is there until all are."""
    deadline = time.monotonic() + LONGEST_SECONDS
    wanted = orders * (1 + LINES)  # the orders themselves and a decision for each line
    begun: tuple[int, float, float] | None = None
    while True:
        worker.check()
        there = sum(await broker.end_offsets("orders", shop.PARTITIONS))
        at, cpu = time.monotonic(), worker.cpu_seconds()
        if begun is None and there >= WARM_UP_SHARE * wanted:
            begun = there, at, cpu
        if begun is not None and there >= wanted and await _told(broker, orders):
            done = (wanted - begun[0]) / (1 + LINES)
            at, cpu = time.monotonic(), worker.cpu_seconds()
            return done / (cpu - begun[2]), done / (at - begun[1])
        if at > deadline:
            raise TimeoutError(f"{there} of {wanted} records in `orders`:\n{worker.log.read_text()[-3000:]}")
        await asyncio.sleep(0.1)


async def _told(broker: Broker, orders: int) -> bool:
    """Whether the statuses have stopped coming: at least one a line, and no more for a moment."""
    before = sum(await broker.end_offsets("order-status", shop.PARTITIONS))
    if before < orders * LINES:
        return False
    await asyncio.sleep(0.2)
    return sum(await broker.end_offsets("order-status", shop.PARTITIONS)) == before


async def _check(broker: Broker, orders: int) -> None:
    last: dict[tuple[str, str], OrderLineStatus] = {}
    for record in await broker.records("order-status", shop.PARTITIONS):
        if type_of(record) != b"order-line-status":
            continue
        status = OrderLineStatus.from_json(record.value)
        place = (status.order_id, status.line_id)
        if place not in last or status.revision > last[place].revision:
            last[place] = status
    found = Counter(status.decision for status in last.values())
    if found != {"approved": orders * LINES}:
        raise Wrong(f"{orders * LINES} lines must be approved, found {dict(found)}")
