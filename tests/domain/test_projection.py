"""What will be there when an order placed today arrives."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.demand import Booked
from streamer.domain.projection import (
    Receipt,
    Stock,
    net_requirements,
    project,
    receipts_by_day,
    run_out,
    stock_by_day,
)

D = Decimal
TODAY = date(2026, 11, 24)
ARRIVAL = TODAY + timedelta(days=5)


def numbers(text: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(word) for word in text.split())


def receipt(quantity: int, days: int | None, **terms: Any) -> Receipt:
    return Receipt(quantity=D(quantity), expected=None if days is None else TODAY + timedelta(days=days), **terms)


def projected(*receipts: Receipt, jobs: tuple[Booked, ...] = (), **stock: int) -> Decimal:
    levels = {name: Decimal(quantity) for name, quantity in stock.items()}
    return project(Stock(**levels), receipts, TODAY, ARRIVAL, jobs).projected


def test_on_hand_and_incoming_less_everything_that_is_promised() -> None:
    jobs = (Booked(day=ARRIVAL, quantity=D(4), reserved=D(1)), Booked(day=ARRIVAL + timedelta(days=1), quantity=D(9)))

    left = projected(receipt(10, 3), jobs=jobs, on_hand=20, reserved=5, waitlisted=2, safety=3)

    assert left == 20 + 10 - 5 - 2 - 3 - 3


def test_a_receipt_counts_up_to_the_day_of_arrival_and_not_after() -> None:
    # OCA stock-logistics-warehouse 582: an order of far in the future hid a shortage
    assert projected(receipt(10, 5), on_hand=1) == 11
    assert projected(receipt(10, 6), on_hand=1) == 1


def test_open_and_draft_orders_count_so_that_a_second_run_orders_nothing() -> None:
    assert projected(receipt(10, 5, draft=True), on_hand=1) == 11


def test_an_order_without_a_date_counts_since_it_would_be_ordered_again() -> None:
    assert projected(receipt(10, None), on_hand=1) == 11


def test_a_postponed_order_of_this_rule_is_not_ordered_again() -> None:
    # Odoo 31490, 33798: a postponed receipt gave a second order
    assert projected(receipt(10, 60, own=True), on_hand=1) == 11


def test_overdue_and_late_receipts_are_told() -> None:
    overdue = receipt(3, -4, reference="ACME-7")
    late = receipt(10, 60, own=True, reference="ACME-8")

    told = project(Stock(on_hand=D(0)), (overdue, late, receipt(5, 2)), TODAY, ARRIVAL).overdue

    assert told == (
        "ACME-7 of 3, due 2026-11-20, counts",
        "ACME-8 of 10, due 2027-01-23, counts",
    )


def test_stock_below_nothing_stays_below_nothing() -> None:
    assert projected(on_hand=-4, reserved=1) == -5


def test_a_safety_stock_that_was_worked_out_replaces_the_buffer() -> None:
    stock = Stock(on_hand=D(10), safety=D(2))

    assert project(stock, (), TODAY, ARRIVAL, safety=D(5)).projected == 5


def test_the_curve_shows_when_stock_runs_out() -> None:
    by_day = stock_by_day(D(5), receipts_by_day([receipt(4, 2), receipt(9, 30)], TODAY, 5), numbers("3 3 3 3 3"))

    assert by_day == numbers("2 -1 0 -3 -6")
    assert run_out(by_day, TODAY) == TODAY + timedelta(days=1)
    assert run_out(numbers("1 0"), TODAY) is None


def test_net_requirements_are_what_new_lots_must_cover() -> None:
    # material requirements planning: 35 there, 20 arrive in the second week, gross 10 40 30
    assert net_requirements(D(35), numbers("0 20 0"), numbers("10 40 30")) == numbers("0 0 25")


def test_a_shortage_that_is_there_already_is_missing_on_the_first_day() -> None:
    assert net_requirements(D(-5), numbers("0 0"), numbers("1 1")) == numbers("6 1")


@given(
    opening=st.integers(-20, 50),
    flows=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12),
)
def test_with_its_net_requirements_stock_never_ends_a_day_below_nothing(
    opening: int, flows: list[tuple[int, int]]
) -> None:
    receipts = [D(arrived) for arrived, _ in flows]
    demand = [D(needed) for _, needed in flows]

    net = net_requirements(D(opening), receipts, demand)

    covered = [arrived + missing for arrived, missing in zip(receipts, net, strict=True)]
    assert min(stock_by_day(D(opening), covered, demand)) >= 0


def test_a_negative_receipt_is_refused() -> None:
    with pytest.raises(Invalid, match="quantity: must not be negative"):
        receipt(-1, 0)
