"""Service jobs in a stock row: booked now and reserved later, told when they come too short, and why they need it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from streamer.domain.allocation import Touched, add_in, enqueue, leave_queue
from streamer.domain.stock_planning import day_number, primary_lead_days, zone_of
from streamer.domain.stock_rows import Line, StockRow
from streamer.domain.units import ZERO, day_of, ms, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import WhyJob
from streamer.messages.stock import LineRequest

MOST_NAMED = 20
BOOKED = "booked: its parts are reserved nearer to the day"


def waits_for_its_day(
    key: str, row: StockRow, event: LineRequest, settings: SettingsApplied | None, now_ms: int
) -> bool:
    """Whether the request is for a job so far away that nothing is reserved for it yet."""
    if event.reserve_from is None or event.needed_by is None:
        return False
    start = start_day(row, event.reserve_from, event.needed_by, settings)
    return start is not None and start > day_number(settings, key, now_ms)


def start_day(row: StockRow, reserve_from: str, needed_by: str, settings: SettingsApplied | None) -> int | None:
    """The day (ordinal) on which the parts of a job are reserved or ordered.

    The workshop's wish, but early enough for an order to come in time: the lead time, and as many weekends as it may
    meet.
    """
    wish, needed = day_of(reserve_from), day_of(needed_by)
    if wish is None or needed is None:
        return None
    lead_days = primary_lead_days(row, settings) if settings is not None else 0
    return min(wish.toordinal(), needed.toordinal() - lead_days - 2 * (lead_days // 5 + 1))


def book(row: StockRow, key: str, line: Line, reserve_from: str) -> None:
    """The line holds nothing and waits for nothing until its day; what it had is free for others."""
    add_in(row, key, line, -1)
    leave_queue(row, key, line, line.waiting)
    line.waiting, line.promised = ZERO, None
    line.short = line.quantity - line.shipped
    line.reserve_from = reserve_from
    add_in(row, key, line)
    row.booked = [*(name for name in row.booked if name != key), key]


def unbook(row: StockRow, key: str, line: Line) -> None:
    """From now on the line asks like any other."""
    line.reserve_from = None
    row.booked = [name for name in row.booked if name != key]


def begin_booked(row: StockRow, key: str, settings: SettingsApplied | None, now_ms: int, touched: Touched) -> None:
    """Jobs whose day has come go on the waitlist, in the order of their days, and are served from there."""
    today = day_number(settings, key, now_ms)
    ready = [
        (line.needed_by or "", name)
        for name, line in booked_lines(row)
        if (start := start_day(row, line.reserve_from or "", line.needed_by or "", settings)) is None or start <= today
    ]
    for _, name in sorted(ready):
        line = row.lines[name]
        unbook(row, name, line)
        enqueue(row, name, line, line.short - line.waiting)
        touched[name] = None


def next_start_ms(row: StockRow, key: str, settings: SettingsApplied | None) -> int | None:
    """When the next booked job is due: the beginning of that day at the location."""
    days = [
        start
        for _, line in booked_lines(row)
        if (start := start_day(row, line.reserve_from or "", line.needed_by or "", settings)) is not None
    ]
    if not days:
        return None
    day = date.fromordinal(min(days))
    return ms(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone_of(settings, key))))


def booked_lines(row: StockRow) -> Iterator[tuple[str, Line]]:
    for name in row.booked:
        line = row.lines.get(name)
        if line is not None and line.reserve_from is not None:
            yield name, line


def short_jobs(key: str, row: StockRow, settings: SettingsApplied | None, now_ms: int) -> list[Message]:
    """People are told of a job whose parts cannot be there in time, as soon as that is known; again on a new date.

    A line that waits gets its parts on the promised day, or, where no supplier has named one, when an order of today
    would come.
    """
    if settings is None or settings.notify_account is None:
        return []
    told: list[Message] = []
    expected: str | None = None
    for name in dict.fromkeys(wait.line_key for wait in row.queue):
        line = row.lines[name]
        if line.because is None or line.needed_by is None:
            continue
        if expected is None:
            expected = _could_come(row, settings, now_ms)
        comes = line.promised or (None if row.holds else expected)
        if comes and comes <= line.needed_by:
            line.told_short = None
            continue
        mark = f"{line.needed_by} {line.promised or '-'}"
        if line.told_short == mark:
            continue
        line.told_short = mark
        told.append(_short(key, name, line, row, comes, settings.notify_account))
    return told


def _could_come(row: StockRow, settings: SettingsApplied, now_ms: int) -> str:
    """When an order of today would be there; empty where nobody offers the part."""
    if not any(not offer.withdrawn and code in settings.suppliers for code, offer in row.offers.items()):
        return ""
    return date.fromordinal(utc(now_ms).toordinal() + primary_lead_days(row, settings)).isoformat()


def _short(key: str, name: str, line: Line, row: StockRow, comes: str | None, account: str) -> NotifyCommand:
    if row.holds:
        when = f"what lies there is held: {row.holds[0]}"
    elif comes:
        when = f"it is expected on {comes}"
    else:
        when = "nobody offers it"
    return NotifyCommand(
        command_id=command_id("notify", "short job", key, name, line.needed_by or "", line.promised or comes or "-"),
        account=account,
        object=f"stock/{key}",
        cause=name,
        subject=f"{key}: short for a job of {line.needed_by}",
        text=f"{name} needs {plain(line.waiting)} more of {key} by {line.needed_by} ({line.because}); {when}."[:4000],
        severity="urgent",
        link=f"/stock/{key}",
    )


def why_jobs(row: StockRow) -> tuple[WhyJob, ...]:
    """The jobs that wait for the part, for the explanation of an order."""
    waiting: dict[str, Decimal] = {}
    for wait in row.queue:
        waiting[wait.line_key] = waiting.get(wait.line_key, ZERO) + wait.quantity
    return tuple(
        WhyJob(line_key=name, because=line.because, needed_by=line.needed_by, quantity=quantity)
        for name, quantity in waiting.items()
        if (line := row.lines[name]).because is not None
    )[:MOST_NAMED]
