"""How many periods one order should cover: published examples, and the cheapest plan found by trying all."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.lots import TECHNIQUES, Costs, LotPlan, costs, plan_lots, priced

D = Decimal


def numbers(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(word) for word in text.split())


# Wagner and Whitin 1958, table 1: twelve months, holding 1 a month, order cost by month; the best plan costs 864.
WAGNER_WHITIN_DEMAND = numbers("69 29 36 61 61 26 34 67 45 67 79 56")
WAGNER_WHITIN_ORDER_COST = numbers("85 102 102 101 98 114 105 86 119 110 98 114")

# Silver, Pyke, Peterson, section 6.2: PSB's tool kits, order cost 54, holding 0.02 * 20 a month; the best costs 501.20.
PSB_DEMAND = numbers("10 62 12 130 154 129 88 52 124 160 238 41")
PSB_COSTS = costs(D(54), D("0.4"), 12)

# Nahmias, section 8.2: a machine shop, five weeks, set-up 80, holding 2 a week.
SHOP_DEMAND = numbers("18 30 42 5 20")
SHOP_COSTS = costs(D(80), D(2), 5)


def cheapest_by_trying_all(demand: tuple[Decimal, ...], cost: Costs) -> Decimal:
    """Each set of order periods in turn; an independent way to the number that Wagner-Whitin must find."""
    best: Decimal | None = None
    for chosen in product((False, True), repeat=len(demand)):
        lots = [Decimal(0)] * len(demand)
        last: int | None = None
        for index, needed in enumerate(demand):
            last = index if chosen[index] else last
            if last is None:
                if needed:
                    break
                continue
            lots[last] += needed
        else:
            total = priced(lots, demand, cost).total_cost
            best = total if best is None else min(best, total)
    assert best is not None
    return best


def test_wagner_and_whitin_find_864_for_their_own_twelve_months() -> None:
    cost = costs(WAGNER_WHITIN_ORDER_COST, D(1), 12)

    plan = plan_lots("wagner_whitin", WAGNER_WHITIN_DEMAND, cost)

    assert plan.total_cost == 864
    assert plan.total_cost == cheapest_by_trying_all(WAGNER_WHITIN_DEMAND, cost)


def test_the_best_plan_for_psb_costs_501_20_in_seven_orders() -> None:
    plan = plan_lots("wagner_whitin", PSB_DEMAND, PSB_COSTS)

    assert plan.quantities == numbers("84 0 0 130 283 0 140 0 124 160 279 0")
    assert (plan.orders, plan.total_cost) == (7, D("501.2"))


def test_silver_and_meal_find_the_best_plan_for_psb_too() -> None:
    assert plan_lots("silver_meal", PSB_DEMAND, PSB_COSTS).total_cost == D("501.2")


@pytest.mark.parametrize(
    ("technique", "lots"),
    [
        ("silver_meal", "48 0 47 0 20"),
        ("least_unit_cost", "48 0 42 25 0"),
        ("part_period", "48 0 67 0 0"),
        ("lot_for_lot", "18 30 42 5 20"),
    ],
)
def test_the_machine_shop_of_nahmias_gets_another_plan_from_each_rule(technique: str, lots: str) -> None:
    assert plan_lots(technique, SHOP_DEMAND, SHOP_COSTS).quantities == numbers(lots)  # type: ignore[arg-type]


def test_a_fixed_quantity_is_ordered_as_late_as_possible_and_in_multiples() -> None:
    plan = plan_lots("fixed_quantity", numbers("5 30 0 10"), costs(D(1), D(1), 4), quantity=D(20))

    assert plan.quantities == numbers("20 20 0 20")


def test_a_fixed_period_starts_with_the_first_demand() -> None:
    plan = plan_lots("fixed_period", numbers("0 5 6 7 0 0 8"), costs(D(1), D(1), 7), periods=2)

    assert plan.quantities == numbers("0 11 0 7 0 0 8")


def test_the_period_order_quantity_turns_the_eoq_into_whole_periods() -> None:
    # average 10 a period, K 80, h 4: EOQ 20, two periods
    plan = plan_lots("period_order_quantity", numbers("10 10 10 10"), costs(D(80), D(4), 4))

    assert plan.quantities == numbers("20 0 20 0")


@given(
    demand=st.lists(st.integers(0, 60).map(Decimal), min_size=1, max_size=7).map(tuple),
    order=st.lists(st.integers(0, 90).map(Decimal), min_size=7, max_size=7),
    holding=st.lists(st.integers(0, 5).map(Decimal), min_size=7, max_size=7),
)
def test_no_plan_is_cheaper_than_wagner_and_whitins(
    demand: tuple[Decimal, ...], order: list[Decimal], holding: list[Decimal]
) -> None:
    cost = costs(order[: len(demand)], holding[: len(demand)], len(demand))
    best = plan_lots("wagner_whitin", demand, cost)

    assert best.total_cost == cheapest_by_trying_all(demand, cost)
    for technique in TECHNIQUES:
        plan: LotPlan = plan_lots(technique, demand, cost, quantity=D(7), periods=3)
        assert sum(plan.quantities) >= sum(demand)
        assert plan.total_cost >= best.total_cost


@pytest.mark.parametrize(
    ("demand", "field"), [("", "demand"), ("3 -1", "demand.1"), ("3 NaN", "demand.1"), ("1 " * 1001, "demand")]
)
def test_demand_that_cannot_be_is_refused_by_its_place(demand: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        plan_lots("lot_for_lot", numbers(demand), costs(D(1), D(1), len(numbers(demand))))

    assert refused.value.field == field


def test_a_cost_for_each_period_must_be_one_for_each() -> None:
    with pytest.raises(Invalid, match="order_cost: has 2 numbers for 3 periods"):
        costs(numbers("1 2"), D(1), 3)
    with pytest.raises(Invalid, match="holding_cost: must not be negative"):
        costs(D(1), D(-1), 3)


def test_a_technique_that_lacks_its_parameter_says_which() -> None:
    with pytest.raises(Invalid, match="quantity: is needed"):
        plan_lots("fixed_quantity", SHOP_DEMAND, SHOP_COSTS)
    with pytest.raises(Invalid, match="periods: is needed"):
        plan_lots("fixed_period", SHOP_DEMAND, SHOP_COSTS)
