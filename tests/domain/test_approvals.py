"""Who may let an order go out: rules, tiers, limits, four eyes, and questions that reach the right people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamer.errors import Refused
from streamer.messages.applied import ApprovalRule, PersonFacts, RateFacts
from streamer.messages.commands import AskApprovalCommand, NotifyCommand, ReorderCommand
from streamer.messages.status import AuditEntry
from tests.domain.buying import approval, buying, company, last_status, need, row, the_order
from tests.domain.memory import START, Partition, of

PEOPLE = {
    "kim": PersonFacts(console="kim", email=True, tier=1, limit=Decimal(500)),
    "lee": PersonFacts(console="lee", slack="U0LEE", tier=1),
    "max": PersonFacts(console="max", email=True, tier=2),
}


def shop(*rules: ApprovalRule, people: Any = None, rates: tuple[RateFacts, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "people": PEOPLE if people is None else people,
        "approval_rules": rules,
        "approval_accounts": ("mail", "slack"),
        "exchange_rates": rates,
        "sku_classes": {"brakes": ("PAD-*", "DISC-*"), "oil": ("OIL-*",)},
        **more,
    }


def waiting(*rules: ApprovalRule, quantity: int = 10, sku: str = "PAD-1", **more: Any) -> Partition:
    """One order of `quantity` at 4.50 each that waits for a person."""
    partition = buying(shop(*rules, **more))
    assert of(ReorderCommand, partition.send(need(1, sku, quantity, automatic=False))) == []
    return partition


def asked(outcome: list[Any]) -> list[tuple[str, str, str]]:
    return [(ask.person, ask.channel, ask.account) for ask in of(AskApprovalCommand, outcome)]


def by(name: str, act: str = "a1", version: int = 1, **changes: Any) -> Any:
    return approval("approve", version, act, actor=name, **changes)


def test_those_who_may_are_asked_each_by_the_way_they_are_known() -> None:
    partition = waiting()
    assert asked(partition.sent) == [("kim", "email", "mail"), ("lee", "slack", "slack")]
    ask = of(AskApprovalCommand, partition.sent)[0]
    assert (ask.reference, ask.version, ask.worth) == ("ACME-1", 1, "45 EUR")
    assert ask.because == "Not confirmed for automatic reorder"
    assert (ask.order.lines[0].quantity, ask.order.address) == (10, "V-100")
    assert (ask.expires_at - START).days == 7
    assert of(NotifyCommand, partition.sent) == []


def test_the_question_carries_neither_names_nor_addresses_nor_the_token_of_replies() -> None:
    ask = of(AskApprovalCommand, waiting().sent)[0]
    assert ask.order.reply_token is None
    assert not any(line.why for line in ask.order.lines)
    order = the_order(waiting().send(by("kim")))
    assert order.reply_token is not None and order.reply_token not in ask.to_json().decode()


def test_the_document_that_was_shown_is_the_one_that_is_sent() -> None:
    partition = waiting()
    shown = of(AskApprovalCommand, partition.sent)[0].order
    sent = the_order(partition.send(by("kim")))
    assert sent.command_id == shown.command_id
    bare = [line.model_copy(update={"why": (), "need_ids": ()}) for line in sent.lines]
    assert bare == list(shown.lines)
    assert (sent.address, sent.currency, sent.order_date) == (shown.address, shown.currency, shown.order_date)


def test_somebody_unknown_may_not_approve() -> None:
    partition = waiting()
    with pytest.raises(Refused, match=r"nobody in \[people\] is known on console as eve"):
        partition.send(by("eve"))
    with pytest.raises(Refused, match="known on slack as U0EVE"):
        partition.send(by("U0EVE", channel="slack", account="slack"))


def test_a_slack_user_is_the_person_of_the_map() -> None:
    partition = waiting()
    made = partition.send(by("U0LEE", channel="slack", account="slack"))
    the_order(made)
    assert [entry.actor for entry in of(AuditEntry, made)] == ["lee"]


def test_an_answer_from_an_account_that_asks_nobody_is_none() -> None:
    partition = waiting()
    for account in (None, "erp"):
        with pytest.raises(Refused, match=r"approval\.accounts"):
            partition.send(by("U0LEE", channel="slack", account=account))


def test_a_login_is_no_mail_person_and_the_other_way_round() -> None:
    partition = waiting()
    with pytest.raises(Refused, match="known on email as lee"):
        partition.send(by("lee", channel="email"))
    the_order(partition.send(by("kim", channel="email")))


def test_the_limit_of_a_person_is_one_of_the_order_as_a_whole() -> None:
    partition = waiting(quantity=112)  # 504 EUR
    with pytest.raises(Refused, match="504 EUR is above their limit of 500"):
        partition.send(by("kim"))
    assert asked(partition.sent) == [("lee", "slack", "slack")]
    the_order(partition.send(by("lee")))


def test_an_amount_counts_in_the_companys_currency_by_the_rate_of_the_day() -> None:
    rates = (
        RateFacts(currency="USD", day="2026-01-01", rate=Decimal("0.80")),
        RateFacts(currency="USD", day="2026-03-02", rate=Decimal("0.90")),
        RateFacts(currency="USD", day="2026-03-03", rate=Decimal("0.10")),
    )
    partition = buying(shop(rates=rates))
    partition.send(need(quantity=124, currency="USD", automatic=False))  # 558 USD, 502.20 EUR
    with pytest.raises(Refused, match=r"502\.2 EUR is above"):
        partition.send(by("kim"))
    assert of(AskApprovalCommand, partition.sent)[0].worth == "558 USD (502.2 EUR)"
    partition.tick(days=1)
    the_order(partition.send(by("kim")))


def test_without_a_rate_nobody_with_a_limit_may_approve() -> None:
    partition = buying(shop())
    partition.send(need(currency="JPY", automatic=False))
    with pytest.raises(Refused, match="exchange rate"):
        partition.send(by("kim"))
    the_order(partition.send(by("lee")))


def test_the_limit_of_a_supplier_may_be_in_another_currency_than_the_order() -> None:
    rates = (RateFacts(currency="USD", day="2026-01-01", rate=Decimal("0.50")),)
    limit = {"approval_limit": Decimal(45)}
    the_order(buying(shop(rates=rates), **limit).send(need(quantity=20, currency="USD")))  # 90 USD are 45 EUR
    assert of(ReorderCommand, buying(shop(rates=rates), **limit).send(need(quantity=21, currency="USD"))) == []


def test_suppliers_and_classes_of_a_person_are_kept() -> None:
    people = {
        "kim": PersonFacts(console="kim", sku_classes=("oil",)),
        "lee": PersonFacts(console="lee", suppliers=("BOLT",)),
        "max": PersonFacts(console="max", suppliers=("ACME",), sku_classes=("brakes",)),
    }
    partition = waiting(people=people)
    with pytest.raises(Refused, match="PAD-1 is in none of their SKU classes"):
        partition.send(by("kim"))
    with pytest.raises(Refused, match="supplier ACME is not theirs"):
        partition.send(by("lee"))
    the_order(partition.send(by("max")))


def test_a_large_order_needs_somebody_of_the_second_tier() -> None:
    large = ApprovalRule(name="large", above=Decimal(1000), tier=2)
    small = waiting(large, quantity=222)  # 999 EUR
    assert asked(small.sent) == [("lee", "slack", "slack")]
    partition = waiting(large, quantity=223)
    assert asked(partition.sent) == [("max", "email", "mail")]
    assert "rule large" in of(AskApprovalCommand, partition.sent)[0].because
    with pytest.raises(Refused, match="tier 2, they have tier 1"):
        partition.send(by("lee"))
    the_order(partition.send(by("max")))


def test_two_tiers_approve_one_after_the_other_or_the_higher_one_at_once() -> None:
    rules = (ApprovalRule(name="any"), ApprovalRule(name="brakes", sku_classes=("brakes",), tier=2))
    partition = waiting(*rules)
    first = partition.send(by("kim"))
    assert of(ReorderCommand, first) == []
    assert asked(first) == [("max", "email", "mail")]
    assert last_status(first).state == "awaiting_approval"
    the_order(partition.send(by("max", "a2")))
    the_order(waiting(*rules).send(by("max")))
    the_order(waiting(*rules, sku="OIL-1").send(by("kim")))


def test_four_eyes_are_two_people() -> None:
    partition = waiting(ApprovalRule(name="four eyes", four_eyes=True))
    assert of(ReorderCommand, partition.send(by("kim"))) == []
    with pytest.raises(Refused, match="another person must"):
        partition.send(by("kim", "a2"))
    with pytest.raises(Refused, match="another person must"):
        partition.send(by("kim", "a3", channel="email"))
    made = partition.send(by("lee", "a4"))
    the_order(made)
    assert [one.person for one in row(partition).approvals] == ["kim", "lee"]


def test_who_changed_an_order_does_not_count_among_four_eyes() -> None:
    partition = waiting(ApprovalRule(name="four eyes", four_eyes=True))
    partition.send(by("kim"), approval("change", 1, "c1", actor="lee", quantities={"1": Decimal(6)}))
    assert row(partition).approvals == []
    with pytest.raises(Refused, match="made the order what it is"):
        partition.send(by("lee", "a2", version=2))
    assert of(ReorderCommand, partition.send(by("kim", "a3", version=2))) == []
    the_order(partition.send(by("max", "a4", version=2)))


def test_without_four_eyes_who_changed_it_may_approve_what_they_made() -> None:
    partition = waiting()
    partition.send(approval("change", 1, "c1", actor="kim", quantities={"1": Decimal(6)}))
    the_order(partition.send(by("kim", version=2)))


def test_a_change_is_asked_about_anew_with_what_is_different() -> None:
    partition = waiting()
    made = partition.send(approval("change", 1, "c1", actor="max", quantities={"1": Decimal(6)}))
    assert asked(made) == [("kim", "email", "mail"), ("lee", "slack", "slack")]
    assert of(AskApprovalCommand, made)[0].changes == ("line 1: 6 PAD-1 instead of 10",)
    with pytest.raises(Refused, match="was changed since: version 2"):
        partition.send(by("kim", channel="email"))


def test_what_is_confirmed_for_automatic_reorder_passes_by_the_rules() -> None:
    rule = ApprovalRule(name="all", tier=2)
    the_order(buying(shop(rule)).send(need()))
    the_order(buying(shop(rule), automatic=True).send(need(automatic=False)))
    strict = rule.model_copy(update={"even_automatic": True})
    partition = buying(shop(strict))
    assert asked(partition.send(need())) == [("max", "email", "mail")]
    the_order(partition.send(by("max")))


def test_nobody_decides_in_time_and_those_above_are_asked() -> None:
    partition = waiting(ApprovalRule(name="quick", deadline_seconds=3600.0))
    assert of(AskApprovalCommand, partition.tick(seconds=3599)) == []
    made = partition.tick(seconds=2)
    assert asked(made) == [("max", "email", "mail")]
    assert of(AskApprovalCommand, made)[0].urgent
    assert [note.severity for note in of(NotifyCommand, made)] == ["urgent"]
    again = partition.tick(seconds=3601)
    assert [person for person, _, _ in asked(again)] == ["kim", "lee", "max"]
    assert of(ReorderCommand, partition.sent) == []
    the_order(partition.send(by("kim", channel="email")))
    assert asked(partition.tick(days=3)) == []


def test_where_nobody_can_be_asked_the_channel_hears_of_it() -> None:
    partition = waiting(people={"kim": PersonFacts(console="kim")})
    assert asked(partition.sent) == []
    assert [note.subject for note in of(NotifyCommand, partition.sent)] == ["Purchase order waits for approval"]


def test_the_same_act_counts_once_however_it_comes() -> None:
    partition = waiting(ApprovalRule(name="four eyes", four_eyes=True))
    partition.send(by("kim"))
    assert partition.send(by("kim")) == []
    assert len(row(partition).approvals) == 1


def test_a_price_far_from_that_of_the_last_order_goes_to_a_person() -> None:
    partition = buying(shop(), price_tolerance_percent=Decimal(10))
    the_order(partition.send(need(1)))
    the_order(partition.send(need(2, unit_price=Decimal("4.95"))))
    made = partition.send(need(3, unit_price=Decimal("5.50")))
    assert of(ReorderCommand, made) == []
    assert "PAD-1 costs 5.5, in the last order 4.95" in of(AskApprovalCommand, made)[0].because


def test_without_people_in_the_settings_only_the_console_approves() -> None:
    partition = buying()
    partition.send(need(automatic=False))
    with pytest.raises(Refused, match=r"nobody is in \[people\]"):
        partition.send(by("kim", channel="email"))
    the_order(partition.send(by("kim")))


def test_other_rules_count_from_when_they_are_applied() -> None:
    partition = waiting()
    partition.send(company(shop(ApprovalRule(name="all", tier=2))).model_copy(update={"revision": 2}))
    with pytest.raises(Refused, match="tier 2"):
        partition.send(by("lee"))
    the_order(partition.send(by("max")))
