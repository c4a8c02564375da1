"""Part numbers change: old stock is used up first, each hop is kept, and no chain bites its tail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.supersession import Chains, Supersession, explain

D = Decimal
TODAY = date(2026, 11, 24)


def link(old: str, new: str, **terms: Any) -> Supersession:
    return Supersession(old=old, new=new, **terms)


def stock(**quantities: int) -> dict[str, Decimal]:
    return {sku: Decimal(quantity) for sku, quantity in quantities.items()}


def skus(chains: Chains, sku: str) -> list[str]:
    return [source.sku for source in chains.sources(sku, TODAY)]


def test_the_old_parts_stock_is_used_up_before_the_new_one_is_taken() -> None:
    chains = Chains([link("A", "B"), link("B", "C")])

    served = chains.serve("A", D(10), stock(A=3, B=4, C=50), TODAY)

    assert [(each.sku, each.quantity) for each in served] == [("A", 3), ("B", 4), ("C", 3)]
    assert served[2].hops == ("A", "B", "C")
    assert explain(served, "A", D(10)) == (
        "3 of A",
        "4 of B instead of A (A > B)",
        "3 of C instead of A (A > B > C)",
    )


def test_an_old_part_does_not_serve_the_new_one_unless_both_fit_each_other() -> None:
    assert skus(Chains([link("A", "B")]), "B") == ["B"]
    assert skus(Chains([link("A", "B", interchange="both")]), "B") == ["A", "B"]


def test_interchange_over_two_hops_takes_the_oldest_first() -> None:
    chains = Chains([link("A", "B", interchange="both"), link("B", "C", interchange="both")])

    assert skus(chains, "C") == ["A", "B", "C"]
    assert skus(chains, "B") == ["A", "B", "C"]


def test_one_way_in_the_middle_stops_the_way_back() -> None:
    chains = Chains([link("A", "B", interchange="both"), link("B", "C")])

    assert skus(chains, "C") == ["C"]


def test_a_part_that_must_not_be_sold_any_more_comes_after_its_successor() -> None:
    chains = Chains([link("A", "B", use_up=False), link("B", "C")])

    assert skus(chains, "A") == ["B", "A", "C"]


def test_two_new_parts_for_one_old_are_taken_in_pairs() -> None:
    chains = Chains([link("PAIR", "SINGLE", quantity_each=D(2))])

    served = chains.serve("PAIR", D(4), stock(PAIR=1, SINGLE=5), TODAY)

    assert [(each.sku, each.quantity, each.serves) for each in served] == [("PAIR", 1, 1), ("SINGLE", 4, 2)]
    assert explain(served, "PAIR", D(4))[-1] == "1 of PAIR missing"


def test_a_supersession_of_next_month_changes_nothing_today() -> None:
    chains = Chains([link("A", "B", valid_from=date(2026, 12, 1))])

    assert chains.latest("A", TODAY).sku == "A"
    assert chains.latest("A", date(2026, 12, 1)).hops == ("A", "B")


def test_orders_go_to_the_end_of_the_chain() -> None:
    chains = Chains([link("A", "B", quantity_each=D(2)), link("B", "C", quantity_each=D(3))])

    assert chains.latest("A", TODAY) == ("C", D(6), ("A", "B", "C"))


def test_the_demand_history_of_all_predecessors_is_carried_over() -> None:
    chains = Chains([link("A", "C"), link("B", "C"), link("Z", "A")])

    assert chains.predecessors("C") == ("A", "B", "Z")


@pytest.mark.parametrize(
    ("pairs", "hops"), [(["AA"], "A > A"), (["AB", "BA"], "B > A > B"), (["AB", "BC", "CA"], "C > A > B > C")]
)
def test_a_circular_supersession_is_refused_with_its_hops(pairs: list[str], hops: str) -> None:
    with pytest.raises(Invalid, match=f"circular supersession: {hops}") as refused:
        Chains(link(pair[0], pair[1]) for pair in pairs)

    assert refused.value.field == f"supersessions.{len(pairs) - 1}.new"


def test_a_part_replaced_by_two_others_is_refused() -> None:
    with pytest.raises(Invalid, match=r"supersessions\.1\.old: A is already superseded by B"):
        Chains([link("A", "B"), link("A", "C")])


def test_a_link_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="new: must not be empty"):
        link("A", "")
    with pytest.raises(Invalid, match="quantity_each: must be above 0"):
        link("A", "B", quantity_each=D(0))


@given(
    pairs=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.booleans(), st.booleans()), max_size=10),
    quantities=st.lists(st.integers(0, 9), min_size=8, max_size=8),
    asked=st.integers(1, 40),
)
def test_never_more_is_taken_than_is_there_and_no_part_twice(
    pairs: list[tuple[int, int, bool, bool]], quantities: list[int], asked: int
) -> None:
    links: list[Supersession] = []
    for old, new, both, use_up in pairs:
        candidate = link(str(old), str(new), interchange="both" if both else "one_way", use_up=use_up)
        try:
            Chains([*links, candidate])
        except Invalid:
            continue
        links.append(candidate)
    available = {str(index): Decimal(quantity) for index, quantity in enumerate(quantities)}

    served = Chains(links).serve("0", D(asked), available, TODAY)

    assert len({each.sku for each in served}) == len(served)
    assert all(each.quantity <= available[each.sku] for each in served)
    assert sum(each.serves for each in served) <= asked
