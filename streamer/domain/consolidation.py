"""How long the draft of a purchase order collects needs: a window or the supplier's cut-off, longer when too small."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streamer.domain.calendars import EVERY_DAY, Calendar, calendar_of, cut_off_after, is_open
from streamer.domain.purchasing_rows import OrderRow
from streamer.domain.times import in_ms, utc
from streamer.messages.applied import SupplierFacts
from streamer.messages.base import plain


class Wait(NamedTuple):
    """A draft that is too small waits for more: until when it is looked at again, and at the latest."""

    why: str
    look_ms: int
    latest_ms: int


def closes_ms(supplier: SupplierFacts, now_ms: int) -> int:
    """When a draft that is begun, or looked at, now collects no more."""
    if not supplier.until_cut_off or supplier.calendar is None:
        return now_ms + int(supplier.window_seconds * 1000)
    calendar = calendar_of(supplier.calendar)
    early = timedelta(seconds=supplier.before_cut_off_seconds)
    moment = utc(now_ms)
    cut_off = cut_off_after(calendar, moment)
    while cut_off - early <= moment:
        cut_off = cut_off_after(calendar, cut_off)
    return in_ms(cut_off - early)


def too_small(row: OrderRow, supplier: SupplierFacts) -> str | None:
    """Why more should come before the order goes out, or None."""
    total = row.total()
    minimum, free = _in_currency(row, supplier, supplier.minimum_order), supplier.freight_free_from
    if minimum is not None and total < minimum:
        return f"{plain(total)} of {plain(minimum)} {row.currency}, below which the supplier takes no order"
    free = _in_currency(row, supplier, free)
    if free is not None and total < free:
        return f"{plain(total)} of {plain(free)} {row.currency}, from which delivery is free"
    return None


def below_minimum(row: OrderRow, supplier: SupplierFacts) -> bool:
    minimum = _in_currency(row, supplier, supplier.minimum_order)
    return minimum is not None and row.total() < minimum


def _in_currency(row: OrderRow, supplier: SupplierFacts, value: Decimal | None) -> Decimal | None:
    """A limit of the supplier speaks of orders in his own currency only."""
    return value if row.currency == supplier.currency else None


def wait(row: OrderRow, supplier: SupplierFacts, now_ms: int, time_zone: str) -> Wait | None:
    """Whether a draft whose window is over waits on; never past its latest time, nor so long that parts come late."""
    why = too_small(row, supplier)
    if why is None or supplier.wait_seconds <= 0:
        return None
    latest = min([row.created_ms + int(supplier.wait_seconds * 1000), *_must_go_ms(row, supplier, time_zone)])
    if latest <= now_ms:
        return None
    look = closes_ms(supplier, now_ms)
    return Wait(why, latest if look <= now_ms else min(look, latest), latest)


def _must_go_ms(row: OrderRow, supplier: SupplierFacts, time_zone: str) -> list[int]:
    """For each need with a date the morning of the last day on which its order is in time."""
    calendar = calendar_of(supplier.calendar) if supplier.calendar else EVERY_DAY
    zone = ZoneInfo(time_zone)
    mornings = []
    for line in row.lines:
        for need in line.needs:
            if need.needed_by is not None:
                day = _open_before(calendar, date.fromisoformat(need.needed_by) - timedelta(days=need.lead_time_days))
                mornings.append(in_ms(datetime.combine(day, time(0), zone)))
    return mornings


def _open_before(calendar: Calendar, day: date) -> date:
    """`day` if it is open, else the last open day before it; `day` where none is found within a year."""
    return next((back for days in range(366) if is_open(calendar, back := day - timedelta(days=days))), day)
