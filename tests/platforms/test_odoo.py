"""What is odd about Odoo: webhooks to be read back, floats and `false`, rows to add up, errors inside a 200."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.errors import Ignored, Malformed, Refused, Unavailable
from streamer.messages.commands import (
    CancelOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    ReorderLine,
    WriteBackCommand,
)
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.people import Customer
from streamer.messages.records import Match
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.odoo_objects import number, text
from streamer.platforms.wire import AskMoment, HttpRequest, Keep, Moment, Raw, Recall, Reply

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
ORDER = {"id": 57, "name": "P00057", "state": "purchase", "origin": "NW-7", "partner_id": [31, "Northwind"]}
ORDER |= {"date_order": "2026-03-01 08:00:00", "write_date": "2026-03-02 19:00:00", "currency_id": [1, "EUR"]}
ORDER |= {"order_line": [141, 142], "partner_ref": False, "amount_total": 73.0}
LINE = {"id": 141, "product_id": [402, "[PAD] Pad"], "product_qty": 4.0, "qty_received": 1.0, "price_unit": 18.25}
HEADING = {"id": 142, "product_id": False, "display_type": "line_section", "name": "Brakes"}


class Database:
    """Answers by model and method, and keeps what it was asked."""

    def __init__(self, **answers: Callable[[Any], Any]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self._answers = answers

    def __call__(self, request: Any) -> Any:
        match request:
            case AskMoment():
                return Moment(NOW, "0" * 32)
            case Recall() | Keep():
                return None
        assert isinstance(request, HttpRequest)
        *_, model, method = request.url.split("/")
        self.asked.append((model, method, request.json))
        answer = self._answers[f"{model}_{method}".replace(".", "_")](request.json)
        return Reply(200, {}, orjson.dumps(answer), safe=request.safe)


def odoo(**changes: Any) -> Platform[Any]:
    return example("odoo", {"base_url": "https://garage.odoo.example.com", "api_key": "k", **changes})


def products(_: Any) -> Any:
    return [{"id": 402, "default_code": "PAD"}]


def reorder(**changes: Any) -> ReorderCommand:
    line = ReorderLine(line="1", sku="PAD", quantity=Decimal(4), location="main")
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "EUR"}
    fields |= {"order_date": "2026-03-02", "ship_to": "main", "lines": (line,), "address": "31"}
    return ReorderCommand(**KEYS, **(fields | changes))


def test_an_order_is_read_back_with_its_lines_and_is_an_echo_by_its_origin() -> None:
    [asked] = odoo().read(Raw(orjson.dumps({"_model": "purchase.order", "_id": 57, "order_line": [141, 142]})))
    assert isinstance(asked, FetchCommand)
    server = Database(
        purchase_order_search_read=lambda _: [ORDER],
        purchase_order_line_search_read=lambda _: [LINE, HEADING],
        product_product_search_read=products,
    )
    page = play(odoo().fetch(asked), server)
    [order] = odoo().read(Raw(page.body))
    assert isinstance(order, Order)
    assert (order.source_id, order.references, order.currency) == ("purchase.order:57", ("NW-7",), "EUR")
    assert [(line.sku, line.quantity, line.shipped) for line in order.lines] == [("PAD", 4, 1)]


def test_a_repair_is_an_appointment_whose_lot_may_be_a_vehicle() -> None:
    repair = {"id": 5, "name": "RO5", "state": "confirmed", "partner_id": [231, "X"], "location_id": [8, "WH"]}
    repair |= {"lot_id": [9, "1M8GDM9AXKP042788"], "product_id": [77, "Brake service"], "move_ids": [1, 2]}
    repair |= {"schedule_date": "2026-03-09 08:30:00", "write_date": "2026-03-02 19:00:00.123456"}
    moves = [{"id": 1, "product_id": [402, "x"], "product_uom_qty": 2.0, "repair_line_type": "add"}]
    moves.append({"id": 2, "product_id": [403, "y"], "product_uom_qty": 1.0, "repair_line_type": "remove"})
    server = Database(
        repair_order_search_read=lambda _: [repair],
        stock_move_search_read=lambda _: moves,
        product_product_search_read=products,
        res_partner_search_read=lambda _: [{"id": 231, "name": "Mara", "email": "m@x.example"}],
    )
    page = play(odoo().fetch(odoo().fetch_command("repair.order", ["5"], "test")), server)
    [order] = odoo().read(Raw(page.body))
    assert isinstance(order, Order)
    assert order.appointment is not None
    assert order.appointment.vehicle is not None
    assert (order.appointment.service_type, order.appointment.vehicle.vin) == ("Brake service", "1M8GDM9AXKP042788")
    assert [line.sku for line in order.lines] == ["PAD"]
    assert order.customer is not None
    assert order.customer.email == "m@x.example"


def test_rows_of_one_product_and_place_are_added_up() -> None:
    def quant(quantity: float, reserved: float, at: str) -> dict[str, Any]:
        place = {"id": 1, "product_id": [402, "x"], "location_id": [8, "WH/Stock"]}
        return place | {"quantity": quantity, "reserved_quantity": reserved, "write_date": at}

    both = [quant(0.1, 0, "2026-03-02 18:00:00"), quant(0.2, 0.1, "2026-03-02 19:00:00")]
    server = Database(stock_quant_search_read=lambda _: both, product_product_search_read=products)
    page = play(odoo().poll("stock.quant", {}), server)
    [level] = odoo().read(Raw(page.records[0].body))
    assert isinstance(level, StockLevel)
    assert (level.sku, level.location, level.on_hand, level.available) == ("PAD", "8", Decimal("0.3"), Decimal("0.2"))
    assert level.as_of == datetime(2026, 3, 2, 19, 0, tzinfo=UTC)


def test_a_partner_is_a_customer() -> None:
    partner = {"id": 7, "name": "Lind AB", "is_company": True, "vat": "SE1", "write_date": "2026-03-02 19:00:00"}
    page = play(
        odoo().fetch(odoo().fetch_command("res.partner", ["7"], "test")),
        Database(res_partner_search_read=lambda _: [partner]),
    )
    [record] = odoo().read(Raw(page.body))
    assert isinstance(record, CustomerRecord)
    assert (record.customer.company, record.customer.tax_id) == ("Lind AB", "SE1")
    assert record.source_id == "7"  # as a copy is told to the ledger, so that our own is an echo


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"_model": "mail.message", "_id": 1}, Ignored),
        ({"_id": 1}, Malformed),
        ({"_model": "sale.order", "_id": False}, Malformed),
        ({"_model": "sale.order", "_id": 1, "write_date": "20.11.2025"}, Malformed),
        ([1], Malformed),
    ],
)
def test_what_names_no_record_says_why(body: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        odoo().read(Raw(orjson.dumps(body)))


def test_false_is_nothing_and_floats_are_what_people_wrote() -> None:
    assert text(False) == ""
    assert number(0.30000000000000004, "x") == Decimal("0.3")
    assert number(False, "x") == 0


def test_an_order_by_sku_finds_its_product_and_is_confirmed_where_the_settings_want_it() -> None:
    server = Database(
        product_product_search_read=products,
        purchase_order_create=lambda _: [57],
        purchase_order_button_confirm=lambda _: True,
    )
    placed = play(odoo(confirm_orders=True).place_order(reorder()), server)
    assert placed.external_reference == "purchase.order:57"
    assert [method for _, method, _ in server.asked] == ["search_read", "create", "button_confirm"]
    with pytest.raises(Refused, match="OTHER"):
        line = ReorderLine(line="1", sku="OTHER", quantity=Decimal(1), location="main")
        play(odoo().place_order(reorder(lines=(line,))), server)


def test_a_draft_that_a_crash_left_is_found_and_confirmed() -> None:
    draft = {"id": 57, "name": "P57", "state": "draft"}
    server = Database(purchase_order_search_read=lambda _: [draft], purchase_order_button_confirm=lambda _: True)
    found = play(odoo(confirm_orders=True).find_order(reorder()), server)
    assert found is not None
    assert [method for _, method, _ in server.asked] == ["search_read", "button_confirm"]
    assert play(odoo().find_order(reorder()), Database(purchase_order_search_read=lambda _: [])) is None
    with pytest.raises(Refused, match="2 purchase orders"):
        play(odoo().find_order(reorder()), Database(purchase_order_search_read=lambda _: [draft, draft | {"id": 58}]))


def test_an_order_is_cancelled_by_its_id_or_by_its_origin() -> None:
    server = Database(purchase_order_search_read=lambda _: [{"id": 57}], purchase_order_button_cancel=lambda _: True)
    for known in ("purchase.order:57", None):
        command = CancelOrderCommand(
            **KEYS, supplier="NW", reference="NW-7", external_reference=known, replaces="B" * 26, reason="late"
        )
        assert play(odoo().cancel_order(command), server).external_reference == "purchase.order:57"
    assert [body["ids"] for _, method, body in server.asked if method == "button_cancel"] == [[57], [57]]


@pytest.mark.parametrize(
    ("decision", "methods"),
    [
        ("approved", ["button_confirm", "search_read", "button_approve"]),
        ("rejected", ["button_cancel"]),
        ("waitlisted", ["message_post"]),
    ],
)
def test_a_decision_presses_its_button_and_what_waits_is_a_note(decision: Any, methods: list[str]) -> None:
    server = Database(
        purchase_order_button_confirm=lambda _: True,
        purchase_order_button_cancel=lambda _: True,
        purchase_order_button_approve=lambda _: True,
        purchase_order_message_post=lambda _: 1,
        purchase_order_search_read=lambda _: [{"id": 57, "state": "to approve"}],
    )
    command = WriteBackCommand(
        **KEYS, order_id="purchase.order:57", revision=1, decision=decision, lines=(), text="wait"
    )
    play(odoo().write_back(command), server)
    assert [method for _, method, _ in server.asked] == methods


def test_a_customer_is_found_by_what_tells_most_and_made_only_where_nobody_is() -> None:
    person = CustomerRecord(
        account="shop", platform="shopify", kind="customer", source_id="1", version="1",
        customer=Customer(id="1", name="Mara", email="m@x.example"),
    )  # fmt: skip
    command = RecordCommand(
        **KEYS, entity="customer", reference="CU-1", revision=1, customer=person,
        match=(Match(by="email", value="m@x.example"),),
    )  # fmt: skip
    there = Database(res_partner_search_read=lambda _: [{"id": 7}], res_partner_write=lambda _: True)
    assert play(odoo().record(command), there).external_reference == "7"
    assert [method for _, method, _ in there.asked] == ["search_read", "write"]
    nobody = Database(res_partner_search_read=lambda _: [], res_partner_create=lambda _: [8])
    assert play(odoo().record(command), nobody).external_reference == "8"
    assert nobody.asked[-1][2]["vals_list"][0]["ref"] == "CU-1"


@pytest.mark.parametrize(
    ("name", "error"),
    [("odoo.exceptions.ValidationError", Refused), ("psycopg2.errors.SerializationFailure", Unavailable)],
)
def test_an_error_inside_a_success_is_an_error(name: str, error: type[Exception]) -> None:
    told = {"error": {"code": 200, "message": "Odoo Server Error", "data": {"name": name, "message": "no"}}}
    with pytest.raises(error, match="no"):
        play(odoo(api="jsonrpc", user_id=7).find_order(reorder()), lambda _: Reply(200, {}, orjson.dumps(told)))


def test_who_we_are_is_asked_once_by_json_rpc() -> None:
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        if isinstance(request, Recall | Keep):
            return None
        asked.append(request.json["params"])
        return Reply(200, {}, orjson.dumps({"result": 7 if len(asked) == 1 else []}))

    play(odoo(api="jsonrpc", login="me", database="garage").find_order(reorder()), answer)
    assert [(one["service"], one["method"]) for one in asked] == [("common", "authenticate"), ("object", "execute_kw")]
    assert asked[1]["args"][:2] == ["garage", 7]
