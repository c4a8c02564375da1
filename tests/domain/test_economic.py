"""The economic order quantity of the textbooks, with and without price breaks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.economic import (
    PriceBreak,
    PriceScheme,
    best_quantity,
    check_breaks,
    goods_cost,
    order_quantity,
    production_quantity,
    yearly_cost,
)

D = Decimal


def breaks(*steps: tuple[str, str]) -> tuple[PriceBreak, ...]:
    return tuple(PriceBreak(minimum_quantity=D(quantity), unit_price=D(price)) for quantity, price in steps)


# Nahmias, section 4.7: the Weighty Trash Bag Company, 600 a year, order cost 8, holding 20 % of the price.
TRASH_BAGS = breaks(("0", "0.30"), ("500", "0.29"), ("1000", "0.28"))


def test_joes_corner_store_orders_304_candy_bars() -> None:
    # Snyder and Shen, Fundamentals of Supply Chain Theory, example 3.1: K 8, demand 1300, h 0.225
    quantity = order_quantity(D(1300), D(8), D("0.225"))

    assert round(quantity, 2) == D("304.05")
    assert round(D(8) * 1300 / quantity + D("0.225") * quantity / 2, 2) == D("68.41")


def test_trash_bags_with_all_units_discount_are_bought_by_500() -> None:
    best = best_quantity(D(600), D(8), D("0.2"), TRASH_BAGS)

    assert best.quantity == 500
    assert round(best.yearly_cost, 2) == D("198.10")


@pytest.mark.parametrize(("lot", "cost"), [(400, "204.00"), (500, "198.10"), (1000, "200.80")])
def test_the_candidates_of_the_trash_bags_cost_what_nahmias_says(lot: int, cost: str) -> None:
    assert round(yearly_cost(D(lot), D(600), D(8), D("0.2"), TRASH_BAGS), 2) == D(cost)


def test_trash_bags_with_incremental_discount_are_bought_by_400() -> None:
    best = best_quantity(D(600), D(8), D("0.2"), TRASH_BAGS, "incremental")

    assert round(best.quantity) == 400
    assert round(best.yearly_cost, 2) == D("204.00")
    # the book's 519 at 204.58; the third range has its best lot at 702, below the range, which begins at 1000
    assert best.candidates == ("400 a lot costs 204 a year", "518.6189 a lot costs 204.5799 a year")


def test_lots_that_arrive_at_a_finite_rate_are_larger() -> None:
    # Nahmias, section 4.6 (Rahway): 2,500 a year, 10,000 a year made, K 50, h 2 * 0.3 a year: about 745
    assert round(production_quantity(D(2500), D(50), D("0.6"), D(10000))) == 745


def test_all_units_and_incremental_breaks_price_the_same_lot_differently() -> None:
    assert goods_cost(D(600), TRASH_BAGS, "all_units") == D("174.00")
    assert goods_cost(D(600), TRASH_BAGS, "incremental") == D("179.00")
    assert goods_cost(D(500), TRASH_BAGS, "incremental") == D("150.00")


@given(
    demand=st.integers(1, 100_000),
    order_cost=st.integers(1, 500),
    rate=st.integers(1, 60),
    prices=st.lists(st.integers(1, 100), min_size=1, max_size=4, unique=True),
    steps=st.lists(st.integers(1, 3000), min_size=3, max_size=3, unique=True),
    scheme=st.sampled_from(["all_units", "incremental"]),
)
def test_no_lot_is_cheaper_than_the_best_one(
    demand: int, order_cost: int, rate: int, prices: list[int], steps: list[int], scheme: PriceScheme
) -> None:
    starts = [0, *sorted(steps)]
    offered = breaks(*((str(starts[i]), str(price)) for i, price in enumerate(prices)))
    holding_rate = D(rate) / 100

    best = best_quantity(D(demand), D(order_cost), holding_rate, offered, scheme)

    for lot in (1, 5, 17, 60, 200, 700, 1500, 3500, *starts[1:], *(start - 1 for start in starts[1:] if start > 1)):
        other = yearly_cost(D(lot), D(demand), D(order_cost), holding_rate, offered, scheme)
        assert best.yearly_cost <= other * (1 + D("1e-20"))


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ((), "price_breaks"),
        ((("10", "5"),), "price_breaks.0.minimum_quantity"),
        ((("1", "5"), ("1", "4")), "price_breaks.1.minimum_quantity"),
        ((("1", "5"), ("50", "4"), ("20", "3")), "price_breaks.2.minimum_quantity"),
    ],
)
def test_breaks_that_leave_a_quantity_without_a_price_are_refused(
    steps: tuple[tuple[str, str], ...], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check_breaks(breaks(*steps), start=D(1))

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("end", "begin", "problem"),
    [("49", "60", "leaves a gap"), ("55", "50", "overlaps"), ("49", "50", None), ("50", "50", None)],
)
def test_ranges_of_price_breaks_must_touch(end: str, begin: str, problem: str | None) -> None:
    offered = (
        PriceBreak(minimum_quantity=D(1), maximum_quantity=D(end), unit_price=D(5)),
        PriceBreak(minimum_quantity=D(begin), unit_price=D(4)),
    )
    if problem is None:
        check_breaks(offered, start=D(1))
        return
    with pytest.raises(Invalid, match=problem):
        check_breaks(offered, start=D(1))


def test_the_last_break_has_no_end() -> None:
    with pytest.raises(Invalid, match="must be left out of the last break"):
        check_breaks((PriceBreak(minimum_quantity=D(1), maximum_quantity=D(9), unit_price=D(5)),), start=D(1))


def test_a_price_that_rises_with_the_quantity_is_kept_below() -> None:
    rising = breaks(("0", "1"), ("100", "5"))

    assert best_quantity(D(5000), D(50), D("0.2"), rising).quantity == 99
    assert best_quantity(D(5000), D(50), D("0.2"), rising, "incremental").quantity == 100


def test_numbers_that_no_shop_has_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="yearly_demand: must be above 0"):
        order_quantity(D(0), D(8), D(1))
    with pytest.raises(Invalid, match="holding_cost: NaN is not a number"):
        order_quantity(D(1), D(8), D("NaN"))
    with pytest.raises(Invalid, match="yearly_production: must be above yearly_demand"):
        production_quantity(D(10), D(1), D(1), D(10))
    with pytest.raises(Invalid, match="unit_price: needs a price above 0"):
        best_quantity(D(10), D(1), D("0.1"), breaks(("0", "0")))
