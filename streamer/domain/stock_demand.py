"""The demand of a stock row, day by day: what was shipped, issued, or asked for in vain.

Sums of the day at hand stand in the stock row; when the day has ended they go, once, into a row beside it, and from a
superseded SKU also to the row of its successor.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from streamer.domain.demand import History, with_demand
from streamer.domain.stock_planning import day_number, successor_of
from streamer.domain.stock_rows import DemandRow, StockRow, demand_key
from streamer.domain.units import DAY_MS, ZERO, day_of
from streamer.domain.view import View
from streamer.errors import Ignored, Malformed
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.stock import CarriedDemand


def note_demand(
    rows: View[Any], key: str, row: StockRow, settings: SettingsApplied | None, quantity: Decimal
) -> list[Message]:
    """So many more were taken, or would have been."""
    if not quantity:
        return []
    today = day_number(settings, key, rows.now_ms)
    said = end_day(rows, key, row, settings) if row.asked_day and row.asked_day != today else []
    row.asked_day = today
    row.asked += quantity
    if row.check_ms is None:
        row.check_ms = rows.now_ms + DAY_MS
        row.due = row.check_ms if row.due is None else min(row.due, row.check_ms)
    return said


def end_day(rows: View[Any], key: str, row: StockRow, settings: SettingsApplied | None) -> list[Message]:
    """A day that has ended goes into the history. What came late to a day that is already there is added to it."""
    if not row.asked_day or row.asked_day >= day_number(settings, key, rows.now_ms):
        return []
    kept = rows.edit(demand_key(key))
    if not isinstance(kept, DemandRow):
        kept = DemandRow()
        rows.put(demand_key(key), kept)
    kept.history = with_demand(kept.history, date.fromordinal(row.asked_day), row.asked)
    kept.through = max(kept.through, row.asked_day)
    row.asked, row.asked_day = ZERO, 0
    return hand_on(key, row, kept)


def hand_on(key: str, row: StockRow, kept: DemandRow) -> list[Message]:
    """The history of a superseded SKU, for its successor; the same history has the same id."""
    successor = successor_of(row)
    location, _, sku = key.partition("/")
    if successor is None or successor == sku or not kept.history.start:
        return []
    return [_carried(location, successor, sku, kept.history, kept.through)]


def hand_on_all(rows: View[Any], key: str, row: StockRow) -> list[Message]:
    """When a SKU becomes superseded: its own history, and those that were carried over to it."""
    kept = rows.read(demand_key(key))
    successor = successor_of(row)
    if successor is None or not isinstance(kept, DemandRow):
        return []
    location, _, sku = key.partition("/")
    said = hand_on(key, row, kept)
    for predecessor in kept.carried:
        other = rows.read(demand_key(key, predecessor))
        if isinstance(other, DemandRow) and successor not in (sku, predecessor):
            said.append(_carried(location, successor, predecessor, other.history, other.through))
    return said


def _carried(location: str, successor: str, predecessor: str, history: History, through: int) -> CarriedDemand:
    return CarriedDemand(
        location=location,
        sku=successor,
        predecessor=predecessor,
        start=history.start,
        days=history.days,
        decimals=history.places,
        through=date.fromordinal(through).isoformat(),
    )


def keep_carried(rows: View[Any], key: str, row: StockRow | None, event: CarriedDemand) -> list[Message]:
    """Keeps what a superseded SKU hands over, once for each of its days, and hands it on along the chain.

    Raises Malformed for a history that cannot be read, Ignored for a SKU that comes back to itself.
    """
    if event.predecessor == event.sku:
        raise Ignored("a supersession that goes in a circle")
    through, start = day_of(event.through), day_of(event.start)
    if through is None or start is None:
        raise Malformed("is no day", field="through" if through is None else "start")
    history = History(start.isoformat(), event.days, event.decimals)
    history.series()
    known = rows.read(demand_key(key, event.predecessor))
    if isinstance(known, DemandRow) and known.through >= through.toordinal():
        return []
    rows.put(demand_key(key, event.predecessor), DemandRow(history, through.toordinal()))
    kept = rows.edit(demand_key(key))
    if not isinstance(kept, DemandRow):
        kept = DemandRow()
        rows.put(demand_key(key), kept)
    if event.predecessor not in kept.carried:
        kept.carried = [*kept.carried, event.predecessor]
    successor = successor_of(row) if row is not None else None
    if successor in (None, event.sku, event.predecessor):
        return []
    assert successor is not None
    return [_carried(event.location, successor, event.predecessor, history, through.toordinal())]
