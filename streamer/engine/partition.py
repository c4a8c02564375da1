"""The engine's heart: one partition of one fold, without Kafka, clock or asyncio.

Recovered rows go in, then batches of the log; chunks come out, each with its outputs, one batch of rows and the
effects that may run afterwards; acknowledgements go in and say what may be sent next. The order is always the same:
outputs, then rows, then the offset. The shell and the simulations of the tests run this very class.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, NamedTuple

from streamer.engine.due import DueIndex
from streamer.engine.fold import TICK, Fold, LogRecord, Output, Record, Row, placed
from streamer.engine.recovery import WATERMARK_KEY, Recovered, Watermark
from streamer.engine.rows import ROW_OVERHEAD_BYTES, RowStore
from streamer.errors import Lost, Malformed, Refused

TICK_STEP_MS = (
    3_600_000  # one tick moves time by an hour at most, so that one wrong clock does not let everything expire
)
# The next three decide what a tick wakes, so they are part of what is replayed: never change them for a log that
# exists.
TICK_WAKES = 1000
TICK_BYTES = 128 * 1024
TICK_FAILURES = 16
LARGEST_BUDGET = 4  # times what a record batch holds: more rows are estimated than become of it

Headers = tuple[tuple[str, bytes], ...]


class Limits(NamedTuple):
    batch_bytes: int = 512 * 1024
    """A chunk's rows; below the producer's batch size and the changelog's `max.message.bytes`."""
    chunk_events: int = 2000
    open_chunks: int = 3
    hot_rows: int = 20_000


DEFAULT_LIMITS = Limits()


class RowRecord(NamedTuple):
    key: bytes
    value: bytes | None
    headers: Headers


class Sending(NamedTuple):
    """An output with the headers that the engine adds."""

    key: bytes
    value: bytes
    headers: Headers


_sending = partial(tuple.__new__, Sending)  # a third of the time of `Sending(...)`; there is one for each output


@dataclass(slots=True, eq=False)
class Chunk:
    first: int
    last: int
    outputs: dict[tuple[str, int | None], list[Sending]] = field(default_factory=dict)
    """By topic and partition (None: by the key's hash), in the order of the log."""
    rows: list[RowRecord] = field(default_factory=list)
    """One record batch, the watermark row last."""
    effects: list[object] = field(default_factory=list)
    outputs_acknowledged: bool = False
    rows_sent: bool = False


class Gap(NamedTuple):
    """Offsets of the changelog that somebody else wrote: `start` up to, not including, `end`."""

    start: int
    end: int


class Done(NamedTuple):
    """A chunk is durable: run its effects, acknowledge the log up to and with `offset`, read `gap` and tell `rewrite`
    its keys."""

    offset: int
    effects: list[object]
    gap: Gap | None


FATAL = (Lost, MemoryError, RecursionError)
"""What is not repeatable: a second process may get through, or a person must look."""


class TooLarge(Exception):
    """The rows of a single event do not fit into one record batch."""


