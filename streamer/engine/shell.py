"""A fold as a Faust agent uses it: its log is a channel of batches, an owner folds each partition assigned here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Protocol

from faust.types import TP

from streamer.engine.changelog import keys_between, recover
from streamer.engine.exits import EXIT_LOST, die
from streamer.engine.fail_points import reach
from streamer.engine.fold import Fold, Row, placed
from streamer.engine.killers import Killers
from streamer.engine.owner import FULL_INBOX, LOW_INBOX, Effects, Owner, Permit
from streamer.engine.partition import DEFAULT_LIMITS, Limits, PartitionFold, Sending
from streamer.engine.rows import RowStore
from streamer.errors import Lost

log = logging.getLogger("streamer.engine")


class OnAssigned(Protocol):
    """Called when the rows of a partition are recovered, before anything is folded."""

    def __call__(self, partition: int, rows: RowStore[Any]) -> None: ...


class FreshRow(NamedTuple):
    """A row as of the last chunk, or why there is no answer here."""

    state: Literal["row", "no row", "recovering", "not here"]
    value: bytes | None = None


def _no_effects(partition: int, effects: list[object], permit: Permit) -> None:  # noqa: ARG001 - as Effects has it
    raise TypeError(f"nobody carries out {type(effects[0]).__name__}")


def _nothing(*_arguments: Any, **_named: Any) -> None:
    pass


class FoldShell(Generic[Row]):
    """The agent hands each batch event to `put`; the rest follows the assignment of partitions.

    `engine` is the process's `Engine`; `log` and `changelog` are topic names and must have equally many partitions.
    """

    def __init__(
        self,
        engine: Any,
        *,
        fold: Fold[Row],
        log: str,
        log_topic_id: str,
        changelog: str,
        on_effects: Effects = _no_effects,
        on_assigned: OnAssigned = _nothing,
        on_revoked: Callable[[int], None] = _nothing,
        effect_seconds: float = 2.0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.fold = fold
        self.log = log
        self.channel = engine.batches(log)
        self.owners: dict[int, Owner[Row]] = {}
        self._engine = engine
        self._log_topic_id = log_topic_id
        self._changelog = changelog
        self._on_effects = on_effects
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._effect_seconds = effect_seconds
        self._limits = limits
        self._recovery: asyncio.Task[None] | None = None
        self.recovered_records = 0
        self._killers = Killers(Path(engine.state_dir) / f"{fold.name}.killers.json", after_crash=engine.after_crash)
        engine.shells.append(self)

    # ---- the agent's side

    async def put(self, event: Any) -> None:
        """Take a batch event; one of an earlier assignment is dropped, since its owner is gone."""
        message = event.message
        owner = self.owners.get(message.partition)
        if owner is None or message.generation_id != self._engine.app.consumer_generation_id:
            return
        owner.put(event)

    # ---- assignment

    def assign(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on; their rows are read in the background."""
        wanted = sorted(partitions)
        if not wanted:
            return
        for partition in wanted:
            self.owners[partition] = self._new_owner(partition)
        self._recovery = asyncio.get_running_loop().create_task(self._recover(dict(self.owners)))

    async def revoke(self) -> None:
        """All partitions go; returns when nothing of them is on its way any more."""
        recovery, self._recovery = self._recovery, None
        if recovery is not None and not recovery.done():
            recovery.cancel()
            await asyncio.gather(recovery, return_exceptions=True)
        owners, self.owners = self.owners, {}
        for partition in owners:
            self._on_revoked(partition)
        await asyncio.gather(*(owner.close() for owner in owners.values()))

    async def _recover(self, owners: dict[int, Owner[Row]]) -> None:
        def progress(records: int) -> None:
            self.recovered_records += records

        try:
            recovered = await recover(
                self._engine.bootstrap_servers,
                group=self._engine.app.conf.id,
                log=self.log,
                log_topic_id=self._log_topic_id,
                changelog=self._changelog,
                partitions=owners,
                progress=progress,
            )
            for partition, owner in owners.items():
                heart = PartitionFold(
                    self.fold,
                    partition=partition,
                    log_topic_id=self._log_topic_id,
                    recovered=recovered.pop(partition),
                    limits=self._limits,
                )
                reach("recovered")
                self._on_assigned(partition, heart.rows)
                owner.start(heart)
        except asyncio.CancelledError:
            raise
        except Lost as error:
            die(f"fold {self.fold.name} cannot start", error, code=EXIT_LOST)
        except BaseException as error:  # noqa: BLE001 - a fold without rows would decide wrongly
            die(f"fold {self.fold.name} could not read its rows", error)
        log.info("fold %s: partitions %s recovered, %d records", self.fold.name, sorted(owners), self.recovered_records)

    def _new_owner(self, partition: int) -> Owner[Row]:
        engine = self._engine
        tp = TP(self.log, partition)

        async def between(start: int, end: int) -> set[str]:
            return await keys_between(engine.bootstrap_servers, self._changelog, partition, start, end)

        def flow(*, on: bool) -> None:
            (engine.app.consumer.resume_partitions if on else engine.app.consumer.pause_partitions)({tp})

        return Owner(
            partition,
            sender=engine.sender,
            lease=engine.lease,
            changelog=self._changelog,
            killers=self._killers,
            on_effects=self._on_effects,
            effect_seconds=self._effect_seconds,
            keys_between=between,
            flow=flow,
        )

    # ---- looking in

    def row(self, partition: int, key: str) -> FreshRow:
        """One row as of the last chunk that was folded."""
        owner = self.owners.get(partition)
        if owner is None:
            return FreshRow("not here")
        if owner.heart is None:
            return FreshRow("recovering")
        value = owner.heart.rows.stored(key)
        return FreshRow("row", value) if value is not None else FreshRow("no row")

    @property
    def recovering(self) -> bool:
        return any(owner.heart is None for owner in self.owners.values())


