"""Purchasing: needs become orders, people approve them, suppliers answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain import purchasing
from streamer.errors import Malformed, Refused
from streamer.messages.commands import CancelOrderCommand, CommandStatus, NotifyCommand, ReorderCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import SupplierLine
from streamer.messages.status import AuditEntry, PurchaseOrderStatus
from streamer.messages.stock import Incoming, RowRelease
from tests.domain.buying import (
    WHY,
    approval,
    buying,
    company,
    last_status,
    ledger_says,
    need,
    row,
    sent,
    supplier_says,
    the_order,
)
from tests.domain.memory import START, Partition, of


def test_an_automatic_need_is_ordered_at_once() -> None:
    partition = buying()
    made = partition.send(need(needed_by="2026-03-09"))
    order = the_order(made)
    assert (order.reference, order.version, order.command_id) == (
        "ACME-1",
        1,
        command_id("reorder", "ACME-1", "1"),
    )
    assert (order.account, order.address, order.contact, order.ship_to) == ("erp", "V-100", "orders", "main")
    assert (order.order_date, order.needed_by, order.currency) == ("2026-03-02", "2026-03-09", "EUR")
    assert order.reply_token is not None and len(order.reply_token) == 8
    (line,) = order.lines
    assert (line.sku, line.quantity, line.unit_price, line.need_ids) == (
        "PAD-1",
        Decimal(10),
        Decimal("4.50"),
        ("need:main/PAD-1/1",),
    )
    assert line.why == (WHY,)
    (incoming,) = of(Incoming, made)
    assert (incoming.state, incoming.quantity, incoming.expected_date) == ("ordered", 10, "2026-03-05")
    assert last_status(made).state == "sending"
    assert [(entry.actor, entry.origin) for entry in of(AuditEntry, made)] == [("streamer", "fold")]


def test_the_order_carries_the_day_of_the_company() -> None:
    partition = buying()
    partition.tick(to=START.replace(hour=23, minute=30))  # half past midnight in Berlin
    assert the_order(partition.send(need())).order_date == "2026-03-03"


def test_needs_within_the_window_go_into_one_order() -> None:
    partition = buying(window_seconds=600.0)
    first = partition.send(need())
    assert of(ReorderCommand, first) == []
    assert last_status(first).state == "draft"
    partition.tick(seconds=300)
    partition.send(need(1, "DISC-9", 4, unit_price=Decimal(30)), need(2, quantity=5, needed_by="2026-03-06"))
    assert of(ReorderCommand, partition.tick(seconds=299)) == []
    order = the_order(partition.tick(seconds=2))
    assert [(line.line, line.sku, line.quantity) for line in order.lines] == [("1", "PAD-1", 15), ("2", "DISC-9", 4)]
    assert order.lines[0].need_ids == ("need:main/PAD-1/1", "need:main/PAD-1/2")
    assert len(order.lines[0].why) == 2
    assert order.needed_by == "2026-03-06"
    partition.send(need(3))
    assert row(partition, "ACME-2") is not None


def test_lots_of_a_supplier_who_takes_no_more_at_once_stay_orders_of_their_own() -> None:
    partition = buying(window_seconds=600.0)
    largest: dict[str, Any] = {"maximum_lot": Decimal(40)}
    partition.send(*(need(number, quantity=quantity, **largest) for number, quantity in ((1, 40), (2, 40), (3, 20))))
    partition.send(need(4, quantity=20, **largest), need(1, "DISC-9", 4))
    orders = of(ReorderCommand, partition.tick(seconds=601))
    assert [[(line.sku, line.quantity) for line in order.lines] for order in orders] == [
        [("PAD-1", 40)],
        [("PAD-1", 40)],
        [("PAD-1", 40), ("DISC-9", 4)],
    ]


def test_a_need_in_boxes_is_told_to_the_stock_row_with_the_pieces_in_a_box() -> None:
    made = buying().send(need(quantity=2, unit="BOX", units_each=Decimal(12)))
    (incoming,) = of(Incoming, made)
    assert (incoming.quantity, incoming.units_each) == (2, 12)


def test_another_place_currency_or_kind_of_approval_is_another_order() -> None:
    partition = buying(window_seconds=600.0)
    partition.send(
        need(),
        need(location="north"),
        need(2, currency="USD"),
        need(1, "DISC-9", automatic=False),
        need(1, "BELT-3"),
    )
    assert [row(partition, f"ACME-{number}") is not None for number in range(1, 6)] == [True] * 4 + [False]


def test_a_repeated_need_changes_nothing_even_after_its_order_is_forgotten() -> None:
    partition = sent()
    partition.send(supplier_says("delivered"))
    partition.tick(days=41)
    assert row(partition) is None
    assert partition.send(need()) == []


def test_a_need_that_was_mended_and_replayed_after_later_ones_is_still_ordered() -> None:
    partition = buying()
    partition.send(need(2), need(3))
    assert the_order(partition.send(need(1))).lines[0].need_ids == ("need:main/PAD-1/1",)


def test_needs_are_known_by_their_counter_long_after_their_ids_were_forgotten() -> None:
    partition = buying()
    partition.send(*(need(number) for number in range(1, 41)))
    assert len(partition.rows["ACME/need/main/PAD-1"]) < 1500
    assert partition.send(need(1), need(8), need(40)) == []


def test_an_id_that_stood_for_another_need_is_refused_and_not_dropped() -> None:
    partition = buying()
    partition.send(need())
    with pytest.raises(Refused, match="lose its counter"):
        partition.send(need(at=START.replace(hour=9)))


def test_a_need_of_a_supplier_that_is_not_in_the_settings_is_refused() -> None:
    partition = buying()
    with pytest.raises(Refused, match=r"suppliers\.NOBODY"):
        partition.send(need(supplier="NOBODY"))
    with pytest.raises(Malformed, match="need_id"):
        partition.send(need(need_id="something"))


def test_what_is_not_confirmed_for_automatic_reorder_waits_for_a_person() -> None:
    partition = buying()
    made = partition.send(need(automatic=False))
    assert of(ReorderCommand, made) == []
    assert last_status(made).state == "awaiting_approval"
    (told,) = of(NotifyCommand, made)
    assert "Not confirmed for automatic reorder" in told.text
    approved = partition.send(approval())
    assert the_order(approved).version == 1
    (entry,) = of(AuditEntry, approved)
    assert (entry.actor, entry.before["state"], entry.after["state"]) == ("kim", "awaiting_approval", "sending")


def test_a_supplier_confirmed_as_a_whole_needs_no_approval() -> None:
    the_order(buying(automatic=True).send(need(automatic=False)))


def test_the_limit_counts_from_the_first_cent_above_it() -> None:
    the_order(buying(approval_limit=Decimal(45)).send(need()))
    made = buying(approval_limit=Decimal("44.99")).send(need())
    assert of(ReorderCommand, made) == []
    assert last_status(made).total == Decimal(45)


def test_a_limit_in_another_currency_does_not_count_as_kept() -> None:
    assert of(ReorderCommand, buying(approval_limit=Decimal(1000)).send(need(currency="JPY"))) == []


def test_nothing_is_approved_that_was_not_on_the_screen() -> None:
    partition = buying()
    partition.send(need(automatic=False))
    changed = partition.send(approval("change", quantities={"1": Decimal(6)}))
    assert last_status(changed).state == "awaiting_approval"
    assert [(incoming.quantity, incoming.state) for incoming in of(Incoming, changed)] == [(6, "ordered")]
    with pytest.raises(Refused, match="was changed since: version 2"):
        partition.send(approval(act_id="a2"))
    order = the_order(partition.send(approval(version=2, act_id="a3")))
    assert (order.version, order.lines[0].quantity) == (2, 6)
    assert order.command_id == command_id("reorder", "ACME-1", "2")


def test_a_draft_that_took_another_need_has_another_version() -> None:
    partition = buying(window_seconds=600.0)
    partition.send(need(), need(1, "DISC-9"))
    with pytest.raises(Refused, match="version 2"):
        partition.send(approval())
    order = the_order(partition.send(approval(version=2)))
    assert len(order.lines) == 2
    assert of(ReorderCommand, partition.tick(seconds=601)) == []
    partition.send(need(2))
    assert row(partition, "ACME-2").state == "draft"


def test_a_line_taken_out_by_a_person_no_longer_comes() -> None:
    partition = buying()
    partition.send(company(window_seconds=60.0).model_copy(update={"revision": 2}))
    partition.send(need(automatic=False), need(1, "DISC-9", automatic=False))
    partition.tick(seconds=61)
    made = partition.send(approval("change", 2, quantities={"2": Decimal(0)}))
    assert [(incoming.sku, incoming.state) for incoming in of(Incoming, made)] == [("DISC-9", "cancelled")]
    with pytest.raises(Refused, match="reject it instead"):
        partition.send(approval("change", 3, "a2", quantities={"1": Decimal(0)}))
    with pytest.raises(Malformed, match=r"quantities\.7"):
        partition.send(approval("change", 3, "a3", quantities={"7": Decimal(1)}))


def test_less_than_was_needed_is_shared_in_the_order_of_the_needs() -> None:
    partition = buying(window_seconds=60.0)
    partition.send(need(automatic=False), need(2, quantity=5, automatic=False))
    made = partition.send(approval("change", 2, quantities={"1": Decimal(12)}))
    assert [(told.need_id[-1], told.quantity) for told in of(Incoming, made)] == [("2", 2)]


def test_a_rejected_order_is_over_and_the_stock_rows_know() -> None:
    partition = buying()
    partition.send(need(automatic=False))
    made = partition.send(approval("reject", reason="too dear"))
    assert [told.state for told in of(Incoming, made)] == ["cancelled"]
    assert last_status(made).state == "cancelled"
    with pytest.raises(Refused, match="cancelled already"):
        partition.send(approval(act_id="a2"))


def test_what_was_sent_can_no_longer_be_approved_or_changed() -> None:
    partition = sent()
    with pytest.raises(Refused, match="sent already"):
        partition.send(approval("reject"))
    with pytest.raises(Refused, match="no order of ours"):
        partition.send(approval(reference="ACME-9"))


def test_what_was_sent_can_be_cancelled_and_is_cancelled_when_the_other_side_says_so() -> None:
    partition = sent()
    partition.send(ledger_says("confirmed", external_reference="PO-7"))
    made = partition.send(approval("cancel", reason="ordered elsewhere"))
    (command,) = of(CancelOrderCommand, made)
    assert (command.account, command.object, command.external_reference) == ("erp", "order/ACME-1", "PO-7")
    assert (command.replaces, command.reason) == (command_id("reorder", "ACME-1", "1"), "ordered elsewhere")
    assert of(Incoming, made) == []
    assert last_status(made).state == "confirmed"
    with pytest.raises(Refused, match="asked to cancel"):
        partition.send(approval("cancel", act_id="a2"))
    done = partition.send(ledger_says("cancelled", command_id=command.command_id))
    assert [told.state for told in of(Incoming, done)] == ["cancelled"]
    assert last_status(done).state == "cancelled"


def test_a_draft_is_rejected_and_a_shipped_order_is_not_cancelled() -> None:
    partition = buying()
    partition.send(need(automatic=False))
    with pytest.raises(Refused, match="reject it instead"):
        partition.send(approval("cancel"))
    partition = sent()
    partition.send(supplier_says("shipped"))
    with pytest.raises(Refused, match="shipped already"):
        partition.send(approval("cancel"))


def test_the_ledger_tells_how_the_sending_went() -> None:
    partition = sent()
    assert last_status(partition.send(ledger_says("unknown"))).state == "unknown"
    assert last_status(partition.send(ledger_says("human"))).state == "human"
    assert partition.send(ledger_says("unknown")) == []
    made = partition.send(ledger_says("confirmed", external_reference="PO-7", evidence={"http_status": "201"}))
    assert (last_status(made).state, last_status(made).external_reference) == ("confirmed", "PO-7")
    assert row(partition).evidence == {"http_status": "201"}
    with pytest.raises(Refused, match="not sent by command"):
        partition.send(ledger_says("sent", command_id="B" * 26))


def test_what_the_supplier_refused_is_not_ordered_again_by_machine() -> None:
    partition = sent()
    made = partition.send(ledger_says("rejected", reason="422: unknown part"))
    assert [told.state for told in of(Incoming, made)] == ["cancelled"]
    assert [told.subject for told in of(NotifyCommand, made)] == ["Purchase order refused"]
    again = partition.send(need(2))
    assert of(ReorderCommand, again) == []
    assert last_status(again).state == "awaiting_approval"
    partition.tick(days=1.1)
    the_order(partition.send(need(3)))


def test_any_sign_of_life_confirms_an_order_of_unknown_fate() -> None:
    partition = sent()
    partition.send(ledger_says("unknown"))
    made = partition.send(supplier_says("received", external_reference="SO-8"))
    (told,) = of(CommandStatus, made)
    assert (told.account, told.command_id, told.state, told.external_reference) == (
        "erp",
        command_id("reorder", "ACME-1", "1"),
        "confirmed",
        "SO-8",
    )
    assert last_status(made).state == "confirmed"
    assert of(CommandStatus, partition.send(supplier_says("accepted"))) == []


def test_promised_dates_and_back_orders_reach_the_stock_rows() -> None:
    partition = sent()
    made = partition.send(
        supplier_says(
            "accepted_with_changes",
            SupplierLine(line="1", quantity=Decimal(6), promised_date="2026-03-20", status="IC"),
        )
    )
    (told,) = of(Incoming, made)
    assert (told.state, told.quantity, told.expected_date) == ("confirmed", 6, "2026-03-20")
    (line,) = last_status(made).lines
    assert (line.confirmed, line.promised_date, line.status) == (6, "2026-03-20", "IC")
    assert {note.subject for note in of(NotifyCommand, made)} == {
        "Supplier accepted with changes",
        "Less comes than was ordered",
    }


def test_goods_that_arrive_are_told_as_received_and_the_order_ends() -> None:
    partition = sent()
    part = partition.send(supplier_says("partly_delivered", SupplierLine(line="1", quantity=Decimal(4))))
    (told,) = of(Incoming, part)
    assert (told.state, told.quantity, told.received) == ("confirmed", 6, 4)
    made = partition.send(supplier_says("delivered"))
    (told,) = of(Incoming, made)
    assert (told.state, told.quantity, told.received) == ("received", 0, 10)
    assert last_status(made).state == "received"
    partition.tick(days=41)
    assert row(partition) is None


def test_an_old_status_that_comes_late_changes_nothing() -> None:
    partition = sent()
    partition.send(supplier_says("shipped"))
    assert last_status(partition.sent).state == "shipped"
    partition.send(supplier_says("accepted"))
    assert last_status(partition.sent).state == "shipped"


def test_a_contradiction_is_kept_and_told_once() -> None:
    partition = sent()
    partition.send(supplier_says("rejected"))
    made = partition.send(supplier_says("shipped"))
    assert last_status(made).conflict == "rejected, and yet shipped"
    assert [note.severity for note in of(NotifyCommand, made)] == ["urgent"]
    assert of(NotifyCommand, partition.send(supplier_says("invoiced", source_id="i"))) != []  # accepted and rejected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verified": False, "unverified_reason": "dmarc failed"}, "dmarc failed"),
        ({"sender": "orders@evil.example"}, "senders"),
        ({"sender": "x@sub.acme-parts.example"}, "senders"),
        ({"sender": "orders@acme.example", "recipient_token": "00000000"}, "token"),
        ({"sender": "orders@acme.example", "recipient_token": "AC-1.00000000"}, "token"),
        ({"sender": "orders@acme.example", "recipient_token": "AC-1"}, "token"),
    ],
)
def test_an_answer_that_nobody_vouches_for_changes_nothing_but_is_shown(changes: dict[str, Any], reason: str) -> None:
    partition = sent()
    made = partition.send(supplier_says("rejected", **changes))
    assert of(Incoming, made) == []
    assert of(CommandStatus, made) == []
    assert last_status(made).state == "sending"
    assert reason in (last_status(made).conflict or "")
    assert [note.severity for note in of(NotifyCommand, made)] == ["urgent"]


def test_the_public_status_of_an_order_names_no_address() -> None:
    partition = sent()
    made = partition.send(
        supplier_says(
            "rejected",
            source_id="<jo.doe@home.example>",
            verified=False,
            unverified_reason="no dmarc for jo.doe@home.example",
        )
    )
    assert last_status(made).conflict == "unproven answer (rejected): no dmarc for an address"
    assert all("jo.doe" not in message.to_json().decode() for message in made)


@pytest.mark.parametrize("sender", ["orders@acme.example", "Orders@ACME.example", "anyone@acme-parts.example", None])
def test_an_answer_from_a_listed_sender_counts(sender: str | None) -> None:
    partition = sent()
    assert last_status(partition.send(supplier_says("accepted", sender=sender))).state == "confirmed"


@pytest.mark.parametrize("form", ["{token}", "{reference}.{token}"])
def test_a_token_in_the_reply_address_must_be_that_of_the_order(form: str) -> None:
    partition = sent()
    tag = form.format(reference=row(partition).reference, token=row(partition).reply_token).upper()
    made = partition.send(supplier_says("accepted", sender="orders@acme.example", recipient_token=tag))
    assert last_status(made).state == "confirmed"


def test_a_mail_that_came_back_goes_to_a_person_and_a_delay_does_not() -> None:
    partition = sent()
    partition.send(ledger_says("sent"))
    assert partition.send(supplier_says("delayed")) == []
    made = partition.send(supplier_says("bounced", permanent=True, smtp_status="5.1.1", sender="mailer@mx.example"))
    assert last_status(made).state == "human"
    assert [note.severity for note in of(NotifyCommand, made)] == ["urgent"]
    assert of(ReorderCommand, made) == []


def test_free_text_is_read_by_a_person() -> None:
    partition = sent()
    made = partition.send(supplier_says("replied", text="Call us", sender="orders@acme.example"))
    assert [note.subject for note in of(NotifyCommand, made)] == ["Supplier wrote"]
    assert "Call us" not in of(NotifyCommand, made)[0].text
    assert of(PurchaseOrderStatus, made) == []


def test_an_answer_to_an_order_that_we_never_sent_is_refused() -> None:
    partition = buying()
    partition.send(need(automatic=False))
    with pytest.raises(Refused, match="not sent yet"):
        partition.send(supplier_says("accepted"))
    with pytest.raises(Refused, match="no order of ours"):
        partition.send(supplier_says("accepted", reference="ACME-99"))


def test_a_quarantined_supplier_orders_nothing_until_it_is_released() -> None:
    partition = buying()
    partition.quarantine("ACME")
    with pytest.raises(Refused, match="quarantine"):
        partition.send(need())
    partition.send(RowRelease(topic="purchasing", row_key="ACME", log_key="ACME", actor="kim", act_id="r1"))
    the_order(partition.send(need()))


def test_a_quarantined_order_still_notes_what_the_supplier_says_and_is_not_sent() -> None:
    partition = buying(window_seconds=60.0)
    partition.send(need())
    partition.quarantine("ACME/ACME-1")
    assert partition.tick(seconds=61) == []
    with pytest.raises(Refused, match="quarantine"):
        partition.send(approval())
    partition.send(need(2))
    assert row(partition, "ACME-2").state == "draft"


def test_a_large_draft_is_continued_in_the_next_order() -> None:
    partition = Partition(purchasing, twice=False)
    partition.send(company(window_seconds=600.0))
    partition.send(*(need(1, f"SKU-{number}") for number in range(101)))
    assert len(row(partition).lines) == 100
    assert len(row(partition, "ACME-2").lines) == 1


@examples(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["PAD-1", "DISC-9"]), st.integers(1, 20), st.booleans(), st.integers(0, 90)),
        min_size=1,
        max_size=12,
    )
)
def test_every_need_is_ordered_exactly_once(history: list[tuple[str, int, bool, int]]) -> None:
    partition = buying(window_seconds=60.0)
    wanted: dict[str, int] = {}
    for number, (sku, quantity, automatic, pause) in enumerate(history, 1):
        partition.send(need(number, sku, quantity, automatic=automatic))
        wanted[sku] = wanted.get(sku, 0) + quantity
        partition.tick(seconds=pause)
    partition.tick(seconds=61)
    for reference in [f"ACME-{number}" for number in range(1, len(history) + 1)]:
        waiting = row(partition, reference)
        if waiting is not None and waiting.state == "awaiting_approval":
            partition.send(approval(version=waiting.version, reference=reference, act_id=reference))
    orders = of(ReorderCommand, partition.sent)
    got: dict[str, int] = {}
    for order in orders:
        for line in order.lines:
            got[line.sku] = got.get(line.sku, 0) + int(line.quantity)
    assert got == wanted
    assert len({order.command_id for order in orders}) == len(orders)
    covered = [need_id for order in orders for line in order.lines for need_id in line.need_ids]
    assert len(covered) == len(set(covered)) == len(history)


def test_each_status_has_a_revision_above_the_last() -> None:
    partition = sent()
    partition.send(ledger_says("confirmed"), supplier_says("accepted"), supplier_says("shipped"))
    revisions = [status.revision for status in of(PurchaseOrderStatus, partition.sent)]
    assert revisions == sorted(set(revisions))
