"""When to order and how much: the policies as values, and the two that need nothing but numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.policies import (
    AnyPolicy,
    DaysOfCover,
    EconomicQuantity,
    FixedPeriod,
    FixedQuantity,
    LastBuy,
    MinMax,
    OrderUpTo,
    TriggerMode,
    WagnerWhitin,
    fixed_quantity,
    is_due,
    min_max,
)

D = Decimal
TODAY = date(2026, 11, 24)
level = st.integers(-50, 200).map(Decimal)


def test_below_is_strict_and_at_or_below_is_not() -> None:
    # frappe/erpnext 53085: at the level, an order that lands exactly on it is followed by another
    assert not is_due(D(10), D(10))
    assert is_due(D(10), D(10), "at_or_below")
    assert is_due(D("9.99"), D(10))


def test_min_max_orders_up_to_the_maximum() -> None:
    assert min_max(D(9), D(10), D(40)) == 31
    assert min_max(D(10), D(10), D(40)) == 0
    assert min_max(D(10), D(10), D(40), "at_or_below") == 30
    assert min_max(D(-3), D(10), D(40)) == 43


def test_maximum_equal_to_minimum_at_the_level_orders_nothing() -> None:
    assert min_max(D(10), D(10), D(10), "at_or_below") == 0


def test_a_fixed_quantity_is_ordered_as_often_as_needed() -> None:
    assert fixed_quantity(D(9), D(10), D(5), "below") == 5
    assert fixed_quantity(D(0), D(10), D(5), "below") == 10  # lands on the level: not below it any more
    assert fixed_quantity(D(0), D(10), D(5), "at_or_below") == 15
    assert fixed_quantity(D(10), D(10), D(5), "below") == 0


@given(projected=level, point=level, extra=st.integers(1, 90), trigger=st.sampled_from(["below", "at_or_below"]))
def test_a_second_run_right_after_the_first_orders_nothing(
    projected: Decimal, point: Decimal, extra: int, trigger: TriggerMode
) -> None:
    first = min_max(projected, point, point + extra, trigger)
    assert min_max(projected + first, point, point + extra, trigger) == 0

    lots = fixed_quantity(projected, point, D(extra), trigger)
    assert fixed_quantity(projected + lots, point, D(extra), trigger) == 0
    assert lots == 0 or fixed_quantity(projected + lots - extra, point, D(extra), trigger) == extra


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: MinMax(reorder_point=D(-1), order_up_to=D(1)), "reorder_point"),
        (lambda: MinMax(reorder_point=D(2), order_up_to=D(1)), "order_up_to"),
        (lambda: MinMax(reorder_point=D("NaN"), order_up_to=D(1)), "reorder_point"),
        (lambda: FixedQuantity(quantity=D(0)), "quantity"),
        (lambda: FixedQuantity(quantity=D(1), reorder_point=D(-1)), "reorder_point"),
        (lambda: OrderUpTo(review_days=0, first_review=TODAY), "review_days"),
        (lambda: FixedPeriod(period_days=0), "period_days"),
        (lambda: DaysOfCover(minimum_days=10, target_days=9), "target_days"),
        (lambda: EconomicQuantity(order_cost=D(0), holding_rate=D(1)), "order_cost"),
        (lambda: EconomicQuantity(order_cost=D(1), holding_rate=D(-1)), "holding_rate"),
        (lambda: WagnerWhitin(order_cost=D(1), holding_cost=D(-1)), "holding_cost"),
        (lambda: LastBuy(underage_cost=0, overage_cost=1, until=TODAY), "underage_cost"),
        (lambda: LastBuy(underage_cost=1, overage_cost=1, until=TODAY, deviation=1), "mean"),
        (lambda: LastBuy(underage_cost=1, overage_cost=1, until=TODAY, mean=1, seasons=(1,)), "seasons"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(make: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make()

    assert refused.value.field == field


def test_a_last_buy_of_yesterday_is_refused() -> None:
    with pytest.raises(Invalid, match="until: 2026-11-23 lies in the past"):
        LastBuy(underage_cost=1, overage_cost=1, until=date(2026, 11, 23)).check_today(TODAY)


def test_a_policy_is_kept_in_a_row_by_its_kind_and_comes_back_the_same() -> None:
    policy = MinMax(reorder_point=D(10), order_up_to=D("40.5"), trigger="at_or_below")

    assert msgspec.json.decode(msgspec.json.encode(policy), type=AnyPolicy) == policy
