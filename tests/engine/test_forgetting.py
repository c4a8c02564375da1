"""Ids that are forgotten, and outputs that come again later: at once after a crash, or days later from a worker that
woke up."""

from __future__ import annotations

import json
import os
import random
from collections import Counter

import pytest

from streamer.engine.fold import NOTHING, TICK, Decision, LogRecord, Output, Record, Rows
from streamer.engine.partition import PartitionFold
from streamer.engine.recovery import Recovery

MORE = int(os.environ.get("STREAMER_SIMULATIONS", "1"))

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SENDER = "SenderSenderSenderSend:0"


class ActsOnce:
    """Acts on an id that it does not know; forgets an id a day after, or when its sender has passed it."""

    name = "acts"

    def __init__(self, *, forget_by_age: bool) -> None:
        self.forget_by_age = forget_by_age

    def read_row(self, key: str, value: bytes) -> list[int | None]:
        row: list[int | None] = json.loads(value)
        return row

    def write_row(self, row: list[int | None]) -> bytes:
        return json.dumps(row).encode()

    def due_ms(self, row: list[int | None]) -> int | None:
        return row[0]

    def fold(self, rows: Rows[list[int | None]], record: LogRecord) -> Decision:
        key = (record.value or b"").decode()
        if rows.read(key) is not None:
            return NOTHING
        rows.put(key, [rows.now_ms + DAY_MS, rows.source[1] if rows.source else None])
        return Decision([Output("acts", key, b"")])

    def wake(self, rows: Rows[list[int | None]], key: str) -> Decision:
        row = rows.edit(key)
        assert row is not None
        offset = row[1]
        if self.forget_by_age or (offset is not None and rows.passed(SENDER, offset)):
            rows.delete(key)
        else:
            row[0] = rows.now_ms + DAY_MS
        return NOTHING

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        raise NotImplementedError from error

    def quarantine(self, rows: Rows[list[int | None]], record: LogRecord, error: Exception) -> None:
        raise NotImplementedError from error


def history(rng: random.Random, *, with_source: bool) -> list[Record]:
    """What a sender's outputs look like in the receiver's log, with a tick each six hours."""
    sent = arrived = 0
    entries: list[tuple[int, int, int]] = []  # time, offset at the sender, its W
    down = rng.random() < 0.3
    count = rng.randint(20, 60)
    for offset in range(count):
        sent += rng.randint(1, 8) * HOUR_MS
        arrives = sent + rng.randint(0, 2) * HOUR_MS
        if down and offset > count // 2:
            arrives += rng.randint(3, 6) * DAY_MS
        arrived = max(arrived, arrives)
        entries.append((arrived, offset, offset - 1 - rng.randint(0, 2)))
        if rng.random() < 0.25:
            later = rng.choice([2 * HOUR_MS, DAY_MS // 2, 2 * DAY_MS, 3 * DAY_MS, 10 * DAY_MS])
            entries.append((arrived + later, offset, offset - 1 - rng.randint(0, 2)))
    ticks = [(time, -1, 0) for time in range(1, max(entries)[0], HOUR_MS)]
    log: list[Record] = []
    for time, offset, w in sorted(entries + ticks):
        if offset < 0:
            log.append(Record(len(log), time, b"", None, (("ce_type", TICK),)))
            continue
        source = (("src", f"{SENDER}:{offset}".encode()), ("srcw", b"%d" % w)) if with_source else ()
        log.append(Record(len(log), time, b"key", f"id-{offset}".encode(), source))
    return log


def acted(fold: ActsOnce, log: list[Record]) -> tuple[Counter[str], int]:
    """How often each id was acted on, and how many ids are remembered in the end."""
    recovered = Recovery("LogLogLogLogLogLogLogL", 0).finish()
    heart = PartitionFold(fold, partition=0, log_topic_id="LogLogLogLogLogLogLogL", recovered=recovered)
    heart.feed(log)
    acts: Counter[str] = Counter()
    while (chunk := heart.fold_chunk()) is not None:
        for outputs in chunk.outputs.values():
            acts.update(output.key.decode() for output in outputs)
        heart.outputs_acknowledged(chunk)
        heart.next_rows()
        heart.rows_acknowledged(heart.changelog_end)
    return acts, len(heart.rows)


@pytest.mark.parametrize("seed", range(0, 60 * MORE, 20))
def test_each_id_is_acted_on_once_and_its_memory_ends(seed: int) -> None:
    for number in range(seed, seed + 20):
        log = history(random.Random(number), with_source=True)
        acts, remembered = acted(ActsOnce(forget_by_age=False), log)
        ids = {record.value.decode() for record in log if record.value}
        assert acts == Counter(ids), f"seed {number}"
        assert remembered < len(ids), f"seed {number}"


def test_forgetting_by_age_alone_acts_twice() -> None:
    twice = 0
    for seed in range(60):
        acts, _ = acted(ActsOnce(forget_by_age=True), history(random.Random(seed), with_source=False))
        twice += any(count > 1 for count in acts.values())
    assert twice > 20
