"""What becomes of an order that was sent: late, short, received in parts, changed, cancelled, closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.errors import Malformed, Refused
from streamer.messages.applied import AccountFacts, ApprovalRule, PersonFacts
from streamer.messages.commands import CancelOrderCommand, ChangeOrderCommand, CommandStatus, NotifyCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import SupplierLine
from streamer.messages.status import AuditEntry
from streamer.messages.stock import Incoming
from tests.domain.buying import approval, buying, counted, last_status, ledger_says, need, row, sent, supplier_says
from tests.domain.memory import Partition, of


def notices(outcome: list[Any]) -> list[str]:
    return [note.subject for note in of(NotifyCommand, outcome)]


def line(quantity: int | None = None, **more: Any) -> SupplierLine:
    return SupplierLine(line="1", quantity=None if quantity is None else Decimal(quantity), **more)


# -- late


def test_a_promised_day_that_passes_is_told_once() -> None:
    partition = sent()
    partition.send(supplier_says("accepted", line(promised_date="2026-03-10")))
    assert notices(partition.tick(to=datetime(2026, 3, 10, 22, tzinfo=UTC))) == []
    made = partition.tick(to=datetime(2026, 3, 10, 23, tzinfo=UTC))  # the 11th begins in Berlin
    assert notices(made) == ["Purchase order is late"]
    assert of(NotifyCommand, made)[0].text == "ACME-1: due 2026-03-10, missing 10 PAD-1"
    assert row(partition).late_since == "2026-03-10"
    assert notices(partition.tick(days=30)) == []


def test_without_a_promise_the_lead_time_counts() -> None:
    partition = sent()  # on the 2nd, three days
    assert notices(partition.tick(to=datetime(2026, 3, 5, 23, tzinfo=UTC))) == ["Purchase order is late"]


def test_a_later_promise_is_waited_for() -> None:
    partition = sent(overdue_days=2)
    partition.send(supplier_says("accepted", line(promised_date="2026-03-10"), occurred_date="2026-03-02"))
    partition.send(
        supplier_says("accepted", line(promised_date="2026-03-20"), occurred_date="2026-03-09", source_id="b")
    )
    assert notices(partition.tick(to=datetime(2026, 3, 22, 22, tzinfo=UTC))) == []
    assert notices(partition.tick(to=datetime(2026, 3, 22, 23, tzinfo=UTC))) == ["Purchase order is late"]


def test_what_is_here_is_not_late_and_what_is_missing_is() -> None:
    partition = sent()
    partition.send(counted("r1", 4))
    made = partition.tick(days=5)
    assert of(NotifyCommand, made)[0].text == "ACME-1: due 2026-03-05, missing 6 PAD-1"
    partition = sent()
    partition.send(counted("r1", 10))
    assert notices(partition.tick(days=5)) == []


def test_a_supplier_who_does_not_answer_is_told_of() -> None:
    partition = sent(answer_within_seconds=3600.0)
    partition.send(ledger_says("sent"))
    made = partition.tick(seconds=3601)
    assert of(NotifyCommand, made)[0].text == "ACME-1: Acme has not answered"
    partition = sent(answer_within_seconds=3600.0)
    partition.send(supplier_says("received"))
    assert notices(partition.tick(seconds=3601)) == []


def test_a_promise_that_is_no_date_is_shown_and_waited_for_by_nobody() -> None:
    partition = sent()
    partition.send(supplier_says("accepted", line(promised_date="next week")))
    assert last_status(partition.sent).lines[0].promised_date == "next week"
    assert notices(partition.tick(days=30)) == []


# -- short, and dearer


def test_less_than_was_ordered_is_told() -> None:
    partition = sent()
    made = partition.send(supplier_says("accepted", line(6)))
    assert of(NotifyCommand, made)[0].text == "ACME-1: line 1: 6 of 10 PAD-1"
    assert notices(partition.send(supplier_says("accepted", line(6), source_id="again"))) == []


@pytest.mark.parametrize(("price", "tolerance", "conflict"), [
    ("4.50", "0", False), ("4.51", "0", True), ("4.725", "5", False), ("4.73", "5", True), ("4.20", "5", True),
])  # fmt: skip
def test_another_price_than_ours_goes_to_a_person_from_a_limit_on(price: str, tolerance: str, conflict: bool) -> None:
    partition = sent(price_tolerance_percent=Decimal(tolerance))
    made = partition.send(supplier_says("accepted", line(10, unit_price=Decimal(price))))
    assert (last_status(made).conflict is not None) is conflict
    assert ("Purchase order: contradiction" in notices(made)) is conflict


# -- receipts


def test_deliveries_add_up_and_each_counts_once() -> None:
    partition = sent()
    partition.send(counted("r1", 4), counted("r2", 3), counted("r1", 4))
    (status,) = last_status(partition.sent).lines
    assert status.received == 7
    assert [told.received for told in of(Incoming, partition.sent)][-1] == 7
    made = partition.send(counted("r3", 3))
    assert last_status(made).state == "received"
    assert [entry.act for entry in of(AuditEntry, made)] == ["purchase-order.receive"]


def test_what_the_supplier_says_and_what_we_counted_are_the_same_goods() -> None:
    partition = sent()
    partition.send(counted("r1", 6), supplier_says("partly_delivered", line(6)))
    assert last_status(partition.sent).lines[0].received == 6
    partition.send(supplier_says("delivered", line(6), adds_up=True, source_id="desadv-1"))
    partition.send(supplier_says("delivered", line(4), adds_up=True, source_id="desadv-2"))
    assert last_status(partition.sent).lines[0].received == 10
    assert last_status(partition.sent).conflict == "line 1: 10 delivered by their word, 6 counted"
    partition.send(counted("r2", 4))
    assert last_status(partition.sent).conflict is None


def test_goods_that_arrive_settle_an_order_of_unknown_fate() -> None:
    partition = sent()
    partition.send(ledger_says("unknown"))
    assert [told.state for told in of(CommandStatus, partition.send(counted("r1", 10)))] == ["confirmed"]


def test_a_receipt_of_what_was_not_ordered_is_refused() -> None:
    partition = sent()
    with pytest.raises(Malformed, match=r"lines\.9"):
        partition.send(counted("r1", 4, line="9"))
    partition = buying()
    partition.send(need(automatic=False))
    with pytest.raises(Refused, match="not sent yet"):
        partition.send(counted("r1", 4))


def test_more_than_was_ordered_is_a_contradiction() -> None:
    partition = sent()
    assert last_status(partition.send(counted("r1", 12))).conflict == "line 1: 12 shipped of 10 ordered"


def test_a_line_remembers_so_many_deliveries() -> None:
    partition = sent()
    partition.send(*(counted(f"r{number}", 0) for number in range(60)))
    with pytest.raises(Refused, match="60 receipts"):
        partition.send(counted("r60", 1))
    assert partition.send(counted("r1", 0)) == []


def test_a_person_closes_what_will_never_come_and_its_need_is_open_again() -> None:
    partition = sent()
    partition.send(counted("r1", 4))
    made = partition.send(approval("close", reason="discontinued"))
    (told,) = of(Incoming, made)
    assert (told.state, told.quantity, told.received) == ("received", 0, 4)
    assert (last_status(made).state, notices(made)) == ("received", [])
    partition = sent()
    made = partition.send(approval("close"))
    assert (of(Incoming, made)[0].state, last_status(made).state) == ("cancelled", "cancelled")


# -- cancelled


def test_a_supplier_who_does_not_cancel_leaves_the_order_as_it_is() -> None:
    partition = sent()
    (first,) = of(CancelOrderCommand, partition.send(approval("cancel")))
    made = partition.send(ledger_says("cancel_refused", command_id=first.command_id, reason="in picking"))
    assert last_status(made).state == "sending"
    assert "in picking" in of(NotifyCommand, made)[0].text
    (second,) = of(CancelOrderCommand, partition.send(approval("cancel", act_id="a2")))
    assert second.command_id != first.command_id


def test_where_nobody_can_cancel_the_console_says_so() -> None:
    partition = sent()
    erp = AccountFacts(platform="http", sink_class="B", cancels_orders=False)
    applied = partition.row("=settings")
    partition.send(applied.model_copy(update={"revision": 2, "accounts": {"erp": erp}}))
    with pytest.raises(Refused, match="erp cannot cancel"):
        partition.send(approval("cancel"))


# -- changed after it was sent


def amended(partition: Partition, quantity: int, **changes: Any) -> ChangeOrderCommand:
    made = partition.send(approval("amend", quantities={"1": Decimal(quantity)}, **changes))
    (command,) = of(ChangeOrderCommand, made)
    assert of(Incoming, made) == []
    return command


def test_a_change_is_in_force_once_the_other_side_has_made_it() -> None:
    partition = sent()
    partition.send(ledger_says("confirmed", external_reference="PO-7"))
    command = amended(partition, 6)
    assert (command.object, command.replaces) == ("order/ACME-1", command_id("reorder", "ACME-1", "1"))
    assert (command.order.version, command.order.lines[0].quantity, command.external_reference) == (2, 6, "PO-7")
    assert last_status(partition.sent).lines[0].quantity == 10
    made = partition.send(ledger_says("changed", command_id=command.command_id))
    assert last_status(made).lines[0].quantity == 6
    assert [told.quantity for told in of(Incoming, made)] == [6]
    assert row(partition).version == 2
    assert last_status(made).conflict is None
    assert partition.send(ledger_says("changed", command_id=command.command_id)) == []


def test_a_refused_change_leaves_the_order_and_the_next_wish_is_another_command() -> None:
    partition = sent()
    first = amended(partition, 6)
    with pytest.raises(Refused, match="waits for the supplier's word already"):
        partition.send(approval("amend", act_id="a2", quantities={"1": Decimal(5)}))
    made = partition.send(ledger_says("change_refused", command_id=first.command_id, reason="too late"))
    assert notices(made) == ["Change of a purchase order refused"]
    assert last_status(made).lines[0].quantity == 10
    assert amended(partition, 5, act_id="a3").command_id != first.command_id


def test_a_supplier_who_confirmed_before_agrees_to_the_change_and_an_old_answer_that_comes_again_does_no_harm() -> None:
    partition = sent()
    accepted = supplier_says("accepted", line(10), occurred_at=datetime(2026, 3, 2, 7, tzinfo=UTC))
    partition.send(accepted)
    command = amended(partition, 6)
    partition.send(ledger_says("changed", command_id=command.command_id))
    partition.send(accepted, accepted.model_copy(update={"source_id": "copy"}))
    status = last_status(partition.sent)
    assert (status.lines[0].quantity, status.lines[0].confirmed, status.conflict) == (6, 6, None)


def test_a_change_by_letter_waits_for_the_suppliers_word() -> None:
    partition = sent()
    partition.send(supplier_says("accepted", line(10), occurred_at=datetime(2026, 3, 2, 7, tzinfo=UTC)))
    command = amended(partition, 12)
    partition.send(ledger_says("change_sent", command_id=command.command_id))
    assert last_status(partition.sent).lines[0].quantity == 10
    partition.send(supplier_says("accepted", line(10), source_id="old", occurred_date="2026-03-02"))
    assert last_status(partition.sent).lines[0].quantity == 10
    later = datetime(2026, 3, 2, 9, tzinfo=UTC)
    made = partition.send(supplier_says("accepted", line(12), source_id="new", occurred_at=later))
    assert (last_status(made).lines[0].quantity, last_status(made).conflict) == (12, None)


def test_a_person_says_what_the_supplier_said_on_the_telephone() -> None:
    partition = sent()
    command = amended(partition, 6)
    partition.send(ledger_says("change_sent", command_id=command.command_id))
    made = partition.send(approval("amend_agreed", act_id="a2"))
    assert last_status(made).lines[0].quantity == 6
    with pytest.raises(Refused, match="no change waits"):
        partition.send(approval("amend_refused", version=2, act_id="a3"))


def test_a_line_that_was_taken_out_is_still_known_when_the_supplier_speaks_of_it() -> None:
    partition = buying(window_seconds=60.0)
    partition.send(need(), need(1, "DISC-9", 4))
    partition.tick(seconds=61)
    made = partition.send(approval("amend", 2, quantities={"1": Decimal(0)}))
    (command,) = of(ChangeOrderCommand, made)
    assert [each.sku for each in command.order.lines] == ["DISC-9"]
    changed = partition.send(ledger_says("changed", command_id=command.command_id))
    assert [(told.sku, told.state) for told in of(Incoming, changed)] == [("PAD-1", "cancelled")]
    made = partition.send(supplier_says("shipped", line(4, sku="PAD-1")))
    assert "4 shipped of 0 ordered" in (last_status(made).conflict or "")


def test_a_change_that_makes_no_sense_is_refused() -> None:
    partition = sent()
    with pytest.raises(Refused, match="cancel it instead"):
        partition.send(approval("amend", quantities={"1": Decimal(0)}))
    with pytest.raises(Refused, match="no quantity is another"):
        partition.send(approval("amend", quantities={"1": Decimal(10)}))
    with pytest.raises(Malformed, match=r"quantities\.7"):
        partition.send(approval("amend", quantities={"7": Decimal(1)}))
    mail = AccountFacts(platform="x", changes_orders=False)
    applied = partition.row("=settings")
    partition.send(applied.model_copy(update={"revision": 2, "accounts": {"erp": mail}}))
    with pytest.raises(Refused, match="takes no changes of orders"):
        partition.send(approval("amend", quantities={"1": Decimal(6)}))


def test_who_makes_a_sent_order_larger_must_have_been_able_to_approve_it() -> None:
    people = {
        "kim": PersonFacts(console="kim", limit=Decimal(50)),
        "max": PersonFacts(console="max", tier=2),
    }
    rules = (ApprovalRule(name="large", above=Decimal(60), tier=2),)
    partition = sent({"people": people, "approval_rules": rules})
    with pytest.raises(Refused, match="above their limit of 50"):
        partition.send(approval("amend", quantities={"1": Decimal(12)}))
    amended(partition, 20, actor="max", act_id="a2")
    eyes = (ApprovalRule(name="eyes", above=Decimal(60), four_eyes=True),)
    partition = sent({"people": people, "approval_rules": eyes})
    with pytest.raises(Refused, match="two people"):
        partition.send(approval("amend", quantities={"1": Decimal(20)}, actor="max"))
    amended(partition, 6, act_id="a3")


def test_an_order_that_is_over_is_neither_late_nor_closed() -> None:
    partition = sent()
    partition.send(counted("r1", 10))
    with pytest.raises(Refused, match="received already"):
        partition.send(approval("close"))
    assert partition.tick(to=datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=39)) == []