class StreamShell:
    """For what keeps no rows: each record of a batch becomes outputs, and the batch is acknowledged when they are.

    `handle` gives the outputs of one record; what it raises goes to `dead_letter`. `src` and `srcw` tell receivers
    where an output came from, so that a replay of the topic changes nothing.
    """

    def __init__(
        self,
        engine: Any,
        *,
        topic: str,
        topic_id: str,
        handle: Callable[[Any], list[Any]],
        dead_letter: Callable[[Any, Exception], Any],
    ) -> None:
        self.topic = topic
        self.channel = engine.batches(topic)
        self._engine = engine
        self._topic_id = topic_id
        self._handle = handle
        self._dead_letter = dead_letter
        self._inboxes: dict[int, asyncio.Queue[Any]] = {}  # of the partitions that are ours
        self._tasks: list[asyncio.Task[None]] = []
        self._paused: set[int] = set()
        self._in_hand: set[int] = set()
        self.handled = 0
        engine.streams.append(self)

    async def put(self, event: Any) -> None:
        """Take a batch event; one of an earlier assignment is dropped. Partitions do not wait for each other."""
        message = event.message
        inbox = self._inboxes.get(message.partition)
        if inbox is None or message.generation_id != self._engine.app.consumer_generation_id:
            return
        inbox.put_nowait(event)
        if inbox.qsize() >= FULL_INBOX:
            self._paused.add(message.partition)
            self._engine.app.consumer.pause_partitions({message.tp})

    def assign(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on. Each begins where the last owner committed."""
        self._inboxes = {partition: asyncio.Queue() for partition in partitions}
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work(*place)) for place in self._inboxes.items()]

    async def revoke(self) -> None:
        """What has not begun is dropped; it will be read again by the next owner."""
        tasks, self._tasks, self._inboxes = self._tasks, [], {}
        self._paused.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._in_hand.clear()

    @property
    def waiting(self) -> bool:
        """Whether there is work that is not acknowledged."""
        return bool(self._in_hand) or any(not inbox.empty() for inbox in list(self._inboxes.values()))

    async def _work(self, partition: int, inbox: asyncio.Queue[Any]) -> None:
        durable = -1
        try:
            while True:
                event = await inbox.get()
                self._in_hand.add(partition)
                if partition in self._paused and inbox.qsize() <= LOW_INBOX:
                    self._paused.discard(partition)
                    self._engine.app.consumer.resume_partitions({event.message.tp})
                if durable < 0:
                    durable = event.value[0].offset - 1
                self._engine.lease.require()
                deliveries = await self._engine.sender.send(self._outputs(partition, event.value, durable))
                if deliveries:
                    await asyncio.wait_for(asyncio.gather(*deliveries), 60.0)
                durable = event.value[-1].offset
                self.handled += 1
                event.ack()
                self._in_hand.discard(partition)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing may be skipped
            die(f"partition {partition} of {self.topic}", error)

    def _outputs(self, partition: int, records: list[Any], durable: int) -> dict[tuple[str, int | None], list[Sending]]:
        by_place: dict[tuple[str, int | None], list[Sending]] = {}
        for record in records:
            try:
                outputs = self._handle(record)
            except (MemoryError, RecursionError):
                raise
            except Exception as error:  # noqa: BLE001 - repeatable: the record is kept, the next one is not delayed
                outputs = [self._dead_letter(placed(record, partition), error)]
            source = (("src", f"{self._topic_id}:{partition}:{record.offset}".encode()), ("srcw", b"%d" % durable))
            for topic, key, value, headers, place in outputs:
                by_place.setdefault((topic, place), []).append(Sending(key.encode(), value, source + headers))
        return by_place


__all__ = ["FoldShell", "FreshRow", "Permit", "StreamShell"]
