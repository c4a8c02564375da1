"""What lies there, and how much of it may be given."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.shelves import Level, OrderedLine, Part, Site

D = Decimal


def test_safety_stock_those_who_wait_and_other_channels_are_left_alone() -> None:
    assert Level(on_hand=D(30), reserved=D(4), waitlisted=D(3), safety=D(6), share=D("0.5")).free == 7


def test_a_share_is_given_in_whole_units() -> None:
    assert Level(on_hand=D(9), share=D("0.5")).free == 4
    assert Level(on_hand=D("9.5")).free == D("9.5")


def test_what_cannot_lie_there_or_be_ordered_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="on_hand: NaN is not a number"):
        Level(on_hand=D("NaN"))
    with pytest.raises(Invalid, match="share: must be at most 1"):
        Level(on_hand=D(1), share=D(2))
    with pytest.raises(Invalid, match="distance_km: must not be negative"):
        Site(location="X", stock={}, distance_km=D(-1))
    with pytest.raises(Invalid, match="quantity: must be above 0"):
        OrderedLine(line="1", sku="A", quantity=D(0))
    with pytest.raises(Invalid, match="quantity_each: must be above 0"):
        Part(sku="A", quantity_each=D(0))
    with pytest.raises(Invalid, match="kit: names a part twice"):
        OrderedLine(
            line="1",
            sku="K",
            quantity=D(1),
            kit=(Part(sku="A", quantity_each=D(1)), Part(sku="A", quantity_each=D(1))),
        )
