"""Who gets stock, who waits, and what happens when less lies there than was promised."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamer.domain import stock
from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import AccountFacts
from streamer.messages.commands import NotifyCommand
from streamer.messages.orders import KitPart, LineDecision
from streamer.messages.recalls import PartHolding
from streamer.messages.stock import Hold, ItemFacts, RowRelease
from tests.domain.memory import Partition, of
from tests.domain.shop import (
    KEY,
    SKU,
    ask,
    at,
    company,
    incoming,
    level,
    movement,
    policy,
    release,
    shipped,
    shop_level,
)


def a_row(*events: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(), *events)
    return partition


def the_decision(outcome: list[Any]) -> LineDecision:
    (only,) = of(LineDecision, outcome)
    return only


def says(decision: LineDecision) -> tuple[str, int, int, int]:
    return decision.state, int(decision.approved), int(decision.waitlisted), int(decision.rejected)


def standing(partition: Partition) -> dict[str, tuple[str, int, int, int]]:
    """What every line was told last."""
    return {decision.line_key: says(decision) for decision in of(LineDecision, partition.sent)}


def facts(**changes: Any) -> ItemFacts:
    return ItemFacts(**({"location": "main", "sku": SKU, "version": "1", "source": "settings"} | changes))


def test_a_sku_that_nobody_knows_is_rejected_by_name_of_the_location() -> None:
    decision = the_decision(a_row().send(ask("1/1", 2)))
    assert says(decision) == ("rejected", 0, 0, 2)
    assert decision.reason == "unknown SKU at main"


def test_a_line_is_approved_while_there_is_enough() -> None:
    partition = a_row(level(5))
    assert says(the_decision(partition.send(ask("1/1", 3)))) == ("approved", 3, 0, 0)
    assert says(the_decision(partition.send(ask("2/1", 3)))) == ("partly_approved", 2, 1, 0)
    assert says(the_decision(partition.send(ask("3/1", 1)))) == ("waitlisted", 0, 1, 0)
    assert partition.row(KEY).reserved == 5


def test_the_answer_names_the_order_of_a_kit_component_too() -> None:
    partition = a_row(level(5))
    event = ask("1/1", 1, line_key=f"shop/1/1/{SKU}", order_key="shop/1")
    assert the_decision(partition.send(event)).order_key == "shop/1"
    partition.send(level(0, 1))
    assert {decision.order_key for decision in of(LineDecision, partition.sent)} == {"shop/1"}


def test_a_line_must_begin_with_the_key_of_its_order() -> None:
    with pytest.raises(Malformed, match="line_key"):
        a_row(level(5)).send(ask("1/1", 1, order_key="other/1"))


def test_a_line_that_takes_all_or_nothing_waits_for_all() -> None:
    partition = a_row(level(2))
    assert says(the_decision(partition.send(ask("1/1", 3, partial_allowed=False)))) == ("waitlisted", 0, 3, 0)
    assert says(the_decision(partition.send(level(3, 1)))) == ("approved", 3, 0, 0)


def test_a_line_that_may_not_wait_is_rejected_with_the_figures() -> None:
    partition = a_row(level(2))
    decision = the_decision(partition.send(ask("1/1", 3, back_order_allowed=False)))
    assert says(decision) == ("partly_approved", 2, 0, 1)
    decision = the_decision(partition.send(ask("2/1", 1, back_order_allowed=False)))
    assert says(decision) == ("rejected", 0, 0, 1)
    assert decision.reason == "not enough stock: 0 available"


def test_the_waitlist_is_served_in_the_order_in_which_lines_came() -> None:
    partition = a_row(level(0), ask("1/1", 2), ask("2/1", 1), ask("3/1", 1))
    outcome = of(LineDecision, partition.send(level(3, 1)))
    assert [(d.line_key, says(d)) for d in outcome] == [
        ("shop/1/1", ("approved", 2, 0, 0)),
        ("shop/2/1", ("approved", 1, 0, 0)),
    ]


def test_a_large_head_blocks_those_behind_it() -> None:
    partition = a_row(level(1), ask("1/1", 5, partial_allowed=False), ask("2/1", 1))
    assert standing(partition)["shop/2/1"] == ("waitlisted", 0, 1, 0)
    partition.send(release("1/1"))
    assert standing(partition)["shop/2/1"] == ("approved", 1, 0, 0)


def test_a_higher_priority_goes_first() -> None:
    partition = a_row(level(0), ask("1/1", 1), ask("2/1", 1, priority=5), level(1, 1))
    assert standing(partition)["shop/2/1"] == ("approved", 1, 0, 0)
    assert standing(partition)["shop/1/1"] == ("waitlisted", 0, 1, 0)


def test_whoever_wants_fewer_gives_back_at_once() -> None:
    partition = a_row(level(5), ask("1/1", 5), ask("2/1", 2))
    outcome = of(LineDecision, partition.send(ask("1/1", 2, revision=2)))
    assert {d.line_key: says(d) for d in outcome} == {
        "shop/1/1": ("approved", 2, 0, 0),
        "shop/2/1": ("approved", 2, 0, 0),
    }
    assert outcome[-1].revision in (1, 2)


def test_whoever_wants_more_asks_for_the_difference_behind_the_waitlist() -> None:
    partition = a_row(level(2), ask("1/1", 2), ask("2/1", 2), ask("1/1", 3, revision=2), level(4, 1))
    assert standing(partition) == {"shop/1/1": ("partly_approved", 2, 1, 0), "shop/2/1": ("approved", 2, 0, 0)}


def test_an_older_revision_that_comes_late_changes_nothing() -> None:
    partition = a_row(level(5), ask("1/1", 2, revision=3))
    assert partition.send(ask("1/1", 5, revision=2)) == []
    assert partition.send(release("1/1", revision=3)) == []
    assert partition.row(KEY).reserved == 2


def test_a_released_line_can_be_asked_for_again_only_by_a_higher_revision() -> None:
    partition = a_row(level(5), ask("1/1", 2), release("1/1", revision=2))
    assert partition.send(ask("1/1", 2, revision=2)) == []
    assert says(the_decision(partition.send(ask("1/1", 2, revision=3)))) == ("approved", 2, 0, 0)


def test_what_has_left_is_not_there_any_more() -> None:
    partition = a_row(level(5), ask("1/1", 2), shipped("1/1", 2, minutes=1))
    row = partition.row(KEY)
    assert (row.on_hand, row.reserved, row.lines) == (3, 0, {})


def test_what_has_left_before_the_level_was_taken_is_counted_by_it() -> None:
    partition = a_row(level(5), ask("1/1", 2), level(3, 10), shipped("1/1", 2, minutes=5))
    assert partition.row(KEY).on_hand == 3
    assert partition.row(KEY).reserved == 0


def test_a_later_level_takes_over_what_had_left_before_it() -> None:
    partition = a_row(level(5), ask("1/1", 2), shipped("1/1", 1, minutes=5), shipped("1/1", 2, minutes=9), level(4, 6))
    assert partition.row(KEY).on_hand == 3


def test_a_line_that_was_shipped_before_we_heard_of_it_leaves_the_shelf() -> None:
    partition = a_row(level(5), shipped("9/1", 2, minutes=5))
    assert partition.row(KEY).on_hand == 3
    assert partition.send(ask("9/1", 2)) == []


def test_an_older_level_changes_nothing() -> None:
    partition = a_row(level(5, 10))
    assert partition.send(level(9, 5)) == []
    assert partition.row(KEY).on_hand == 5


def test_of_two_levels_of_one_moment_the_lower_holds() -> None:
    assert a_row(level(5), level(3)).row(KEY).on_hand == 3
    assert a_row(level(3), level(5)).row(KEY).on_hand == 3


def test_a_level_from_a_wrong_clock_is_refused() -> None:
    with pytest.raises(Refused, match="future"):
        a_row().send(level(5, 60 * 48))


def test_only_the_authority_sets_levels() -> None:
    partition = Partition(stock)
    accounts = {
        "warehouse": AccountFacts(platform="odoo", authority=("main",)),
        "shop": AccountFacts(platform="shopify", counts="available"),
    }
    partition.send(company(accounts=accounts), level(5))
    with pytest.raises(Ignored):
        partition.send(shop_level(9, 5))
    with pytest.raises(Ignored):
        partition.send(movement(4, "m1"))
    assert partition.row(KEY).on_hand == 5


def test_movements_count_once_where_nobody_gives_levels() -> None:
    partition = a_row(movement(5, "m1"), movement(-2, "m2"))
    assert partition.row(KEY).on_hand == 3
    assert says(the_decision(partition.send(ask("1/1", 4)))) == ("partly_approved", 3, 1, 0)
    assert says(the_decision(partition.send(movement(1, "m3")))) == ("approved", 4, 0, 0)


def test_a_movement_is_forgotten_only_when_it_is_too_old_to_come_again() -> None:
    partition = a_row(movement(5, "m1"))
    partition.tick(days=41)
    with pytest.raises(Refused, match="older"):
        partition.send(movement(5, "m1"))
    assert [key for key in partition.rows if key.startswith("/moved/")] == []


def available_stories() -> list[tuple[str, list[Any], list[Any]]]:
    order = ask("1/1", 4, placed_at=at(5))
    return [
        ("enough", [shop_level(7, 0), order, shop_level(3, 6)], [shop_level(7, 0), shop_level(3, 6), order]),
        ("short", [shop_level(3, 0), order, shop_level(-1, 6)], [shop_level(3, 0), shop_level(-1, 6), order]),
        ("none", [shop_level(0, 0), order, shop_level(-4, 6)], [shop_level(0, 0), shop_level(-4, 6), order]),
        ("exact", [shop_level(4, 0), order, shop_level(0, 6)], [shop_level(4, 0), shop_level(0, 6), order]),
    ]


@pytest.mark.parametrize(("name", "order_first", "level_first"), available_stories())
def test_the_shops_own_orders_are_not_taken_off_twice_whichever_comes_first(
    name: str, order_first: list[Any], level_first: list[Any]
) -> None:
    one, other = a_row(*order_first), a_row(*level_first)
    expected = {"enough": (4, 0), "short": (3, 1), "none": (0, 4), "exact": (4, 0)}[name]
    for partition in (one, other):
        _, approved, waitlisted, _ = standing(partition)["shop/1/1"]
        assert (approved, waitlisted) == expected
        assert partition.row(KEY).on_hand == {"enough": 7, "short": 3, "none": 0, "exact": 4}[name]


def test_what_the_shop_has_set_aside_is_not_given_to_others() -> None:
    partition = a_row(shop_level(0, 6), ask("7/1", 2, account="workshop"), ask("1/1", 4, placed_at=at(5)))
    assert standing(partition) == {"workshop/7/1": ("waitlisted", 0, 2, 0), "shop/1/1": ("approved", 4, 0, 0)}


def test_orders_of_other_accounts_are_taken_off_what_the_shop_calls_available() -> None:
    partition = a_row(shop_level(5, 0), ask("7/1", 4, account="workshop"), ask("8/1", 2, account="workshop"))
    assert standing(partition)["workshop/8/1"] == ("partly_approved", 1, 1, 0)


def test_a_shipped_order_of_the_shop_leaves_its_available_level_as_it_is() -> None:
    partition = a_row(shop_level(3, 6), ask("1/1", 4, placed_at=at(5)), shipped("1/1", 4, minutes=20))
    row = partition.row(KEY)
    assert (row.on_hand, row.reserved) == (3, 0)
    assert says(the_decision(partition.send(ask("7/1", 4, account="workshop")))) == ("partly_approved", 3, 1, 0)


def test_a_shop_order_that_grew_is_set_aside_in_full_only_by_a_level_after_the_change() -> None:
    partition = a_row(shop_level(3, 6), ask("1/1", 4, placed_at=at(5)))
    grown = ask("1/1", 6, revision=2, placed_at=at(5), changed_at=at(8))
    partition.send(grown)
    assert partition.row(KEY).on_hand == 7
    assert standing(partition)["shop/1/1"] == ("approved", 6, 0, 0)
    partition.send(shop_level(1, 9))
    assert partition.row(KEY).on_hand == 7


def test_when_less_lies_there_than_was_promised_the_youngest_waits_and_people_are_told() -> None:
    partition = a_row(level(5), ask("1/1", 2), ask("2/1", 2), ask("3/1", 1, priority=9))
    outcome = partition.send(level(3, 5))
    (notice,) = of(NotifyCommand, outcome)
    assert notice.severity == "urgent"
    assert "shop/2/1" in notice.text
    assert standing(partition) == {
        "shop/1/1": ("approved", 2, 0, 0),
        "shop/2/1": ("waitlisted", 0, 2, 0),
        "shop/3/1": ("approved", 1, 0, 0),
    }
    partition.send(level(5, 6))
    assert standing(partition)["shop/2/1"] == ("approved", 2, 0, 0)


def test_a_line_that_lost_its_stock_waits_before_those_who_never_had_any() -> None:
    partition = a_row(level(2), ask("1/1", 2), ask("2/1", 1), level(0, 1), level(2, 2))
    assert standing(partition) == {"shop/1/1": ("approved", 2, 0, 0), "shop/2/1": ("waitlisted", 0, 1, 0)}


def test_safety_stock_is_never_promised() -> None:
    partition = a_row(policy(0, 0, safety=Decimal(2)), level(5))
    assert says(the_decision(partition.send(ask("1/1", 4)))) == ("partly_approved", 3, 1, 0)


def test_a_reservation_of_a_cart_expires() -> None:
    partition = a_row(level(2), ask("1/1", 2, expires_at=at(30)), ask("2/1", 2))
    assert partition.tick(seconds=60 * 29) == []
    decisions = of(LineDecision, partition.tick(seconds=60))
    assert [(d.line_key, d.state) for d in decisions] == [("shop/1/1", "released"), ("shop/2/1", "approved")]


def test_a_kit_and_a_superseded_part_say_what_to_ask_for_instead() -> None:
    parts = (KitPart(sku="FILTER", quantity_each=Decimal(1)), KitPart(sku="OIL", quantity_each=Decimal("4.5")))
    decision = the_decision(a_row(facts(kit=parts)).send(ask("1/1", 1)))
    assert (decision.state, decision.refer_to, decision.reason) == ("pending", parts, "kit of 1 FILTER, 4.5 OIL")
    decision = the_decision(a_row(level(0), facts(superseded_by="OIL-2")).send(ask("1/1", 1)))
    assert (decision.refer_to[0].sku, decision.refer_kind, decision.reason) == ("OIL-2", "newer", "superseded by OIL-2")


def test_labour_takes_nothing_from_stock() -> None:
    decision = the_decision(a_row().send(ask("1/1", 1, service=True)))
    assert (decision.state, decision.reason) == ("approved", "service without parts")


def test_nothing_is_granted_while_a_recall_holds_the_part() -> None:
    partition = a_row(level(5), Hold(location="main", sku=SKU, cause="26V001", held=True))
    assert says(the_decision(partition.send(ask("1/1", 1)))) == ("waitlisted", 0, 1, 0)
    refused = the_decision(partition.send(ask("2/1", 1, back_order_allowed=False)))
    assert (refused.state, refused.reason) == ("rejected", "held: 26V001")
    outcome = partition.send(Hold(location="main", sku=SKU, cause="26V001", held=False))
    assert says(the_decision(outcome)) == ("approved", 1, 0, 0)


def test_recalls_learn_where_a_numbered_part_lies_once() -> None:
    partition = a_row(facts(part_number="04152-YZZA1"))
    assert of(PartHolding, partition.sent) == []
    partition.send(level(4), level(5, 1))
    assert [holding.part_number for holding in of(PartHolding, partition.sent)] == ["04152-YZZA1"]


def test_older_facts_do_not_replace_newer_ones() -> None:
    partition = a_row(facts(version="10", superseded_by="B"), facts(version="9", superseded_by="A"))
    assert partition.row(KEY).facts["settings"].superseded_by == "B"


def test_waiting_lines_are_promised_the_day_on_which_their_part_comes() -> None:
    partition = a_row(level(0), ask("1/1", 3), ask("2/1", 3))
    partition.send(incoming("need:x/1", 4, 1, expected_date="2026-03-09"))
    partition.send(incoming("need:x/2", 4, 1, expected_date="2026-03-16"))
    last = {d.line_key: d.promised_date for d in of(LineDecision, partition.sent)}
    assert last == {"shop/1/1": "2026-03-09", "shop/2/1": "2026-03-16"}
    changed = of(LineDecision, partition.send(incoming("need:x/1", 4, 2, expected_date="2026-03-20")))
    assert {d.line_key: (d.promised_date, d.decision_revision) for d in changed} == {
        "shop/1/1": ("2026-03-16", 3),
        "shop/2/1": ("2026-03-20", 3),
    }


def test_a_row_in_quarantine_takes_facts_and_decides_nothing_until_released() -> None:
    partition = a_row(level(5), ask("1/1", 2))
    partition.quarantine(KEY, "bad luck")
    assert partition.send(level(1, 5)) == []
    with pytest.raises(Refused, match="bad luck"):
        partition.send(ask("2/1", 1))
    outcome = partition.send(RowRelease(topic="stock", row_key=KEY, log_key=KEY, actor="eve", act_id="a1"))
    assert says(the_decision(outcome)) == ("partly_approved", 1, 1, 0)


def test_a_reservation_does_not_expire_in_quarantine_but_soon_after() -> None:
    partition = a_row(level(5), ask("1/1", 2, expires_at=at(30)))
    partition.quarantine(KEY, "bad luck")
    assert partition.tick(seconds=3600) == []
    partition.send(RowRelease(topic="stock", row_key=KEY, log_key=KEY, actor="eve", act_id="a1"))
    assert the_decision(partition.tick(seconds=1)).state == "released"


def test_quarantine_of_anything_never_raises() -> None:
    partition = Partition(stock)
    for key in ("", "~settings", "/moved/x", "never/seen"):
        partition.quarantine(key)
    assert list(partition.rows) == ["never/seen"]


def test_finished_lines_are_forgotten_when_their_sender_cannot_repeat_them() -> None:
    partition = a_row(level(50))
    for number in range(20):
        partition.passed["orders:0"] = number - 1
        source = ("orders:0", number)
        partition.send(ask(f"{number}/1", 1), source=source)
        partition.send(release(f"{number}/1"), source=source)
    assert len(partition.row(KEY).finished) <= 2


def test_an_unknown_sku_leaves_no_row_behind_in_the_end() -> None:
    partition = a_row(ask("1/1", 2))
    partition.tick(days=1)
    assert KEY in partition.rows
    for _ in range(45):
        partition.tick(days=1)
    assert KEY not in partition.rows


def test_a_row_with_ten_reservations_is_small() -> None:
    partition = a_row(level(50), *(ask(f"10{number}/1", 2) for number in range(10)))
    assert len(partition.rows[KEY]) <= 500
