"""How much lies there against surprises: service levels, days, and what uncertain lead times add."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.safety import (
    CycleService,
    Days,
    FillRate,
    Fixed,
    Spread,
    expected_fill_rate,
    fill_rate_factor,
    inverse_unit_loss,
    reorder_point,
    safety_factor,
    safety_stock,
    unit_loss,
)

D = Decimal


@pytest.mark.parametrize(("level", "factor"), [(0.90, 1.2816), (0.95, 1.6449), (0.975, 1.9600), (0.99, 2.3263)])
def test_the_factor_of_a_cycle_service_is_the_normal_quantile(level: float, factor: float) -> None:
    assert safety_factor(level) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize(
    ("factor", "loss"), [(0.0, 0.3989), (0.5, 0.1978), (1.0, 0.08332), (2.0, 0.008491), (-1.0, 1.0833)]
)
def test_the_unit_loss_is_that_of_the_printed_tables(factor: float, loss: float) -> None:
    # Silver, Pyke, Peterson, appendix B; Nahmias, table A-4
    assert unit_loss(factor) == pytest.approx(loss, rel=2e-4)


@given(st.floats(-5, 6))
def test_the_inverse_of_the_unit_loss_leads_back(factor: float) -> None:
    assert inverse_unit_loss(unit_loss(factor)) == pytest.approx(factor, abs=1e-4)


def test_harveys_mustard_at_98_percent_fill_rate_is_reordered_at_126_jars() -> None:
    # Nahmias, section 5.4: lead-time demand 100 with deviation 25; lots of 100, L(z) = 100 * 0.02 / 25 = 0.08: z 1.02
    factor = fill_rate_factor(0.98, 100, 25)

    assert factor == pytest.approx(1.02, abs=0.005)
    assert round(100 + factor * 25) == 126
    assert expected_fill_rate(factor, 100, 25) == pytest.approx(0.98)


def test_harveys_mustard_at_98_percent_cycle_service_needs_twice_the_safety() -> None:
    # the same shop, where only 2 of 100 cycles may end short: z 2.05
    stock = safety_stock(CycleService(level=0.98), Spread(daily_mean=100, daily_deviation=25, days=1))

    assert stock.quantity == pytest.approx(D("51.35"), abs=D("0.02"))


def test_uncertain_lead_times_add_their_share() -> None:
    # 10 a day with deviation 3, lead time 9 days with deviation 2: sqrt(9 * 9 + 100 * 4) = 21.93
    spread = Spread(daily_mean=10, daily_deviation=3, days=9, days_deviation=2)

    assert spread.deviation == pytest.approx(21.9317, abs=1e-4)
    assert safety_stock(CycleService(level=0.95), spread).quantity == D("36.08")


def test_days_and_fixed_quantities_need_no_statistics() -> None:
    spread = Spread(daily_mean=2.5, daily_deviation=9, days=4)

    assert safety_stock(Days(days=3), spread).quantity == D("7.50")
    assert safety_stock(Fixed(quantity=D(6)), spread).quantity == 6


def test_a_lot_that_is_large_beside_the_deviation_needs_no_safety_stock() -> None:
    assert safety_stock(FillRate(level=0.9), Spread(10, 1, 4), order_quantity=1000).quantity == 0


def test_demand_without_deviation_needs_no_safety_stock() -> None:
    assert safety_stock(CycleService(level=0.99), Spread(10, 0, 4)).quantity == 0
    assert safety_stock(FillRate(level=0.99), Spread(10, 0, 4), order_quantity=10).quantity == 0


def test_the_reorder_point_is_expected_demand_and_safety() -> None:
    assert reorder_point(Spread(daily_mean=2.5, daily_deviation=1, days=4), D(6)) == 16


def test_the_words_carry_the_numbers() -> None:
    words = safety_stock(CycleService(level=0.95), Spread(10, 3, 9, 2)).words

    assert words == "cycle service 0.95: k 1.645 times deviation 21.93 over 9 days: 36.08"


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, float("nan")])
def test_a_service_level_is_a_share_and_not_a_percentage(level: float) -> None:
    with pytest.raises(Invalid, match="level: must lie between 0 and 1"):
        CycleService(level=level)
    with pytest.raises(Invalid, match="level: must lie between 0 and 1"):
        FillRate(level=level)


def test_negative_safety_is_refused() -> None:
    with pytest.raises(Invalid, match="quantity: must not be negative"):
        Fixed(quantity=D(-1))
    with pytest.raises(Invalid, match="days: must be 0 to 3660 days"):
        Days(days=-1)
