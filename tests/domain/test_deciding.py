"""Each policy on one outlook: how much is wanted today, before any supplier rounds it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.deciding import decide
from streamer.domain.economic import PriceBreak
from streamer.domain.outlook import Outlook, Wanted, horizon_days
from streamer.domain.policies import (
    AnyPolicy,
    DaysOfCover,
    EconomicQuantity,
    FixedPeriod,
    FixedQuantity,
    LastBuy,
    LeastUnitCost,
    LotForLot,
    MinMax,
    OrderUpTo,
    PartPeriod,
    SilverMeal,
    WagnerWhitin,
)

D = Decimal
TODAY = date(2026, 11, 24)


def outlook(projected: int = 0, lead_days: int = 5, daily: str = "2", days: int = 300, **terms: Any) -> Outlook:
    """`daily` of demand for `days`; what is there opens the netting too."""
    values: dict[str, Any] = {
        "today": TODAY,
        "lead_days": lead_days,
        "projected": D(projected),
        "opening": D(projected),
        "receipts": (D(0),) * days,
        "expected": (D(daily),) * days,
    }
    return Outlook(**(values | terms))


def test_min_max_says_what_was_compared() -> None:
    policy = MinMax(reorder_point=D(10), order_up_to=D(40))

    assert decide(policy, outlook(9)) == Wanted(
        D(31), "projected 9 is below the reorder point 10: order up to 40", D(10), D(40)
    )
    assert decide(policy, outlook(10)).words == "projected 10 is not below the reorder point 10"


def test_a_reorder_point_that_is_not_given_is_the_demand_until_arrival() -> None:
    policy = FixedQuantity(quantity=D(25))

    assert decide(policy, outlook(9)).reorder_point == 10
    assert decide(policy, outlook(9)).quantity == 25
    assert decide(policy, outlook(10)).quantity == 0
    assert "expected over 5 days of lead time" in decide(policy, outlook(9)).words


def test_a_review_orders_up_to_the_demand_of_lead_time_and_review() -> None:
    policy = OrderUpTo(review_days=7, first_review=TODAY - timedelta(days=14))

    assert decide(policy, outlook(23)).quantity == 1  # 2 * (5 + 7) = 24


def test_between_reviews_nothing_is_ordered_and_the_next_one_is_named() -> None:
    policy = OrderUpTo(review_days=7, first_review=TODAY + timedelta(days=2), order_up_to=D(50))

    wanted = decide(policy, outlook(0))
    assert wanted.quantity == 0
    assert wanted.words == "no review today, the next one is on 2026-11-26"


def test_lot_for_lot_orders_what_is_missing_until_an_order_would_arrive() -> None:
    assert decide(LotForLot(), outlook(4)).quantity == 8  # 2 a day for today and five days, 4 are there
    assert decide(LotForLot(), outlook(12)).quantity == 0


def test_a_receipt_of_next_week_does_not_help_tomorrow_but_does_after() -> None:
    receipts = (D(0),) * 8 + (D(100),) + (D(0),) * 291

    assert decide(LotForLot(), outlook(4, receipts=receipts)).quantity == 8
    assert decide(FixedPeriod(period_days=30), outlook(4, receipts=receipts)).quantity == 12


def test_a_fixed_period_covers_its_days_from_arrival_on() -> None:
    wanted = decide(FixedPeriod(period_days=10), outlook(4))

    assert wanted.quantity == 2 * 15 - 4  # until the fifteenth day: 5 until arrival, then 10
    assert wanted.covers_until == TODAY + timedelta(days=14)


def test_what_a_later_order_still_reaches_waits() -> None:
    wanted = decide(FixedPeriod(period_days=10), outlook(20))

    assert wanted.quantity == 0
    assert wanted.words == "missing from 2026-12-04 on only, which an order of 2026-11-29 still reaches"


def test_days_of_cover_order_up_to_the_target() -> None:
    policy = DaysOfCover(minimum_days=10, target_days=30)

    assert decide(policy, outlook(19)).quantity == 41
    assert decide(policy, outlook(20)).quantity == 0


def test_the_economic_quantity_uses_the_price_breaks_of_the_offer() -> None:
    # Nahmias' trash bags: 600 a year by 500
    breaks = tuple(
        PriceBreak(minimum_quantity=D(quantity), unit_price=D(price))
        for quantity, price in (("0", "0.30"), ("500", "0.29"), ("1000", "0.28"))
    )
    policy = EconomicQuantity(order_cost=D(8), holding_rate=D("0.2"), yearly_demand=D(600), reorder_point=D(10))

    assert decide(policy, outlook(9, breaks=breaks)).quantity == 500
    assert decide(policy, outlook(10, breaks=breaks)).quantity == 0
    with pytest.raises(Invalid, match="offers: an economic order quantity needs an offer with a price"):
        decide(policy, outlook(9))


@pytest.mark.parametrize("kind", [WagnerWhitin, SilverMeal, LeastUnitCost, PartPeriod])
def test_the_first_lot_of_psbs_plan_is_ordered_now(kind: Any) -> None:
    # Silver, Pyke, Peterson: 10 62 12 130 ... by month; the best plan begins with 84 for three months
    by_month = (10, 62, 12, 130, 154, 129, 88, 52, 124, 160, 238, 41)
    expected = tuple(D(quantity) if day == 0 else D(0) for quantity in by_month for day in range(30))
    policy = kind(order_cost=D(54), holding_cost=D("0.4"), bucket_days=30)

    wanted = decide(policy, outlook(0, lead_days=0, expected=expected, receipts=(D(0),) * len(expected)))

    assert wanted.quantity == 84
    assert wanted.covers_until == TODAY + timedelta(days=89)


@pytest.mark.parametrize("kind", [WagnerWhitin, SilverMeal, LeastUnitCost, PartPeriod])
def test_nothing_is_ordered_before_its_time(kind: Any) -> None:
    policy = kind(order_cost=D(54), holding_cost=D(1))

    assert decide(policy, outlook(100)).quantity == 0


def test_what_was_missing_before_arrival_is_in_the_first_lot() -> None:
    policy = WagnerWhitin(order_cost=D(0), holding_cost=D(1), bucket_days=7)

    assert decide(policy, outlook(0, lead_days=5)).quantity == 2 * 12


def test_the_last_buy_takes_what_is_there_off() -> None:
    costs: Any = {"underage_cost": 0.7, "overage_cost": 0.18, "until": TODAY + timedelta(days=100)}

    assert decide(LastBuy(mean=50, deviation=8, **costs), outlook(10)).quantity == 47  # 56.6, whole units
    assert decide(LastBuy(seasons=(30, 50, 40), **costs), outlook(10)).quantity == 40
    assert decide(LastBuy(**costs), outlook(10)).words.startswith("last buy until 2027-03-04: Poisson demand of 200,")


def test_a_policy_that_looks_further_than_demand_is_known_is_refused() -> None:
    with pytest.raises(Invalid, match="demand: reaches 3 days, the policy looks 5 days ahead"):
        decide(FixedQuantity(quantity=D(1)), outlook(days=3))
    with pytest.raises(Invalid, match="demand: is needed by this policy"):
        decide(LotForLot(), outlook(days=0))


POLICIES: tuple[AnyPolicy, ...] = (
    MinMax(reorder_point=D(5), order_up_to=D(9)),
    FixedQuantity(quantity=D(5)),
    OrderUpTo(review_days=7, first_review=TODAY),
    LotForLot(),
    FixedPeriod(period_days=14),
    DaysOfCover(minimum_days=7, target_days=21),
    EconomicQuantity(order_cost=D(5), holding_rate=D("0.2")),
    WagnerWhitin(order_cost=D(5), holding_cost=D("0.1")),
    SilverMeal(order_cost=D(5), holding_cost=D("0.1")),
    LeastUnitCost(order_cost=D(5), holding_cost=D("0.1")),
    PartPeriod(order_cost=D(5), holding_cost=D("0.1")),
    LastBuy(underage_cost=5, overage_cost=1, until=TODAY + timedelta(days=60)),
)


def test_no_policy_is_left_out_here() -> None:
    assert {type(policy) for policy in POLICIES} == set(get_args(AnyPolicy))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__struct_config__.tag)
def test_every_policy_orders_when_nothing_is_there_and_not_when_there_is_plenty(policy: AnyPolicy) -> None:
    breaks = (PriceBreak(minimum_quantity=D(0), unit_price=D(3)),)
    days = horizon_days(policy, 5, TODAY)

    assert decide(policy, outlook(0, days=days, breaks=breaks)).quantity > 0
    assert decide(policy, outlook(10_000, days=days, breaks=breaks)).quantity == 0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__struct_config__.tag)
def test_with_its_order_on_the_way_a_second_run_orders_nothing(policy: AnyPolicy) -> None:
    breaks = (PriceBreak(minimum_quantity=D(0), unit_price=D(3)),)
    days = horizon_days(policy, 5, TODAY)
    first = decide(policy, outlook(0, days=days, breaks=breaks)).quantity

    assert decide(policy, outlook(int(first), days=days, breaks=breaks)).quantity == 0
