"""Runs B2: the contenders in turn, several times, each checked before its time counts."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import report
from benchmarks.broker import Broker, local_broker
from benchmarks.decide import check, contender, records, seed, workload
from benchmarks.processes import PEERS_PYTHON, Process
from streamer.domain.view import SETTINGS_KEY
from streamer.topic_ids import topic_ids

PARTITIONS = 4
WARM_UP_SHARE = 0.05  # of the decisions; start-up, recovery and the first reading of rows do not count
LOOK_SECONDS = 0.05
GOAL_LINES = 30_000  # per CPU-second
GOAL_TIMES_QUIX = 2.0


@dataclass(frozen=True)
class Contender:
    title: str
    module: str
    python: str = sys.executable
    changelog: str = contender.CHANGELOG
    share: float = 1.0
    """Of the lines; the slow ones decide fewer, since their rate is steady."""


CONTENDERS = {
    "product": Contender("streamer", "product"),
    "confluent": Contender("plain confluent-kafka loop", "confluent_loop", str(PEERS_PYTHON)),
    "aiokafka": Contender("plain aiokafka loop", "aiokafka_loop"),
    "quix": Contender(
        "Quix Streams", "quix_app", str(PEERS_PYTHON), changelog="changelog__{group}--stock--default", share=0.5
    ),
    "faust": Contender("plain Faust", "plain_faust", changelog="{group}-rows-changelog", share=0.1),
}


@dataclass
class Measured:
    """Of one contender, a value for each run."""

    lines_per_cpu_second: list[float] = field(default_factory=list)
    lines_per_second: list[float] = field(default_factory=list)
    changelog_records_per_event: list[float] = field(default_factory=list)


async def run(
    *, lines: int = 120_000, repeats: int = 3, names: Sequence[str] = tuple(CONTENDERS), seconds: float = 180.0
) -> dict[str, Any]:
    """Measures, prints and saves. Raises check.Wrong where a contender decides wrongly, RuntimeError where one ends."""
    loads = {share: workload.make(int(lines * share)) for share in {CONTENDERS[name].share for name in names}}
    measured = {name: Measured() for name in names}
    with tempfile.TemporaryDirectory(prefix="streamer-bench-") as folder:
        async with local_broker() as broker:
            for turn in range(repeats):
                for name in list(names)[turn % len(names) :] + list(names)[: turn % len(names)]:
                    load = loads[CONTENDERS[name].share]
                    place = Path(folder) / f"{name}-{turn}"
                    place.mkdir()
                    await _one(broker, name, turn, load, place, measured[name], seconds)
                    print(f"{name}: {measured[name].lines_per_cpu_second[-1]:,.0f} lines per CPU-second", flush=True)
    return _report(measured, loads)


async def _one(
    broker: Broker, name: str, turn: int, load: workload.Workload, place: Path, measured: Measured, seconds: float
) -> None:
    told = CONTENDERS[name]
    task_name = f"{name}-{turn}"
    group = contender.Task("", "", 0, "", task_name).group
    changelog = told.changelog.format(group=group)
    topics: dict[str, dict[str, str]] = {
        contender.LOG: {"message.timestamp.type": "LogAppendTime"},
        contender.DECISIONS: {},
        "dead-letters": {},
        changelog: {"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000", "max.message.bytes": "2000000"},
    }
    await broker.fresh_topics(topics, PARTITIONS)
    records.write(place, load.events, load.rows, load.decisions)
    ids = await topic_ids(broker.bootstrap, [contender.LOG])
    task = contender.Task(broker.bootstrap, str(place), PARTITIONS, ids[contender.LOG], task_name)
    await seed.log(broker, contender.LOG, load.events, load.rows[SETTINGS_KEY], PARTITIONS)
    if name == "product":
        await seed.changelog(broker, changelog, load.rows, PARTITIONS, task.log_topic_id)
    argv = [told.python, "-m", f"benchmarks.decide.contenders.{told.module}", msgspec.json.encode(task).decode()]
    process = Process(argv, log=place / "contender.log")
    try:
        rates = await _watch(broker, process, len(load.decisions), seconds)
    finally:
        process.stop()
    found = await broker.records(contender.DECISIONS, PARTITIONS)
    decisions = check.read_decided(found)
    check.compare(decisions, load.decisions)
    check.never_oversold(load.events, load.rows, decisions)
    rows = await broker.records(changelog, PARTITIONS)
    check.rows_written(rows, {event.key.decode() for event in load.events})
    lines_per_decision = load.lines / len(load.decisions)
    measured.lines_per_cpu_second.append(rates[0] * lines_per_decision)
    measured.lines_per_second.append(rates[1] * lines_per_decision)
    measured.changelog_records_per_event.append(len(rows) / len(load.events))


async def _watch(broker: Broker, process: Process, expected: int, seconds: float) -> tuple[float, float]:
    """Decisions per CPU-second and per second, from when a share of them is there until all are.

    The log is loaded before the contender starts, so what is measured is how fast it works off a backlog.
    """
    deadline = time.monotonic() + seconds
    begun: tuple[int, float, float] | None = None
    while True:
        process.check()
        there = sum(await broker.end_offsets(contender.DECISIONS, PARTITIONS))
        now, cpu = time.monotonic(), process.cpu_seconds()
        if begun is None and there >= WARM_UP_SHARE * expected:
            begun = there, now, cpu
        if there >= expected and begun is not None:
            if there == begun[0]:
                raise RuntimeError("done before it could be measured: give it more lines")
            return (there - begun[0]) / (cpu - begun[2]), (there - begun[0]) / (now - begun[1])
        if now > deadline:
            raise TimeoutError(
                f"{there} of {expected} decisions after {seconds:.0f} s:\n{process.log.read_text()[-3000:]}"
            )
        await asyncio.sleep(LOOK_SECONDS)


def _report(measured: dict[str, Measured], loads: dict[float, workload.Workload]) -> dict[str, Any]:
    largest = loads[max(loads)]
    result: dict[str, Any] = {
        "work": largest.facts(),
        "contenders": {
            name: {title: report.spread(values) for title, values in msgspec.to_builtins(found).items()}
            for name, found in measured.items()
        },
    }
    medians = {name: found["lines_per_cpu_second"]["median"] for name, found in result["contenders"].items()}
    ours = medians.get("product")
    notes = [f"{key}: {value:,}" for key, value in largest.facts().items()]
    if ours:
        goals = {f"{GOAL_LINES:,} lines per CPU-second": ours >= GOAL_LINES}
        if quix := medians.get("quix"):
            goals[f"{GOAL_TIMES_QUIX:g} x Quix Streams"] = ours >= GOAL_TIMES_QUIX * quix
        result["goals"] = goals
        notes += [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()]
    report.show(
        "B2 decide: order lines against stock rows, the same fold in all",
        ["", "lines per CPU-second", "low", "high", "lines per second", "changelog records per event", "ours is"],
        [
            [
                CONTENDERS[name].title, found["lines_per_cpu_second"]["median"], found["lines_per_cpu_second"]["low"],
                found["lines_per_cpu_second"]["high"], found["lines_per_second"]["median"],
                f"{found['changelog_records_per_event']['median']:.2f}",
                f"{ours / medians[name]:.1f} x" if ours else "",
            ]
            for name, found in result["contenders"].items()
        ],
        notes,
    )  # fmt: skip
    report.save("b2_decide", result)
    return result
