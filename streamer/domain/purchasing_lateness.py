"""When a sent purchase order is late: nobody answered in time, or a promised day has passed and goods are missing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streamer.domain.order_standing import standing
from streamer.domain.purchase_orders import planned_date
from streamer.domain.purchasing_rows import OrderRow
from streamer.domain.times import in_ms
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import plain


class Late(NamedTuple):
    """What is late from `from_ms` on. `about` tells it from what people were told before."""

    from_ms: int
    about: str
    text: str
    day: str | None = None  # when it should have been there


def late_things(row: OrderRow, settings: SettingsApplied | None) -> list[Late]:
    """All that is or will be late unless something comes, earliest first."""
    supplier = settings.supplier(row.supplier) if settings else None
    if settings is None or supplier is None or not row.sent():
        return []
    found = []
    if supplier.answer_within_seconds is not None and not row.facts.seen and row.sent_ms is not None:
        from_ms = row.sent_ms + int(supplier.answer_within_seconds * 1000)
        found.append(Late(from_ms, "no answer", f"{row.reference}: {supplier.name} has not answered"))
    missing: dict[str, list[str]] = {}
    for line in row.lines:
        now = standing(row.facts, line.line, line.quantity)
        lead = max((need.lead_time_days for need in line.needs), default=0)
        day = now.promised_date or planned_date(row, lead)
        if day is not None and now.received < now.expected:
            missing.setdefault(day, []).append(f"{plain(now.expected - now.received)} {line.sku}")
    for day, what in missing.items():
        if (due := _day(day)) is None:
            continue
        after = due + timedelta(days=1 + supplier.overdue_days)
        from_ms = in_ms(datetime.combine(after, time(0), ZoneInfo(settings.time_zone)))
        found.append(Late(from_ms, f"overdue {day}", f"{row.reference}: due {day}, missing {', '.join(what)}", day))
    return sorted(found)


def _day(text: str) -> date | None:
    """None for a promise that is no date: people read it, nobody waits for it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def next_look_ms(row: OrderRow, settings: SettingsApplied | None, now_ms: int) -> int | None:
    """When something becomes late next. What is late already is due at once, until people were told of it."""
    told = {mark.partition("|")[2] for mark in row.noticed if mark.startswith(LATE)}
    return min(
        (max(late.from_ms, now_ms + 1) for late in late_things(row, settings) if late.about not in told), default=None
    )


LATE = "Purchase order is late"
