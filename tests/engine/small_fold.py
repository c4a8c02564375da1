"""A fold for tests: an event says in words what is to be done to the row of its key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from streamer.engine.fold import TICK, Decision, LogRecord, Output, Record, Rows
from streamer.engine.partition import Chunk, Done, Limits, PartitionFold
from streamer.engine.recovery import Recovered, Recovery
from streamer.errors import Malformed

LOG = "LogLogLogLogLogLogLogL"
Row = dict[str, Any]


class Shelf:
    """`add`, `grow <bytes>`, `grow-many <rows> <bytes>`, `shrink`, `due <ms>`, `stuck`, `remove`, `look`, `call`, and
    what raises."""

    name = "shelf"
    quarantine_raises = False

    def read_row(self, key: str, value: bytes) -> Row:
        row: Row = json.loads(value)
        return row

    def write_row(self, row: Row) -> bytes:
        return json.dumps(row, sort_keys=True).encode()

    def due_ms(self, row: Row) -> int | None:
        due: int | None = row.get("due")
        return due

    def fold(self, rows: Rows[Row], record: LogRecord) -> Decision:  # noqa: C901, PLR0912 - one line for each word
        key = (record.key or b"").decode()
        word, *numbers = (record.value or b"").decode().split()
        if word == "look":
            return Decision([Output("answers", key, json.dumps(rows.read(key)).encode())])
        if word == "unreadable":
            raise Malformed("cannot be read")
        if word == "memory":
            raise MemoryError
        if word == "reserved":
            rows.put("~watermark", {})
        row = rows.edit(key)
        if row is None:
            row = {"n": 0}
            rows.put(key, row)
        row["n"] += 1
        if word == "grow":
            row["stuffing"] = "x" * int(numbers[0])
        if word == "grow-many":
            for number in range(int(numbers[0])):
                rows.put(f"{key}-{number}", {"stuffing": "x" * int(numbers[1])})
        if word == "due":
            row["due"] = int(numbers[0])
        if word == "stuck":
            row |= {"due": int(numbers[0]), "stuck": True}
        if word == "remove":
            rows.delete(key)
        if word == "boom":
            raise ZeroDivisionError
        if word == "late-malformed":
            raise Malformed("seen late")
        return Decision([Output("counts", key, b"%d" % row["n"])], ["call"] if word == "call" else ())

    def wake(self, rows: Rows[Row], key: str) -> Decision:
        row = rows.edit(key)
        assert row is not None
        if row.get("stuck"):
            raise ZeroDivisionError
        row["due"] = None
        return Decision([Output("woken", key, b"%d" % rows.now_ms)])

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        return Output("dead", (record.key or b"").decode(), type(error).__name__.encode())

    def quarantine(self, rows: Rows[Row], record: LogRecord, error: Exception) -> None:
        row = rows.edit((record.key or b"").decode())
        if row is not None:
            row["quarantine"] = type(error).__name__
        if self.quarantine_raises:
            raise ZeroDivisionError


class Bench:
    """One partition and its topics, everything acknowledged when the test says so."""

    def __init__(self, recovered: Recovered | None = None, fold: Shelf | None = None, **limits: int) -> None:
        self.heart: PartitionFold[Row] = PartitionFold(
            fold or Shelf(),
            partition=3,
            log_topic_id=LOG,
            recovered=recovered or Recovery(LOG, 0).finish(),
            limits=Limits(**limits),
        )
        self.next = self.heart.w + 1

    def events(self, *words: str, headers: Sequence[tuple[str, bytes]] = ()) -> Bench:
        """`key: word`, or `tick 5000` with its time in milliseconds."""
        records = []
        for words_of_one in words:
            if words_of_one.startswith("tick "):
                records.append(Record(self.next, int(words_of_one[5:]), b"", b"", (("ce_type", TICK),)))
            else:
                key, word = words_of_one.split(": ", 1)
                records.append(Record(self.next, 1000 + self.next, key.encode(), word.encode(), tuple(headers)))
            self.next += 1
        self.heart.feed(records)
        return self

    def fold(self, max_events: int | None = None) -> Chunk:
        chunk = self.heart.fold_chunk(max_events)
        assert chunk is not None
        return chunk

    def durable(self) -> Done:
        """Acknowledges all that the oldest chunk sends."""
        self.heart.outputs_acknowledged(self.heart.chunks[0])
        assert self.heart.next_rows() is not None
        return self.heart.rows_acknowledged(self.heart.changelog_end)

    def fold_all(self) -> list[Chunk]:
        chunks = []
        while (chunk := self.heart.fold_chunk()) is not None:
            chunks.append(chunk)
            self.durable()
        return chunks

    def row(self, key: str) -> Row | None:
        value = self.heart.rows.stored(key)
        return None if value is None else json.loads(value)


def sent(chunk: Chunk, topic: str) -> list[tuple[str, bytes]]:
    return [
        (output.key.decode(), output.value)
        for (name, _), outputs in chunk.outputs.items()
        if name == topic
        for output in outputs
    ]
