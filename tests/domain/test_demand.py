"""A year of demand in a small row, jobs that count once, and items that come and go."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.demand import (
    Booked,
    History,
    Phase,
    booked_until,
    consumed,
    daily,
    history,
    merged,
    phased,
    with_demand,
)
from streamer.messages.base import LARGEST_QUANTITY

D = Decimal
MONDAY = date(2026, 11, 23)


def numbers(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(word) for word in text.split())


@given(st.lists(st.decimals(0, LARGEST_QUANTITY, places=3), min_size=1, max_size=12))
def test_a_year_of_any_demand_is_at_most_two_kilobytes(some_days: list[Decimal]) -> None:
    quantities = (some_days * 366)[:366]
    row = msgspec.json.encode(history(MONDAY, quantities))

    assert len(row) <= 2000
    back = msgspec.json.decode(row, type=History)
    assert len(back.series()) == 366
    assert all(abs(got - given) <= D("50") / 100 for got, given in zip(back.series(), quantities, strict=True))


def test_a_year_of_a_usual_part_is_half_a_kilobyte() -> None:
    quantities = [D(day % 7) for day in range(366)]

    row = history(MONDAY, quantities)

    assert len(msgspec.json.encode(row)) <= 520
    assert row.series() == tuple(quantities)


@given(st.lists(st.decimals(0, 1000, places=3), max_size=40))
def test_usual_quantities_come_back_exactly(quantities: list[Decimal]) -> None:
    assert history(MONDAY, quantities).series() == tuple(quantities)


def test_each_day_adds_what_was_asked_for_and_quiet_days_are_nothing() -> None:
    row = with_demand(with_demand(History(), MONDAY, D(3)), MONDAY + timedelta(days=3), D("1.5"))

    assert row.series() == numbers("3 0 0 1.5")
    assert daily(row, MONDAY + timedelta(days=6)) == numbers("3 0 0 1.5 0 0")
    assert daily(row, MONDAY + timedelta(days=2)) == numbers("3 0")


def test_a_late_line_is_added_to_its_own_day_and_a_return_taken_off() -> None:
    row = history(MONDAY, numbers("3 4"))

    assert with_demand(row, MONDAY, D(2)).series() == numbers("5 4")
    assert with_demand(row, MONDAY - timedelta(days=1), D(2)).series() == numbers("2 3 4")
    assert with_demand(row, MONDAY, D(-5)).series() == numbers("0 4")


def test_what_is_older_than_a_year_is_forgotten() -> None:
    row = history(MONDAY, [D(1)] * 366)

    later = with_demand(row, MONDAY + timedelta(days=366), D(9))
    assert later.start == (MONDAY + timedelta(days=1)).isoformat()
    assert len(later.series()) == 366
    assert with_demand(row, MONDAY - timedelta(days=1), D(9)) == row


def test_the_history_of_a_superseded_part_is_carried_over() -> None:
    old = history(MONDAY, numbers("2 2 1"))
    new = history(MONDAY + timedelta(days=2), numbers("1 3"))

    assert merged([old, History(), new]).series() == numbers("2 2 2 3")
    assert merged([]) == History()


def test_booked_jobs_use_up_the_forecast_and_count_once() -> None:
    # one a day is forecast; five are booked for Wednesday: the week still takes seven
    demand = consumed(numbers("1 1 1 1 1 1 1"), [Booked(day=date(2026, 11, 25), quantity=D(5))], MONDAY)

    assert sum(demand) == 7
    assert demand[2] == 5


def test_only_what_exceeds_the_forecast_of_the_week_comes_on_top() -> None:
    demand = consumed(numbers("1 1 1 1 1 1 1 1 1"), [Booked(day=date(2026, 11, 25), quantity=D(10))], MONDAY)

    assert demand == numbers("0 0 10 0 0 0 0 1 1")


def test_a_job_whose_parts_are_reserved_is_not_counted_again() -> None:
    job = Booked(day=date(2026, 11, 25), quantity=D(5), reserved=D(5))

    assert sum(consumed(numbers("1 1 1 1 1 1 1"), [job], MONDAY)) == 2
    assert booked_until([job], date(2026, 12, 24)) == 0


def test_jobs_up_to_the_horizon_count_and_overdue_ones_too() -> None:
    jobs = [Booked(day=MONDAY + timedelta(days=offset), quantity=D(2), reserved=D(1)) for offset in (-3, 0, 5, 6)]

    assert booked_until(jobs, MONDAY + timedelta(days=5)) == 3
    assert consumed(numbers("0 0"), jobs, MONDAY) == numbers("2 0")


@given(
    forecast=st.lists(st.integers(0, 9).map(Decimal), min_size=14, max_size=14),
    booked=st.lists(st.tuples(st.integers(0, 13), st.integers(0, 20)), max_size=6),
)
def test_demand_is_never_below_the_jobs_nor_above_jobs_and_forecast(
    forecast: list[Decimal], booked: list[tuple[int, int]]
) -> None:
    jobs = [Booked(day=MONDAY + timedelta(days=offset), quantity=D(quantity)) for offset, quantity in booked]

    total = sum(consumed(forecast, jobs, MONDAY))

    in_jobs = sum(quantity for _, quantity in booked)
    slack = D("1e-20")
    assert max(D(in_jobs), D(sum(forecast))) - slack <= total <= in_jobs + sum(forecast) + slack


def test_a_new_item_grows_over_its_ramp_and_an_old_one_ends() -> None:
    phase = Phase(phase_in=date(2026, 11, 24), ramp_days=3, phase_out=date(2026, 11, 29))

    assert phased(numbers("4 4 4 4 4 4 4"), MONDAY, phase) == numbers("0 1 2 3 4 4 0")
    assert phased(numbers("4 4"), MONDAY, Phase()) == numbers("4 4")


def test_what_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match=r"history\.1: must not be negative"):
        history(MONDAY, numbers("1 -1"))
    with pytest.raises(Invalid, match="quantity: NaN is not a number"):
        with_demand(History(), MONDAY, D("NaN"))
    with pytest.raises(Invalid, match="reserved: must not be above quantity"):
        Booked(day=MONDAY, quantity=D(1), reserved=D(2))
    with pytest.raises(Invalid, match="phase_out: 2026-11-23 is not after"):
        Phase(phase_in=MONDAY, phase_out=MONDAY)
    with pytest.raises(Invalid, match="days: is not base64"):
        History("2026-11-23", "?", 0).series()
    with pytest.raises(Invalid, match="days: ends in the middle"):
        History("2026-11-23", "gA==", 0).series()
