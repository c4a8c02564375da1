"""B3: how long from the moment an order is due to its decision, at a steady rate, however late the product is.

Open loop: orders are sent when they are due and not when the product is ready for them, and time counts from when an
order was due. So a pause of the product is paid by every order that came during it.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks import report, shop
from benchmarks.broker import Broker, local_broker
from benchmarks.decide.check import Wrong
from benchmarks.running import Shop
from benchmarks.watching import Watch, type_of
from streamer.domain.partitions import partition_of
from streamer.messages.orders import LineDecision
from streamer.messages.stock import LineRequest

NAME = "b3_latency"
SKUS = 10_000
WARM_UP_SECONDS = 5.0
DRAIN_SECONDS = 60.0
GOALS_MS = {200: (15.0, 60.0), 1000: (15.0, 60.0)}  # rate -> p50, p99
BROKER = {"log.cleaner.enable": "false"}


class Orders:
    """Sends one order of one line when it is due, and notes when its decision and its status were there."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
        self._skus = shop.Skus(SKUS)
        self._next_id = 5_000_000_000
        self.due: dict[str, float] = {}
        self.decided: dict[str, list[float]] = {}
        self.told: dict[str, float] = {}
        self.late = 0.0
        """Seconds by which the generator itself was late at most: part of the latency that is not the product's."""

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    def seen(self, record: Any, at: float) -> None:
        """For Watch: a record of `orders` or `order-status`."""
        kind = type_of(record)
        if kind == b"line-decision":
            decision = LineDecision.from_json(record.value)
            self.decided.setdefault(decision.order_key, []).append(at)
        elif kind == b"order-line-status" and b'"decision":"pending"' not in record.value:
            self.told.setdefault(record.key.decode(), at)

    async def send(self, rate: int, seconds: float) -> list[str]:
        """Order keys, in the order in which they were due."""
        keys: list[str] = []
        futures: list[Any] = []
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            self._next_id += 1
            key, value, headers = shop.raw_order(self._next_id, self._skus.draw(1))
            keys.append(key.decode())
            self.due[keys[-1]] = due
            self.late = max(self.late, time.monotonic() - due)
            futures.append(
                await self._producer.send(
                    "raw.shopify", value, key, headers=list(headers), partition=partition_of(keys[-1], shop.PARTITIONS)
                )
            )
        await asyncio.gather(*futures)
        return keys

    async def all_told(self, keys: list[str], watch: Watch) -> None:
        """Raises Wrong where an order is not decided in time, or decided twice."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(key not in self.told or key not in self.decided for key in keys):
            watch.check()
            if time.monotonic() > deadline:
                missing = [key for key in keys if key not in self.told or key not in self.decided]
                raise Wrong(f"{len(missing)} of {len(keys)} orders were not decided, {missing[:2]}")
            await asyncio.sleep(0.1)
        twice = [key for key in keys if len(self.decided[key]) > 1]
        if twice:
            raise Wrong(f"{len(twice)} orders were decided more than once, {twice[:2]}")


async def hops(broker: Broker, keys: list[str]) -> dict[str, float]:
    """Median milliseconds from one log to the next, by the broker's stamps (the producer's on `raw.shopify`)."""
    wanted = set(keys)
    stamps: dict[str, dict[str, int]] = {}
    for topic, kinds in (
        ("raw.shopify", {b"raw.shopify": "raw"}),
        ("orders", {b"order": "order", b"line-decision": "decision"}),
        ("stock", {b"line-request": "request"}),
        ("order-status", {b"order-line-status": "status"}),
    ):
        for record in await broker.records(topic, shop.PARTITIONS):
            step = kinds.get(type_of(record))
            key = record.key.decode()
            if step == "request":
                key = LineRequest.from_json(record.value).order_key
            if step is not None and key in wanted and (step != "status" or b'"decision":"pending"' not in record.value):
                stamps.setdefault(key, {}).setdefault(step, record.timestamp)
    steps = ("raw", "order", "request", "decision", "status")
    found = [[at[step] for step in steps] for at in stamps.values() if len(at) == len(steps)]
    return {
        f"{before} to {after}": round(statistics.median(at[place + 1] - at[place] for at in found), 1)
        for place, (before, after) in enumerate(pairwise(steps))
        if found
    }


def percentiles(values: list[float]) -> dict[str, float]:
    """Milliseconds out of seconds."""
    ordered = sorted(values)
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("highest", 1.0))
    }


async def run(*, rates: tuple[int, ...] = tuple(GOALS_MS), seconds: float = 60.0) -> dict[str, Any]:
    """Measures, prints and saves. Raises Wrong where an order is lost or decided twice."""
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker(BROKER) as broker:
            product = Shop(broker, Path(folder))
            await product.prepare()
            await product.load("stock", shop.levels(SKUS, 1_000_000))
            worker = product.start()
            orders = Orders(broker.bootstrap)
            try:
                await product.ready(worker)
                await orders.start()
                async with Watch(broker.bootstrap, ["orders", "order-status"], orders.seen) as watch:
                    for rate in rates:
                        await orders.all_told(await orders.send(rate, WARM_UP_SECONDS), watch)
                        orders.late = 0.0
                        before, began = worker.cpu_seconds(), time.monotonic()
                        keys = await orders.send(rate, seconds)
                        busy = (worker.cpu_seconds() - before) / (time.monotonic() - began)
                        await orders.all_told(keys, watch)
                        measured[str(rate)] = {
                            "orders": len(keys),
                            "decision_ms": percentiles([orders.decided[key][0] - orders.due[key] for key in keys]),
                            "status_ms": percentiles([orders.told[key] - orders.due[key] for key in keys]),
                            "worker_busy": round(busy, 2),
                            "generator_late_ms": round(1000 * orders.late, 1),
                        }
                        measured[str(rate)]["hops_ms"] = await hops(broker, keys)
                        print(f"{rate}/s: {measured[str(rate)]}", flush=True)
                        worker.check()
            finally:
                await orders.stop()
                worker.stop()
    return _report(measured, seconds)


def _report(measured: dict[str, Any], seconds: float) -> dict[str, Any]:
    goals = {}
    for rate, (p50, p99) in GOALS_MS.items():
        if found := measured.get(str(rate)):
            here = found["decision_ms"]
            goals[f"{rate}/s: p50 at most {p50:g} ms, p99 at most {p99:g} ms"] = (
                here["p50"] <= p50 and here["p99"] <= p99
            )
    result = {"seconds_each": seconds, "rates": measured, "goals": goals}
    report.show(
        "B3 latency: from when an order was due to its decision, through normalise, orders and stock (ms)",
        ["", "p50", "p90", "p99", "p99.9", "highest", "worker busy", "generator late"],
        [
            [f"{rate}/s {title}", *(f"{value:.1f}" for value in found[kind].values()), f"{found['worker_busy']:.0%}",
             f"{found['generator_late_ms']:.1f}"]
            for rate, found in measured.items()
            for title, kind in (("decided", "decision_ms"), ("on order-status", "status_ms"))
        ],
        [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()],
    )  # fmt: skip
    report.save(NAME, result)
    return result
