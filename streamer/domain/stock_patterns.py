"""The pattern of services per week: how many of a part each service took, and what that means for the reorder point."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from streamer.domain.appointments import workshop_of
from streamer.domain.stock_planning import day_number, primary_lead_days
from streamer.domain.stock_rows import Line, PatternRow, StockRow, pattern_key
from streamer.domain.units import ZERO, day_of
from streamer.domain.view import View
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import plain

WEEKS_KEPT = 110  # two seasons
FEWEST_WEEKS = 4  # before that nothing is expected
RECENT_WEEKS = 8
YEAR_WEEKS = 52
SMALLEST_SEASON, LARGEST_SEASON = Decimal("0.25"), Decimal(4)


def week_of(day: int) -> int:
    """The number of a day's week, which begins on a Monday, as the first of January of the year 1 was."""
    return (day - 1) // 7


def booked_of(line: Line | None) -> tuple[str, str, Decimal] | None:
    """Service, day and quantity as a line counts in the pattern; what has left stays counted."""
    if line is None or line.service is None or line.needed_by is None:
        return None
    return line.service, line.needed_by, line.quantity - line.shipped


def count(
    rows: View[Any], key: str, before: tuple[str, str, Decimal] | None, after: tuple[str, str, Decimal] | None
) -> None:
    """A job is booked, moved, changed or called off: its parts count in the week in which they are needed, once."""
    if before == after:
        return
    row = rows.edit(pattern_key(key))
    if not isinstance(row, PatternRow):
        row = PatternRow()
        rows.put(pattern_key(key), row)
    for told, sign in ((before, -1), (after, 1)):
        day = day_of(told[1]) if told is not None else None
        if told is not None and day is not None:
            _add(row, told[0], week_of(day.toordinal()), sign * told[2])
    if not row.services:
        rows.delete(pattern_key(key))


def _add(row: PatternRow, service: str, week: int, quantity: Decimal) -> None:
    if not row.services:
        row.first = week
    if week < row.first:
        ahead = [ZERO] * (row.first - week)
        row.services = {name: [*ahead, *counts] for name, counts in row.services.items()}
        row.first = week
    counts = row.services.setdefault(service, [])
    counts.extend([ZERO] * (week - row.first + 1 - len(counts)))
    counts[week - row.first] = max(ZERO, counts[week - row.first] + quantity)
    longest = max(map(len, row.services.values()))
    if longest > WEEKS_KEPT:
        gone = longest - WEEKS_KEPT
        row.first += gone
        row.services = {name: kept[gone:] for name, kept in row.services.items()}
    row.services = {name: kept for name, kept in row.services.items() if any(kept)}


def expected_in_week(counts: Sequence[Decimal], first: int, this_week: int, week: int) -> Decimal:
    """What one service takes in `week`, from the weeks before this one: the recent mean times the week's season.

    The season is the ratio of that week a year ago (with the weeks beside it) to the mean of that year, as in the
    classical decomposition (Makridakis, Wheelwright and Hyndman, *Forecasting*, 1998, chapter 3). It is 1 until a year
    is known, and kept between a quarter and four.
    """
    past = list(counts[: this_week - first]) + [ZERO] * (this_week - first - len(counts))
    if len(past) < FEWEST_WEEKS:
        return ZERO
    recent = past[-RECENT_WEEKS:]
    level = sum(recent, ZERO) / len(recent)
    if len(past) < YEAR_WEEKS + 1:
        return level
    year = past[-YEAR_WEEKS:]
    mean = sum(year, ZERO) / YEAR_WEEKS
    then = week - YEAR_WEEKS - first
    around = [past[place] for place in (then - 1, then, then + 1) if 0 <= place < len(past)]
    recently = [past[place - YEAR_WEEKS] for place in range(len(past) - len(recent), len(past)) if place >= YEAR_WEEKS]
    if not mean or not around:
        return level
    season = sum(around, ZERO) / len(around) / mean
    now = sum(recently, ZERO) / len(recently) / mean if recently else Decimal(1)
    factor = season / now if now else season
    return level * min(max(factor, SMALLEST_SEASON), LARGEST_SEASON)


def raise_point(rows: View[Any], key: str, row: StockRow, settings: SettingsApplied | None) -> None:
    """Once a day: a plain reorder point is at least what services are expected to take until an order would come.

    Jobs that are booked already are in the stock's own numbers; they use up what is expected of their week. A policy
    that follows a forecast needs none of this: its history holds what jobs took.
    """
    policy = row.policy
    if policy is None or policy.rule is not None or policy.follow_demand or settings is None:
        return
    if not workshop_of(settings, key.partition("/")[0]).raise_reorder_points:
        return
    pattern = rows.read(pattern_key(key))
    expected, words = ZERO, ""
    if isinstance(pattern, PatternRow):
        today = day_number(settings, key, rows.now_ms)
        expected, words = _expected(pattern, today, primary_lead_days(row, settings))
    given = policy.reorder_point - policy.raised
    more = max(ZERO, expected - given)
    if more != policy.raised:
        policy.order_up_to += more - policy.raised
        policy.reorder_point, policy.raised = given + more, more
        policy.nothing_at = None
    policy.raised_because = f"reorder point {plain(given)} raised by {plain(more)}: {words}" if more else None


def _expected(pattern: PatternRow, today: int, lead_days: int) -> tuple[Decimal, str]:
    """Whole units that services will take within the lead time beyond what is booked, and which do."""
    this_week = week_of(today)
    last = today + max(lead_days, 1)
    total = ZERO
    named = []
    for service, counts in pattern.services.items():
        of_service = ZERO
        for week in range(this_week, week_of(last - 1) + 1):
            monday = week * 7 + 1
            days = min(last, monday + 7) - max(today, monday)
            place = week - pattern.first
            booked = counts[place] if 0 <= place < len(counts) else ZERO
            left = max(ZERO, expected_in_week(counts, pattern.first, this_week, week) - booked)
            of_service += left * days / (monday + 7 - max(today, monday))
        if of_service > 0:
            total += of_service
            named.append(f"{service} takes {plain(round(of_service, 2))} in {last - today} days beyond what is booked")
    return total.to_integral_value(ROUND_CEILING), "; ".join(named)
