"""Working days of suppliers and receiving locations: order cut-off, public holidays, arrival of what is ordered now."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streamer.domain.checks import Invalid
from streamer.messages.applied import CalendarFacts

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LeadTimeUnit = Literal["calendar_days", "working_days"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)
_LONGEST_CLOSURE_DAYS = 366


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days a supplier ships, or a location receives, and until what time an order counts for the same day.

    `country` and `subdivision` (ISO 3166) bring the public holidays of the `holidays` package; `closed` adds days of
    their own, `open` takes days out again (a Sunday before Christmas).
    """

    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    country: str | None = None
    subdivision: str | None = None
    closed: tuple[date, ...] = ()
    open: tuple[date, ...] = ()
    cut_off: time | None = None  # local time; an order at or after it counts for the next open day
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if not self.weekdays:
            raise Invalid("an empty calendar has no day on which anything could happen", field="weekdays")
        if self.subdivision and not self.country:
            raise Invalid("needs a country", field="subdivision")
        if self.cut_off is not None and self.cut_off.tzinfo is not None:
            raise Invalid("is local to time_zone and takes no offset", field="cut_off")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Invalid(f"{self.time_zone!r} is not a time zone", field="time_zone") from error
        if self.country:
            public_holidays(self.country, self.subdivision, 2026)


EVERY_DAY = Calendar(weekdays=_WEEKDAYS)


@lru_cache(maxsize=256)
def calendar_of(facts: CalendarFacts) -> Calendar:
    """The calendar of a supplier as the settings tell it. Raises Invalid that names the field."""
    return Calendar(
        weekdays=facts.weekdays,
        country=facts.country,
        subdivision=facts.subdivision,
        closed=tuple(map(date.fromisoformat, facts.closed)),
        open=tuple(map(date.fromisoformat, facts.open)),
        cut_off=time.fromisoformat(facts.cut_off) if facts.cut_off else None,
        time_zone=facts.time_zone,
    )


class Arrival(NamedTuple):
    """When an order counts as placed, when it arrives, and why it is not sooner."""

    ordered: date
    arrives: date
    steps: tuple[str, ...]


@lru_cache(maxsize=512)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Raises Invalid for a country or subdivision that the `holidays` package does not know."""
    import holidays

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError as error:
        field = "subdivision" if subdivision and country in holidays.list_supported_countries() else "country"
        raise Invalid(str(error), field=field) from error


def is_open(calendar: Calendar, day: date) -> bool:
    if day in calendar.open:
        return True
    if day in calendar.closed or _WEEKDAYS[day.weekday()] not in calendar.weekdays:
        return False
    return calendar.country is None or day not in public_holidays(calendar.country, calendar.subdivision, day.year)


def next_open(calendar: Calendar, day: date) -> date:
    """`day` itself when it is open, else the first open day after it."""
    for _ in range(_LONGEST_CLOSURE_DAYS):
        if is_open(calendar, day):
            return day
        day += _ONE_DAY
    raise Invalid(f"no open day within a year before {day}", field="closed")


def add_working_days(calendar: Calendar, day: date, count: int) -> date:
    """The `count`-th open day after `day`; with 0, `day` or the first open day after it."""
    day = next_open(calendar, day)
    for _ in range(count):
        day = next_open(calendar, day + _ONE_DAY)
    return day


def order_day(calendar: Calendar, now: datetime) -> date:
    """The day for which an order at `now` (aware) counts: today, before the cut-off of an open day; else the next."""
    local = now.astimezone(ZoneInfo(calendar.time_zone))
    day = local.date()
    if calendar.cut_off is not None and local.time() >= calendar.cut_off:
        day += _ONE_DAY
    return next_open(calendar, day)


def cut_off_after(calendar: Calendar, now: datetime) -> datetime:
    """The first cut-off after `now`; where the calendar has none, the end of the day for which an order counts."""
    zone = ZoneInfo(calendar.time_zone)
    day = order_day(calendar, now)
    if calendar.cut_off is not None:
        return datetime.combine(day, calendar.cut_off, zone)
    return datetime.combine(day + _ONE_DAY, time(0), zone)


def arrival(
    now: datetime,
    lead_time_days: int,
    *,
    supplier: Calendar = EVERY_DAY,
    receiving: Calendar = EVERY_DAY,
    unit: LeadTimeUnit = "calendar_days",
) -> Arrival:
    """When an order placed at `now` is there: the supplier's calendar to order and ship, the location's to receive.

    In calendar days the goods leave in time to arrive after `lead_time_days`, whether or not the supplier works on the
    days between; in working days only the supplier's open days count.
    """
    today = now.astimezone(ZoneInfo(supplier.time_zone)).date()
    ordered = order_day(supplier, now)
    steps = []
    if ordered != today:
        steps.append(f"ordered on {ordered} (the supplier's cut-off, weekend or holiday)")
    if unit == "working_days":
        due = add_working_days(supplier, ordered, lead_time_days)
        steps.append(f"{lead_time_days} working days of the supplier end on {due}")
    else:
        due = ordered + timedelta(days=lead_time_days)
    arrives = next_open(receiving, due)
    if arrives != due:
        steps.append(f"received on {arrives}, since the location is closed from {due}")
    return Arrival(ordered, arrives, tuple(steps))


def review_day(today: date, first: date, every_days: int) -> date:
    """Today if a periodic review falls on it, else the next one (`first`, then every `every_days`)."""
    if today <= first:
        return first
    return today + timedelta(days=-(today - first).days % every_days)