class PartitionFold(Generic[Row]):
    def __init__(
        self,
        fold: Fold[Row],
        *,
        partition: int,
        log_topic_id: str,
        recovered: Recovered,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.fold = fold
        self.partition = partition
        self.limits = limits
        self.w = self.durable_w = recovered.w
        self.changelog_end = recovered.end
        self.rows: RowStore[Row] = RowStore(fold, partition, hot_rows=limits.hot_rows)
        self.rows.load(recovered.rows)
        self.rows.sources = dict(recovered.watermark.sources)
        self.time_ms = recovered.watermark.time_ms
        self.rows.now_ms = self.time_ms or 0
        self.asleep = set(recovered.watermark.asleep)
        self.due = DueIndex()
        self.due.load({key: due for key, due in recovered.due_ms.items() if key not in self.asleep})
        self.chunks: deque[Chunk] = deque()
        self._log_id = log_topic_id.encode()
        self._src = f"{log_topic_id}:{partition}:".encode()
        self._expected = recovered.w + 1
        self._inbox: deque[LogRecord] = deque()
        self._skipping = False
        self.before_wake: Callable[[str], Exception | None] | None = None
        """Asked before each row is woken, where set; gives the reason why this one must not be."""
        self._rewrite = set(recovered.behind)
        self._budget_bytes = limits.batch_bytes  # of estimated rows: about twice what becomes of them
        # Of the open chunk:
        self._written_bytes = 0
        self._outputs: dict[tuple[str, int | None], list[Sending]] = {}
        self._effects: list[object] = []
        self._srcw = b""
        self._watermark = b""
        self._before = (self.time_ms, self.rows.sources, self.asleep)
        self._error = Exception()

    # ---- events in

    def feed(self, records: Sequence[LogRecord]) -> None:
        """Take the next records of the log. Those that are in the rows or wait already are passed over.

        Raises:
            Lost: an event is missing; a fold's log has neither compaction nor transactions, so its offsets are dense.
        """
        if not records:
            return
        first, last, expected = records[0].offset, records[-1].offset, self._expected
        if first > expected or last - first + 1 != len(records):
            raise Lost(
                f"partition {self.partition}: expected offset {expected}, got {first} to {last} "
                f"in {len(records)} records"
            )
        if last >= expected:
            self._inbox.extend(records[expected - first :] if first < expected else records)
            self._expected = last + 1

    @property
    def waiting(self) -> int:
        return len(self._inbox)

    @property
    def next_waiting(self) -> int | None:
        return self._inbox[0].offset if self._inbox else None

    @property
    def may_fold(self) -> bool:
        return bool(self._inbox) and len(self.chunks) < self.limits.open_chunks and not self._skipping

    def rewrite(self, keys: set[str]) -> None:
        """Somebody else wrote these rows: the next chunk writes them again."""
        self._rewrite |= keys - {WATERMARK_KEY}

    # ---- folding

    def fold_chunk(self, max_events: int | None = None) -> Chunk | None:
        """Fold what waits, as far as its rows fit into one record batch.

        Raises:
            Lost: a row cannot be read, or cannot be written because it fits into no batch.
        """
        if not self.may_fold:
            return None
        self._begin()
        inbox, rows, budget = self._inbox, self.rows, self._budget_bytes
        taken: list[LogRecord] = []
        most = min(max_events or self.limits.chunk_events, len(inbox))
        while len(taken) < most and (rows.estimate_bytes <= budget or not taken):
            taken.append(inbox.popleft())
            if not self._fold_event(taken[-1]):
                self._refold(taken)
                break  # so that a flood of bad events takes back short chunks
        estimate_bytes = rows.estimate_bytes
        written = self._written()
        self._learn(estimate_bytes, fits=written is not None)
        while written is None:
            if len(taken) == 1:
                self._restore()
                self._enter(taken[0])
                self._set_aside(taken[0], TooLarge("its rows do not fit into one record batch"))
                written = self._written()
                if written is None:
                    raise Lost(
                        f"the row of the event at offset {taken[0].offset} fits into no record batch, "
                        "even in quarantine"
                    )
            else:
                kept = len(taken) // 2
                inbox.extendleft(reversed(taken[kept:]))
                del taken[kept:]
                self._restore()
                for record in taken:
                    self._fold_event(record)
                written = self._written()
        return self._close(taken[0].offset, taken[-1].offset, written)

    def _learn(self, estimate_bytes: int, *, fits: bool) -> None:
        """How much the estimate is too high: each event may make a row as much longer as itself, few do."""
        limit = self.limits.batch_bytes
        if not fits:
            self._budget_bytes = limit // 2
        elif estimate_bytes > self._budget_bytes and self._written_bytes < limit // 2:
            self._budget_bytes = min(self._budget_bytes * 5 // 4, LARGEST_BUDGET * limit)

    def skip_killer(self, error: Exception) -> Chunk:
        """The next event makes processes die: dead letter and quarantine, in a chunk of its own, without folding it.

        Nothing is folded on until that chunk is durable: the next owner would not know of the skip.
        """
        record = self._inbox.popleft()
        self._begin()
        if self._enter(record):
            self._set_aside(record, error)
        written = self._written()
        if written is None:
            raise Lost(f"the row of the event at offset {record.offset} fits into no record batch, even in quarantine")
        self._skipping = True
        return self._close(record.offset, record.offset, written)

    def _begin(self) -> None:
        self._srcw = b"%d" % self.durable_w
        self._before = (self.time_ms, self.rows.sources, self.asleep)
        self.rows.sources = dict(self.rows.sources)
        self.asleep = set(self.asleep)
        self.due.begin()
        self._outputs = {}
        self._effects = []

    def _restore(self) -> None:
        self.rows.restore()
        self.due.restore()
        self.time_ms, self.rows.sources, self.asleep = self._before
        self._begin()

    def _refold(self, taken: list[LogRecord]) -> None:
        """The last event had begun to change rows when it raised: take all back, fold the earlier ones again, set it
        aside."""
        error = self._error
        self._restore()
        for record in taken[:-1]:
            self._fold_event(record)
        self._enter(taken[-1])
        self._set_aside(taken[-1], error)

    def _fold_event(self, record: LogRecord) -> bool:
        """False if the event raised after it had begun to change rows; `_error` holds what it raised."""
        if not record.value and ("ce_type", TICK) in record.headers:
            self._tick(record)
            return True
        if not self._enter(record):
            return True
        rows = self.rows
        rows.touched = False
        try:
            outputs, effects = self.fold.fold(rows, record)
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - repeatable by definition
            if rows.touched:
                self._error = error
                return False
            self._set_aside(record, error)
            return True
        if outputs:
            self._send(record, outputs)
        if effects:
            self._effects.extend(effects)
        if rows.touched and record.value is not None:
            rows.estimate_bytes += len(record.value)
        return True

    def _enter(self, record: LogRecord) -> bool:
        """Note where the record comes from. False if its sender had it acknowledged before: then it is in this log
        already."""
        rows = self.rows
        rows.source = None
        rows.now_ms = record.timestamp if self.time_ms is None else self.time_ms
        source = sender_w = None
        for name, value in record.headers:
            if name == "src":
                source = value
            elif name == "srcw":
                sender_w = value
            elif source is not None and sender_w is not None:
                break  # engines write them first
        if source is None or sender_w is None:
            return True
        try:
            place, _, number = source.decode().rpartition(":")
            offset, w = int(number), int(sender_w)
        except ValueError:  # not from an engine: a foreign record like any other
            return True
        passed = rows.sources.get(place, -1)
        if offset <= passed:
            return False
        if w > passed:
            rows.sources[place] = w
        rows.source = (place, offset)
        return True

    def _send(self, record: LogRecord, outputs: Sequence[Output]) -> None:
        by_place = self._outputs
        ours = (("src", self._src + b"%d" % record.offset), ("srcw", self._srcw))
        for topic, key, value, headers, partition in outputs:
            sending = _sending((key.encode(), value, ours + headers if headers else ours))
            sendings = by_place.get((topic, partition))
            if sendings is None:
                by_place[topic, partition] = [sending]
            else:
                sendings.append(sending)

    def _set_aside(self, record: LogRecord, error: Exception) -> None:
        """Dead letter; unless it is merely a bad event, its row goes into quarantine too."""
        rows = self.rows
        if type(record) is not Record or record.partition < 0:
            record = placed(record, self.partition)
        self._send(record, [self.fold.dead_letter(record, error)])
        if isinstance(error, (Malformed, Refused)):
            return
        self._index()
        rows.begin_step()
        try:
            self.fold.quarantine(rows, record, error)
        except FATAL:
            raise
        except Exception:  # noqa: BLE001 - the contract forbids it; the dead letter is there, and other keys go on
            rows.undo_step()
        rows.end_step()

    # ---- ticks

    def _tick(self, record: LogRecord) -> None:
        """Time moves on, and rows that are due wake in order of (due, key), as many as one tick may; the rest stays
        due."""
        rows, due = self.rows, self.due
        stamped = record.timestamp
        self.time_ms = stamped if self.time_ms is None else max(self.time_ms, min(stamped, self.time_ms + TICK_STEP_MS))
        rows.now_ms = self.time_ms
        self._index()
        woken: set[str] = set()
        again: list[str] = []
        size = failures = 0
        while len(woken) < TICK_WAKES and size < TICK_BYTES and failures < TICK_FAILURES:
            key = due.pop(self.time_ms)
            if key is None:
                break
            if key in woken:
                again.append(key)
                continue
            woken.add(key)
            was_due = due.get(key)
            rows.begin_step()
            try:
                if self.before_wake is not None and (killer := self.before_wake(key)) is not None:
                    self._skipping = True
                    raise killer  # noqa: TRY301 - set aside below, like what the fold raises
                size += self._wake(record, key)
            except FATAL:
                raise
            except Exception as error:  # noqa: BLE001 - repeatable by definition
                rows.undo_step()
                failures += 1
                self._set_aside(placed(record, self.partition, key=key.encode()), error)
            rows.end_step()
            self._index()
            if due.get(key) == was_due:
                due.set(key, None)
                self.asleep.add(key)
        for key in again:
            due.push_back(key)

    def _wake(self, record: LogRecord, key: str) -> int:
        """Bytes of the rows that changed."""
        rows = self.rows
        outputs, effects = self.fold.wake(rows, key)
        size = sum(len(rows.written(changed) or b"") + ROW_OVERHEAD_BYTES for changed in rows.dirty)
        if size > self.limits.batch_bytes // 2:
            raise TooLarge(f"waking row {key!r} changes {size} bytes of rows, more than a record batch holds")
        self._send(record, outputs)
        self._effects.extend(effects)
        return size

    def _index(self) -> None:
        """Bring the index up to the rows changed since the last time."""
        rows = self.rows
        for key in rows.dirty:
            row = rows.changed[key]
            self.due.set(key, None if row is None else self.fold.due_ms(row))
            self.asleep.discard(key)
        rows.dirty.clear()

    # ---- closing a chunk

    def _written(self) -> list[tuple[str, bytes | None]] | None:
        """The changed rows as bytes, then what somebody else wrote, as far as it fits; None if the changed rows do not
        fit."""
        rows, limit = self.rows, self.limits.batch_bytes
        self._index()
        written = [(key, rows.written(key)) for key in rows.changed]
        self._watermark = Watermark(self.time_ms, rows.sources, tuple(sorted(self.asleep))).written()
        size = len(self._watermark) + ROW_OVERHEAD_BYTES
        size += sum(4 * len(key) + len(value or b"") + ROW_OVERHEAD_BYTES for key, value in written)
        if size > limit:
            return None
        self._written_bytes = size
        for key in sorted(self._rewrite):
            if key not in rows.changed:
                value = rows.stored(key)
                size += 4 * len(key) + len(value or b"") + ROW_OVERHEAD_BYTES
                if size > limit:
                    break
                written.append((key, value))
            self._rewrite.discard(key)
        return written

    def _close(self, first: int, last: int, written: list[tuple[str, bytes | None]]) -> Chunk:
        w = (("w", self._log_id + b":%d" % last),)
        due_ms = self.due.get
        records = []
        for key, value in written:
            due = due_ms(key)
            headers: Headers = w if due is None else (*w, ("due", b"%d" % due))
            records.append(RowRecord(key.encode(), value, headers))
        records.append(RowRecord(WATERMARK_KEY.encode(), self._watermark, w))
        self.rows.close(written)
        self.w = last
        chunk = Chunk(first, last, self._outputs, records, self._effects)
        self.chunks.append(chunk)
        return chunk

    # ---- acknowledgements in

    def outputs_acknowledged(self, chunk: Chunk) -> None:
        chunk.outputs_acknowledged = True

    def next_rows(self) -> Chunk | None:
        """The oldest chunk, once, when its outputs are acknowledged: its rows may be sent. One batch is on its way at
        a time."""
        if not self.chunks:
            return None
        chunk = self.chunks[0]
        if chunk.rows_sent or not chunk.outputs_acknowledged:
            return None
        chunk.rows_sent = True
        return chunk

    def rows_acknowledged(self, base_offset: int) -> Done:
        """The batch of the oldest chunk was appended to the changelog at `base_offset`.

        Raises:
            Lost: the changelog is shorter than what was acknowledged before.
        """
        chunk = self.chunks[0]
        assert chunk.rows_sent
        end = self.changelog_end
        if base_offset < end:
            raise Lost(
                f"changelog of partition {self.partition}: rows went to offset {base_offset}, before "
                f"its known end {end}"
            )
        self.chunks.popleft()
        self.changelog_end = base_offset + len(chunk.rows)
        self.durable_w = chunk.last
        if not self.chunks:
            self._skipping = False
        return Done(chunk.last, chunk.effects, Gap(end, base_offset) if base_offset > end else None)
