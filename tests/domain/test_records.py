"""Records that go from a shop to an ERP: what is copied when, once, and in its newest form."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streamer.errors import Refused
from streamer.messages.commands import OperatorAct, RecordCommand
from streamer.messages.orders import ObjectKnown, OrderLine
from streamer.messages.people import Customer
from streamer.messages.records import Asked, FieldRule
from streamer.messages.status import AuditEntry
from streamer.messages.stock import LineRequest
from tests.domain.copying import ANNA, Company, customer, order, route
from tests.domain.memory import of
from tests.domain.shop import at


def test_an_order_goes_to_the_erp_with_its_customer_first() -> None:
    shop = Company()
    shop.run(order())
    assert shop.erp.order_of_work == ["customer", "order"]
    (made,) = shop.erp.of("order")
    assert made.order is not None
    assert made.order.lines[0].sku == "PAD"
    assert made.customer_reference == "C1"
    assert (shop.copy().state, shop.copy().external_reference) == ("confirmed", "O2")


def test_an_order_waits_until_the_id_of_its_customer_is_known() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    assert [call.command.object.partition("/")[0] for call in shop.calls] == ["customer"]
    shop.answer()
    assert [call.command.object.partition("/")[0] for call in shop.calls] == ["order"]


def test_the_same_customer_is_made_once_from_two_shops() -> None:
    shop = Company(route(), route(name="other-erp", source="other"))
    theirs = Customer(id="99", name="A. Berg", email=" Anna@Berg.example ")
    shop.tell(order(), order("5", account="other", platform="woocommerce", customer=theirs))
    shop.settle()
    assert len(shop.calls) == 1, "the second waits for what the first finds out"
    shop.run()
    assert shop.erp.order_of_work == ["customer", "order", "order"]
    assert {made.customer_reference for made in shop.erp.of("order")} == {"C1"}


def test_a_customer_who_changes_his_address_stays_the_same_customer() -> None:
    shop = Company()
    shop.run(customer())
    shop.run(customer(5, customer=ANNA.model_copy(update={"email": "new@berg.example"})))
    assert shop.erp.order_of_work == ["customer"]
    (made,) = shop.erp.of("customer")
    assert made.customer is not None
    assert made.customer.customer.email == "new@berg.example"


def test_a_customer_that_comes_with_an_order_never_overwrites_what_the_customer_record_said() -> None:
    shop = Company()
    shop.run(customer(customer=ANNA.model_copy(update={"phone": "0421 1"})))
    shop.run(order())
    (made,) = shop.erp.of("customer")
    assert made.customer is not None
    assert made.customer.customer.phone == "0421 1"


def test_a_route_without_customers_finds_the_customer_and_never_makes_one() -> None:
    shop = Company(route(kinds=("order",)))
    shop.run(order())
    assert shop.erp.order_of_work == []
    assert shop.copy().state == "blocked"
    assert shop.why() == "its customer was not copied: no such customer"


def test_an_order_that_changes_before_its_copy_began_goes_over_in_its_newest_form() -> None:
    shop = Company()
    shop.tell(order(), order(minutes=2, comment="Leave at gate"), order(minutes=3, comment="Ring twice"))
    shop.run()
    (made,) = shop.erp.of("order")
    assert made.order is not None
    assert made.order.comment == "Ring twice"
    assert shop.erp.creates[made.reference] == 1


def test_what_changes_while_a_copy_is_under_way_follows_as_one_update() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer()  # the customer
    shop.tell(order(minutes=2, comment="a"), order(minutes=3, comment="b"))
    shop.settle()
    assert len(shop.calls) == 1
    shop.run()
    sent = [one for one in of(RecordCommand, shop.seen) if one.entity == "order"]
    assert [one.order.comment if one.order else None for one in sent] == [None, "b"]
    assert shop.copy().revision == 2


def test_an_order_that_changes_after_it_was_copied_is_updated() -> None:
    shop = Company()
    shop.run(order())
    shop.run(order(minutes=9, lines=(OrderLine(line_id="1", sku="PAD", quantity=Decimal(5)),)))
    (made,) = shop.erp.of("order")
    assert made.order is not None
    assert made.order.lines[0].quantity == 5
    assert made.external_reference == "O2"


def test_unchanged_content_sends_nothing() -> None:
    shop = Company()
    shop.run(order())
    before = len(of(RecordCommand, shop.seen))
    shop.run(order(minutes=9), order(minutes=10, status="paid", priority=3))
    assert len(of(RecordCommand, shop.seen)) == before
    assert shop.copy().version == at(10).isoformat()


def test_that_a_line_was_shipped_is_no_change_of_the_order() -> None:
    shop = Company()
    shop.run(order())
    line = OrderLine(line_id="1", sku="PAD", quantity=Decimal(2), unit_price=Decimal("9.50"), shipped=Decimal(2))
    shop.run(order(minutes=9, lines=(line,)))
    assert shop.copy().revision == 1


def test_a_change_that_was_taken_back_meanwhile_sends_nothing() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.tell(order(minutes=2, comment="a"), order(minutes=3))
    shop.run()
    assert shop.copy().revision == 1


def test_an_older_version_that_comes_late_changes_nothing() -> None:
    shop = Company()
    shop.run(order(minutes=9, comment="new"))
    shop.run(order(minutes=3, comment="old"))
    assert shop.copy().revision == 1


def test_an_order_that_is_cancelled_after_it_was_copied_is_cancelled_there() -> None:
    shop = Company()
    shop.run(order())
    shop.run(order(minutes=9, state="cancelled"))
    (made,) = shop.erp.of("order")
    assert (made.operation, made.external_reference) == ("cancel", "O2")
    shop.run(order(minutes=12))
    (made,) = shop.erp.of("order")
    assert made.operation == "upsert", "it was reopened"
    assert shop.erp.creates[made.reference] == 1


def test_an_order_that_is_cancelled_before_it_was_copied_is_never_copied() -> None:
    shop = Company(route(mode="batch"))
    shop.tell(order(), order(minutes=2, state="cancelled"))
    shop.tick(seconds=3600)
    shop.run()
    assert shop.erp.records == {}
    assert shop.copy().state == "dropped"
    shop.run(order("2", state="cancelled"))
    assert shop.orders.row("/copy/shop-erp/shop/2") is None


def test_an_order_that_is_cancelled_while_it_is_copied_is_cancelled_next() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer()
    shop.tell(order(minutes=2, state="cancelled"))
    shop.run()
    (made,) = shop.erp.of("order")
    assert made.operation == "cancel"


def test_an_older_version_that_comes_after_the_cancellation_is_not_copied() -> None:
    shop = Company()
    shop.run(order(minutes=9, state="cancelled"), order(minutes=3))
    assert shop.erp.records == {}


def test_a_batch_goes_every_ten_minutes() -> None:
    shop = Company(route(mode="batch"))
    shop.tell(order(), order("2"))
    shop.settle()
    shop.tick(seconds=599)
    assert not shop.calls
    shop.tick(seconds=1)
    shop.run()
    assert len(shop.erp.of("order")) == 2


def test_one_bad_record_never_holds_the_batch() -> None:
    """What users of the open connectors complain of: an order with a deleted product stops all that follow."""
    shop = Company(route(mode="batch"))
    nobody = order("2", customer=Customer(name="Somebody"))
    shop.tell(order("1"), nobody, order("3"), order("4"))
    shop.tick(seconds=600)
    for _ in range(20):
        if not shop.calls:
            break
        call = shop.calls[0]
        bad = isinstance(call.command, RecordCommand) and call.command.record_key == "shop/3"
        shop.answer(refuse="product 17 was deleted" if bad and call.command.object.startswith("order/") else None)
    assert {made.record_key for made in shop.erp.of("order")} == {"shop/1", "shop/4"}
    assert (shop.copy("shop/3").state, shop.why("shop/3")) == ("failed", "product 17 was deleted")
    assert shop.copy("shop/2").state == "failed"
    assert shop.why("shop/2") == "customer.email: the customer has none of these, and a name alone never matches"
    assert "Somebody" not in shop.why("shop/2")


def test_a_first_run_copies_no_history_and_a_dry_run_shows_what_it_would_do() -> None:
    """The complaint: a first run wrote everything everywhere, matched by name, and could not be tried before."""
    shop = Company(route(dry_run=True))
    shop.run(order("0", occurred_at=at(days=-30)), order("1"))
    assert shop.orders.row("/copy/shop-erp/shop/0") is None
    assert of(RecordCommand, shop.seen) == []
    assert shop.copy().state == "dry_run"
    shown = {field: (before, after) for field, before, after in shop.copy().difference}
    assert shown["lines.1.quantity"] == ("", "2")
    assert shown["customer.email"][0] == ""
    assert "anna" not in str(shown).lower(), "what is personal shows only that it differs"


def test_a_dry_run_shows_field_by_field_what_would_be_changed() -> None:
    shop = Company()
    shop.run(order())
    changed = order(minutes=9, currency="USD", lines=(OrderLine(line_id="1", sku="PAD", quantity=Decimal(3)),))
    shop.run(changed.model_copy(update={"asked": Asked(act_id="look", dry_run=True)}))
    assert shop.copy().state == "dry_run"
    assert [tuple(one) for one in shop.copy().difference] == [
        ("currency", "EUR", "USD"),
        ("lines.1.quantity", "2", "3"),
        ("lines.1.unit_price", "9.50", ""),
    ]
    assert shop.copy().revision == 1
    shop.run(shop.pressed())
    assert shop.copy().state == "confirmed"
    (made,) = shop.erp.of("order")
    assert made.order is not None
    assert made.order.currency == "USD"


def test_a_retry_does_not_repeat_what_succeeded() -> None:
    """The complaint: retrying a failed step ran the steps before it again, or an older version of the work."""
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer()
    (failed,) = shop.calls
    shop.answer(refuse="the fiscal year is closed")
    assert shop.copy().state == "failed"
    shop.run(order(minutes=5))
    assert shop.copy().state == "failed", "the same content is not tried again by itself"
    shop.run(
        OperatorAct(
            account="erp", command_id=failed.command_id, act="send_again", reason="opened", actor="ines", act_id="a",
            at=at(9),
        )
    )  # fmt: skip
    assert shop.copy().state == "confirmed"
    assert shop.erp.order_of_work == ["customer", "order"]
    customers = [one for one in of(RecordCommand, shop.seen) if one.entity == "customer"]
    assert len(customers) == 1


def test_a_retry_by_the_button_sends_the_newest_content_alone() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer()
    shop.answer(refuse="the fiscal year is closed")
    shop.run(shop.pressed())
    assert shop.copy().state == "confirmed"
    assert shop.erp.order_of_work == ["customer", "order"]
    (entry,) = of(AuditEntry, shop.seen)
    assert (entry.act, entry.before["state"], entry.after["revision"]) == ("record.copy_now", "failed", "2")


def test_a_change_of_the_record_is_tried_although_the_one_before_failed() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer()
    shop.answer(refuse="no product PAD")
    shop.run(order(minutes=5, lines=(OrderLine(line_id="1", sku="PAD-2", quantity=Decimal(1)),)))
    assert shop.copy().state == "confirmed"


def test_an_order_whose_customer_is_refused_is_blocked_and_goes_on_when_the_customer_is_mended() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer(refuse="the tax id is wrong")
    assert shop.copy().state == "blocked"
    assert not shop.calls
    shop.run(customer(5, customer=ANNA.model_copy(update={"tax_id": "DE1"})))
    assert shop.erp.order_of_work == ["customer", "order"]
    assert shop.copy().state == "confirmed"


def test_a_blocked_order_that_names_another_customer_goes_with_him() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    shop.answer(refuse="the tax id is wrong")
    shop.run(order(minutes=5, customer=Customer(id="8", email="bert@berg.example")))
    assert shop.erp.order_of_work == ["customer", "order"]
    assert shop.copy().state == "confirmed"
    shop.run(customer(6))
    assert len(shop.erp.of("order")) == 1, "the older content is never sent"
    assert shop.copy().revision == 2


def test_many_orders_of_one_new_customer_make_him_once_and_all_follow() -> None:
    shop = Company()
    shop.tell(*(order(str(number)) for number in range(30)))
    shop.settle()
    assert len(shop.calls) == 1
    for _ in range(20):
        shop.run()
        shop.tick(seconds=1)
    assert shop.erp.order_of_work == ["customer"] + ["order"] * 30


def test_when_the_first_order_cannot_make_the_customer_the_second_one_tries() -> None:
    shop = Company()
    shop.tell(order("1"), order("2"))
    shop.settle()
    shop.answer(refuse="try another day")
    shop.run()
    shop.tick(seconds=5)
    shop.run()
    assert shop.erp.order_of_work == ["customer", "order", "order"]


def test_with_a_manual_route_nothing_goes_before_the_button_is_pressed() -> None:
    shop = Company(route(mode="manual"))
    shop.run(order())
    assert shop.copy().state == "held"
    assert shop.erp.records == {}
    shop.run(shop.pressed())
    assert shop.copy().state == "confirmed"
    shop.run(order(minutes=5, comment="later"))
    assert shop.copy().state == "held"
    assert [field for field, _, _ in shop.copy().difference] == ["comment"]


def test_the_button_says_why_it_does_nothing() -> None:
    shop = Company()
    for words, before in (("was not seen", []), ("under way", [order()]), ("nothing of it waits", None)):
        shop.tell(*(before or []))
        shop.settle()
        if before is None:
            shop.run()
        with pytest.raises(Refused, match=words):
            shop.orders.send(shop.pressed(act_id=f"act-{words}"))
    dry = Company(route(dry_run=True))
    dry.run(order())
    with pytest.raises(Refused, match=r"routes\.shop-erp\.dry_run"):
        dry.orders.send(dry.pressed())


def test_what_we_made_ourselves_is_never_a_new_record_to_copy() -> None:
    shop = Company(route(), route(name="erp-crm", source="erp", target="crm"))
    shop.run(order())
    assert {known.source_id for known in of(ObjectKnown, shop.seen)} == {"customer:C1", "O2"}
    shop.run(order("O2", 30, account="erp", platform="local_erp"))
    shop.run(customer(30, account="erp", source_id="C1"))
    shop.tick(seconds=120)
    assert not [key for key in shop.orders.rows if key.startswith("/copy/erp-crm/")]


def test_an_echo_that_overtakes_the_answer_is_recognised_when_the_answer_comes() -> None:
    shop = Company(route(), route(name="erp-crm", source="erp", target="crm"))
    shop.tell(order())
    shop.settle()
    shop.answer()
    shop.run(order("O2", 30, account="erp", platform="local_erp", customer=ANNA))
    assert not [
        key
        for key in shop.orders.rows
        if key.startswith("/copy/erp-crm/erp/O2") and shop.copy("erp/O2", "erp-crm").state != "waiting"
    ]
    shop.run()
    shop.tick(seconds=120)
    shop.run()
    assert "/copy/erp-crm/erp/O2" not in shop.orders.rows


def test_an_echo_is_known_by_our_reference_even_before_that() -> None:
    for prefix in (None, "WEB-"):
        shop = Company(route(reference_prefix=prefix), route(name="erp-crm", source="erp", target="crm"))
        shop.tell(order())
        shop.settle()
        shop.answer()
        (call,) = shop.calls
        assert isinstance(call.command, RecordCommand)
        assert call.command.reference == "WEB-1" if prefix else call.command.reference.startswith("R")
        shop.tell(order("O9", account="erp", platform="local_erp", references=(call.command.reference,)))
        shop.settle()
        assert "/copy/erp-crm/erp/O9" not in shop.orders.rows
        asked = [one for one in of(LineRequest, shop.seen) if one.account == "erp"]
        assert asked == [], "nor is it demand a second time"


def test_a_back_fill_copies_what_the_cut_off_left_out() -> None:
    shop = Company()
    old = order("0", occurred_at=at(days=-90), version=at(days=-90).isoformat())
    with pytest.raises(Refused):
        shop.orders.send(order("1", 1), old)
    shop.run(old.model_copy(update={"asked": Asked(act_id="backfill-1")}))
    assert [made.record_key for made in shop.erp.of("order")] == ["shop/0"]
    assert shop.orders.row("shop/0") is None, "history is copied, and is no demand"
    assert shop.copy("shop/0").asked_by == "backfill-1"


def test_a_reconciliation_finds_what_no_notice_told_and_leaves_the_rest_alone() -> None:
    shop = Company()
    shop.run(order("1"))
    before = len(of(RecordCommand, shop.seen))
    asked = Asked(act_id="reconcile:shop-erp", route="shop-erp")
    shop.run(*(order(number).model_copy(update={"asked": asked}) for number in ("1", "2")))
    made = of(RecordCommand, shop.seen)[before:]
    assert {one.record_key for one in made} == {"shop/2"}
    assert shop.copy("shop/2").asked_by == "reconcile:shop-erp"
    assert shop.copy("shop/1").asked_by is None


def test_fields_are_mapped_as_the_route_says() -> None:
    rules = {
        "comment": FieldRule(source="extra.gift_note", default="none"),
        "x_channel": FieldRule(constant="web"),
        "x_contact": FieldRule(source="customer.email"),
        "currency": FieldRule(source="currency", values={"EUR": "EU"}),
        "lines.supplier_sku": FieldRule(source="lines.sku", values={"PAD": "4711"}),
        "lines.x_tax": FieldRule(constant="19"),
    }
    rules["currency"] = FieldRule(source="currency", values={"EUR": "CHF"})
    shop = Company(route(rules={"order": rules}, fields={"order": ("customer", "lines", "currency")}))
    shop.run(order())
    (made,) = shop.erp.of("order")
    assert made.order is not None
    assert (made.order.comment, made.order.currency) == ("none", "CHF")
    assert made.order.ship_to is None, "not among the fields of the route"
    assert made.order.lines[0].supplier_sku == "4711"
    assert made.fields == {"x_channel": "web", "x_contact": "anna@berg.example"}
    assert made.line_fields == {"1": {"x_tax": "19"}}
    assert "anna" not in str(shop.copy().known)


def test_a_record_without_a_needed_field_fails_alone_and_names_it() -> None:
    rules = {"x_reference": FieldRule(source="customer_reference", required=True)}
    shop = Company(route(rules={"order": rules}))
    shop.run(order("1"), order("2", customer_reference="PO 7"))
    assert shop.why("shop/1") == "x_reference: is needed, and customer_reference has no value"
    assert shop.copy("shop/2").state == "confirmed"


def test_a_value_that_the_field_cannot_hold_fails_alone_and_is_not_shown() -> None:
    shop = Company(route(rules={"order": {"currency": FieldRule(source="customer.email")}}))
    shop.run(order("1"))
    assert shop.copy().state == "failed"
    assert shop.why().startswith("currency: ")
    assert "anna" not in shop.why()


def test_a_lead_becomes_a_customer_and_a_deal_an_order() -> None:
    shop = Company(
        route(
            name="crm-erp", source="crm", kinds=("lead", "deal"), becomes={"lead": "customer", "deal": "order"},
        )
    )  # fmt: skip
    shop.run(customer(account="crm", platform="hubspot", kind="lead"))
    shop.run(order("D1", account="crm", platform="hubspot", kind="deal"))
    assert shop.erp.order_of_work == ["customer", "order"]
    assert shop.copy("crm/D1", "crm-erp").state == "confirmed"


def test_an_order_of_nobody_goes_to_the_guest_of_the_route() -> None:
    shop = Company(route(guest="CASH"))
    shop.erp.records["CASH"] = RecordCommand(
        command_id="X" * 26, account="erp", object="customer/x", cause="", entity="customer", reference="x", revision=1
    )
    shop.run(order(customer=Customer(name="Somebody")))
    (made,) = shop.erp.of("order")
    assert made.customer_reference == "CASH"


def test_addresses_follow_their_customer() -> None:
    shop = Company(route(kinds=("customer", "order", "address")))
    shop.run(order())
    shop.tick(seconds=1)
    shop.run()
    assert sorted(shop.erp.order_of_work) == ["address", "customer", "order"]
    (made,) = shop.erp.of("address")
    assert (made.customer_reference, made.address and made.address.city) == ("C1", "Bremen")


def test_what_nobody_answered_is_looked_for_before_it_is_made_again() -> None:
    shop = Company()
    shop.tell(order())
    shop.settle()
    (call,) = shop.calls
    assert isinstance(call.command, RecordCommand)
    shop.erp.carry_out(call.command)  # it was made, and the answer was lost
    shop.answer(result="unknown")
    assert not shop.calls
    shop.tick(seconds=60)
    shop.run()
    assert shop.erp.order_of_work == ["customer", "order"]
    assert set(shop.erp.creates.values()) == {1}


def test_a_sink_that_cannot_find_what_it_made_asks_a_person() -> None:
    shop = Company()
    facts = dict(shop.orders.row("=settings").accounts)
    facts["erp"] = facts["erp"].model_copy(update={"record_class": "C"})
    shop.apply(shop.orders.row("=settings").model_copy(update={"revision": 2, "accounts": facts}))
    shop.tell(order())
    shop.settle()
    shop.answer(result="unknown")
    assert shop.copy().state == "blocked"
    assert "may have been carried out" in shop.why()


def test_once_it_is_there_nothing_personal_stays_in_the_row() -> None:
    shop = Company()
    shop.run(order(), customer())
    for key, value in shop.orders.rows.items():
        if key.startswith("/copy/"):
            assert b"anna" not in value.lower(), key
            assert b"Ringweg" not in value, key
    for key, value in shop.dispatch.rows.items():
        if "/known/" in key or "/match/" in key:
            assert b"anna" not in value.lower() and "anna" not in key, key


def test_content_that_nobody_wanted_goes_after_forty_days() -> None:
    shop = Company(route(mode="manual"))
    shop.run(order())
    shop.tick(days=41)
    assert shop.copy().wanted is None
    assert b"anna" not in shop.orders.rows["/copy/shop-erp/shop/1"].lower()
    shop.tick(days=731)
    assert "/copy/shop-erp/shop/1" not in shop.orders.rows


def test_a_batch_of_a_route_that_is_gone_waits_for_a_person() -> None:
    shop = Company(route(mode="batch"))
    shop.tell(order())
    shop.settle()
    shop.apply(shop.orders.row("=settings").model_copy(update={"revision": 2, "routes": ()}))
    shop.tick(seconds=600)
    assert (shop.copy().state, shop.why()) == ("held", "the route is gone")
