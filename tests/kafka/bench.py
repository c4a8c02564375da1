"""A bench for the engine: topics of its own, workers as real processes, and a check of the topics from the outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord

from streamer.engine.changelog import committed_offsets
from streamer.engine.partition import Limits, PartitionFold
from streamer.engine.recovery import Recovered, Recovery, Watermark
from streamer.topic_ids import topic_ids
from tests.kafka.toy import Adder, Total

ROOT = Path(__file__).parents[2]


class Names(NamedTuple):
    log: str
    changelog: str
    out: str
    dead: str
    app: str


class Worker:
    """One process of the toy fold. `faults` are environment variables."""

    def __init__(self, bench: Bench, name: str, *, faults: dict[str, str], session_seconds: float) -> None:
        self.state_dir = bench.folder / name
        self.state_dir.mkdir(exist_ok=True)
        self.log_file = bench.folder / f"{name}.log"
        names = bench.names
        with self.log_file.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.kafka.toy", "--bootstrap", bench.bootstrap),
                    *("--log", names.log, "--changelog", names.changelog, "--out", names.out, "--dead", names.dead),
                    *("--app", names.app, "--state", str(self.state_dir), "--session", str(session_seconds)),
                ],
                cwd=ROOT,
                env=os.environ | faults,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    async def ready(self, within_seconds: float = 40.0) -> None:
        """Waits until all rows are recovered."""
        await eventually(self._ready_or_over, within_seconds, what=f"{self.log_file} says ready")

    def _ready_or_over(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the worker ended with {self.process.returncode}:\n{self.said[-3000:]}")
        return (self.state_dir / "ready").exists() and (self.state_dir / "ready").read_text() == str(self.process.pid)

    async def ended(self, within_seconds: float = 30.0) -> int:
        """Its exit code."""
        await eventually(lambda: self.process.poll() is not None, within_seconds, what=f"{self.log_file} ends")
        return self.process.returncode

    @property
    def said(self) -> str:
        return self.log_file.read_text(errors="replace")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """In order, as a supervisor does."""
        self.signal(signal.SIGTERM)
        return await self.ended()


class Bench:
    def __init__(self, bootstrap: str, folder: Path, unique: Callable[[str], str], partitions: int) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.partitions = partitions
        self.names = Names(*(unique(word) for word in Names._fields))
        self.workers: list[Worker] = []
        self._number = 0

    async def make_topics(self) -> None:
        names = self.names
        plain = {"message.timestamp.type": "LogAppendTime"}
        await self.make_topic(names.log, plain)
        await self.make_topic(names.changelog, {"cleanup.policy": "compact", "min.compaction.lag.ms": "604800000"})
        await self.make_topic(names.out, {})
        await self.make_topic(names.dead, {})

    async def make_topic(self, name: str, configs: dict[str, str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, self.partitions, 1, topic_configs=configs)])
        finally:
            await admin.close()

    async def delete_topic(self, name: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([name])
        finally:
            await admin.close()

    def worker(self, name: str = "a", *, session_seconds: float = 6.0, **faults: str) -> Worker:
        worker = Worker(self, name, faults=faults, session_seconds=session_seconds)
        self.workers.append(worker)
        return worker

    def end_all(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()

    # ---- events in

    async def send(self, events: Iterable[tuple[str, str]], *, pause_seconds: float = 0.0) -> int:
        """Appends (key, text) to the log; returns how many."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5, enable_idempotence=True)
        await producer.start()
        sent = 0
        try:
            for key, text in events:
                await producer.send(self.names.log, text.encode(), key=key.encode())
                sent += 1
                if pause_seconds and sent % 50 == 0:
                    await asyncio.sleep(pause_seconds)
            await producer.flush()
        finally:
            await producer.stop()
        return sent

    # ---- looking from the outside

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """All records of a topic, by partition and offset."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        records: list[ConsumerRecord] = []
        try:
            places = [TopicPartition(topic, partition) for partition in range(self.partitions)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for found in (await consumer.getmany(timeout_ms=200, max_records=5000)).values():
                    records += found
        finally:
            await consumer.stop()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    async def log_ends(self) -> dict[int, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            places = [TopicPartition(self.names.log, partition) for partition in range(self.partitions)]
            return {place.partition: end for place, end in (await consumer.end_offsets(places)).items()}
        finally:
            await consumer.stop()

    async def committed(self) -> dict[int, int]:
        return await committed_offsets(self.bootstrap, self.names.app, self.names.log, range(self.partitions))

    async def caught_up(self, within_seconds: float = 60.0) -> None:
        """Waits until everything that is in the log now has been committed (ticks go on for ever)."""
        ends = await self.log_ends()

        async def done() -> bool:
            for worker in self.workers:
                if worker.process.poll() is None and "worker ends" in worker.said:
                    raise AssertionError(worker.said[-3000:])
            committed = await self.committed()
            return all(committed.get(partition, 0) >= end for partition, end in ends.items())

        await eventually(done, within_seconds, what="the group has committed all")

    async def rows(self) -> dict[int, Recovered]:
        """What a new owner would recover."""
        log_id = (await topic_ids(self.bootstrap, [self.names.log]))[self.names.log]
        readers = {partition: Recovery(log_id, 1 << 60) for partition in range(self.partitions)}
        for record in await self.read(self.names.changelog):
            readers[record.partition].add([record])
        return {partition: reader.finish() for partition, reader in readers.items()}

    async def totals(self) -> dict[str, Total]:
        return {
            key: msgspec.json.decode(value, type=Total)
            for recovered in (await self.rows()).values()
            for key, value in recovered.rows.items()
        }

    async def check(self, *, skipped: Sequence[tuple[int, int]] = ()) -> None:
        """Folds the log again from its start and compares, byte for byte: rows, outputs, dead letters.

        `skipped`: events (partition, offset) that were set aside because they kill.
        """
        names = self.names
        log_id = (await topic_ids(self.bootstrap, [names.log]))[names.log]
        rows = await self.rows()
        log = await self.read(names.log)
        said: dict[str, set[tuple[str, bytes, bytes]]] = {names.out: set(), names.dead: set()}
        for topic, seen in said.items():
            for record in await self.read(topic):
                headers = dict(record.headers)
                seen.add((headers["src"].decode(), record.key, record.value))
        for partition, recovered in rows.items():
            empty = Recovered(-1, {}, {}, Watermark(), set(), 0)
            heart = PartitionFold(
                Adder(names.out, names.dead),
                partition=partition,
                log_topic_id=log_id,
                recovered=empty,
                limits=Limits(chunk_events=1),
            )
            events = [record for record in log if record.partition == partition and record.offset <= recovered.w]
            heart.feed(events)
            ideal: dict[str, set[tuple[str, bytes, bytes]]] = {names.out: set(), names.dead: set()}
            changelog_end = 0
            while heart.waiting:
                offset = heart.next_waiting
                assert offset is not None
                if (partition, offset) in skipped:
                    chunk = heart.skip_killer(RecursionError())
                else:
                    folded = heart.fold_chunk(1)
                    assert folded is not None
                    chunk = folded
                heart.outputs_acknowledged(chunk)
                assert heart.next_rows() is chunk
                heart.rows_acknowledged(changelog_end)
                changelog_end += len(chunk.rows)
                for (topic, _), outputs in chunk.outputs.items():
                    ideal[topic] |= {
                        (dict(output.headers)["src"].decode(), output.key, output.value) for output in outputs
                    }
            stored = {key: heart.rows.stored(key) for key in heart.rows.keys()}  # noqa: SIM118 - not a dict
            assert recovered.rows == stored, f"rows of partition {partition} are not those of its log"
            assert json.dumps(recovered.watermark) == json.dumps(Watermark.read(heart._watermark))
            for topic, wanted in ideal.items():
                here = {one for one in said[topic] if one[0].startswith(f"{log_id}:{partition}:")}
                beyond = {one for one in here if int(one[0].rpartition(":")[2]) > recovered.w}
                assert here - beyond == wanted, f"what partition {partition} told {topic} is not what its log says"


async def eventually(done: Callable[[], object], within_seconds: float, *, what: str) -> None:
    deadline = time.monotonic() + within_seconds
    while True:
        found = done()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"after {within_seconds:.0f} s still not: {what}")
        await asyncio.sleep(0.1)
