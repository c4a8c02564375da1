"""When the supplier works, when the location receives, and what the cut-off does to an order at five to two."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from streamer.domain.calendars import (
    EVERY_DAY,
    Calendar,
    add_working_days,
    arrival,
    is_open,
    next_open,
    order_day,
    review_day,
)
from streamer.domain.checks import Invalid

BAVARIA = Calendar(country="DE", subdivision="BY", cut_off=time(14), time_zone="Europe/Berlin")
FRIDAY = date(2026, 11, 27)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def test_an_order_before_the_cut_off_counts_for_today() -> None:
    assert order_day(BAVARIA, at(FRIDAY, 12, 59)) == FRIDAY  # 13:59 in Berlin


def test_an_order_at_the_cut_off_counts_for_the_next_working_day() -> None:
    assert order_day(BAVARIA, at(FRIDAY, 13, 0)) == date(2026, 11, 30)


def test_public_holidays_are_those_of_the_country_and_its_part() -> None:
    epiphany = date(2025, 1, 6)  # a holiday in Bavaria, none in Berlin; a Monday

    assert not is_open(BAVARIA, epiphany)
    assert is_open(Calendar(country="DE", subdivision="BE"), epiphany)
    assert not is_open(BAVARIA, date(2026, 12, 25))


def test_own_closures_and_openings_win_over_the_rule() -> None:
    calendar = Calendar(closed=(FRIDAY,), open=(date(2026, 11, 29),))

    assert not is_open(calendar, FRIDAY)
    assert is_open(calendar, date(2026, 11, 29))


def test_five_working_days_over_christmas_take_longer_than_a_week() -> None:
    assert add_working_days(BAVARIA, date(2026, 12, 22), 5) == date(2026, 12, 30)


def test_what_would_arrive_on_sunday_is_received_on_monday() -> None:
    expected = arrival(at(FRIDAY, 9), 2, receiving=Calendar())

    assert expected.arrives == date(2026, 11, 30)
    assert expected.steps == ("received on 2026-11-30, since the location is closed from 2026-11-29",)


def test_an_order_on_saturday_waits_for_the_supplier_and_says_so() -> None:
    expected = arrival(at(date(2026, 11, 28), 9), 2, supplier=Calendar(), receiving=EVERY_DAY)

    assert (expected.ordered, expected.arrives) == (date(2026, 11, 30), date(2026, 12, 2))
    assert "ordered on 2026-11-30" in expected.steps[0]


def test_lead_times_in_working_days_skip_the_suppliers_weekend() -> None:
    assert arrival(at(FRIDAY, 9), 2, supplier=Calendar(), unit="working_days").arrives == date(2026, 12, 1)


def test_a_review_falls_every_so_many_days_from_the_first() -> None:
    first = date(2026, 11, 2)

    assert review_day(date(2026, 10, 20), first, 7) == first
    assert review_day(date(2026, 11, 9), first, 7) == date(2026, 11, 9)
    assert review_day(date(2026, 11, 10), first, 7) == date(2026, 11, 16)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"weekdays": ()}, "weekdays"),
        ({"country": "XX"}, "country"),
        ({"country": "DE", "subdivision": "ZZ"}, "subdivision"),
        ({"subdivision": "BY"}, "subdivision"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"cut_off": time(14, tzinfo=UTC)}, "cut_off"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_by_name(values: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Calendar(**values)  # type: ignore[arg-type]

    assert refused.value.field == field


def test_a_calendar_that_never_opens_is_refused_when_it_is_asked() -> None:
    sundays = Calendar(weekdays=("sun",), closed=tuple(date(2026, 11, day) for day in (1, 8, 15, 22, 29)))

    assert next_open(sundays, date(2026, 11, 1)) == date(2026, 12, 6)
    never = Calendar(weekdays=("sun",), closed=tuple(_sundays(2026, 2027)))
    with pytest.raises(Invalid, match="no open day within a year"):
        next_open(never, date(2026, 11, 1))


def _sundays(*years: int) -> list[date]:
    days = (
        date.fromordinal(n) for n in range(date(years[0], 1, 1).toordinal(), date(years[-1], 12, 31).toordinal() + 1)
    )
    return [day for day in days if day.weekday() == 6]
