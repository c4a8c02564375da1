"""From which shelves an order comes: rank, distance, fewest parcels; kits whole; nothing promised twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.shelves import Level, OrderedLine, Part, Site
from streamer.domain.sourcing import Sourced, Terms, allocate
from streamer.domain.supersession import Chains, Supersession

D = Decimal
TODAY = date(2026, 11, 24)


def site(location: str, rank: int = 1, distance: int | None = None, **on_hand: int | Level) -> Site:
    stock = {sku: level if isinstance(level, Level) else Level(on_hand=D(level)) for sku, level in on_hand.items()}
    return Site(location=location, rank=rank, distance_km=None if distance is None else D(distance), stock=stock)


def line(sku: str, quantity: int, **terms: Any) -> OrderedLine:
    return OrderedLine(**{"line": sku, "sku": sku, "quantity": D(quantity), **terms})


def picks(sourced: Sourced) -> list[tuple[str, str, Decimal]]:
    return [(pick.location, pick.sku, pick.quantity) for each in sourced.lines for pick in each.picks]


def test_the_location_of_the_lowest_rank_gives_first() -> None:
    sourced = allocate([line("A", 5)], [site("WEST", 2, A=9), site("EAST", 1, A=3)])

    assert picks(sourced) == [("EAST", "A", 3), ("WEST", "A", 2)]
    assert sourced.lines[0].decision == "approved"
    assert sourced.lines[0].reason == "all from EAST, WEST"


def test_the_nearest_location_gives_first() -> None:
    sourced = allocate([line("A", 5)], [site("FAR", 1, 800, A=9), site("NEAR", 9, 20, A=9)], Terms("nearest"))

    assert sourced.used == ("NEAR",)


def test_the_location_with_most_of_the_order_gives_first() -> None:
    sites = [site("SMALL", 1, A=2, B=1), site("LARGE", 2, A=2, B=5)]

    assert allocate([line("A", 2), line("B", 4)], sites, Terms("most_stock")).used == ("LARGE",)


def test_one_parcel_is_better_than_two_from_better_places() -> None:
    sites = [site("ONE", 1, A=5), site("TWO", 2, B=5), site("THREE", 3, A=5, B=5)]
    order = [line("A", 2), line("B", 2)]

    assert allocate(order, sites, Terms("rank")).used == ("ONE", "TWO")
    assert allocate(order, sites, Terms("fewest_splits")).used == ("THREE",)


def test_fewest_splits_never_gives_less_than_all_together_could() -> None:
    sites = [site("ONE", 1, A=3), site("TWO", 2, A=3), site("THREE", 3, A=1)]

    sourced = allocate([line("A", 7)], sites, Terms("fewest_splits"))

    assert sourced.lines[0].decision == "approved"
    assert len(sourced.used) == 3


def test_many_locations_are_searched_without_trying_all_combinations() -> None:
    sites = [site(f"L{index:02}", index, A=1) for index in range(30)] + [site("HUB", 99, A=20)]

    assert allocate([line("A", 20)], sites, Terms("fewest_splits")).used == ("HUB",)


def test_a_sum_over_locations_is_enough_where_no_single_one_is() -> None:
    # medusa 14987: each location alone was short, so the order was refused
    assert allocate([line("A", 6)], [site("X", A=3), site("Y", A=3)]).lines[0].decision == "approved"


def test_kits_are_given_whole_with_all_parts_from_one_shelf() -> None:
    brakes = line("BRAKES", 3, kit=(Part(sku="PAD", quantity_each=D(4)), Part(sku="DISC", quantity_each=D(2))))

    sourced = allocate([brakes], [site("X", 1, PAD=9, DISC=3), site("Y", 2, PAD=4, DISC=1)])

    assert picks(sourced) == [("X", "DISC", 2), ("X", "PAD", 4)]  # in the order of their SKUs
    assert (sourced.lines[0].decision, sourced.lines[0].approved, sourced.lines[0].waitlisted) == (
        "partly_approved",
        D(1),
        D(2),
    )


def test_a_part_taken_for_a_kit_is_not_there_for_the_next_line() -> None:
    kit = line("KIT", 2, kit=(Part(sku="A", quantity_each=D(3)),))

    sourced = allocate([kit, line("A", 2)], [site("X", A=7)])

    assert [each.approved for each in sourced.lines] == [2, 1]


def test_who_came_first_safety_stock_and_other_channels_are_left_alone() -> None:
    level = Level(on_hand=D(30), reserved=D(4), waitlisted=D(3), safety=D(6), share=D("0.5"))

    assert level.free == 7  # half of 20, less the 3 who wait
    assert allocate([line("A", 9)], [site("X", A=level)]).lines[0].approved == 7


def test_a_negative_level_gives_nothing() -> None:
    assert allocate([line("A", 1)], [site("X", A=Level(on_hand=D(-4)))]).lines[0].decision == "waitlisted"


@pytest.mark.parametrize(
    ("terms", "decision", "waits"),
    [
        ({}, "partly_approved", 3),
        ({"back_order_allowed": False}, "partly_approved", 0),
        ({"partial_allowed": False}, "waitlisted", 5),
        ({"partial_allowed": False, "back_order_allowed": False}, "rejected", 0),
    ],
)
def test_what_is_missing_waits_or_is_refused_as_the_line_allows(
    terms: dict[str, bool], decision: str, waits: int
) -> None:
    decided = allocate([line("A", 5, **terms)], [site("X", A=2)]).lines[0]

    assert (decided.decision, decided.waitlisted) == (decision, waits)


def test_all_or_nothing_takes_nothing_while_one_line_is_short() -> None:
    sourced = allocate([line("A", 2), line("B", 2)], [site("X", A=2, B=1)], Terms(all_or_nothing=True))

    assert picks(sourced) == []
    assert [each.decision for each in sourced.lines] == ["waitlisted", "waitlisted"]
    assert sourced.lines[0].reason == "all or nothing: B is short by 1"


def test_all_or_nothing_is_refused_when_a_line_may_not_wait() -> None:
    lines = [line("A", 2), line("B", 2, back_order_allowed=False)]

    decided = allocate(lines, [site("X", A=2, B=1)], Terms(all_or_nothing=True)).lines

    assert [each.decision for each in decided] == ["rejected", "rejected"]


def test_superseded_stock_is_used_up_at_each_location_before_its_successor() -> None:
    chains = Chains([Supersession(old="A", new="B")])

    sourced = allocate([line("A", 5)], [site("X", A=2, B=9)], Terms(chains=chains, on=TODAY))

    assert picks(sourced) == [("X", "A", 2), ("X", "B", 3)]
    assert sourced.lines[0].picks[1].hops == ("A", "B")


def test_what_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="lines: must not be empty"):
        allocate([], [site("X")])
    with pytest.raises(Invalid, match="locations: names a location twice"):
        allocate([line("A", 1)], [site("X"), site("X")])
    with pytest.raises(Invalid, match="lines: names a line twice"):
        allocate([line("A", 1), line("A", 1)], [site("X")])
    with pytest.raises(Invalid, match=r"locations\.0\.distance_km: is needed"):
        allocate([line("A", 1)], [site("X")], Terms("nearest"))


@given(
    stocks=st.lists(st.lists(st.integers(-3, 9), min_size=3, max_size=3), min_size=1, max_size=5),
    asked=st.lists(st.tuples(st.sampled_from(["A", "B", "C", "KIT"]), st.integers(1, 12)), min_size=1, max_size=5),
    rule=st.sampled_from(["rank", "most_stock", "fewest_splits"]),
    all_or_nothing=st.booleans(),
)
def test_each_unit_is_promised_once_whatever_the_rule(
    stocks: list[list[int]], asked: list[tuple[str, int]], rule: Any, all_or_nothing: bool
) -> None:
    sites = [site(f"L{index}", index, **dict(zip("ABC", levels, strict=True))) for index, levels in enumerate(stocks)]
    kit = (Part(sku="A", quantity_each=D(2)), Part(sku="B", quantity_each=D(1)))
    lines = [
        line(sku, quantity, line=str(index), kit=kit if sku == "KIT" else ())
        for index, (sku, quantity) in enumerate(asked)
    ]

    sourced = allocate(lines, sites, Terms(rule, all_or_nothing))

    taken: dict[tuple[str, str], Decimal] = {}
    for location, sku, quantity in picks(sourced):
        taken[location, sku] = taken.get((location, sku), D(0)) + quantity
    for each in sites:
        for sku, level in each.stock.items():
            assert taken.get((each.location, sku), D(0)) <= max(D(0), level.on_hand)
    for decided, given_line in zip(sourced.lines, lines, strict=True):
        assert decided.approved + decided.waitlisted <= given_line.quantity
        assert decided.approved == 0 or decided.picks
