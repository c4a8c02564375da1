"""What becomes of an order: what it asks of stock, how its lines stand, and what its platform is told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain import orders
from streamer.errors import Ignored, Refused
from streamer.messages.applied import AccountFacts, SupplierFacts
from streamer.messages.base import Message
from streamer.messages.commands import WriteBackCommand
from streamer.messages.orders import (
    AddLine,
    CustomerRecord,
    ItemResolved,
    KitPart,
    LineDecision,
    ObjectKnown,
    Order,
    OrderLine,
    WriteBackDone,
)
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.purchasing import SupplierStatus
from streamer.messages.recalls import VehicleAppointment
from streamer.messages.status import OrderLineStatus
from streamer.messages.stock import LineRelease, LineRequest, LineShipped, ResolveItem, RowRelease
from tests.domain.memory import Partition, of
from tests.domain.shop import at, company

ACCOUNTS = {
    "shop": AccountFacts(platform="shopify", counts="available", default_location="main", write_back=True),
    "workshop": AccountFacts(platform="keyloop"),
    "erp": AccountFacts(platform="odoo", purchase_orders="supply", default_location="main"),
}


def shop(**changes: Any) -> Partition:
    partition = Partition(orders)
    partition.send(company(accounts=ACCOUNTS, **changes))
    return partition


def line(line_id: str, quantity: int, **changes: Any) -> OrderLine:
    fields: dict[str, Any] = {"line_id": line_id, "sku": f"SKU-{line_id}", "quantity": Decimal(quantity)}
    return OrderLine(**(fields | changes))


def order(*lines: OrderLine, version: int = 1, **changes: Any) -> Order:
    """Order 1001 of the shop, placed at the start; each version is a minute later."""
    fields: dict[str, Any] = {
        "account": "shop",
        "platform": "shopify",
        "kind": "sales_order",
        "source_id": "1001",
        "number": "#1001",
        "version": at(version).isoformat(),
        "occurred_at": at(0),
        "lines": lines,
    }
    return Order(**(fields | changes))


def appointment(*lines: OrderLine, when: datetime, version: int = 1, **changes: Any) -> Order:
    vehicle = changes.pop("vehicle", Vehicle(vin="1FTFW1ET5DFC10312", make="Ford", model="F-150", year=2013))
    visit = Appointment(service_type="OIL-SERVICE", scheduled_at=when, vehicle=vehicle)
    fields: dict[str, Any] = {
        "account": "workshop",
        "kind": "service_appointment",
        "source_id": "A1",
        "number": None,
        "appointment": visit,
        "location": "main",
    }
    return order(*lines, version=version, **(fields | changes))


def answered(request: LineRequest, approved: int, waitlisted: int = 0, number: int = 1, **changes: Any) -> LineDecision:
    """What a stock row says to a request."""
    rejected = request.quantity - approved - waitlisted
    if approved == request.quantity:
        state = "approved"
    else:
        state = "partly_approved" if approved else "waitlisted" if waitlisted else "rejected"
    fields: dict[str, Any] = {
        "order_key": request.order_key,
        "line_key": request.line_key,
        "sku": request.sku,
        "location": request.location,
        "revision": request.revision,
        "decision_revision": number,
        "state": state,
        "approved": Decimal(approved),
        "waitlisted": Decimal(waitlisted),
        "rejected": rejected,
        "at": at(2),
    }
    return LineDecision(**(fields | changes))


def requests(outcome: list[Any]) -> dict[str, LineRequest]:
    return {request.line_key: request for request in of(LineRequest, outcome)}


def statuses(outcome: list[Any]) -> dict[str, tuple[str, str]]:
    return {status.line_id: (status.decision, status.fulfilment) for status in of(OrderLineStatus, outcome)}


def kinds(outcome: list[Message]) -> list[str]:
    return [type(item).__name__ for item in outcome]


def test_a_new_order_asks_the_stock_of_each_line() -> None:
    asked = requests(shop().send(order(line("1", 2), line("2", 1, location="north"))))
    assert {key: (r.sku, r.location, int(r.quantity)) for key, r in asked.items()} == {
        "shop/1001/1": ("SKU-1", "main", 2),
        "shop/1001/2": ("SKU-2", "north", 1),
    }
    assert asked["shop/1001/1"].placed_at == at(0)


def test_the_same_or_an_older_version_changes_nothing() -> None:
    partition = shop()
    partition.send(order(line("1", 2), version=5))
    assert partition.send(order(line("1", 9), version=4)) == []
    assert partition.send(order(line("1", 9), version=5)) == []


def test_a_status_is_told_when_stock_has_decided_and_again_when_it_changes() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 2))))["shop/1001/1"]
    outcome = partition.send(answered(asked, 1, 1, promised_date="2026-03-09"))
    (status,) = of(OrderLineStatus, outcome)
    assert (status.decision, status.fulfilment, status.promised_date) == ("partly_approved", "back_order", "2026-03-09")
    outcome = partition.send(answered(asked, 2, number=2))
    (later,) = of(OrderLineStatus, outcome)
    assert (later.decision, later.fulfilment) == ("approved", "open")
    assert later.revision > status.revision
    assert partition.send(answered(asked, 0, number=1)) == []


def test_the_platform_is_told_once_when_all_lines_are_decided_and_again_when_the_result_changes() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 2), line("2", 1))))
    assert of(WriteBackCommand, partition.send(answered(asked["shop/1001/1"], 2))) == []
    (command,) = of(WriteBackCommand, partition.send(answered(asked["shop/1001/2"], 0, 1)))
    assert (command.decision, command.revision, command.object) == ("partly_approved", 1, "order/1001")
    assert [(entry.line_id, entry.decision) for entry in command.lines] == [("1", "approved"), ("2", "waitlisted")]
    (command,) = of(WriteBackCommand, partition.send(answered(asked["shop/1001/2"], 1, number=2)))
    assert (command.decision, command.revision) == ("approved", 2)
    done = WriteBackDone(order_key="shop/1001", command_id=command.command_id, state="confirmed", at=at(3))
    partition.send(done)
    assert partition.row("shop/1001").answer_state == "confirmed"


def test_our_own_mark_on_the_order_comes_back_and_asks_for_nothing() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 2))))
    partition.send(answered(asked["shop/1001/1"], 2))
    assert partition.send(order(line("1", 2), version=9)) == []


def test_an_account_that_wants_no_answer_gets_none() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 1), account="workshop", location="main")))
    assert of(WriteBackCommand, partition.send(answered(asked["workshop/1001/1"], 1))) == []


def test_a_changed_quantity_is_the_next_revision_of_the_request() -> None:
    partition = shop()
    first = requests(partition.send(order(line("1", 2))))["shop/1001/1"]
    second = requests(partition.send(order(line("1", 3), version=2)))["shop/1001/1"]
    assert second.revision > first.revision
    assert (int(second.quantity), second.changed_at) == (3, at(2))
    assert partition.send(answered(first, 2)) == []


def test_a_removed_line_gives_its_stock_back() -> None:
    partition = shop()
    partition.send(order(line("1", 2), line("2", 1)))
    outcome = partition.send(order(line("2", 1), version=2))
    assert [release.line_key for release in of(LineRelease, outcome)] == ["shop/1001/1"]
    assert statuses(outcome) == {"1": ("released", "cancelled")}
    again = requests(partition.send(order(line("1", 2), line("2", 1), version=3)))
    assert list(again) == ["shop/1001/1"]


def test_another_location_gives_back_there_and_asks_here() -> None:
    partition = shop()
    partition.send(order(line("1", 2)))
    outcome = partition.send(order(line("1", 2, location="north"), version=2))
    assert [(type(item).__name__, getattr(item, "location", "")) for item in outcome] == [
        ("LineRelease", "main"),
        ("LineRequest", "north"),
    ]


def test_a_cancelled_order_gives_everything_back_and_may_be_opened_again() -> None:
    partition = shop()
    first = requests(partition.send(order(line("1", 2))))["shop/1001/1"]
    outcome = partition.send(order(line("1", 2), version=2, state="cancelled"))
    assert kinds(outcome) == ["LineRelease", "OrderLineStatus"]
    assert partition.send(answered(first, 2)) == []
    assert partition.send(order(line("1", 2), version=1)) == []
    (again,) = of(LineRequest, partition.send(order(line("1", 2), version=3)))
    assert again.revision > of(LineRelease, outcome)[0].revision


def test_an_order_that_was_cancelled_before_we_saw_it_asks_for_nothing() -> None:
    outcome = shop().send(order(line("1", 2), state="cancelled"))
    assert statuses(outcome) == {"1": ("rejected", "cancelled")}
    assert kinds(outcome) == ["OrderLineStatus"]


def test_an_order_that_was_closed_before_we_saw_it_is_history() -> None:
    assert shop().send(order(line("1", 2), state="closed")) == []


def test_what_has_left_is_told_to_stock_once() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 3))))["shop/1001/1"]
    partition.send(answered(asked, 3))
    outcome = partition.send(order(line("1", 3, shipped=Decimal(2)), version=2))
    assert [(int(item.quantity), item.at) for item in of(LineShipped, outcome)] == [(2, at(2))]
    outcome = partition.send(order(line("1", 3, shipped=Decimal(3)), version=3))
    assert [int(item.quantity) for item in of(LineShipped, outcome)] == [3]
    assert statuses(outcome) == {"1": ("approved", "shipped")}


def test_what_had_left_before_we_heard_of_it_is_not_asked_for() -> None:
    outcome = shop().send(order(line("1", 3, shipped=Decimal(3)), line("2", 3, shipped=Decimal(1))))
    assert [(item.line_key, int(item.quantity)) for item in of(LineShipped, outcome)] == [
        ("shop/1001/1", 3),
        ("shop/1001/2", 1),
    ]
    (asked,) = of(LineRequest, outcome)
    assert (asked.line_key, int(asked.quantity)) == ("shop/1001/2", 3)
    assert asked.revision > of(LineShipped, outcome)[1].revision
    assert statuses(outcome) == {"1": ("approved", "shipped")}


def test_what_had_left_from_another_place_is_not_taken_from_the_new_one() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 5))))["shop/1001/1"]
    partition.send(answered(asked, 5), order(line("1", 5, shipped=Decimal(2)), version=2))
    outcome = partition.send(order(line("1", 5, shipped=Decimal(2), location="north"), version=3))
    (asked,) = of(LineRequest, outcome)
    assert (asked.location, int(asked.quantity), of(LineShipped, outcome)) == ("north", 3, [])
    (status,) = of(OrderLineStatus, partition.send(answered(asked, 1, 2)))
    assert (status.decision, int(status.approved), int(status.waitlisted)) == ("partly_approved", 3, 2)
    outcome = partition.send(order(line("1", 5, shipped=Decimal(3), location="north"), version=4))
    assert [(item.location, int(item.quantity)) for item in of(LineShipped, outcome)] == [("north", 1)]


def test_what_has_left_does_not_come_back_when_a_quantity_goes_to_nothing_and_up_again() -> None:
    partition = shop()
    partition.send(order(line("1", 1, shipped=Decimal(1))), order(line("1", 0), version=2))
    outcome = partition.send(order(line("1", 1), version=3))
    assert of(LineRequest, outcome) == []
    assert statuses(outcome) == {"1": ("approved", "shipped")}


def test_a_line_that_turns_from_a_sku_to_an_item_of_that_sku_stays_at_its_stock_row() -> None:
    partition = shop()
    partition.send(order(line("1", 1, sku="OIL", shipped=Decimal(1))))
    partition.send(order(line("1", 2, sku=None, item_id="77"), version=2))
    outcome = partition.send(ItemResolved(order_key="shop/1001", account="shop", item_id="77", sku="OIL"))
    assert [int(item.quantity) for item in of(LineRequest, outcome)] == [2]


def test_a_line_of_nothing_that_had_left_is_cancelled_with_its_order() -> None:
    partition = shop()
    partition.send(order(line("1", 1, shipped=Decimal(1))), order(line("1", 0), version=2))
    outcome = partition.send(order(line("1", 0), version=3, state="cancelled"))
    assert statuses(outcome) == {"1": ("released", "cancelled")}


def test_a_closed_order_without_shipments_has_left_as_a_whole() -> None:
    partition = shop()
    partition.send(order(line("1", 3)))
    outcome = partition.send(order(line("1", 3), version=2, state="closed"))
    assert kinds(outcome) == ["LineShipped", "OrderLineStatus"]
    partition = shop()
    partition.send(order(line("1", 3, shipped=Decimal(1))))
    outcome = partition.send(order(line("1", 3, shipped=Decimal(1)), version=2, state="closed"))
    assert kinds(outcome) == ["LineRelease", "OrderLineStatus"]


def test_a_line_without_a_place_names_the_setting() -> None:
    outcome = shop().send(order(line("1", 1), account="workshop"))
    (status,) = of(OrderLineStatus, outcome)
    assert (status.decision, status.reason) == (
        "rejected",
        "no location: set accounts.workshop.default_location",
    )


def test_a_line_of_nothing_is_rejected() -> None:
    (status,) = of(OrderLineStatus, shop().send(order(line("1", 0))))
    assert (status.decision, status.reason) == ("rejected", "the quantity is zero")


def test_a_line_with_only_an_item_id_asks_the_catalogue_first() -> None:
    partition = shop()
    event = order(line("1", 2, sku=None, item_id="77"), line("2", 1, sku=None, item_id="77"), line("3", 1, sku=None))
    outcome = partition.send(event)
    assert [item.item_id for item in of(ResolveItem, outcome)] == ["77"]
    assert statuses(outcome) == {"3": ("rejected", "open")}
    answer = ItemResolved(order_key="shop/1001", account="shop", item_id="77", sku="OIL")
    assert {key: r.sku for key, r in requests(partition.send(answer)).items()} == {
        "shop/1001/1": "OIL",
        "shop/1001/2": "OIL",
    }
    assert partition.send(order(*event.lines, version=2)) == []


def test_an_item_that_nobody_knows_is_rejected() -> None:
    partition = shop()
    partition.send(order(line("1", 2, sku=None, item_id="77")))
    outcome = partition.send(ItemResolved(order_key="shop/1001", account="shop", item_id="77"))
    (status,) = of(OrderLineStatus, outcome)
    assert (status.decision, status.reason) == ("rejected", "unknown SKU")


def kit(request: LineRequest, *parts: tuple[str, str]) -> LineDecision:
    refer = tuple(KitPart(sku=sku, quantity_each=Decimal(each)) for sku, each in parts)
    return answered(request, 0, state="pending", rejected=Decimal(0), refer_to=refer, reason="kit")


def test_a_kit_asks_for_its_parts_in_the_order_of_their_skus_and_only_whole_kits_count() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 2, service=True))))["shop/1001/1"]
    assert asked.service
    filters = requests(partition.send(kit(asked, ("OIL", "4.5"), ("FILTER", "1"))))
    oil = requests(partition.send(answered(filters["shop/1001/1/FILTER"], 2)))
    assert {key: (str(r.quantity), r.service) for key, r in (filters | oil).items()} == {
        "shop/1001/1/FILTER": ("2", False),
        "shop/1001/1/OIL": ("9", False),
    }
    (status,) = of(OrderLineStatus, partition.send(answered(oil["shop/1001/1/OIL"], 8, 1)))
    assert (status.decision, int(status.approved), int(status.waitlisted)) == ("partly_approved", 1, 1)
    (status,) = of(OrderLineStatus, partition.send(answered(oil["shop/1001/1/OIL"], 9, number=2)))
    assert (status.decision, int(status.approved)) == ("approved", 2)


def test_a_superseded_part_in_a_kit_is_followed_and_a_circle_is_not() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 1))))["shop/1001/1"]
    part = requests(partition.send(kit(asked, ("OLD", "2"))))["shop/1001/1/OLD"]
    newer = requests(partition.send(kit(part, ("NEW", "1"))))["shop/1001/1/OLD/NEW"]
    assert int(newer.quantity) == 2
    (status,) = of(OrderLineStatus, partition.send(kit(newer, ("OLD", "1"))))
    assert (status.decision, status.reason) == ("rejected", "kit: leads back to itself")


def test_more_of_a_kit_asks_for_more_of_its_parts_and_none_gives_them_back() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 1))))["shop/1001/1"]
    (a,) = requests(partition.send(kit(asked, ("B", "1"), ("A", "2")))).values()
    (b,) = requests(partition.send(answered(a, 2))).values()
    partition.send(answered(b, 1))
    (a,) = requests(partition.send(order(line("1", 3), version=2))).values()
    (b,) = requests(partition.send(answered(a, 6))).values()
    assert (a.line_key, int(a.quantity), b.line_key, int(b.quantity)) == ("shop/1001/1/A", 6, "shop/1001/1/B", 3)
    partition.send(answered(b, 3))
    outcome = partition.send(order(line("1", 3, shipped=Decimal(1)), version=3))
    assert {item.sku: int(item.quantity) for item in of(LineShipped, outcome)} == {"A": 2, "B": 1}
    outcome = partition.send(order(version=4, state="cancelled"))
    assert [item.line_key for item in of(LineRelease, outcome)] == ["shop/1001/1/A", "shop/1001/1/B"]


def test_all_or_nothing_lets_everything_go_when_one_line_is_rejected() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("2", 1), line("1", 2), all_or_nothing=True)))
    assert not asked["shop/1001/1"].partial_allowed
    asked |= requests(partition.send(answered(asked["shop/1001/1"], 2)))
    outcome = partition.send(answered(asked["shop/1001/2"], 0, reason="unknown SKU at main"))
    assert "shop/1001/1" in {item.line_key for item in of(LineRelease, outcome)}
    assert {s.line_id: (s.decision, s.reason) for s in of(OrderLineStatus, outcome)} == {
        "1": ("rejected", "all or nothing: line 2 was rejected"),
        "2": ("rejected", "unknown SKU at main"),
    }
    (command,) = of(WriteBackCommand, outcome)
    assert command.decision == "rejected"


def test_an_appointment_tells_the_recalls_which_vehicle_comes_and_when_it_changes() -> None:
    partition = shop()
    outcome = partition.send(appointment(line("1", 1), when=at(days=7)))
    (visit,) = of(VehicleAppointment, outcome)
    assert (visit.state, visit.scheduled_at, visit.location, visit.revision) == ("booked", at(days=7), "main", 1)
    (asked,) = of(LineRequest, outcome)
    assert (asked.purpose, asked.needed_by) == ("service", "2026-03-09")
    (visit,) = of(VehicleAppointment, partition.send(appointment(line("1", 1), when=at(days=8), version=2)))
    assert (visit.scheduled_at, visit.revision) == (at(days=8), 2)
    assert of(VehicleAppointment, partition.send(appointment(line("1", 1), when=at(days=8), version=3))) == []
    (visit,) = of(
        VehicleAppointment, partition.send(appointment(line("1", 1), when=at(days=8), version=4, state="cancelled"))
    )
    assert (visit.state, visit.revision) == ("cancelled", 3)


def test_another_vehicle_cancels_the_visit_of_the_one_before() -> None:
    partition = shop()
    partition.send(appointment(line("1", 1), when=at(days=7)))
    event = appointment(line("1", 1), when=at(days=7), version=2, vehicle=Vehicle(vin="WVWZZZ1JZXW000001"))
    visits = of(VehicleAppointment, partition.send(event))
    assert [(visit.vehicle.vin, visit.state, visit.revision) for visit in visits] == [
        ("1FTFW1ET5DFC10312", "cancelled", 2),
        ("WVWZZZ1JZXW000001", "booked", 3),
    ]


def test_an_appointment_without_lines_asks_for_its_service_type() -> None:
    (asked,) = of(LineRequest, shop().send(appointment(when=at(days=7))))
    assert (asked.sku, asked.service) == ("OIL-SERVICE", True)


def add(**changes: Any) -> AddLine:
    fields: dict[str, Any] = {
        "account": "workshop",
        "order_id": "A1",
        "line_id": "recall-26V001-BELT",
        "sku": "BELT",
        "quantity": Decimal(1),
        "cause": "26V001",
    }
    return AddLine(**(fields | changes))


def test_a_remedy_part_joins_the_appointment_and_survives_its_changes() -> None:
    partition = shop()
    partition.send(appointment(line("1", 1), when=at(days=7)))
    (asked,) = of(LineRequest, partition.send(add()))
    assert (asked.purpose, asked.location, asked.needed_by) == ("recall", "main", "2026-03-09")
    assert of(LineRelease, partition.send(appointment(line("1", 1), when=at(days=7), version=2))) == []
    outcome = partition.send(answered(asked, 1))
    assert statuses(outcome) == {"recall-26V001-BELT": ("approved", "open")}
    outcome = partition.send(add(withdrawn=True))
    assert kinds(outcome) == ["LineRelease", "OrderLineStatus"]


def test_a_remedy_part_for_an_unknown_appointment_is_refused() -> None:
    with pytest.raises(Refused):
        shop().send(add())


def test_a_test_order_is_ignored() -> None:
    with pytest.raises(Ignored):
        shop().send(order(line("1", 1), test=True))


def test_a_purchase_order_that_carries_our_reference_is_an_echo() -> None:
    outcome = shop().send(order(line("1", 5), account="erp", kind="purchase_order", references=("ACME-12",)))
    (status,) = of(SupplierStatus, outcome)
    assert (status.reference, status.external_reference, status.state) == ("ACME-12", "1001", "received")
    assert kinds(outcome) == ["SupplierStatus"]


def test_a_number_that_only_looks_like_a_reference_is_an_order() -> None:
    outcome = shop().send(order(line("1", 5), references=("OTHER-12",)))
    assert kinds(outcome) == ["LineRequest"]


def test_a_purchase_order_of_ours_that_we_did_not_make_here_is_no_demand() -> None:
    with pytest.raises(Ignored):
        shop().send(order(line("1", 5), account="erp", kind="purchase_order"))


def test_what_the_ledger_made_is_an_echo_even_if_its_event_came_first() -> None:
    partition = shop()
    partition.send(order(line("1", 5), account="workshop", location="main"))
    outcome = partition.send(ObjectKnown(account="workshop", source_id="1001", command_id="A" * 26))
    assert kinds(outcome) == ["LineRelease"]
    assert partition.send(order(line("1", 9), account="workshop", location="main", version=2)) == []
    partition.tick(days=100)
    assert partition.row("workshop/1001").echo


def test_received_goods_of_an_echo_are_told_to_the_suppliers_row() -> None:
    partition = shop()
    partition.send(ObjectKnown(account="erp", source_id="1001", command_id="A" * 26, reference="ACME-12"))
    event = order(line("1", 5, shipped=Decimal(2)), account="erp", kind="purchase_order")
    (status,) = of(SupplierStatus, partition.send(event))
    assert (status.state, int(status.lines[0].quantity or 0)) == ("partly_delivered", 2)


def test_an_unknown_order_that_is_older_than_we_remember_is_refused() -> None:
    partition = shop()
    partition.send(order(line("1", 1)))
    with pytest.raises(Refused, match="remember_days"):
        partition.send(order(line("1", 1), source_id="900", version=-60 * 24 * 41))


def test_after_a_long_outage_what_the_platform_sends_late_is_still_new() -> None:
    partition = shop()
    partition.tick(days=50)
    assert requests(partition.send(order(line("1", 1))))


def test_a_finished_order_becomes_small_and_goes_in_the_end() -> None:
    partition = shop()
    partition.send(order(line("1", 3)))
    partition.send(order(line("1", 3, shipped=Decimal(3)), version=2))
    before = len(partition.rows["shop/1001"])
    partition.tick(days=1)
    assert len(partition.rows["shop/1001"]) < before
    assert partition.send(order(line("1", 3, shipped=Decimal(3)), version=3)) == []
    partition.tick(days=41)
    assert "shop/1001" in partition.rows, "the shop has told nothing since: what it sends again would count as new"
    partition.send(order(line("1", 1), source_id="1002", version=60 * 24 * 42))
    partition.tick(days=1)
    assert "shop/1001" not in partition.rows


def test_an_order_in_quarantine_decides_nothing_until_released() -> None:
    partition = shop()
    asked = requests(partition.send(order(line("1", 2))))["shop/1001/1"]
    partition.quarantine("shop/1001", "bad luck")
    with pytest.raises(Refused, match="bad luck"):
        partition.send(order(line("1", 3), version=2))
    assert of(WriteBackCommand, partition.send(answered(asked, 2))) == []
    event = RowRelease(topic="orders", row_key="shop/1001", log_key="shop/1001", actor="eve", act_id="a1")
    assert kinds(partition.send(event)) == ["WriteBackCommand"]


def test_quarantine_of_anything_never_raises() -> None:
    partition = Partition(orders)
    for key in ("", "~settings", "never/seen"):
        partition.quarantine(key)
    assert list(partition.rows) == ["never/seen"]


def test_of_a_customer_nothing_personal_is_kept() -> None:
    partition = shop()
    record = CustomerRecord(
        account="shop",
        platform="shopify",
        kind="customer",
        source_id="7",
        version="1",
        customer=Customer(name="Eve Moss"),
    )
    partition.send(record)
    assert b"Moss" not in partition.rows["shop/customer:7"]
    partition.tick(days=41)
    assert "shop/customer:7" not in partition.rows


def test_no_status_holds_anything_personal() -> None:
    partition = shop()
    partition.send(appointment(line("1", 1), when=at(days=7)))
    (asked,) = of(LineRequest, partition.sent)
    (status,) = of(OrderLineStatus, partition.send(answered(asked, 1)))
    assert b"1FTFW1ET5DFC10312" not in status.to_json()


def test_suppliers_are_known_by_the_settings_alone() -> None:
    partition = shop(suppliers={"ACME": SupplierFacts(name="Acme", account="erp", currency="EUR")})
    assert kinds(partition.send(order(line("1", 1), references=("BOLT-1",)))) == ["LineRequest"]
