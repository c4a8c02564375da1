"""The stock decision alone: messages already read, rows already decoded, no Kafka; and the size of a usual row."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from benchmarks import report
from benchmarks.decide.rows import PeerRows
from benchmarks.decide.workload import ACCOUNT, LOCATION, ORDERS_TOPIC_ID, START, START_MS, make
from streamer.domain import stock
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.base import Message
from streamer.messages.orders import LineDecision
from streamer.messages.quick import quick_reader
from streamer.messages.stock import LineRelease, LineRequest

NAME = "decision"
GOAL_MICROSECONDS = 15.0
GOAL_ROW_BYTES = 500
LINES = 5_000
REPEATS = 15
SENDER_LAG = 10


async def run() -> dict[str, Any]:
    """Measures, prints and saves; microseconds of CPU for one call, best and median of several rounds."""
    load = make(50, skus=200)
    key, value = next((key, value) for key, value in load.rows.items() if key != SETTINGS_KEY)
    measured = {
        "approved": _rounds(load.rows, key, ample=True, cancelled=False),
        "approved, then cancelled": _rounds(load.rows, key, ample=True, cancelled=True),
        "refused, must not wait": _rounds(load.rows, key, ample=False, cancelled=False),
        **_messages(load.rows, key, value),
    }
    goals = {
        f"a decision at most {GOAL_MICROSECONDS:g} microseconds for the usual row": (
            measured["approved"]["median"] <= GOAL_MICROSECONDS
        ),
        f"a row with ten reservations at most {GOAL_ROW_BYTES} bytes": len(value) <= GOAL_ROW_BYTES,
    }
    result = {"row_bytes": len(value), "microseconds": measured, "goals": goals}
    report.show(
        "The stock decision alone: microseconds of CPU",
        ["", "median", "best", "worst"],
        [[name, *(f"{found[which]:.1f}" for which in ("median", "low", "high"))] for name, found in measured.items()],
        [f"row with ten reservations: {len(value)} bytes"]
        + [f"goal {goal}: {'met' if met else 'NOT met'}" for goal, met in goals.items()],
    )
    report.save(NAME, result)
    return result


def _rounds(rows: dict[str, bytes], key: str, *, ample: bool, cancelled: bool) -> dict[str, float]:
    """The usual row of ten reservations; each event comes from the fold of orders, with its source."""
    events = _events(key.partition("/")[2], cancelled=cancelled)
    taken = []
    for _ in range(REPEATS):
        view = PeerRows(0, rows)
        view.begin(START_MS, ())
        view.read(SETTINGS_KEY)
        row = view.edit(key)
        row.level = Decimal(10_000_000) if ample else row.reserved
        ten = dict(row.lines)
        gc.collect()
        spent = 0.0
        for number, event in enumerate(events):
            view.source = (f"{ORDERS_TOPIC_ID}:0", number)
            view._passed[f"{ORDERS_TOPIC_ID}:0"] = number - SENDER_LAG
            if len(row.lines) > 2 * len(ten):
                row.lines, row.reserved = dict(ten), sum((line.quantity for line in ten.values()), Decimal(0))
            began = time.thread_time_ns()
            stock.fold(view, event)
            spent += time.thread_time_ns() - began
        taken.append(spent / len(events) / 1000)
    return report.spread(taken)


def _events(sku: str, *, cancelled: bool) -> Sequence[Message]:
    events: list[Message] = []
    for number in range(LINES):
        order = f"{ACCOUNT}/{200_000_000 + number}"
        events.append(
            LineRequest(
                order_key=order, line_key=f"{order}/1", revision=1, account=ACCOUNT, sku=sku, location=LOCATION,
                quantity=Decimal(2), back_order_allowed=False, placed_at=START,
            )
        )  # fmt: skip
        if cancelled:
            events.append(
                LineRelease(
                    order_key=order, line_key=f"{order}/1", revision=2, sku=sku, location=LOCATION, reason="cancelled"
                )
            )
    return events


def _messages(rows: dict[str, bytes], key: str, value: bytes) -> dict[str, dict[str, float]]:
    """What else an event costs: its message read, its row read and written, its decision written."""
    request = _events(key.partition("/")[2], cancelled=False)[0]
    body, read = request.to_json(), quick_reader(LineRequest)
    view = PeerRows(0, rows)
    view.begin(START_MS, ())
    [decision] = [made for made in stock.fold(view, request) if isinstance(made, LineDecision)]
    row = stock.read_row(key, value)
    return {
        "request read": _timed(lambda: read(body)),
        "decision written": _timed(decision.to_json),
        "row read": _timed(lambda: stock.read_row(key, value)),
        "row written": _timed(lambda: stock.write_row(row)),
    }


def _timed(call: Callable[[], object]) -> dict[str, float]:
    taken = []
    for _ in range(REPEATS):
        began = time.thread_time_ns()
        for _ in range(LINES):
            call()
        taken.append((time.thread_time_ns() - began) / LINES / 1000)
    return report.spread(taken)
