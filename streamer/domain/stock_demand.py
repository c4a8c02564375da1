"""The demand of a stock row, day by day: what was shipped, issued, or asked for in vain.

Sums of the day at hand stand in the stock row; when the day has ended they go, once, into a row beside it, and from a
superseded SKU also to the row of its successor.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from streamer.domain.demand import History, history, with_demand
from streamer.domain.stock_planning import day_number, succession_of
from streamer.domain.stock_rows import DemandRow, StockRow, demand_key
from streamer.domain.units import DAY_MS, ZERO, day_of
from streamer.domain.view import View
from streamer.errors import Ignored, Malformed
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.stock import CarriedDemand


def note_demand(rows: View[Any], key: str, row: StockRow, settings: SettingsApplied | None, quantity: Decimal) -> None:
    """So many more were taken, or would have been."""
    if not quantity:
        return
    today = day_number(settings, key, rows.now_ms)
    if row.asked_day and row.asked_day != today:
        end_day(rows, key, row, settings)
    row.asked_day = today
    row.asked += quantity
    if row.check_ms is None:
        row.check_ms = rows.now_ms + DAY_MS
        row.due = row.check_ms if row.due is None else min(row.due, row.check_ms)


def end_day(rows: View[Any], key: str, row: StockRow, settings: SettingsApplied | None) -> None:
    """A day that has ended goes into the history. What came late to a day that is already there is added to it."""
    if not row.asked_day or row.asked_day >= day_number(settings, key, rows.now_ms):
        return
    kept = rows.edit(demand_key(key))
    if not isinstance(kept, DemandRow):
        kept = DemandRow()
        rows.put(demand_key(key), kept)
    kept.history = with_demand(kept.history, date.fromordinal(row.asked_day), row.asked)
    kept.through = max(kept.through, row.asked_day)
    row.asked, row.asked_day = ZERO, 0


def hand_over(rows: View[Any], key: str, row: StockRow) -> list[Message]:
    """What a superseded SKU has to hand to its successor, and what was carried over to it; each history once."""
    succession = succession_of(row, rows.now_ms)
    if succession is None:
        return []
    location, _, sku = key.partition("/")
    successor, each = succession
    kept = rows.read(demand_key(key))
    if successor == sku or not isinstance(kept, DemandRow) or kept.handed == f"{successor}@{kept.through}":
        return []
    kept = rows.edit(demand_key(key))
    assert isinstance(kept, DemandRow)
    kept.handed = f"{successor}@{kept.through}"
    said: list[Message] = []
    if kept.history.start:
        said.append(_carried(location, successor, sku, kept.history, kept.through, each))
    for predecessor in kept.carried:
        other = rows.read(demand_key(key, predecessor))
        if isinstance(other, DemandRow) and successor != predecessor:
            said.append(_carried(location, successor, predecessor, other.history, other.through, each))
    return said


def _carried(
    location: str, successor: str, predecessor: str, known: History, through: int, each: Decimal
) -> CarriedDemand:
    """The history in units of the successor, of which `each` do the work of one."""
    first = known.first
    if each != 1 and first is not None:
        known = history(first, [quantity * each for quantity in known.series()])
    return CarriedDemand(
        location=location,
        sku=successor,
        predecessor=predecessor,
        start=known.start,
        days=known.days,
        decimals=known.places,
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
    told = History(start.isoformat(), event.days, event.decimals)
    told.series()
    known = rows.read(demand_key(key, event.predecessor))
    if isinstance(known, DemandRow) and known.through >= through.toordinal():
        return []
    rows.put(demand_key(key, event.predecessor), DemandRow(told, through.toordinal()))
    kept = rows.edit(demand_key(key))
    if not isinstance(kept, DemandRow):
        kept = DemandRow()
        rows.put(demand_key(key), kept)
    if event.predecessor not in kept.carried:
        kept.carried = [*kept.carried, event.predecessor]
    succession = succession_of(row, rows.now_ms) if row is not None else None
    if succession is None or succession[0] in (event.sku, event.predecessor):
        return []
    successor, each = succession
    return [_carried(event.location, successor, event.predecessor, told, through.toordinal(), each)]
