"""A worker around the real PartitionFold: what the shell does, one step at a time, so that it can be killed or frozen
between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from streamer.engine.due import DueIndex
from streamer.engine.partition import Chunk, Limits, PartitionFold, RowRecord
from streamer.engine.recovery import Recovered, Recovery, check_continuity
from streamer.errors import Lost
from tests.engine.model_fold import ModelFold, Row
from tests.engine.model_kafka import LOG_ID, Kafka

LEASE = 40  # steps without a heartbeat after which a worker produces nothing


@dataclass(frozen=True)
class Ablations:
    """Rules that are left out, to see that the simulation notices."""

    end_before_committed: bool = False
    raise_w: bool = False
    forget_graves: bool = False
    no_foreign_watch: bool = False
    read_beyond_end: bool = False
    split_batch: bool = False
    due_by_insertion: bool = False
    no_lease: bool = False
    ask_log_for_rules: bool = True


NOTHING_LEFT_OUT = Ablations()


class ForgetfulRecovery(Recovery):
    """Ablation: a tombstone's `w` is forgotten."""

    def add(self, records: Any) -> None:
        for record in records:
            super().add([record])
            key = record.key.decode()
            if record.value is None and key in self._values:
                del self._values[key], self._w[key]


class InsertionIndex(DueIndex):
    """Ablation: due rows in the order in which they came in."""

    def pop(self, until_ms: int) -> str | None:
        for key, due in list(self._due_ms.items()):
            if due <= until_ms and key not in self._popped:
                self._popped.add(key)
                return key
        self._popped.clear()
        return None

    def load(self, due_ms: dict[str, int]) -> None:
        super().load(due_ms)
        self._popped: set[str] = set()


