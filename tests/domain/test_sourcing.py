"""Which locations serve an order best: most stock first, or the fewest that give all that all could."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given as whatever
from hypothesis import strategies as st

from streamer.domain.sourcing import Offers, Wanted, best_first, given


def offers(**sites: dict[str, int]) -> Offers:
    return {site: {sku: Decimal(quantity) for sku, quantity in stock.items()} for site, stock in sites.items()}


def wanted(**skus: int) -> list[Wanted]:
    return [Wanted(sku, Decimal(quantity)) for sku, quantity in skus.items()]


def test_the_location_with_most_of_the_order_comes_first() -> None:
    there = offers(SMALL={"A": 2, "B": 1}, LARGE={"A": 2, "B": 5})

    assert best_first(wanted(A=2, B=4), there, "most_stock") == ("LARGE", "SMALL")


def test_of_two_with_as_much_the_better_rank_comes_first() -> None:
    assert best_first(wanted(A=2), offers(ONE={"A": 2}, TWO={"A": 9}), "most_stock") == ("ONE", "TWO")


def test_one_parcel_is_better_than_two_from_better_places() -> None:
    there = offers(ONE={"A": 5}, TWO={"B": 5}, THREE={"A": 5, "B": 5})

    assert best_first(wanted(A=2, B=2), there, "fewest_splits") == ("THREE",)
    assert best_first(wanted(A=2, B=2), there, "rank") == ("ONE", "TWO", "THREE")


def test_fewest_splits_never_gives_less_than_all_together_could() -> None:
    assert best_first(wanted(A=7), offers(ONE={"A": 3}, TWO={"A": 3}, THREE={"A": 1}), "fewest_splits") == (
        "ONE",
        "TWO",
        "THREE",
    )


def test_where_nothing_is_there_nobody_is_needed() -> None:
    assert best_first(wanted(A=7), offers(ONE={}, TWO={"A": 0}), "fewest_splits") == ()


def test_many_locations_are_searched_without_trying_all_combinations() -> None:
    there = offers(**{f"L{index:02}": {"A": 1} for index in range(30)}, HUB={"A": 20})

    assert best_first(wanted(A=20), there, "fewest_splits") == ("HUB",)


def test_lines_with_one_sku_take_from_one_stock() -> None:
    both = [Wanted("A", Decimal(3)), Wanted("A", Decimal(3))]

    assert given(both, offers(ONE={"A": 4}), ("ONE",)) == 4
    assert best_first(both, offers(ONE={"A": 4}, TWO={"A": 6}), "fewest_splits") == ("TWO",)


@whatever(
    st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=2), min_size=1, max_size=6), st.integers(1, 9),
    st.integers(1, 9), st.sampled_from(["rank", "nearest", "most_stock", "fewest_splits"]),
)  # fmt: skip
def test_whatever_the_rule_nothing_is_lost_by_it(stocks: list[list[int]], first: int, second: int, rule: str) -> None:
    there = offers(**{f"L{place}": dict(zip("AB", stock, strict=True)) for place, stock in enumerate(stocks)})
    order = wanted(A=first, B=second)

    assert given(order, there, best_first(order, there, rule)) == given(order, there, tuple(there))  # type: ignore[arg-type]
