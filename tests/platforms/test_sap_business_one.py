"""What is odd about SAP Business One: sessions, a clock without zone, drafts, orders to be closed, quotes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unavailable, Unclear
from streamer.messages.commands import (
    CancelOrderCommand,
    ChangeOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    ReorderLine,
    WriteBackCommand,
    WriteBackLine,
)
from streamer.messages.orders import CustomerRecord, Order, OrderLine
from streamer.messages.people import Customer
from streamer.messages.records import Match
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.doubles import number, written
from streamer.platforms.judging import judge, play
from streamer.platforms.samples import reply_of
from streamer.platforms.wire import AskMoment, HttpRequest, Keep, Moment, Raw, Recall, Reply

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
DOCUMENT: dict[str, Any] = {"DocEntry": 57, "DocNum": 1057, "CardCode": "C1", "DocumentStatus": "bost_Open"}
DOCUMENT |= {"UpdateDate": "2026-07-01", "UpdateTime": "00:30:00", "Cancelled": "tNO"}
REFUSAL = Reply(400, {}, b'{"error": {"code": -5006, "message": {"lang": "en-us", "value": "based on it"}}}')


class Server:
    """Answers by method and resource with a function of the request; sessions are numbered, `dead` ones are gone."""

    def __init__(self, dead: tuple[str, ...] = (), **answers: Callable[[HttpRequest], Any]) -> None:
        self.asked: list[HttpRequest] = []
        self.calls: list[str] = []
        self.kept: dict[str, str] = {}
        self.dead = dead
        self._answers = answers

    def __call__(self, request: Any) -> Any:
        match request:
            case AskMoment():
                return Moment(NOW, "0" * 32)
            case Recall():
                return self.kept.get(request.name)
            case Keep():
                self.kept[request.name] = request.value or ""
                return None
        if not isinstance(request, HttpRequest):
            return None
        path = request.url.partition("/b1s/v1/")[2].partition("?")[0]
        name = f"{request.method.lower()}_{path.partition('(')[0]}" + path.partition(")/")[2]
        self.calls.append(name)
        self.asked.append(request)
        return judge(request, self._answer(name, request))

    def _answer(self, name: str, request: HttpRequest) -> Reply:
        if name == "post_Login":
            session = f"B1SESSION=s{self.calls.count(name)}"
            return Reply(200, {}, b'{"SessionId": "x"}', request.safe, cookies=(session, "ROUTEID=.node1"))
        if any(gone in request.headers["Cookie"] for gone in self.dead):
            return Reply(401, {}, b'{"error": {"code": 301, "message": {"value": "Invalid session."}}}', request.safe)
        answer = self._answers[name](request)
        reply = answer if isinstance(answer, Reply) else Reply(200, {}, orjson.dumps(answer))
        return Reply(reply.status, reply.headers, reply.body, request.safe)


def books(**changes: Any) -> Platform[Any]:
    given = {"base_url": "https://b1.example.com:50000", "company_db": "SBO", "user": "hub", "password": "p"}
    return example("sap_business_one", {**given, **changes})


def listed(*rows: Any, following: str | None = None) -> dict[str, Any]:
    return {"value": list(rows), **({"odata.nextLink": following} if following else {})}


def raw(body: Any, resource: str | None = None, **more: Any) -> Raw:
    return Raw(orjson.dumps(body), resource=resource, **more)


def reorder(**changes: Any) -> ReorderCommand:
    line = ReorderLine(line="1", sku="PAD", quantity=Decimal(6), unit_price=Decimal("11.9"), location="01")
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "EUR"}
    fields |= {"order_date": "2026-03-02", "ship_to": "01", "lines": (line,), "address": "V1"}
    return ReorderCommand(**KEYS, **(fields | changes))


# --- sessions


def test_one_session_serves_all_calls_and_one_that_is_gone_is_made_anew_once() -> None:
    server = Server(("s1",), get_PurchaseOrders=lambda _: listed(), get_Drafts=lambda _: listed())
    assert play(books().find_order(reorder()), server) is None
    assert server.calls == ["post_Login", "get_PurchaseOrders", "post_Login", "get_PurchaseOrders", "get_Drafts"]
    assert server.asked[-1].headers["Cookie"] == "B1SESSION=s2; ROUTEID=.node1"
    play(books().find_order(reorder()), server)
    assert server.calls.count("post_Login") == 2


def test_a_session_that_is_refused_twice_is_a_refusal() -> None:
    server = Server(("s1", "s2"), post_PurchaseOrders=lambda _: DOCUMENT)
    with pytest.raises(Refused, match="Invalid session"):
        play(books().place_order(reorder()), server)
    assert server.calls == ["post_Login", "post_PurchaseOrders"] * 2


def test_cookies_of_a_recorded_answer_are_read_from_one_header_or_several() -> None:
    for given in ("B1SESSION=1; path=/b1s; HttpOnly", ["B1SESSION=1; path=/b1s", "ROUTEID=.n"]):
        reply = reply_of({"headers": {"Set-Cookie": given}}, Path())
        assert reply.cookies[0] == "B1SESSION=1"
        assert "set-cookie" not in reply.headers


# --- what arrives


def test_a_time_is_on_the_servers_clock_and_a_day_is_never_shifted() -> None:
    body = {**DOCUMENT, "DocDueDate": "2026-07-03T00:00:00Z"}
    [order] = books(time_zone="Europe/Berlin").read(raw(body, "Orders"))
    assert isinstance(order, Order)
    assert order.version == "2026-06-30T22:30:00.000000Z"
    assert order.due_date == "2026-07-03"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "open"),
        ({"Confirmed": "tNO"}, "open"),
        ({"AuthorizationStatus": "dasPending"}, "held"),
        ({"AuthorizationStatus": "dasRejected"}, "cancelled"),
        ({"DocumentStatus": "bost_Close"}, "closed"),
        ({"DocumentStatus": "bost_Close", "Cancelled": "tYES"}, "cancelled"),
    ],
)
def test_a_document_is_open_until_it_is_closed_or_cancelled(changes: dict[str, Any], state: str) -> None:
    [order] = books().read(raw({**DOCUMENT, **changes}, "Orders"))
    assert isinstance(order, Order)
    assert order.state == state


def test_documents_of_two_kinds_with_one_number_are_two_and_our_reference_is_an_echo() -> None:
    body = {**DOCUMENT, "NumAtCard": "NW-7"}
    found = [books().read(raw(body, resource))[0] for resource in ("Orders", "PurchaseOrders")]
    assert [(one.source_id, one.references) for one in found if isinstance(one, Order)] == [
        ("Orders:57", ("NW-7",)),
        ("PurchaseOrders:57", ("NW-7",)),
    ]


def test_what_is_left_of_a_line_that_was_closed_by_hand_is_not_wanted_any_more() -> None:
    def line(**changes: Any) -> dict[str, Any]:
        return {
            "LineNum": 0,
            "ItemCode": "PAD",
            "Quantity": 0.30000000000000004,
            "RemainingOpenQuantity": 0.1,
            **changes,
        }

    lines = [line(), line(LineStatus="bost_Close"), line(LineStatus="bost_Close", RemainingOpenQuantity=0.3)]
    lines.append({"LineNum": 3, "ItemCode": None, "LineTotal": 9})
    [order] = books().read(raw({**DOCUMENT, "DocumentLines": lines}, "Orders"))
    assert isinstance(order, Order)
    told = [(str(one.quantity), str(one.shipped), one.fulfilment) for one in order.lines]
    assert told == [("0.3", "0.2", None), ("0.2", "0.2", None), ("0.3", "0.0", "cancelled")]


def test_a_level_is_for_each_warehouse_of_ours() -> None:
    places = [{"WarehouseCode": "01", "InStock": 9.0, "Committed": 4.0, "Ordered": 6.0}, {"WarehouseCode": "99"}]
    item = {"ItemCode": "PAD", "ItemWarehouseInfoCollection": places, "read_at": NOW.isoformat()}
    account = books(locations={"01": "STORE-1"})
    [level] = account.read(raw(item, "Items"))
    assert isinstance(level, StockLevel)
    assert (level.location, level.level, level.counts, level.on_hand) == ("STORE-1", 5, "available", 9)
    [level] = books(locations={"01": "STORE-1"}, counts="on_hand").read(raw(item, "Items"))
    assert isinstance(level, StockLevel)
    assert level.level == 9
    with pytest.raises(Ignored, match="none of our warehouses"):
        books(locations={"07": "STORE-7"}).read(raw(item, "Items"))
    with pytest.raises(Malformed, match="read_at"):
        books().read(raw({**item, "read_at": None}, "Items"))


def test_a_supplier_is_no_customer() -> None:
    partner = {"CardCode": "C1", "CardType": "cLid", "CardName": "Lind", "AdditionalID": "CU-1"}
    [lead] = books().read(raw(partner, "BusinessPartners"))
    assert isinstance(lead, CustomerRecord)
    assert (lead.kind, lead.references) == ("lead", ("CU-1",))
    with pytest.raises(Ignored):
        books().read(raw({**partner, "CardType": "cSupplier"}, "BusinessPartners"))


def test_a_pushed_event_is_believed_by_its_credentials_and_read_back() -> None:
    body = {
        "Event": {"EventID": 9, "ObjectType": "17", "TransType": "U", "KeyNames": ["DocEntry"], "KeyValues": ["57"]}
    }
    [asked] = books().read(raw(body))
    assert isinstance(asked, FetchCommand)
    assert (asked.resource, asked.ids, asked.cause) == ("Orders", ("57",), "9")
    with pytest.raises(BadSignature):
        books(webhook_secret="u:p").verify(raw(body), NOW)
    for wrong, error in (({"ObjectType": "97"}, Ignored), ({"ObjectType": "17"}, Malformed), ([], Malformed)):
        with pytest.raises(error):
            books().read(raw(wrong))


def test_a_look_reads_all_pages_of_the_day_and_keeps_what_is_new() -> None:
    """20:00 UTC is 21:00 in Berlin; the look before was at 20:58 there."""
    old = {**DOCUMENT, "DocEntry": 1, "UpdateDate": "2026-03-02", "UpdateTime": "20:40:00"}
    new = [{**old, "DocEntry": 2, "UpdateTime": "20:59:30"}, {**old, "DocEntry": 3, "UpdateTime": None}]

    def page(request: HttpRequest) -> Any:
        return listed(*new) if "skip" in request.url else listed(old, following="Orders?$skip=100")

    server = Server(get_Orders=page)
    cursor = {"since": "2026-03-02T19:58:00+00:00"}
    found = play(books(time_zone="Europe/Berlin").poll("Orders", cursor), server)
    assert [record.key for record in found.records] == ["Orders:2", "Orders:3"]
    assert server.asked[1].query["$filter"] == "UpdateDate ge '2026-03-02'"
    assert server.asked[2].headers["Prefer"] == "odata.maxpagesize=100"


def test_levels_of_all_items_are_read_page_by_page() -> None:
    def page(request: HttpRequest) -> Any:
        first = request.query["$skip"] == "0"
        return listed({"ItemCode": "A" if first else "B"}, following="Items?$skip=1" if first else None)

    server = Server(get_Items=page)
    first = play(books().poll("Items", {}), server)
    assert (first.more, dict(first.cursor)) == (True, {"skip": "1"})
    last = play(books().poll("Items", first.cursor), server)
    assert (last.more, dict(last.cursor), last.records[0].key) == (False, {}, "Items:B")


def test_a_quote_in_a_key_is_doubled() -> None:
    server = Server(get_Items=lambda _: {"ItemCode": "O'RING 12"})
    page = play(books().fetch(books().fetch_command("Items", ["O'RING 12"], "c")), server)
    assert server.asked[1].url.endswith("/Items('O''RING%2012')")
    assert b"read_at" in page.body
    with pytest.raises(Refused, match="no DocEntry"):
        play(books().fetch(books().fetch_command("Orders", ["1)/Cancel"], "c")), Server())


# --- what we make there


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ({"odata.metadata": "https://x/$metadata#PurchaseOrders/@Element", "DocEntry": 907}, "PurchaseOrders:907"),
        ({"odata.metadata": "https://x/$metadata#Drafts/@Element", "DocEntry": 12}, "Drafts:12"),
    ],
)
def test_an_order_may_become_a_draft_that_waits_for_an_approval(answer: Any, reference: str) -> None:
    server = Server(post_PurchaseOrders=lambda _: Reply(201, {}, orjson.dumps(answer)))
    assert play(books(branch_id=3).place_order(reorder()), server).external_reference == reference
    assert server.asked[-1].json["BPL_IDAssignedToInvoice"] == 3
    assert server.asked[-1].json["DocCurrency"] == "EUR"
    unreadable = Server(post_PurchaseOrders=lambda _: Reply(201, {}, b"<html>"))
    with pytest.raises(Unclear):
        play(books().place_order(reorder()), unreadable)
    with pytest.raises(Refused, match="address"):
        play(books().place_order(reorder(address=None)), Server())


def test_a_look_up_finds_an_order_or_its_draft_and_two_are_for_a_person() -> None:
    server = Server(get_PurchaseOrders=lambda _: listed(), get_Drafts=lambda _: listed({"DocEntry": 12}))
    found = play(books().find_order(reorder()), server)
    assert found is not None
    assert found.external_reference == "Drafts:12"
    wanted = "NumAtCard eq 'NW-7' and CardCode eq 'V1' and Cancelled eq 'tNO'"
    assert server.asked[1].query["$filter"] == wanted
    two = Server(get_PurchaseOrders=lambda _: listed({"DocEntry": 1}, {"DocEntry": 2}))
    with pytest.raises(Refused, match="a person must look"):
        play(books().find_order(reorder()), two)
    with pytest.raises(Unavailable):
        play(books().find_order(reorder()), Server(get_PurchaseOrders=lambda _: {"odd": 1}))


@pytest.mark.parametrize(
    ("known", "cancel", "calls"),
    [
        (DOCUMENT, Reply(204), ["get_PurchaseOrders", "post_PurchaseOrdersCancel"]),
        (DOCUMENT, REFUSAL, ["get_PurchaseOrders", "post_PurchaseOrdersCancel", "post_PurchaseOrdersClose"]),
        ({**DOCUMENT, "Cancelled": "tYES"}, REFUSAL, ["get_PurchaseOrders"]),
        ({**DOCUMENT, "DocumentStatus": "bost_Close"}, REFUSAL, ["get_PurchaseOrders"]),
    ],
)
def test_an_order_is_cancelled_or_closed_where_something_is_based_on_it(known: Any, cancel: Reply, calls: Any) -> None:
    server = Server(
        get_PurchaseOrders=lambda _: known,
        post_PurchaseOrdersCancel=lambda _: cancel,
        post_PurchaseOrdersClose=lambda _: Reply(204),
    )
    command = CancelOrderCommand(
        **KEYS, supplier="NW", reference="NW-7", external_reference="PurchaseOrders:57", replaces="B" * 26, reason="x"
    )
    assert play(books().cancel_order(command), server).external_reference == "PurchaseOrders:57"
    assert server.calls == ["post_Login", *calls]


def test_an_order_without_a_known_number_is_found_by_our_reference_and_a_draft_is_for_a_person() -> None:
    server = Server(get_PurchaseOrders=lambda asked: listed(DOCUMENT) if "$filter" in asked.query else DOCUMENT,
                    post_PurchaseOrdersCancel=lambda _: Reply(204))  # fmt: skip
    command = CancelOrderCommand(**KEYS, supplier="NW", reference="NW-7", replaces="B" * 26, reason="x")
    play(books().cancel_order(command), server)
    assert server.calls[-1] == "post_PurchaseOrdersCancel"
    with pytest.raises(Refused, match="draft"):
        play(books().cancel_order(command.model_copy(update={"external_reference": "Drafts:1"})), server)


def test_a_changed_order_keeps_the_numbers_of_its_lines() -> None:
    lines = [{"LineNum": 0, "ItemCode": "OLD"}, {"LineNum": 4, "ItemCode": "PAD"}]
    server = Server(get_PurchaseOrders=lambda _: {"DocumentLines": lines}, patch_PurchaseOrders=lambda _: Reply(204))
    command = ChangeOrderCommand(
        **KEYS, supplier="NW", reference="NW-7", external_reference="PurchaseOrders:57", replaces="B" * 26,
        order=reorder(needed_by="2026-03-09"), reason="less",
    )  # fmt: skip
    play(books().change_order(command), server)
    sent = server.asked[-1]
    assert sent.headers["B1S-ReplaceCollectionsOnPatch"] == "true"
    assert sent.json["DocDueDate"] == "2026-03-09"
    assert [(line["LineNum"], line["ItemCode"], line["Quantity"]) for line in sent.json["DocumentLines"]] == [
        (4, "PAD", 6)
    ]
    lines.append({"LineNum": 5, "ItemCode": "PAD"})
    with pytest.raises(Refused, match="several lines"):
        play(books().change_order(command), server)


def test_a_decision_releases_holds_or_cancels_and_the_same_again_changes_nothing() -> None:
    line = WriteBackLine(
        line_id="0", decision="waitlisted", approved=Decimal(0), waitlisted=Decimal(2), rejected=Decimal(0)
    )
    command = WriteBackCommand(
        **KEYS, order_id="Orders:57", revision=1, decision="waitlisted", lines=(line,), text="Wait"
    )
    known = {"Comments": "Call first", "Confirmed": "tYES", "DocumentLines": [{"LineNum": 0, "BackOrder": "tNO"}]}
    server = Server(get_Orders=lambda _: known, patch_Orders=lambda _: Reply(204))
    play(books().write_back(command), server)
    body = {"Confirmed": "tNO", "Comments": "Call first\nWait", "DocumentLines": [{"LineNum": 0, "BackOrder": "tYES"}]}
    assert server.asked[-1].json == body
    done = Server(get_Orders=lambda _: {**known, **body})
    play(books().write_back(command), done)
    assert done.calls == ["post_Login", "get_Orders"]
    released = Server(get_Orders=lambda _: {**known, **body}, patch_Orders=lambda _: Reply(204))
    free = line.model_copy(update={"waitlisted": Decimal(0)})
    again = command.model_copy(update={"decision": "approved", "text": None, "lines": (free,)})
    play(books().write_back(again), released)
    assert released.asked[-1].json["Confirmed"] == "tYES"
    assert released.asked[-1].json["DocumentLines"] == [{"LineNum": 0, "BackOrder": "tNO"}]
    rejected = Server(get_Orders=lambda _: DOCUMENT, post_OrdersCancel=lambda _: Reply(204))
    play(books().write_back(command.model_copy(update={"decision": "rejected"})), rejected)
    assert rejected.calls[-1] == "post_OrdersCancel"
    with pytest.raises(Refused):
        play(books().write_back(command.model_copy(update={"order_id": "Invoices:1"})), Server())


# --- what is copied there


def copied(**changes: Any) -> RecordCommand:
    person = CustomerRecord(
        account="shop", platform="shopify", kind="customer", source_id="1", version="1",
        customer=Customer(id="1", name="Mara Lind", email="m@x.example"),
    )  # fmt: skip
    fields: dict[str, Any] = {"entity": "customer", "reference": "CU-1", "revision": 1, "customer": person}
    return RecordCommand(**KEYS, **(fields | {"match": (Match(by="email", value="m@x.example"),)} | changes))


def test_a_customer_is_found_by_mail_address_then_by_our_reference_else_made() -> None:
    def by(field: str) -> Callable[[HttpRequest], Any]:
        return lambda asked: listed({"CardCode": "C9"}) if field in asked.query["$filter"] else listed()

    for field in ("EmailAddress", "AdditionalID"):
        there = Server(get_BusinessPartners=by(field), patch_BusinessPartners=lambda _: Reply(204))
        assert play(books().record(copied()), there).external_reference == "C9"
        assert there.asked[-1].url.endswith("/BusinessPartners('C9')")
        assert "CardCode" not in there.asked[-1].json
    nobody = Server(get_BusinessPartners=lambda _: listed(), post_BusinessPartners=lambda _: {"CardCode": "CU-1"})
    assert play(books().record(copied()), nobody).external_reference == "CU-1"
    assert nobody.asked[-1].json["CardCode"] == "CU-1"
    play(books(customer_series=7).record(copied()), nobody)
    assert "CardCode" not in nobody.asked[-1].json
    assert nobody.asked[-1].json["Series"] == 7
    with pytest.raises(Refused, match="customer_series"):
        play(books().record(copied(reference="CU-0123456789ABCDEF")), nobody)


def test_a_sale_is_made_for_its_customer_found_by_our_reference_and_cancelled() -> None:
    line = OrderLine(line_id="1", sku="PAD", quantity=Decimal(2), unit_price=Decimal("24.75"), location="01")
    order = Order(
        account="shop", platform="shopify", kind="sales_order", source_id="1", number="1001", version="1",
        occurred_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC), currency="EUR", lines=(line,),
    )  # fmt: skip
    command = RecordCommand(
        **KEYS, entity="order", reference="SH-1001", revision=1, order=order,
        customer_match=(Match(by="tax_id", value="SE1"),),
    )  # fmt: skip
    server = Server(
        get_Orders=lambda _: listed(),
        get_BusinessPartners=lambda _: listed({"CardCode": "C9"}),
        post_Orders=lambda _: {"DocEntry": 58},
    )
    assert play(books(time_zone="Europe/Berlin").record(command), server).external_reference == "Orders:58"
    made = server.asked[-1].json
    assert (made["CardCode"], made["DocDate"], made["DocDueDate"]) == ("C9", "2026-03-02", "2026-03-02")
    assert made["DocumentLines"] == [{"ItemCode": "PAD", "Quantity": 2, "UnitPrice": 24.75, "WarehouseCode": "01"}]

    there = Server(
        get_Orders=lambda asked: listed({"DocEntry": 58}) if "$filter" in asked.query else DOCUMENT,
        get_BusinessPartners=lambda _: listed({"CardCode": "C9"}),
        patch_Orders=lambda _: Reply(204),
        post_OrdersCancel=lambda _: Reply(204),
    )
    play(books().record(command), there)
    assert there.calls[-1] == "patch_Orders"
    assert "CardCode" not in there.asked[-1].json
    play(books().record(command.model_copy(update={"operation": "cancel"})), there)
    assert there.calls[-1] == "post_OrdersCancel"
    unknown = Server(get_Orders=lambda _: listed(), get_BusinessPartners=lambda _: listed())
    with pytest.raises(Refused, match="customer is not known"):
        play(books().record(command), unknown)


def test_a_double_is_what_people_wrote() -> None:
    assert written(0.30000000000000004) == Decimal("0.3")
    assert str(written(100.0)) == "100"
    assert (number(Decimal("6.00")), number(Decimal("11.9"))) == (6, 11.9)
