"""The ledger: what is sent when, what is repeated, what is asked of a person."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain import dispatch
from streamer.domain.effects import StartCall
from streamer.domain.times import utc
from streamer.errors import Malformed, Refused
from streamer.messages.applied import AccountFacts, SettingsApplied
from streamer.messages.commands import (
    AttemptOutcome,
    CancelOrderCommand,
    CommandStatus,
    FetchCommand,
    NotifyCommand,
    OperatorAct,
    RecallReplacementCommand,
    RecordCommand,
    ReorderCommand,
    ReorderLine,
    WriteBackCommand,
)
from streamer.messages.ids import command_id
from streamer.messages.orders import ObjectKnown, Order, WriteBackDone
from streamer.messages.people import Vehicle
from streamer.messages.purchasing import PurchaseOrderOutcome, SupplierStatus
from streamer.messages.status import AuditEntry
from streamer.messages.stock import RowRelease
from tests.domain.memory import Partition, of, settings


def facts(**changes: Any) -> AccountFacts:
    return AccountFacts.model_validate({"platform": "http", "sink_class": "B", "attempts": 3} | changes)


def company(**changes: Any) -> SettingsApplied:
    accounts = {
        "key": facts(sink_class="A", key_lifetime_seconds=3600.0),
        "erp": facts(),
        "mail": facts(platform="email", sink_class="C"),
        "shop": facts(platform="shopify", sink_class=None),
        "slack": facts(platform="slack", sink_class=None),
    }
    return settings(**({"accounts": accounts, "notify_account": "slack"} | changes))


def ledger(**changes: Any) -> Partition:
    partition = Partition(dispatch)
    partition.send(company(**changes))
    return partition


def reorder(account: str = "erp", number: int = 1, **changes: Any) -> ReorderCommand:
    reference = f"ACME-{number}"
    fields: dict[str, Any] = {
        "command_id": command_id("reorder", account, reference, "1"),
        "account": account,
        "object": f"order/{reference}",
        "cause": f"{reference} version 1",
        "supplier": "ACME",
        "supplier_name": "Acme",
        "reference": reference,
        "order_date": "2026-03-02",
        "ship_to": "main",
        "currency": "EUR",
        "lines": (ReorderLine(line="1", sku="PAD-1", quantity=Decimal(10), location="main"),),
    }
    return ReorderCommand(**(fields | changes))


def write_back(revision: int) -> WriteBackCommand:
    return WriteBackCommand(
        command_id=command_id("write-back", "shop/1", str(revision)),
        account="shop",
        object="order/1",
        cause="decision",
        order_id="1",
        revision=revision,
        decision="approved",
        lines=(),
    )


def outcome(partition: Partition, call: StartCall, result: str, **changes: Any) -> list[Any]:
    return partition.send(told(partition, call, result, **changes))


def told(partition: Partition, call: StartCall, result: str, **changes: Any) -> AttemptOutcome:
    fields = {
        "account": call.account,
        "command_id": call.command_id,
        "attempt": call.attempt,
        "result": result,
        "at": utc(partition.now_ms),
    }
    return AttemptOutcome.model_validate(fields | changes)


def calls(outcome: list[Any]) -> list[StartCall]:
    return [item for item in outcome if isinstance(item, StartCall)]


def the_call(outcome: list[Any]) -> StartCall:
    (call,) = calls(outcome)
    return call


def row(partition: Partition, command: Any) -> Any:
    return partition.row(f"{command.account}/{command.command_id}")


def state(partition: Partition, command: Any) -> str:
    found: str = row(partition, command).state
    return found


def act(command: Any, kind: str, act_id: str = "a1", **changes: Any) -> OperatorAct:
    fields = {
        "account": command.account,
        "command_id": command.command_id,
        "act": kind,
        "reason": "asked the supplier",
        "actor": "kim",
        "act_id": act_id,
        "at": utc(1_772_000_000_000),
    }
    return OperatorAct.model_validate(fields | changes)


def supplier_says(state: str = "accepted", **changes: Any) -> SupplierStatus:
    fields = {"account": "erp", "platform": "http", "source_id": "d1", "state": state}
    return SupplierStatus.model_validate(fields | changes)


def test_an_order_is_sent_once_and_its_confirmation_reaches_purchasing_and_orders() -> None:
    partition = ledger()
    order = reorder()
    call = the_call(partition.send(order))
    assert (call.attempt, call.mode, call.command) == (1, "send", order)
    assert state(partition, order) == "sending"

    made = outcome(partition, call, "confirmed", external_reference="PO-77", evidence={"http_status": "201"})

    (report,) = of(PurchaseOrderOutcome, made)
    assert (report.state, report.external_reference, report.evidence) == ("confirmed", "PO-77", {"http_status": "201"})
    (known,) = of(ObjectKnown, made)
    assert (known.account, known.source_id, known.reference) == ("erp", "PO-77", "ACME-1")
    assert partition.tick(days=1) == []
    assert len(partition.effects) == 1


def test_a_mail_that_was_taken_is_sent_but_not_confirmed_by_the_supplier() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder("mail")))
    made = outcome(partition, call, "confirmed", external_reference="<x@ours>", evidence={"smtp": "250"})
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["sent"]
    assert of(ObjectKnown, made) == []
    assert state(partition, reorder("mail")) == "confirmed"


def test_the_same_id_with_another_body_is_refused_and_the_first_body_stays() -> None:
    partition = ledger()
    partition.send(reorder())
    with pytest.raises(Refused, match="another body"):
        partition.send(reorder(note="other"))
    assert row(partition, reorder()).command() == reorder()


def test_what_was_promised_not_to_be_done_is_sent_again_after_the_given_delay() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder("mail")))
    assert outcome(partition, call, "retry_later", retry_after_seconds=120.0) == []
    assert partition.tick(seconds=119) == []
    again = the_call(partition.tick(seconds=2))
    assert (again.attempt, again.mode) == (2, "send")


def test_pauses_grow_while_nothing_can_be_sent_and_after_a_day_a_person_is_asked() -> None:
    partition = ledger()
    order = reorder("mail")
    call = the_call(partition.send(order))
    pauses = []
    while state(partition, order) == "sending":
        made = outcome(partition, call, "not_started", reason="connection refused")
        if state(partition, order) == "human":
            assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["human"]
            break
        pauses.append(row(partition, order).due_ms - partition.now_ms)
        call = the_call(partition.tick(to=utc(row(partition, order).due_ms)))
    assert pauses[:4] == [5_000, 10_000, 20_000, 40_000]
    assert pauses[-1] == 900_000
    assert sum(pauses) >= 86_400_000
    assert state(partition, order) == "human"


def test_class_a_repeats_with_the_same_body_after_a_pause() -> None:
    partition = ledger()
    order = reorder("key")
    call = the_call(partition.send(order))
    made = outcome(partition, call, "unknown", reason="timeout")
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["unknown"]
    again = the_call(partition.tick(seconds=6))
    assert (again.attempt, again.mode, again.command) == (2, "send", order)


def test_class_a_looks_up_once_its_key_may_have_been_forgotten() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder("key")))
    partition.tick(to=utc(partition.now_ms) + timedelta(seconds=80))  # under way, no answer yet
    late = utc(partition.now_ms) + timedelta(seconds=3600)
    partition.now_ms += 3_600_000
    outcome(partition, call, "unknown", at=late)
    again = the_call(partition.tick(seconds=60))
    assert again.mode == "look_up"


def test_class_b_looks_up_only_after_the_order_must_have_become_visible() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    outcome(partition, call, "unknown")
    assert partition.tick(seconds=31) == []  # 2 s deadline + 20 s time-out + 5 s visibility + 5 s margin
    look_up = the_call(partition.tick(seconds=2))
    assert (look_up.attempt, look_up.mode) == (2, "look_up")
    made = outcome(partition, look_up, "found", external_reference="PO-77")
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["confirmed"]
    assert len(partition.effects) == 2


def test_class_b_sends_anew_when_the_look_up_is_sure_that_nothing_is_there() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    outcome(partition, call, "unknown")
    look_up = the_call(partition.tick(seconds=40))
    again = the_call(outcome(partition, look_up, "not_found"))
    assert (again.attempt, again.mode) == (3, "send")


def test_a_late_answer_that_nothing_was_found_does_not_start_a_second_call() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    outcome(partition, call, "unknown")
    look_up = the_call(partition.tick(seconds=40))
    outcome(partition, look_up, "unknown")
    second = the_call(partition.tick(seconds=60))
    the_call(outcome(partition, second, "not_found"))
    assert outcome(partition, look_up, "not_found") == []


def test_class_c_is_never_repeated_by_machine() -> None:
    partition = ledger()
    order = reorder("mail")
    call = the_call(partition.send(order))
    made = outcome(partition, call, "unknown", reason="connection lost after DATA")
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["human"]
    (told_people,) = of(NotifyCommand, made)
    assert told_people.severity == "urgent"
    assert calls(partition.tick(days=30)) == []


def test_an_account_without_a_class_is_treated_like_mail() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder("shop")))
    outcome(partition, call, "unknown")
    assert state(partition, reorder("shop")) == "human"


def test_a_call_that_never_reports_is_taken_as_unknown() -> None:
    partition = ledger()
    order = reorder()
    partition.send(order)
    assert calls(partition.tick(seconds=81)) == []
    assert state(partition, order) == "sending"
    partition.tick(seconds=2)
    assert state(partition, order) == "unknown"


def test_the_real_outcome_that_comes_after_the_assumed_one_decides() -> None:
    partition = ledger()
    order = reorder("mail")
    call = the_call(partition.send(order))
    outcome(partition, call, "unknown", reason="owner ended during the attempt")
    assert state(partition, order) == "human"
    made = outcome(partition, call, "confirmed", external_reference="<x@ours>")
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["sent"]
    assert state(partition, order) == "confirmed"


def test_a_mail_that_turns_out_not_to_have_begun_is_sent_after_all() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder("mail")))
    outcome(partition, call, "unknown", reason="owner ended during the attempt")
    outcome(partition, call, "not_started")
    assert the_call(partition.tick(seconds=6)).attempt == 2


def test_what_an_old_attempt_says_late_does_not_disturb_the_present_one() -> None:
    partition = ledger()
    order = reorder("key")
    first = the_call(partition.send(order))
    outcome(partition, first, "unknown")
    second = the_call(partition.tick(seconds=6))
    outcome(partition, first, "rejected")
    assert state(partition, order) == "sending"
    outcome(partition, second, "confirmed")
    assert state(partition, order) == "confirmed"


def test_a_success_of_an_old_attempt_counts_whatever_the_state_is() -> None:
    partition = ledger()
    order = reorder("key")
    first = the_call(partition.send(order))
    outcome(partition, first, "unknown")
    second = the_call(partition.tick(seconds=6))
    outcome(partition, first, "confirmed", external_reference="9")
    assert state(partition, order) == "confirmed"
    assert outcome(partition, second, "confirmed", external_reference="9") == []


def test_two_successes_with_two_ids_are_a_conflict_that_people_hear_of() -> None:
    partition = ledger()
    order = reorder("key")
    first = the_call(partition.send(order))
    outcome(partition, first, "unknown")
    second = the_call(partition.tick(seconds=6))
    outcome(partition, first, "confirmed", external_reference="9")
    made = outcome(partition, second, "confirmed", external_reference="10")
    assert [notice.severity for notice in of(NotifyCommand, made)] == ["urgent"]
    assert row(partition, order).conflict == "carried out as 9 and as 10"


def test_a_refusal_after_an_unknown_attempt_goes_to_a_person() -> None:
    partition = ledger()
    order = reorder("key")
    outcome(partition, the_call(partition.send(order)), "unknown")
    outcome(partition, the_call(partition.tick(seconds=6)), "rejected", reason="422")
    assert state(partition, order) == "human"


def test_a_refusal_for_good_reaches_purchasing() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    made = outcome(partition, call, "rejected", reason="422: no such vendor")
    (report,) = of(PurchaseOrderOutcome, made)
    assert (report.state, report.reason) == ("rejected", "422: no such vendor")


def test_a_platform_without_the_call_refuses_it() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    outcome(partition, call, "unsupported", reason="has no purchase orders")
    assert state(partition, reorder()) == "rejected"


def test_a_look_up_that_the_platform_does_not_have_goes_to_a_person() -> None:
    partition = ledger()
    outcome(partition, the_call(partition.send(reorder())), "unknown")
    outcome(partition, the_call(partition.tick(seconds=40)), "unsupported")
    assert state(partition, reorder()) == "human"


def test_after_the_set_number_of_unclear_attempts_a_person_is_asked() -> None:
    partition = ledger()
    order = reorder("key")
    call = the_call(partition.send(order))
    outcome(partition, call, "unknown")
    call = the_call(partition.tick(seconds=60))
    outcome(partition, call, "unknown")
    call = the_call(partition.tick(seconds=60))
    outcome(partition, call, "unknown")
    assert state(partition, order) == "human"
    assert len(partition.effects) == 3


def test_an_outcome_of_an_unknown_command_or_attempt_is_refused() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    with pytest.raises(Refused, match="not known"):
        partition.send(told(partition, call, "confirmed", command_id="A" * 26))
    with pytest.raises(Refused, match="never started"):
        partition.send(told(partition, call, "confirmed", attempt=2))
    with pytest.raises(Malformed, match="look-up"):
        partition.send(told(partition, call, "not_found"))


def test_a_change_never_overtakes_what_it_changes() -> None:
    partition = ledger()
    first = the_call(partition.send(write_back(1)))
    assert calls(partition.send(write_back(2))) == []
    assert calls(partition.send(write_back(3))) == []
    second = the_call(outcome(partition, first, "confirmed"))
    assert second.command == write_back(2)
    third = the_call(outcome(partition, second, "rejected", reason="gone"))
    assert third.command == write_back(3)


def replacement(account: str) -> RecallReplacementCommand:
    return RecallReplacementCommand(
        command_id=command_id("recall-replacement", account),
        account=account,
        object="recall/RO-1",
        cause="26V251000",
        campaign="26V251000",
        order_id="RO-1",
        vehicle=Vehicle(make="Honda", model="Civic", year=2020),
        location="main",
        sku="BRK-HOSE-F22",
        quantity=Decimal(1),
    )


@pytest.mark.parametrize(("account", "then"), [("key", "sending"), ("erp", "human"), ("mail", "human")])
def test_a_replacement_of_unknown_fate_is_repeated_only_with_a_key(account: str, then: str) -> None:
    partition = ledger()
    outcome(partition, the_call(partition.send(replacement(account))), "unknown")
    partition.tick(seconds=60)
    assert state(partition, replacement(account)) == then


def cancel(account: str) -> CancelOrderCommand:
    return CancelOrderCommand(
        command_id=command_id("cancel-order", account),
        account=account,
        object="order/ACME-1",
        cause="ordered elsewhere",
        supplier="ACME",
        reference="ACME-1",
        replaces=reorder(account).command_id,
        reason="ordered elsewhere",
    )


def test_a_cancellation_waits_for_its_order_and_purchasing_hears_of_it() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    assert calls(partition.send(cancel("erp"))) == []
    follows = the_call(outcome(partition, call, "confirmed", external_reference="PO-7"))
    assert follows.command == cancel("erp")
    (report,) = outcome(partition, follows, "confirmed")
    assert (report.state, report.reference) == ("cancelled", "ACME-1")


def test_a_letter_that_asks_to_cancel_is_no_cancellation_and_is_not_repeated() -> None:
    partition = ledger()
    assert outcome(partition, the_call(partition.send(cancel("mail"))), "confirmed") == []
    partition = ledger()
    outcome(partition, the_call(partition.send(cancel("mail"))), "unknown")
    assert state(partition, cancel("mail")) == "human"


def test_a_write_back_is_repeated_once_the_first_can_no_longer_be_under_way() -> None:
    partition = ledger()
    outcome(partition, the_call(partition.send(write_back(1))), "unknown")
    assert calls(partition.tick(seconds=31)) == []
    assert the_call(partition.tick(seconds=2)).mode == "send"


def test_an_answer_that_cannot_be_delivered_gives_way_to_the_next_one() -> None:
    partition = ledger()
    call = the_call(partition.send(write_back(1)))
    partition.send(write_back(2))
    for _ in range(2):
        outcome(partition, call, "unknown")
        call = the_call(partition.tick(seconds=60))
    made = outcome(partition, call, "unknown")
    assert [done.state for done in of(WriteBackDone, made)] == ["human"]
    assert the_call(made).command == write_back(2)
    with pytest.raises(Refused, match="newer"):
        partition.send(act(write_back(1), "send_again"))


def test_the_orders_row_hears_of_its_write_back_and_its_copy() -> None:
    partition = ledger()
    (done,) = of(WriteBackDone, outcome(partition, the_call(partition.send(write_back(1))), "confirmed"))
    assert (done.order_key, done.state) == ("shop/1", "confirmed")

    order = Order(account="shop", platform="shopify", kind="sales_order", source_id="7", version="1")
    copy = RecordCommand(
        command_id=command_id("record", "shop/7", "1"),
        account="erp",
        object="order/shop/7",
        cause="copy",
        entity="order",
        reference="SHOP-7",
        revision=1,
        order=order,
    )
    made = outcome(partition, the_call(partition.send(copy)), "confirmed", external_reference="SO-1")
    assert [done.order_key for done in of(WriteBackDone, made)] == ["shop/7"]
    assert [(known.account, known.source_id) for known in of(ObjectKnown, made)] == [("erp", "SO-1")]


def test_a_fetch_is_simply_asked_again() -> None:
    partition = ledger()
    fetch = FetchCommand(
        command_id=command_id("fetch", "item", "9"),
        account="shop",
        object="item/9",
        cause="level",
        resource="inventory_item",
        ids=("9",),
        requested_for="shop/9",
    )
    outcome(partition, the_call(partition.send(fetch)), "unknown")
    assert the_call(partition.tick(seconds=6)).attempt == 2


def test_a_notice_that_fails_makes_no_notice_about_itself() -> None:
    partition = ledger()
    note = NotifyCommand(
        command_id=command_id("notify", "x"),
        account="slack",
        object="notice/x",
        cause="x",
        subject="s",
        text="t",
        severity="warning",
    )
    made = outcome(partition, the_call(partition.send(note)), "rejected", reason="channel_not_found")
    assert made == []


def test_a_command_for_an_account_that_is_not_in_the_settings_waits_for_a_person() -> None:
    partition = ledger()
    made = partition.send(reorder("nowhere"))
    (report,) = of(PurchaseOrderOutcome, made)
    assert (report.state, report.reason) == ("human", "accounts.nowhere is not in the settings")


def test_before_any_settings_nothing_is_sent() -> None:
    partition = Partition(dispatch)
    assert partition.send(reorder()) == []
    partition.send(company())
    assert the_call(partition.tick(seconds=61)).command == reorder()


def test_an_operator_has_a_mail_sent_again_as_a_copy_of_the_same_order() -> None:
    partition = ledger()
    order = reorder("mail")
    outcome(partition, the_call(partition.send(order)), "unknown")
    made = partition.send(act(order, "send_again"))
    call = the_call(made)
    assert call.attempt == 2
    assert call.command == order.model_copy(update={"copy_of": order.command_id})
    (entry,) = of(AuditEntry, made)
    assert (entry.actor, entry.act, entry.subject) == ("kim", "command.send_again", order.command_id)
    assert row(partition, order).command() == order
    with pytest.raises(Refused, match="under way"):
        partition.send(act(order, "send_again", "a2"))


def test_an_operator_settles_what_no_machine_can_know() -> None:
    partition = ledger()
    order = reorder("mail")
    outcome(partition, the_call(partition.send(order)), "unknown")
    made = partition.send(act(order, "reject"))
    assert [report.state for report in of(PurchaseOrderOutcome, made)] == ["rejected"]
    with pytest.raises(Refused, match="already"):
        partition.send(act(order, "confirm", "a2"))
    with pytest.raises(Refused, match="needs are open"):
        partition.send(act(order, "send_again", "a3"))


def test_a_sign_of_life_from_the_supplier_confirms_an_unknown_order() -> None:
    partition = ledger()
    order = reorder()
    outcome(partition, the_call(partition.send(order)), "unknown")
    status = CommandStatus(
        account="erp",
        command_id=order.command_id,
        state="confirmed",
        external_reference="PO-9",
        at=utc(partition.now_ms),
    )
    made = partition.send(status)
    assert of(PurchaseOrderOutcome, made) == []  # purchasing said so itself
    assert [known.source_id for known in of(ObjectKnown, made)] == ["PO-9"]
    assert calls(partition.tick(days=1)) == []


def test_a_status_that_overtakes_the_answer_of_its_own_order_waits_for_it() -> None:
    partition = ledger()
    call = the_call(partition.send(reorder()))
    early = supplier_says(external_reference="PO-77")
    assert partition.send(early) == []
    made = outcome(partition, call, "confirmed", external_reference="PO-77")
    assert of(SupplierStatus, made) == [early.model_copy(update={"reference": "ACME-1"})]
    later = supplier_says("shipped", external_reference="PO-77", source_id="d2")
    (passed_on,) = partition.send(later)
    assert passed_on.places() == (("purchasing", "ACME"),)


def test_a_status_of_an_order_that_nobody_knows_is_told_to_people_in_the_end() -> None:
    partition = ledger()
    partition.send(supplier_says(external_reference="PO-1"))
    assert partition.tick(days=39) == []
    assert [notice.subject for notice in of(NotifyCommand, partition.tick(days=2))] == ["Statuses of an unknown order"]
    assert partition.row("erp/external/PO-1") is None
    with pytest.raises(Refused, match="names no order"):
        partition.send(supplier_says())


def test_an_answer_to_our_mail_is_found_by_the_message_id_that_we_made() -> None:
    partition = ledger()
    order = reorder("mail")
    partition.send(order)
    answer = supplier_says(account="mail", in_reply_to=f"<{order.command_id.lower()}@orders.example>")
    (passed_on,) = partition.send(answer)
    assert passed_on.reference == "ACME-1"


def test_finished_commands_are_forgotten_when_their_sender_cannot_repeat_them() -> None:
    partition = ledger()
    order = reorder()
    partition.twice = False
    (call,) = partition.send(order, source=("topic:0", 7))
    outcome(partition, call, "confirmed", external_reference="PO-77")
    partition.tick(days=41)
    assert row(partition, order) is not None
    partition.passed["topic:0"] = 7
    partition.tick(days=2)
    assert row(partition, order) is None
    assert partition.row("erp/object/order/ACME-1") is None


def test_a_quarantined_command_starts_nothing_until_it_is_released() -> None:
    partition = ledger()
    order = reorder()
    call = the_call(partition.send(order))
    key = f"erp/{order.command_id}"
    partition.quarantine(key)
    with pytest.raises(Refused, match="quarantine"):
        outcome(partition, call, "not_started")
    assert partition.tick(days=1) == []
    release = RowRelease(topic="commands", row_key=key, log_key="erp", actor="kim", act_id="r1")
    (entry,) = partition.send(release)
    assert entry.before == {"quarantined": "test"}
    partition.tick(seconds=1)
    assert state(partition, order) == "unknown"


def test_a_command_whose_turn_came_while_it_was_in_quarantine_begins_when_it_is_released() -> None:
    partition = ledger()
    first = the_call(partition.send(write_back(1)))
    partition.send(write_back(2), write_back(3))
    keys = [f"shop/{write_back(number).command_id}" for number in (2, 3)]
    for key in keys:
        partition.quarantine(key)
    assert calls(outcome(partition, first, "confirmed")) == []
    for key in reversed(keys):
        partition.send(RowRelease(topic="commands", row_key=key, log_key="shop", actor="kim", act_id=key))
    assert the_call(partition.tick(seconds=1)).command == write_back(2)


def test_a_row_that_never_was_can_be_quarantined_and_released() -> None:
    partition = ledger()
    key = f"erp/{reorder().command_id}"
    partition.quarantine(key)
    with pytest.raises(Refused, match="quarantine"):
        partition.send(reorder())
    partition.twice = False
    partition.send(RowRelease(topic="commands", row_key=key, log_key="erp", actor="kim", act_id="r1"))
    assert the_call(partition.send(reorder())).command == reorder()
