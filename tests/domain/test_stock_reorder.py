"""When a stock row orders more, how much, from whom, and that it never orders twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain import stock
from streamer.messages.applied import AccountFacts
from streamer.messages.commands import NotifyCommand
from streamer.messages.purchasing import Need
from tests.domain.memory import Partition, of
from tests.domain.shop import KEY, ask, company, incoming, level, movement, offer, policy


def a_row(*events: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(), *events)
    return partition


def needs(partition: Partition) -> list[tuple[str, int]]:
    return [(need.supplier, int(need.quantity)) for need in of(Need, partition.sent)]


def test_below_the_reorder_point_it_orders_up_to_the_level() -> None:
    partition = a_row(policy(10, 30), offer(), level(9))
    (need,) = of(Need, partition.sent)
    assert (need.need_id, int(need.quantity), need.supplier) == (f"need:{KEY}/1", 21, "ACME")
    assert [int(number) for number in (need.why.on_hand, need.why.projected, need.why.wanted)] == [9, 9, 21]
    assert need.why.cause == "level 9 of warehouse"


def test_at_the_reorder_point_only_the_mode_that_says_so_orders() -> None:
    assert needs(a_row(policy(10, 30), offer(), level(10))) == []
    assert needs(a_row(policy(10, 30, trigger="at_or_below"), offer(), level(10))) == [("ACME", 20)]


def test_an_order_that_lands_exactly_on_the_level_is_not_followed_by_another() -> None:
    partition = a_row(policy(10, 10, trigger="at_or_below"), offer(), level(4), level(4, 1), level(4, 2))
    assert needs(partition) == [("ACME", 6)]


def test_its_own_open_need_counts_from_the_same_step_on() -> None:
    partition = a_row(policy(10, 30), offer(), level(9), level(8, 1), ask("1/1", 3))
    partition.tick(days=3)
    assert needs(partition) == [("ACME", 21)]
    partition.send(level(1, 5))
    assert needs(partition) == [("ACME", 21)]
    partition.send(ask("2/1", 14))
    assert needs(partition) == [("ACME", 21), ("ACME", 25)]


def test_a_changed_policy_orders_only_what_the_open_need_lacks() -> None:
    partition = a_row(policy(10, 30), offer(), level(9), policy(40, 50, version=2))
    assert needs(partition) == [("ACME", 21), ("ACME", 20)]


def test_the_order_that_purchasing_made_of_a_need_takes_its_place() -> None:
    partition = a_row(policy(10, 30), offer(), level(9))
    partition.send(incoming(f"need:{KEY}/1", 24, 1), incoming(f"need:{KEY}/1", 24, 2, state="confirmed"))
    assert partition.row(KEY).incoming[f"need:{KEY}/1"].quantity == 24
    assert needs(partition) == [("ACME", 21)]


def test_a_supplier_who_is_late_is_no_reason_to_order_twice_but_people_are_told() -> None:
    partition = a_row(policy(10, 30), offer(), level(9))
    outcome = partition.send(incoming(f"need:{KEY}/1", 21, 1, expected_date="2026-04-30"))
    assert needs(partition) == [("ACME", 21)]
    (notice,) = of(NotifyCommand, outcome)
    assert "2026-04-30" in notice.text
    partition.send(level(8, 5))
    assert len(of(NotifyCommand, partition.sent)) == 1


def test_what_was_received_is_not_ordered_again_before_a_level_counts_it() -> None:
    accounts = {"warehouse": AccountFacts(platform="odoo", authority=("main",))}
    partition = Partition(stock)
    partition.send(company(accounts=accounts), policy(10, 30), offer(), level(9))
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="received", received=Decimal(21)))
    assert partition.row(KEY).on_hand == 9
    partition.send(level(9, -1), ask("1/1", 1))
    assert needs(partition) == [("ACME", 21)]
    partition.send(level(29, 5))
    partition.tick(days=2)
    assert needs(partition) == [("ACME", 21)]


def test_what_was_received_is_there_where_nobody_gives_levels() -> None:
    partition = a_row(policy(10, 30), offer(), movement(9, "m1"))
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="received", received=Decimal(21)))
    assert partition.row(KEY).on_hand == 30
    assert needs(partition) == [("ACME", 21)]


def test_a_cancelled_order_is_needed_again_a_day_later_and_not_at_once() -> None:
    partition = a_row(policy(10, 30), offer(), level(9))
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="cancelled"), level(8, 1))
    assert needs(partition) == [("ACME", 21)]
    partition.tick(days=2)
    assert needs(partition) == [("ACME", 21), ("ACME", 22)]


def test_the_primary_supplier_is_taken_and_the_other_one_is_named() -> None:
    partition = a_row(policy(10, 30), offer("BOLT", rank=2, unit_price=Decimal("3.90")), offer("ACME"), level(9))
    (need,) = of(Need, partition.sent)
    assert need.why.alternative == "BOLT at 3.9 EUR, 2026-03-07: not taken, priority 2 comes after 1"
    partition = a_row(policy(10, 30), offer("BOLT", rank=2), offer("ACME", withdrawn=True), level(9))
    assert needs(partition) == [("BOLT", 21)]


def test_a_fresh_installation_orders_nothing_before_the_first_level() -> None:
    partition = a_row(policy(10, 30, automatic=True), offer())
    partition.tick(days=3)
    assert needs(partition) == []
    partition.send(level(12))
    assert needs(partition) == []


def test_what_somebody_waits_for_is_ordered_even_if_it_was_never_counted_but_not_at_once() -> None:
    partition = a_row(policy(10, 30, automatic=True), offer(), ask("1/1", 2))
    assert needs(partition) == []
    (need,) = of(Need, partition.tick(seconds=3600))
    assert (int(need.quantity), need.automatic) == (2, False)


def test_without_settings_or_a_known_supplier_nothing_is_ordered() -> None:
    partition = Partition(stock)
    partition.send(policy(10, 30), offer(), level(9))
    assert needs(partition) == []
    assert needs(a_row(policy(10, 30), offer("NOBODY"), level(9))) == []


def test_the_daily_look_orders_what_no_event_has_ordered() -> None:
    partition = Partition(stock)
    partition.send(policy(10, 30), offer(), level(9), company())
    partition.tick(days=1)
    (need,) = of(Need, partition.sent)
    assert need.why.cause == "daily reconciliation"


def test_the_time_by_which_it_is_needed_is_that_of_the_first_line_that_waits() -> None:
    partition = a_row(level(0), ask("1/1", 2, needed_by="2026-03-12"), ask("2/1", 1, needed_by="2026-03-09"), offer())
    (need,) = of(Need, partition.sent)
    assert (need.needed_by, int(need.quantity), need.automatic) == ("2026-03-09", 3, False)


def test_the_minimum_and_the_multiple_of_the_supplier_are_kept_and_said() -> None:
    suppliers_terms = offer(minimum_quantity=Decimal(25), order_multiple=Decimal(4))
    (need,) = of(Need, a_row(policy(10, 30), suppliers_terms, level(9)).sent)
    assert need.quantity == 28
    assert need.why.rounding == (
        "raised from 21 to the minimum order quantity 25",
        "rounded up from 25 to 28, a multiple of 4",
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=20),
    st.sampled_from(["up", "nearest", "down", "up_within_maximum"]),
    st.sampled_from(["below", "at_or_below"]),
    st.integers(1, 7),
)
def test_open_needs_and_stock_never_pass_the_maximum_by_more_than_one_multiple(
    levels: list[int], rounding: str, trigger: str, multiple: int
) -> None:
    """Levels that fall and stay: what is open and what lies there is at most one rounding step above the maximum."""
    partition = a_row(policy(10, 20, rounding=rounding, trigger=trigger), offer(order_multiple=Decimal(multiple)))
    for minute, quantity in enumerate(sorted(levels, reverse=True)):
        partition.send(level(quantity, minute))
        row = partition.row(KEY)
        ordered = sum(need.quantity for need in row.incoming.values())
        assert row.on_hand + ordered < 20 + multiple or not ordered
        before = len(of(Need, partition.sent))
        partition.send(level(quantity, minute + 0.5))
        partition.tick(days=1)
        assert len(of(Need, partition.sent)) == before
