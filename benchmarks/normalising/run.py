"""Runs B1: the function alone on stated bytes, then raw records through Kafka."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import report, shop
from benchmarks.broker import Broker, local_broker
from benchmarks.decide import contender
from benchmarks.decide.check import Wrong
from benchmarks.normalising import accounts
from benchmarks.processes import Process
from streamer.engine.fold import Record
from streamer.pipeline.message_fold import outputs_of
from streamer.platforms.base import Platform
from streamer.platforms.wire import Raw
from streamer.topic_ids import topic_ids

NAME = "b1_normalise"
CALLS, ROUNDS = 2_000, 7
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
GOAL_SHOPIFY, GOAL_MAIL = 15_000, 3_000  # calls per CPU-second
GOAL_TIMES_FAUST = 3.0
RAW_TOPIC, TARGET = "raw.shopify", "orders"
WARM_UP_SHARE = 0.1
LONGEST_SECONDS = 180.0
SHARES = {"product": 1.0, "plain_faust": 0.25}
TITLES = {"product": "streamer", "plain_faust": "plain Faust"}


async def run(*, records: int = 100_000, repeats: int = 3) -> dict[str, Any]:
    """Measures, prints and saves. Raises Wrong where a contender's events are not those of the function."""
    alone = _alone()
    through: dict[str, list[float]] = {name: [] for name in SHARES}
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker() as broker:
            for turn in range(repeats):
                for name, share in SHARES.items():
                    place = Path(folder) / f"{name}-{turn}"
                    place.mkdir()
                    through[name].append(await _through(broker, name, turn, int(records * share), place))
                    print(f"{name}: {through[name][-1]:,.0f} raw orders per CPU-second", flush=True)
    return _report(alone, {name: report.spread(rates) for name, rates in through.items()})


def _alone() -> dict[str, Any]:
    """Calls per CPU-second: signature checked, validated, made canonical, written as records."""
    shopify = accounts.shopify()
    found = {}
    for title, lines, padding in (("Shopify order, 1 line", 1, 0), ("Shopify order, 3 lines and 6 kB", 3, 4_600)):
        raws = [accounts.webhook(number, lines=lines, padding=padding) for number in range(CALLS)]
        found[f"{title} ({len(raws[0].body):,} bytes)"] = _rate(_reader(shopify, signed=True), raws)
    for name in ("confirmation_ubl", "confirmation_x12_855", "free_text"):
        platform, raws = accounts.supplier_mail(name)
        title = f"mail, {name.replace('_', ' ')} ({len(raws[0].body):,} bytes)"
        found[title] = _rate(_reader(platform, signed=False), raws * (CALLS // len(raws) // 4))
    return found


def _reader(platform: Platform[Any], *, signed: bool) -> Callable[[Raw], object]:
    def read(raw: Raw) -> object:
        if signed:
            platform.verify(raw, NOW)
        return outputs_of(platform.read(raw))

    return read


def _rate(read: Callable[[Raw], object], raws: list[Raw]) -> dict[str, float]:
    rates = []
    for raw in raws[:200]:
        read(raw)
    for _ in range(ROUNDS):
        began = time.thread_time()
        for raw in raws:
            read(raw)
        rates.append(len(raws) / (time.thread_time() - began))
    return report.spread(rates)


async def _through(broker: Broker, name: str, turn: int, records: int, place: Path) -> float:
    """Raw orders of one line per CPU-second of the process, from a backlog."""
    await broker.fresh_topics({RAW_TOPIC: {}, TARGET: {}, "dead-letters": {}}, shop.PARTITIONS)
    loaded = [shop.raw_order(accounts.FIRST_ORDER + number, [shop.sku(number % 1000)]) for number in range(records)]
    parts = [loaded[number :: shop.PARTITIONS] for number in range(shop.PARTITIONS)]
    await broker.load(RAW_TOPIC, enumerate(parts))
    ids = await topic_ids(broker.bootstrap, [RAW_TOPIC])
    task = contender.Task(broker.bootstrap, str(place), shop.PARTITIONS, ids[RAW_TOPIC], f"normalise-{name}-{turn}")
    argv = [sys.executable, "-m", f"benchmarks.normalising.{name}", msgspec.json.encode(task).decode()]
    process = Process(argv, log=place / "contender.log")
    try:
        rate = await _watch(broker, process, records)
    finally:
        process.stop()
    handle = accounts.normaliser("log")
    expected = {
        (output.key, output.value)
        for key, value, headers in loaded
        for output in handle(Record(0, 0, key, value, tuple(headers)))
    }
    found = {(record.key.decode(), record.value) for record in await broker.records(TARGET, shop.PARTITIONS)}
    if found != expected:
        raise Wrong(f"{name}: {len(expected - found)} events are missing, {len(found - expected)} are others")
    return rate


async def _watch(broker: Broker, process: Process, expected: int) -> float:
    deadline = time.monotonic() + LONGEST_SECONDS
    begun: tuple[int, float] | None = None
    while True:
        process.check()
        there = sum(await broker.end_offsets(TARGET, shop.PARTITIONS))
        cpu = process.cpu_seconds()
        if begun is None and there >= WARM_UP_SHARE * expected:
            begun = there, cpu
        if begun is not None and there >= expected:
            return (there - begun[0]) / (cpu - begun[1])
        if time.monotonic() > deadline:
            raise TimeoutError(f"{there} of {expected} events:\n{process.log.read_text()[-3000:]}")
        await asyncio.sleep(0.05)


def _report(alone: dict[str, Any], through: dict[str, Any]) -> dict[str, Any]:
    medians = {title: found["median"] for title, found in alone.items()}
    ours, faust = through["product"]["median"], through["plain_faust"]["median"]
    goals = {
        f"{GOAL_SHOPIFY:,}/s for a Shopify order of about 1 kB": next(iter(medians.values())) >= GOAL_SHOPIFY,
        f"{GOAL_MAIL:,}/s for mail and XML": min(list(medians.values())[2:]) >= GOAL_MAIL,
        f"{GOAL_TIMES_FAUST:g} x plain Faust through Kafka": ours >= GOAL_TIMES_FAUST * faust,
    }
    result = {"alone_per_cpu_second": alone, "through_kafka_per_cpu_second": through, "goals": goals}
    report.show(
        "B1 normalise: raw records to canonical events",
        ["", "per CPU-second", "low", "high"],
        [
            *([f"alone: {title}", *found.values()] for title, found in alone.items()),
            *([f"through Kafka: {TITLES[name]}", *found.values()] for name, found in through.items()),
        ],
        [f"through Kafka ours is {ours / faust:.1f} x plain Faust"]
        + [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()],
    )
    report.save(NAME, result)
    return result
