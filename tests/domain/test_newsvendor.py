"""The last buy: one order for one season, when too many and too few both cost money."""

from __future__ import annotations

from math import exp, factorial

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.newsvendor import critical_ratio, for_history, for_normal, for_poisson


def test_macs_newsstand_takes_fifteen_copies() -> None:
    # Nahmias, section 5.3: mean 11.73, deviation 4.74; bought at 0.25, sold at 0.75, returned for 0.10
    best = for_normal(11.73, 4.74, underage_cost=0.50, overage_cost=0.15)

    assert best.critical_ratio == pytest.approx(0.77, abs=0.005)
    assert round(best.quantity) == 15


def test_the_newsvendor_of_snyder_and_shen_takes_56_6_at_a_cost_of_1_998() -> None:
    # Fundamentals of Supply Chain Theory, example 4.3: mean 50, deviation 8, holding 0.18, stock-out 0.70
    best = for_normal(50, 8, underage_cost=0.70, overage_cost=0.18)

    assert best.quantity == pytest.approx(56.6040, abs=1e-4)
    assert best.expected_cost == pytest.approx(1.9976, abs=1e-4)


def test_poisson_demand_takes_the_smallest_whole_number_that_reaches_the_ratio() -> None:
    mean, ratio = 6.0, 0.8
    best = for_poisson(mean, underage_cost=4, overage_cost=1)

    chance = [exp(-mean) * mean**k / factorial(k) for k in range(60)]
    summed = [sum(chance[: k + 1]) for k in range(60)]
    assert best.quantity == next(k for k in range(60) if summed[k] >= ratio)
    shortage = sum(max(0, k - best.quantity) * chance[k] for k in range(60))
    left_over = sum(max(0, best.quantity - k) * chance[k] for k in range(60))
    assert best.expected_shortage == pytest.approx(shortage)
    assert best.expected_cost == pytest.approx(4 * shortage + left_over)


def test_large_poisson_demand_comes_close_to_the_normal_one() -> None:
    poisson = for_poisson(10_000, underage_cost=3, overage_cost=1)

    assert poisson.quantity == pytest.approx(for_normal(10_000, 100, 3, 1).quantity, abs=2)


def test_seasons_seen_are_taken_as_they_were() -> None:
    best = for_history([4, 9, 7, 5, 6], underage_cost=3, overage_cost=2)  # three of five seasons must be covered

    assert best.quantity == 6
    assert best.expected_shortage == pytest.approx((3 + 1) / 5)
    assert best.expected_left_over == pytest.approx((2 + 1) / 5)


def test_a_unit_that_is_hardly_ever_missed_is_not_bought() -> None:
    assert for_normal(10, 20, underage_cost=1, overage_cost=99).quantity == 0
    assert for_poisson(0, underage_cost=1, overage_cost=1).quantity == 0


def test_numbers_that_cannot_be_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="underage_cost"):
        critical_ratio(0, 1)
    with pytest.raises(Invalid, match="overage_cost: nan is not a number"):
        critical_ratio(1, float("nan"))
    with pytest.raises(Invalid, match="deviation: must not be negative"):
        for_normal(1, -1, 1, 1)
    with pytest.raises(Invalid, match="history: must not be empty"):
        for_history([], 1, 1)
    with pytest.raises(Invalid, match="mean: is too large"):
        for_poisson(2e6, 1, 1)
