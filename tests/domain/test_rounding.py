"""What a supplier sells is not always what is wanted: minimum, multiple, boxes, and the largest lot."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.rounding import RoundingMode, check_lot, round_in_purchase_units, round_quantity, split

D = Decimal
small = st.integers(1, 500).map(Decimal)


def test_a_whole_multiple_above_the_minimum_is_taken_as_it_is() -> None:
    assert round_quantity(D(40), minimum=D(10), multiple=D(10)) == (D(40), ())


@pytest.mark.parametrize(
    ("mode", "wanted", "ordered"),
    [("up", 21, 30), ("nearest", 24, 20), ("nearest", 25, 30), ("down", 29, 20), ("up_within_maximum", 21, 30)],
)
def test_the_mode_of_rounding_has_a_name(mode: RoundingMode, wanted: int, ordered: int) -> None:
    rounded = round_quantity(D(wanted), multiple=D(10), mode=mode)

    assert rounded.quantity == ordered
    assert f"from {wanted} to {ordered}" in rounded.steps[0]


def test_odoo_since_19_orders_above_the_maximum_and_17_2_stopped_below_it() -> None:
    # maximum 10, nothing there, sold in packs of 4
    assert round_quantity(D(10), multiple=D(4), mode="up").quantity == 12
    assert round_quantity(D(10), multiple=D(4), mode="up_within_maximum", room=D(10)).quantity == 8


def test_where_no_pack_fits_below_the_maximum_nothing_is_ordered_and_the_words_say_so() -> None:
    rounded = round_quantity(D(3), multiple=D(4), mode="up_within_maximum", room=D(3))

    assert rounded.quantity == 0
    assert "nothing ordered" in rounded.steps[-1]


def test_the_minimum_order_quantity_comes_before_the_multiple() -> None:
    rounded = round_quantity(D(7), minimum=D(25), multiple=D(10))

    assert rounded.quantity == 30
    assert rounded.steps == (
        "raised from 7 to the minimum order quantity 25",
        "rounded up from 25 to 30, a multiple of 10",
    )


def test_rounding_down_never_goes_below_the_minimum_order_quantity() -> None:
    assert round_quantity(D(7), minimum=D(25), multiple=D(10), mode="down").quantity == 30


def test_rounding_down_a_part_of_one_pack_orders_nothing_and_says_why() -> None:
    assert round_quantity(D(7), multiple=D(10), mode="down") == (
        D(0),
        (
            "rounded down from 7 to 0, a multiple of 10",
            "nothing ordered: less than one multiple is wanted",
        ),
    )


@pytest.mark.parametrize("mode", ["down", "up_within_maximum"])
def test_when_somebody_waits_the_smallest_lawful_quantity_is_ordered(mode: RoundingMode) -> None:
    rounded = round_quantity(D(3), minimum=D(0), multiple=D(4), mode=mode, room=D(3), urgent=True)

    assert rounded.quantity == 4
    assert rounded.steps[-1] == "raised to 4 all the same, because somebody waits"


def test_boxes_of_twelve_are_ordered_whole() -> None:
    rounded = round_in_purchase_units(D(30), units_each=D(12), unit="box", minimum=D(2))

    assert rounded.quantity == 36
    assert rounded.steps == (
        "30 stock units are 2.5 box of 12",
        "rounded up from 2.5 box to 3 box, a multiple of 1",
        "3 box are 36 stock units",
    )


def test_more_than_the_maximum_lot_becomes_several_orders() -> None:
    assert split(D(250), maximum=D(100)) == (
        (D(100), D(100), D(50)),
        ("split by the maximum lot of 100 into 100 + 100 + 50",),
    )


def test_a_last_lot_below_the_minimum_borrows_from_the_one_before() -> None:
    assert split(D(130), maximum=D(100), minimum=D(50)).quantities == (D(80), D(50))


def test_a_last_lot_that_cannot_borrow_is_raised_to_the_minimum() -> None:
    assert split(D(130), maximum=D(100), minimum=D(90)).quantities == (D(100), D(90))


@given(wanted=small, minimum=small, multiple=small, mode=st.sampled_from(get_args(RoundingMode)), room=small)
def test_what_is_ordered_is_always_lawful(
    wanted: Decimal, minimum: Decimal, multiple: Decimal, mode: RoundingMode, room: Decimal
) -> None:
    quantity, steps = round_quantity(wanted, minimum=minimum, multiple=multiple, mode=mode, room=room)

    assert quantity % multiple == 0
    assert quantity == 0 or quantity >= minimum
    assert steps or quantity == wanted
    if mode == "up":
        assert quantity >= wanted
    if mode == "up_within_maximum":
        assert quantity <= room
    if mode == "down" and wanted >= minimum and quantity > wanted:
        assert quantity - multiple < minimum


@given(lots=st.integers(1, 900), multiple=small, minimum=st.integers(0, 5), extra=st.integers(0, 20))
def test_a_split_orders_at_least_all_of_it_in_lawful_lots(
    lots: int, multiple: Decimal, minimum: int, extra: int
) -> None:
    maximum = multiple * (max(minimum, 1) + extra)
    quantities = split(multiple * lots, maximum=maximum, multiple=multiple, minimum=multiple * minimum).quantities

    assert sum(quantities) >= multiple * lots
    assert all(lot <= maximum and lot % multiple == 0 for lot in quantities)
    assert len(quantities) == 1 or all(lot >= multiple * minimum for lot in quantities)


@pytest.mark.parametrize(
    ("minimum", "multiple", "maximum", "field"),
    [
        (D(-1), D(1), None, "minimum_quantity"),
        (D("NaN"), D(1), None, "minimum_quantity"),
        (D(0), D(0), None, "order_multiple"),
        (D(0), D("Infinity"), None, "order_multiple"),
        (D(0), D(10), D(9), "maximum_lot"),
        (D(25), D(10), D(29), "maximum_lot"),
    ],
)
def test_lot_rules_that_no_quantity_can_meet_are_refused_by_name(
    minimum: Decimal, multiple: Decimal, maximum: Decimal | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check_lot(minimum, multiple, maximum)

    assert refused.value.field == field


def test_a_maximum_lot_that_would_give_thousands_of_orders_is_refused() -> None:
    with pytest.raises(Invalid, match="maximum_lot: would split 10000000 into more than 1000 orders"):
        split(D(10_000_000), maximum=D(2))
