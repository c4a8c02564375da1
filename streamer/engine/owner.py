"""The owner of one partition of a fold, from its assignment until it is revoked: one task folds, one makes durable.

The heart (`partition.py`) says what may happen when; here are Kafka and the clock. Whatever fails ends the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol

from streamer.engine.exits import EXIT_LOST, die
from streamer.engine.fail_points import reach
from streamer.engine.fold import Row
from streamer.engine.killers import Killers
from streamer.engine.lease import Lease, now_seconds
from streamer.engine.partition import Chunk, PartitionFold
from streamer.engine.rows import RowStore
from streamer.engine.sending import DELIVERY_SECONDS, Delivery, Sender
from streamer.errors import Lost, NotSent

DRAIN_SECONDS = 20.0
FULL_INBOX, LOW_INBOX = 16, 4  # batches


class Permit:
    """Whether an effect may begin: called immediately before its first byte."""

    def __init__(self, owner: Owner[Any], until_seconds: float) -> None:
        self._owner = owner
        self._until_seconds = until_seconds

    def __call__(self) -> None:
        """Raises NotSent when the partition is revoked, the lease over, or the time to begin has passed."""
        if self._owner.revoked:
            raise NotSent("the partition belongs to another worker now")
        if not self._owner.lease.holds():
            raise NotSent("this worker's session may have ended")
        if now_seconds() > self._until_seconds:
            raise NotSent("it is too late to begin this attempt")


class Flow(Protocol):
    """Pauses (`on=False`) or resumes the fetching of one partition."""

    def __call__(self, *, on: bool) -> None: ...


class Effects(Protocol):
    """Called when the rows that imply the effects are durable. Must return at once."""

    def __call__(self, partition: int, effects: list[object], permit: Permit) -> None: ...


class Owner(Generic[Row]):
    """`heart` comes from the recovery; `flow` pauses and resumes the fetching of this partition."""

    def __init__(
        self,
        partition: int,
        *,
        sender: Sender,
        lease: Lease,
        changelog: str,
        killers: Killers,
        on_effects: Effects,
        effect_seconds: float,
        keys_between: Callable[[int, int], Awaitable[set[str]]],
        flow: Flow,
    ) -> None:
        self.partition = partition
        self.lease = lease
        self.revoked = False
        self.heart: PartitionFold[Row] | None = None
        self._sender = sender
        self._changelog = changelog
        self._killers = killers
        self._on_effects = on_effects
        self._effect_seconds = effect_seconds
        self._keys_between = keys_between
        self._flow = flow
        self._paused = False
        self._inbox: deque[Any] = deque()
        self._unacked: deque[tuple[int, Any]] = deque()
        self._wake = asyncio.Event()
        self._on_its_way: asyncio.Queue[tuple[Chunk, list[Delivery]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.folded = 0  # chunks made durable, for the watchdog

    @property
    def rows(self) -> RowStore[Row] | None:
        return self.heart.rows if self.heart is not None else None

    @property
    def waiting(self) -> bool:
        """Whether there is work that has not become durable."""
        return bool(self._inbox or self._unacked)

    def start(self, heart: PartitionFold[Row]) -> None:
        """The rows are recovered: begin to fold."""
        self.heart = heart
        loop = asyncio.get_running_loop()
        for work in (self._fold_all, self._make_durable):
            self._tasks.append(loop.create_task(self._or_die(work)))
        self._wake.set()

    def put(self, event: Any) -> None:
        """A batch event of Faust; acknowledged when everything that follows from it is durable."""
        self._inbox.append(event)
        if len(self._inbox) >= FULL_INBOX:
            self._paused = True
            self._flow(on=False)  # each time: Faust resumes all partitions when it has finished a rebalance
        self._wake.set()

    async def close(self) -> None:
        """Revoked: no new effect, no new chunk; what is on its way becomes durable; then the object is thrown away."""
        self.revoked = True
        self._inbox.clear()
        self._wake.set()
        if self.heart is not None:
            deadline = now_seconds() + DRAIN_SECONDS
            while self.heart.chunks:
                if now_seconds() > deadline:
                    die(
                        f"partition {self.partition} of {self._changelog} could not be drained in {DRAIN_SECONDS:.0f} s"
                    )
                await asyncio.sleep(0.005)
        for task in self._tasks:
            task.cancel()

    async def _or_die(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Lost as error:
            die(f"partition {self.partition} of {self._changelog}", error, code=EXIT_LOST)
        except BaseException as error:  # noqa: BLE001 - memory, recursion, delivery: a second process may get through
            die(f"partition {self.partition} of {self._changelog}", error)

    async def _fold_all(self) -> None:
        heart = self.heart
        assert heart is not None
        while not self.revoked:
            await self._wake.wait()
            self._wake.clear()
            self._take()
            while heart.may_fold and not self.revoked:
                chunk = self._fold_one(heart)
                if chunk is None:
                    break
                self.lease.require()
                reach("folded")
                self._on_its_way.put_nowait((chunk, await self._sender.send(chunk.outputs)))
                reach("outputs-sent")
                self._take()
                await asyncio.sleep(0)

    def _take(self) -> None:
        heart = self.heart
        assert heart is not None
        while self._inbox and heart.waiting < heart.limits.chunk_events:
            event = self._inbox.popleft()
            heart.feed(event.value)
            self._unacked.append((event.value[-1].offset, event))
        if self._paused and len(self._inbox) <= LOW_INBOX and not self.revoked:
            self._paused = False
            self._flow(on=True)

    def _fold_one(self, heart: PartitionFold[Row]) -> Chunk | None:
        """One chunk; for a while after a crash it is written down before, so that what kills is found."""
        killers, partition, first = self._killers, self.partition, heart.next_waiting
        if first is None or not killers.watching(partition):
            heart.before_wake = None
            return heart.fold_chunk()
        if (verdict := killers.verdict(partition, first)) is not None:
            chunk: Chunk | None = heart.skip_killer(verdict)
        else:
            most = min(killers.most(partition, first, heart.limits.chunk_events), heart.waiting)
            killers.begin(partition, first, first + most - 1)
            heart.before_wake = lambda key: killers.begin_wake(partition, key)
            chunk = heart.fold_chunk(most)
        if chunk is not None:
            killers.survived(partition, chunk.first, chunk.last)
        return chunk

    async def _make_durable(self) -> None:
        heart = self.heart
        assert heart is not None
        while True:
            chunk, deliveries = await self._on_its_way.get()
            if deliveries:
                await asyncio.wait_for(asyncio.gather(*deliveries), DELIVERY_SECONDS)
            reach("outputs-acknowledged")
            heart.outputs_acknowledged(chunk)
            ready = heart.next_rows()
            assert ready is chunk
            self.lease.require()
            begun_seconds = now_seconds()  # before the rows go out: a pause in between must not stretch the window
            delivery = await self._sender.send_rows(self._changelog, self.partition, chunk.rows)
            reach("rows-sent")
            appended = await asyncio.wait_for(delivery, DELIVERY_SECONDS)
            reach("rows-acknowledged")
            if appended.offset is None or appended.offset < 0:
                raise Lost("Kafka did not say where it appended the rows")
            done = heart.rows_acknowledged(appended.offset)
            if done.effects and not self.revoked:
                self._on_effects(self.partition, done.effects, Permit(self, begun_seconds + self._effect_seconds))
            while self._unacked and self._unacked[0][0] <= done.offset:
                self._unacked.popleft()[1].ack()
            self.folded += 1
            if done.gap is not None:
                heart.rewrite(await self._keys_between(done.gap.start, done.gap.end))
            self._wake.set()
