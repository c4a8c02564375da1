"""A fold whose rows show every event that was skipped, doubled or folded in another order, and what it must come to."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from streamer.engine import partition as heart
from streamer.engine.fold import NOTHING, TICK, Decision, LogRecord, Output, Record, Rows
from streamer.errors import Malformed, Refused

KEYS = "abcdef"
SHARED = "shared"
RULES = "rules"
Row = dict[str, Any]

TICK_HEADERS = (("ce_type", TICK),)


class ModelFold:
    """Mixes two rows at each event, deletes, wakes rows in a chain, raises before and after it has touched rows.

    `rules` is the number of the rules that the code knows; a row of the log may ask for older ones (`ask_log`).
    """

    name = "model"

    def __init__(self, rules: int = 1, *, ask_log: bool = True) -> None:
        self.rules = rules
        self.ask_log = ask_log

    def read_row(self, key: str, value: bytes) -> Row:
        row: Row = json.loads(value)
        return row

    def write_row(self, row: Row) -> bytes:
        return json.dumps(row, sort_keys=True).encode()

    def due_ms(self, row: Row) -> int | None:
        due: int | None = row.get("due")
        return due

    def _factor(self, rows: Rows[Row]) -> int:
        rules = self.rules
        if self.ask_log:
            row = rows.read(RULES)
            rules = row["number"] if row else 1
        return 31 if rules == 1 else 37

    def fold(self, rows: Rows[Row], record: LogRecord) -> Decision:  # noqa: C901 - one branch for each kind
        _uid, kind, key, other, number = json.loads(record.value or b"null")
        factor = self._factor(rows)
        if kind == "rules":
            rows.put(RULES, {"number": number})
            return NOTHING
        if kind == "noop":
            seen = rows.read(key)
            return Decision([_out(record.offset, 0, number, ["noop", seen and seen["s"]])])
        if kind == "touch":
            rows.edit(key)
            return NOTHING
        if kind == "delete":
            seen = rows.read(key)
            was = seen and seen["s"]
            if seen is not None:
                rows.delete(key)
            return Decision([_out(record.offset, 0, number, ["deleted", was])])
        if kind == "malformed":
            raise Malformed("no number", field="s")
        row = rows.edit(key)
        if row is None:
            row = {"s": 0, "n": 0}
            rows.put(key, row)
        second = rows.read(other) or {"s": 0}
        row["s"] = (row["s"] * factor + second["s"] + number) % 100_003
        row["n"] += 1
        if kind == "boom":
            raise ZeroDivisionError("in the middle")
        if kind == "refused":
            raise Refused("in the middle")
        if number % 3 == 0:
            row["due"] = rows.now_ms + 1000 * (number % 4)
        if row["s"] % 3 == 0 and other != key:
            changed = rows.edit(other)
            if changed is not None:
                changed["s"] = (changed["s"] + row["s"]) % 100_003
        return Decision(
            [_out(record.offset, 0, number, [row["s"], second["s"]]), _out(record.offset, 1, number + 1, row["n"])],
            [record.offset],
        )

    def wake(self, rows: Rows[Row], key: str) -> Decision:
        row = rows.edit(key)
        chain = rows.edit(SHARED)
        if chain is None:
            chain = {"s": 0}
            rows.put(SHARED, chain)
        assert row is not None
        chain["s"] = (chain["s"] * self._factor(rows) + row["s"]) % 100_003
        row["due"] = None
        if chain["s"] % 11 == 0:
            raise ZeroDivisionError("cannot be woken")
        if chain["s"] % 7 == 0:
            row["due"] = rows.now_ms
        return Decision([_out(f"{key}@{rows.now_ms}", 0, row["s"], ["woken", chain["s"]])])

    def dead_letter(self, record: LogRecord, error: Exception) -> Output:
        return Output("dead", f"{record.offset} {(record.key or b'').decode()}", type(error).__name__.encode())

    def quarantine(self, rows: Rows[Row], record: LogRecord, error: Exception) -> None:
        key = (record.key or b"").decode()
        row = rows.edit(key)
        if row is not None:
            row["bad"] = row.get("bad", 0) + 1
            if row["s"] % 2:  # else it stays due and has to be put to sleep
                row["due"] = None


def _out(uid: object, n: int, number: int, value: object) -> Output:
    return Output("ab"[number % 2], f"{uid}/{n}", json.dumps(value).encode())


class PlainRows:
    """Rows without any cleverness: each step works on a copy of everything."""

    partition = 0

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.edited: set[str] = set()
        self.sources: dict[str, int] = {}
        self.source: tuple[str, int] | None = None
        self.now_ms = 0

    def read(self, key: str) -> Row | None:
        return self.rows.get(key)

    def edit(self, key: str) -> Row | None:
        if key in self.rows:
            self.edited.add(key)
        return self.rows.get(key)

    def put(self, key: str, row: Row) -> None:
        self.edited.add(key)
        self.rows[key] = row

    def delete(self, key: str) -> None:
        self.edited.add(key)
        self.rows.pop(key, None)

    def passed(self, source: str, offset: int) -> bool:
        return self.sources.get(source, -1) >= offset


class Ideal:
    """What a log must come to: one event after the other, nothing cached, nothing ahead, nothing lost."""

    def __init__(self, fold: ModelFold) -> None:
        self.fold = fold
        self.rows = PlainRows()
        self.time_ms: int | None = None
        self.asleep: set[str] = set()
        self.outputs: dict[tuple[str, str], bytes] = {}

    def run(self, log: Sequence[Record]) -> Ideal:
        for record in log:
            self._event(record)
        return self

    def _event(self, record: Record) -> None:
        rows = self.rows
        headers = dict(record.headers)
        rows.source = None
        if headers.get("ce_type") == TICK:
            self._tick(record)
            return
        if "src" in headers:
            place, _, offset = headers["src"].decode().rpartition(":")
            if rows.passed(place, int(offset)):
                return
            if int(headers["srcw"]) > rows.sources.get(place, -1):
                rows.sources[place] = int(headers["srcw"])
            rows.source = (place, int(offset))
        rows.now_ms = record.timestamp if self.time_ms is None else self.time_ms
        if error := self._try(lambda: self.fold.fold(rows, record)):
            self._set_aside(record, error)

    def _tick(self, record: Record) -> None:
        rows, stamped = self.rows, record.timestamp
        self.time_ms = (
            stamped if self.time_ms is None else max(self.time_ms, min(stamped, self.time_ms + heart.TICK_STEP_MS))
        )
        woken: set[str] = set()
        while len(woken) < heart.TICK_WAKES:
            rows.now_ms = self.time_ms
            due = sorted((due, key) for key, due in self._due().items() if due <= self.time_ms and key not in woken)
            if not due:
                break
            was_due, key = due[0]
            woken.add(key)
            if error := self._try(partial(self.fold.wake, rows, key)):
                self._set_aside(Record(record.offset, stamped, key.encode(), None, record.headers), error)
            if self._due().get(key) == was_due:
                self.asleep.add(key)

    def _due(self) -> dict[str, int]:
        return {
            key: due
            for key, row in self.rows.rows.items()
            if key not in self.asleep and (due := self.fold.due_ms(row)) is not None
        }

    def _try(self, decide: Callable[[], Decision]) -> Exception | None:
        before = copy.deepcopy(self.rows.rows)
        self.rows.edited = set()
        try:
            outputs, _effects = decide()
        except Exception as error:  # noqa: BLE001 - repeatable by definition
            self.rows.rows = before
            return error
        self.asleep -= self.rows.edited
        for output in outputs:
            self.outputs[output.topic, output.key] = output.value
        return None

    def _set_aside(self, record: Record, error: Exception) -> None:
        letter = self.fold.dead_letter(record, error)
        self.outputs[letter.topic, letter.key] = letter.value
        if not isinstance(error, (Malformed, Refused)):
            self.rows.edited = set()
            self.fold.quarantine(self.rows, record, error)
            self.asleep -= self.rows.edited
