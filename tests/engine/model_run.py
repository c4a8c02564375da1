"""One run of the model: events, faults and a network by a seed; in the end everything is compared with the ideal
fold."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import NamedTuple

from streamer.engine.partition import RowRecord
from tests.engine.model_fold import Ideal, ModelFold
from tests.engine.model_kafka import COMPACTION_LAG, LOG_ID, Kafka
from tests.engine.model_worker import NOTHING_LEFT_OUT, Ablations, Worker


@dataclass(frozen=True)
class Faults:
    """What may happen in a run, beside kills and short freezes."""

    lose_offsets: bool = False
    short_changelog: bool = False
    bounce: bool = False
    keep_rows: bool = False  # ablation: rows of an earlier assignment stay
    long_pauses: bool = False
    time_passes: bool = False
    upgrade: bool = False
    foreign_fold: bool = False
    freezes: bool = True
    no_faults_before: int = 0
    number: int = 7
    kinds: dict[str, int] = field(default_factory=dict)


class Outcome(NamedTuple):
    """What was wrong at the end; all empty if the run is good. A worker that refuses to start is never wrong."""

    rows: str = ""
    outputs: str = ""
    refused: bool = False

    @property
    def bad(self) -> bool:
        return bool(self.rows or self.outputs)


class Run:
    def __init__(self, seed: int, faults: Faults, without: Ablations = NOTHING_LEFT_OUT) -> None:
        self.rng = rng = random.Random(seed)
        self.faults = faults
        self.without = without
        self.kafka = Kafka(rng)
        self.kafka.kinds.update(faults.kinds)
        self.total = rng.randint(12, 45)
        self.rules = 1
        self.upgrade_at = rng.randint(5, self.total) if faults.upgrade else None
        self.left = rng.randint(1, faults.number)
        self.frozen: list[tuple[Worker, int]] = []
        self.refusals = 0
        self.current = self._worker()

    def _worker(self, memory: dict[str, bytes] | None = None) -> Worker:
        worker = Worker(self.kafka, rules=self.rules, without=self.without, memory=memory)
        worker.short_changelog = self.faults.short_changelog
        worker.read_back = 0.1
        return worker

    def _replace(self) -> None:
        self.current.kill()
        self.current = self._worker()

    def outcome(self) -> Outcome:
        kafka, rng = self.kafka, self.rng
        for _ in range(3000):
            kafka.now += 1
            self._happen()
            if self.current.dead:
                self.refusals += self.current.refused
                if self.refusals > 60:
                    return Outcome(refused=True)
                self.current = self._worker()
            resting = not self.current.step()
            if resting and len(kafka.log) >= self.total and not (self.left or kafka.on_the_way or self.frozen):
                break
        for worker, until in self.frozen:
            kafka.now = max(kafka.now, until)
            for _ in range(rng.randint(0, 8)):
                worker.step(frozen_out=True)
        if self.faults.time_passes and not self._let_time_pass(9):
            return Outcome(refused=True)
        if self.faults.lose_offsets:
            kafka.committed = None
        return self._compare()

    # ---- what happens beside the current worker

    def _happen(self) -> None:
        kafka, rng, faults = self.kafka, self.rng, self.faults
        if len(kafka.log) < self.total and rng.random() < 0.35:
            kafka.event()
        if faults.foreign_fold and rng.random() < 0.05:
            w = (("w", f"{LOG_ID}:{rng.randint(0, 60)}".encode()),)
            kafka.append_rows([RowRecord(b"zz", b'{"s":1}', w)])
        if self.upgrade_at is not None and len(kafka.log) >= self.upgrade_at:
            self.upgrade_at, self.rules = None, 2
            if self.without.ask_log_for_rules:
                kafka.event("rules", 2)
            self._replace()
        if self.left and rng.random() < 0.05 and len(kafka.log) >= faults.no_faults_before:
            self.left -= 1
            self._fault()
        if faults.time_passes and rng.random() < 0.01:
            kafka.event("tick")  # ticks go on, and with them the rows that somebody else wrote are written again
        if kafka.on_the_way and rng.random() < 0.1:
            kafka.on_the_way.pop(rng.randrange(len(kafka.on_the_way)))()
        if faults.time_passes and rng.random() < 0.05:
            kafka.clean()
        for pair in self.frozen[:]:
            worker, until = pair
            if kafka.now >= until and rng.random() < 0.3:
                if rng.random() < 0.05:
                    self.frozen.remove(pair)
                    worker.kill()
                else:
                    worker.step(frozen_out=True)

    def _fault(self) -> None:
        kafka, rng, faults = self.kafka, self.rng, self.faults
        kinds = ["kill"]
        if faults.freezes:
            kinds += ["freeze"] * 2
        if faults.bounce:
            kinds += ["bounce"] * 2
        if faults.time_passes:
            kinds += ["jump"] * 3
        if faults.lose_offsets:
            kinds += ["lose"]
        kind = rng.choice(kinds)
        if kind == "freeze":
            lengths = [0, 5, 30]
            if faults.long_pauses:
                lengths += [COMPACTION_LAG // 2, 2 * COMPACTION_LAG, 4 * COMPACTION_LAG]
            self.frozen.append((self.current, kafka.now + rng.choice(lengths)))
            self.current = self._worker()
        elif kind == "bounce":
            self._bounce()
        elif kind == "jump":
            self._let_time_pass(rng.choice([1, 3, 6, 9]))
        else:
            if kind == "lose":
                kafka.committed = None
            self._replace()

    def _bounce(self) -> None:
        """Revoked, perhaps with another owner for a while, and assigned to the same process again."""
        heart = self.current.heart
        memory = None
        if self.faults.keep_rows and heart is not None:
            memory = {key: heart.rows.stored(key) or b"" for key in list(heart.rows.keys())}
        self.current.kill()
        if self.rng.random() < 0.5:
            other = self._worker()
            for _ in range(self.rng.randint(0, 20)):
                self.kafka.now += 1
                other.step()
            other.kill()
        self.current = self._worker(memory)

    def _let_time_pass(self, steps: int) -> bool:
        """Days pass: ticks, frozen workers that wake, crashes, the cleaner. False if the worker refuses to start."""
        kafka, rng = self.kafka, self.rng
        kafka.land()
        for _ in range(steps):
            kafka.land()
            kafka.now += COMPACTION_LAG // 3
            self.current.refresh()
            for worker, until in self.frozen:
                if kafka.now >= until and rng.random() < 0.5:
                    for _ in range(rng.randint(1, 6)):
                        worker.step(frozen_out=True)
            if rng.random() < 0.3:
                self._replace()
            kafka.event("tick")
            deaths = 0
            while self.current.step() or self.current.dead:
                if self.current.dead:
                    deaths += 1
                    self.current = self._worker()
                if deaths > 20:
                    return False
            kafka.clean()
        return True

    # ---- the end

    def _compare(self) -> Outcome:
        kafka = self.kafka
        for _ in range(4):
            last = self._worker()
            last.short_changelog = False
            while last.step():
                pass
            if not last.dead:
                break
        else:
            return Outcome(refused=True)
        heart = last.heart
        assert heart is not None
        ideal = Ideal(ModelFold(self.rules, ask_log=True)).run(kafka.log)
        rows = {key: json.loads(heart.rows.stored(key) or b"null") for key in list(heart.rows.keys())}
        wrong = ""
        if rows != ideal.rows.rows:
            wrong = f"rows {rows} instead of {ideal.rows.rows}"
        elif (heart.time_ms, heart.asleep) != (ideal.time_ms, ideal.asleep):
            wrong = f"{heart.time_ms, heart.asleep} instead of {ideal.time_ms, ideal.asleep}"
        elif heart.rows.sources != ideal.rows.sources:
            wrong = f"sources {heart.rows.sources} instead of {ideal.rows.sources}"
        seen: dict[tuple[str, str], bytes] = {}
        outputs = ""
        for place, value in kafka.outputs:
            if seen.setdefault(place, value) != value:
                outputs = f"output {place} came with two contents"
        if not outputs and seen != ideal.outputs:
            lost, invented = ideal.outputs.keys() - seen.keys(), seen.keys() - ideal.outputs.keys()
            outputs = f"lost {sorted(lost)}, invented {sorted(invented)}, or other contents"
        return Outcome(wrong, outputs)
