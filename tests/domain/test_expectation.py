"""What will be asked for, from whatever is known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.demand import Booked, Phase
from streamer.domain.expectation import Demand, Requirement, expect

D = Decimal
TODAY = date(2026, 11, 24)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def test_a_history_is_forecast_by_its_class() -> None:
    expected = expect(Demand(history=(5, 6, 5, 4, 5, 6)), TODAY, 3)

    assert len(expected.by_day) == 3
    assert 4 < expected.daily_mean < 6
    assert expected.words.startswith("exponential_smoothing: smooth")
    assert expected.daily_deviation > 0


def test_a_given_mean_is_taken_as_it_is() -> None:
    expected = expect(Demand(daily_mean=D("2.5"), daily_deviation=1.5), TODAY, 4)

    assert expected.by_day == (D("2.5"),) * 4
    assert expected.daily_deviation == 1.5


def test_dated_requirements_fall_on_their_days() -> None:
    demand = Demand(requirements=(Requirement(day=day(1), quantity=D(5)), Requirement(day=day(9), quantity=D(7))))

    assert expect(demand, TODAY, 3).by_day == (D(0), D(5), D(0))


def test_booked_jobs_alone_are_demand() -> None:
    demand = Demand(booked=(Booked(day=day(2), quantity=D(4), reserved=D(1)),))

    assert expect(demand, TODAY, 4).by_day == (D(0), D(0), D(3), D(0))


def test_booked_jobs_beside_a_forecast_count_once() -> None:
    demand = Demand(daily_mean=D(1), booked=(Booked(day=day(2), quantity=D(5)),))

    expected = expect(demand, TODAY, 7)

    assert sum(expected.by_day) == 7
    assert expected.words == "1 a day, given; 1 booked jobs, each counted once"


def test_the_history_of_a_superseded_part_is_added_from_the_end() -> None:
    demand = Demand(history=(1, 1), carried_over=((3, 3, 2),), method="moving_average", spike_deviations=None)

    assert expect(demand, TODAY, 1).daily_mean == pytest.approx((3 + 4 + 3) / 3)


def test_a_new_part_lives_on_its_predecessors_history_alone() -> None:
    demand = Demand(carried_over=((2, 2, 2),), method="moving_average")

    assert expect(demand, TODAY, 1).by_day == (D(2),)


def test_an_item_that_ends_is_expected_no_longer() -> None:
    demand = Demand(daily_mean=D(3), phase=Phase(phase_out=day(2)))

    assert expect(demand, TODAY, 4).by_day == (D(3), D(3), D(0), D(0))


def test_nothing_known_is_nothing_said() -> None:
    assert expect(Demand(), TODAY, 9).by_day == ()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"history": (1.0,), "daily_mean": D(1)}, "daily_mean"),
        ({"daily_mean": D(-1)}, "daily_mean"),
        ({"daily_deviation": -1.0}, "daily_deviation"),
        ({"history": (1.0, float("nan"))}, "history.1"),
        ({"carried_over": ((1.0,), (-1.0,))}, "carried_over.1"),
        ({"bucket_days": 0}, "bucket_days"),
        ({"spike_deviations": 0.0}, "spike_deviations"),
        ({"method": "magic"}, "method"),
    ],
)
def test_demand_that_cannot_be_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Demand(**values)

    assert refused.value.field == field


def test_a_requirement_of_yesterday_is_refused() -> None:
    demand = Demand(requirements=(Requirement(day=TODAY, quantity=D(1)), Requirement(day=day(-1), quantity=D(1))))

    with pytest.raises(Invalid, match=r"requirements\.1\.day: 2026-11-23 lies in the past"):
        demand.check_today(TODAY)