class Worker:
    """One owner of the partition, perhaps a dead or frozen one."""

    def __init__(
        self, kafka: Kafka, *, rules: int = 1, without: Ablations = NOTHING_LEFT_OUT, memory: Any = None
    ) -> None:
        self.kafka = kafka
        self.without = without
        self.dead = False
        self.refused = False
        self.heart: PartitionFold[Row] | None = None
        self.effects: list[object] = []
        self.read_back = 0.0  # how often the fetcher goes back to what was committed
        self.short_changelog = False
        self._rules = rules
        self._rng = kafka.rng
        self._committed: int | None = None
        self._end: int | None = None
        self._memory: dict[str, bytes] | None = memory
        self._position = 0
        self._heartbeat = kafka.now
        self._to_send: deque[tuple[Chunk, dict[str, deque[tuple[tuple[str, str], bytes]]]]] = deque()
        self._rows: Chunk | None = None
        self._base: int | None = None

    # ---- recovery, in two steps so that things can happen in between

    def _recover(self) -> None:
        kafka, rng = self.kafka, self._rng
        if self._end is None:
            if not self.without.end_before_committed:
                self._committed = kafka.committed
            self._end = kafka.changelog_end
            if self.short_changelog and rng.random() < 0.15:
                self._end = rng.choice(kafka.batch_starts)  # an old leader, or a changelog that lost its end
            return
        if self.without.end_before_committed:
            self._committed = kafka.committed
        end = self._end
        if self.without.read_beyond_end and rng.random() < 0.7:
            end = rng.randint(end, kafka.changelog_end)
        recovery = (ForgetfulRecovery if self.without.forget_graves else Recovery)(LOG_ID, end)
        recovery.add(kafka.changelog)
        recovered = recovery.finish()._replace(end=self._end)
        if self._memory is not None:
            recovered = recovered._replace(rows=self._memory)
        if self.without.raise_w:
            recovered = recovered._replace(w=max(recovered.w, (self._committed or 0) - 1))
        self._start(recovered)

    def _start(self, recovered: Recovered) -> None:
        kafka = self.kafka
        check_continuity(recovered, committed=self._committed, log_start=0, log_end=max(len(kafka.log), 1))
        heart = PartitionFold(
            ModelFold(self._rules, ask_log=self.without.ask_log_for_rules),
            partition=0,
            log_topic_id=LOG_ID,
            recovered=recovered,
            limits=Limits(batch_bytes=2400, hot_rows=3),
        )
        if self.without.due_by_insertion:
            due, heart.due = heart.due, InsertionIndex()
            heart.due.load(due._due_ms)
        self._position = min(self._committed or 0, recovered.w + 1)
        self.heart = heart

    # ---- work

    def step(self, *, frozen_out: bool = False) -> bool:
        """One thing that a worker does; False if there is nothing to do. `frozen_out`: the group has gone on without
        it."""
        if self.dead:
            return False
        try:
            if self.heart is None:
                self._recover()
                return True
            actions = self._actions(self.heart)
            if not actions:
                return False
            action = self._rng.choice(actions)
            if action != self._fold and not self.without.no_lease and self.kafka.now - self._heartbeat > LEASE:
                self.dead = True
                return False
            if not frozen_out:
                self._heartbeat = self.kafka.now
            if action == self._rows_step:
                self._rows_step(may_commit=not frozen_out)
            else:
                action()
        except Lost:
            self.dead = self.refused = True
        return True

    def _actions(self, heart: PartitionFold[Row]) -> list[Callable[[], None]]:
        actions: list[Callable[[], None]] = []
        if (self._position < len(self.kafka.log) or heart.waiting) and len(heart.chunks) < heart.limits.open_chunks:
            actions += [self._fold] * 2
        if any(any(queues.values()) for _, queues in self._to_send):
            actions += [self._send] * 3
        if self._rows is not None or (heart.chunks and heart.chunks[0].outputs_acknowledged):
            actions += [self._rows_step] * 2
        return actions

    def _fold(self) -> None:
        heart, kafka, rng = self.heart, self.kafka, self._rng
        assert heart is not None
        if rng.random() < self.read_back and kafka.committed is not None:
            self._position = min(self._position, kafka.committed)
        fetched = kafka.log[self._position : self._position + rng.randint(1, 4)]
        if fetched:
            self._position = fetched[-1].offset + 1
            heart.feed(fetched)
        chunk = heart.fold_chunk()
        if chunk is None:
            return
        queues: dict[str, deque[tuple[tuple[str, str], bytes]]] = {}
        for (topic, _partition), outputs in chunk.outputs.items():
            queues[topic] = deque(((topic, output.key.decode()), output.value) for output in outputs)
        self._to_send.append((chunk, queues))
        self._acknowledge()

    def _send(self) -> None:
        topic = self._rng.choice([topic for _, queues in self._to_send for topic in queues if queues[topic]])
        for _, queues in self._to_send:  # in order for each topic
            if queues.get(topic):
                self.kafka.outputs.append(queues[topic].popleft())
                break
        self._acknowledge()

    def _acknowledge(self) -> None:
        for chunk, queues in self._to_send:
            if not any(queues.values()):
                assert self.heart is not None
                self.heart.outputs_acknowledged(chunk)
        while self._to_send and self._to_send[0][0].outputs_acknowledged:
            self._to_send.popleft()

    def _rows_step(self, *, may_commit: bool = True) -> None:
        heart, kafka = self.heart, self.kafka
        assert heart is not None
        if self._rows is None:
            self._rows = heart.next_rows()  # handed to the producer
        elif self._base is None:
            self._base = self._land(self._rows)
        else:
            done = heart.rows_acknowledged(self._base)
            self._rows = self._base = None
            self.effects += done.effects
            if done.gap and not self.without.no_foreign_watch:
                gap = range(done.gap.start, done.gap.end)
                heart.rewrite({record.key.decode() for record in kafka.changelog if record.offset in gap})
            if may_commit and kafka.committed is not None:
                kafka.committed = max(kafka.committed, done.offset + 1)

    def _land(self, chunk: Chunk) -> int | None:
        rows: list[RowRecord] = chunk.rows
        if self.without.split_batch and len(rows) > 2:
            first = self.kafka.append_rows(rows[:2])
            if self._rng.random() < 0.1:
                self.dead = True
                return None
            self.kafka.append_rows(rows[2:])
            return first
        return self.kafka.append_rows(rows)

    # ---- ends

    def kill(self) -> None:
        """What was handed to the network may still land, now or later."""
        self.dead = True
        kafka, rng = self.kafka, self._rng
        if not self.without.no_lease and kafka.now - self._heartbeat > LEASE:
            return
        chunk = self._rows
        if chunk is not None and self._base is None and rng.random() < 0.6:
            kafka.on_the_way.append(lambda: void(kafka.append_rows(chunk.rows)))
        for topic in ("a", "b"):
            for _, queues in self._to_send:
                if queues.get(topic):
                    if rng.random() < 0.5:
                        sent = queues[topic][0]
                        kafka.on_the_way.append(partial(kafka.outputs.append, sent))
                    break

    def refresh(self) -> None:
        self._heartbeat = self.kafka.now


def void(_value: object) -> None: ...
