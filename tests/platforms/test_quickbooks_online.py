"""What is odd about QuickBooks: notices of many companies, lines without SKU, mails beside a key, stale records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.errors import Ignored, Malformed, Refused, StreamerError, Unavailable, Unclear
from streamer.messages.commands import (
    CancelOrderCommand,
    FetchCommand,
    RecordCommand,
    ReorderCommand,
    ReorderLine,
    WriteBackCommand,
)
from streamer.messages.orders import CustomerRecord, Order, OrderLine
from streamer.messages.people import Customer
from streamer.messages.records import Match
from streamer.messages.stock import Item, StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import judge, play
from streamer.platforms.wire import AskMoment, HttpRequest, Keep, Moment, Raw, Recall, Reply

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
MADE: dict[str, Any] = {"Id": "906", "SyncToken": "0", "DocNumber": "NW-7", "POStatus": "Open", "EmailStatus": "NotSet"}
MADE |= {"VendorRef": {"value": "41"}, "POEmail": {"Address": "orders@northwind.example"}}


class Books:
    """Answers by method and end of the path, with a function of the request; keeps what is kept."""

    def __init__(self, **answers: Callable[[HttpRequest], Any]) -> None:
        self.asked: list[HttpRequest] = []
        self.kept: dict[str, str] = {}
        self.order: list[str] = []
        self._answers = answers

    def __call__(self, request: Any) -> Any:
        match request:
            case AskMoment():
                return Moment(NOW, "0" * 32)
            case Recall():
                return self.kept.get(request.name)
            case Keep():
                self.order.append(f"keep {request.name}")
                self.kept[request.name] = request.value or ""
                return None
        if not isinstance(request, HttpRequest):
            return None
        self.asked.append(request)
        *_, above, last = request.url.split("/")
        number, last = (above, last) if last.isdigit() or last == "send" else ("", last)
        name = f"{request.method.lower()}_{last if last == 'send' or not number else above}"
        self.order.append(name)
        answer = self._answers[name](request)
        reply = answer if isinstance(answer, Reply) else Reply(200, {}, orjson.dumps(answer), request.safe)
        return judge(request, Reply(reply.status, reply.headers, reply.body, request.safe))

    def named(self, name: str) -> list[HttpRequest]:
        return [request for request, told in zip(self.asked, self.calls(), strict=True) if told == name]

    def calls(self) -> list[str]:
        return [name for name in self.order if not name.startswith("keep")]


def books(**changes: Any) -> Platform[Any]:
    return example("quickbooks_online", {"realm_id": "1", "access_token": "t", "ap_account_id": "33", **changes})


def found(entity: str, *rows: Any) -> dict[str, Any]:
    return {"QueryResponse": {entity: list(rows)} if rows else {}, "time": "2026-03-02T11:59:00-08:00"}


def fault(code: str, status: int = 400, kind: str = "ValidationFault") -> Reply:
    body = {"Fault": {"Error": [{"Message": "no", "Detail": "of a@b.example", "code": code}], "type": kind}}
    return Reply(status, {"intuit_tid": "1-abc"}, orjson.dumps(body))


def event(entity: str, operation: str = "created", *, number: str = "7", realm: str = "1") -> dict[str, Any]:
    told = {"specversion": "1.0", "id": f"e-{entity}-{number}-{realm}", "type": f"qbo.{entity}.{operation}.v1"}
    return told | {"time": "2026-03-02T19:00:00.500000001Z", "intuitentityid": number, "intuitaccountid": realm}


def raw(body: Any, resource: str | None = None) -> Raw:
    return Raw(orjson.dumps(body), resource=resource)


def reorder(**changes: Any) -> ReorderCommand:
    line = ReorderLine(
        line="1", sku="PAD", item_id="58", quantity=Decimal(12), unit_price=Decimal("27.4"), location="m"
    )
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "USD"}
    fields |= {"order_date": "2026-03-02", "ship_to": "m", "lines": (line,), "address": "41"}
    return ReorderCommand(**KEYS, **(fields | {"contact": "orders@northwind.example"} | changes))


# --- what arrives


def test_one_delivery_speaks_of_several_companies_and_each_account_hears_its_own() -> None:
    old = {"name": "Invoice", "operation": "Create", "lastUpdated": "2026-03-02T11:00:00-08:00"}
    bodies = [
        [event("invoice"), event("invoice", realm="2", number="8"), event("vendor")],
        {"eventNotifications": [
            {"realmId": "1", "dataChangeEvent": {"entities": [{**old, "id": "7"}, {**old, "id": "1", "name": "Tax"}]}},
            {"realmId": "2", "dataChangeEvent": {"entities": [{**old, "id": "8"}]}},
        ]},
    ]  # fmt: skip
    for body in bodies:
        assert books().realms_in(raw(body)) == {"1", "2"}
        assert [m.ids for m in books().read(raw(body)) if isinstance(m, FetchCommand)] == [("1:7",)]
        both = books(realm_id=None).read(raw(body))
        assert [m.ids for m in both if isinstance(m, FetchCommand)] == [("1:7",), ("2:8",)]
        with pytest.raises(Ignored):
            books(realm_id=None, realms=("9",)).read(raw(body))
    assert books().object_key(raw([event("invoice")])) == "invoice:7"


@pytest.mark.parametrize("body", [{}, 7, [{"type": "x"}], [event("invoice") | {"type": "shop.order"}]])
def test_what_is_no_notice_says_so(body: Any) -> None:
    with pytest.raises(Malformed):
        books().read(raw(body))


def test_an_invoice_that_is_deleted_is_cancelled_by_its_notice_alone() -> None:
    row = {"Id": "7", "SyncToken": "3", "MetaData": {"LastUpdatedTime": "2026-03-02T11:00:00-08:00"}, "Line": []}
    [order] = books().read(raw({"Invoice": row}, "invoice"))
    [gone] = books().read(raw([event("invoice", "deleted")]))
    assert isinstance(order, Order)
    assert isinstance(gone, Order)
    assert (gone.source_id, gone.kind, gone.state) == (order.source_id, "service_appointment", "cancelled")
    assert gone.version > order.version
    with pytest.raises(Ignored):
        books().read(raw([event("item", "deleted")]))


def test_two_changes_within_one_second_are_told_apart_by_their_number() -> None:
    row = {"Id": "7", "MetaData": {"LastUpdatedTime": "2026-03-02T11:00:00-08:00"}}
    versions = [books().read(raw({"Invoice": {**row, "SyncToken": n}}, "invoice"))[0].version for n in ("9", "10")]  # type: ignore[attr-defined]
    assert versions == sorted(versions)
    assert versions[0] != versions[1]


def test_what_was_deleted_before_it_could_be_read_is_cancelled() -> None:
    [asked] = books().read(raw([event("purchaseorder")]))
    assert isinstance(asked, FetchCommand)
    page = play(books().fetch(asked), Books(get_purchaseorder=lambda _: fault("610")))
    [order] = books().read(Raw(page.body, resource=page.resource))
    assert isinstance(order, Order)
    assert (order.source_id, order.kind, order.state) == ("purchaseorder:7", "purchase_order", "cancelled")


def test_a_bundle_holds_its_lines_inside_and_an_amount_alone_is_one_piece() -> None:
    def line(number: str, item: str, **more: Any) -> dict[str, Any]:
        detail = {"ItemRef": {"value": item, "name": f"Item {item}"}, **more}
        return {"Id": number, "Amount": 30.1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}

    lines: list[dict[str, Any]] = [
        {"Id": "1", "DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [line("2", "58", Qty=3)]}}
    ]
    lines += [line("3", "59"), {"Amount": 3, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {}}]
    row = {"Id": "7", "MetaData": {"LastUpdatedTime": "2026-03-02T11:00:00-08:00"}, "Line": lines}
    items: list[dict[str, Any]] = [
        {"Id": "58", "Sku": "PAD", "Type": "Inventory", "TrackQtyOnHand": True, "QtyOnHand": -2}
    ]
    items.append({"Id": "59", "Type": "NonInventory", "QtyOnHand": 4})
    server = Books(get_invoice=lambda _: {"Invoice": row}, get_query=lambda _: found("Item", *items))
    account = books(invoices="sales_order", default_location="MAIN")
    page = play(account.fetch(account.fetch_command("invoice", ["1:7"], "c")), server)
    order, *rest = account.read(Raw(page.body, resource=page.resource))
    assert isinstance(order, Order)
    assert order.kind == "sales_order"
    assert [(one.sku, one.item_id, one.quantity, one.unit_price) for one in order.lines] == [
        ("PAD", "58", 3, None),
        (None, "59", 1, Decimal("30.1")),
    ]
    [level] = [one for one in rest if isinstance(one, StockLevel)]
    assert (level.location, level.level, level.counts) == ("MAIN", -2, "available")
    assert level.as_of == datetime(2026, 3, 2, 19, 59, tzinfo=UTC)


def test_an_item_that_is_not_there_has_no_sku() -> None:
    page = play(
        books().fetch(books().fetch_command("inventory_item", ["58"], "c")), Books(get_query=lambda _: found("Item"))
    )
    [item] = books().read(Raw(page.body, resource=page.resource))
    assert isinstance(item, Item)
    assert (item.item_id, item.sku) == ("58", None)
    with pytest.raises(Refused):
        play(books().fetch(books().fetch_command("item", ["1) or ('1"], "c")), Books())


@pytest.mark.parametrize(
    ("fields", "vehicle"),
    [
        ({"vehicle": "Vehicle"}, ("Land Rover", "Discovery Sport", 2021)),
        ({"vehicle": "Vehicle", "make": "Make"}, ("Rover", "Discovery Sport", 2021)),
        ({"vin": "None of this name"}, None),
    ],
)
def test_a_vehicle_is_what_the_fields_of_the_form_say(fields: dict[str, str], vehicle: Any) -> None:
    custom = [
        {"Name": "Vehicle", "StringValue": "2021 Land Rover Discovery Sport"},
        {"Name": "Make", "StringValue": "Rover"},
    ]
    row = {"Id": "7", "MetaData": {"LastUpdatedTime": "2026-03-02T11:00:00-08:00"}, "CustomField": custom}
    [order] = books(custom_fields=fields).read(raw({"Invoice": row}, "invoice"))
    assert isinstance(order, Order)
    assert order.appointment is not None
    told = order.appointment.vehicle
    assert (told and (told.make, told.model, told.year)) == vehicle


def test_a_look_back_reads_what_does_not_fit_into_one_answer_by_query() -> None:
    many = [{"Id": str(n), "MetaData": {"LastUpdatedTime": "2026-03-02T11:00:00-08:00"}} for n in range(1, 1001)]
    captured = {
        "CDCResponse": [{"QueryResponse": [{"PurchaseOrder": many}, {"Invoice": [{"Id": "5", "status": "Deleted"}]}]}]
    }
    captured["time"] = "2026-03-02T11:59:00-08:00"  # type: ignore[assignment]
    rest = [{**many[0], "Id": "2000"}]
    server = Books(
        get_cdc=lambda _: captured,
        get_query=lambda asked: found("PurchaseOrder", *(many if "startposition 1 " in asked.query["query"] else rest)),
    )
    page = play(books().poll("changes", {"since": (NOW - timedelta(days=1)).isoformat()}), server)
    keys = {record.key for record in page.records}
    assert {"purchaseorder:1", "purchaseorder:2000", "invoice:5"} <= keys
    [deleted] = [record for record in page.records if record.key == "invoice:5"]
    [order] = books().read(Raw(deleted.body, resource=deleted.resource))
    assert isinstance(order, Order)
    assert order.state == "cancelled"
    assert all("from PurchaseOrder" in request.query["query"] for request in server.named("get_query"))

    late = Books(get_cdc=lambda _: {"CDCResponse": []}, get_query=lambda _: found("x"))
    play(books().poll("changes", {"since": (NOW - timedelta(days=90)).isoformat()}), late)
    assert late.asked[0].query["changedSince"].startswith("2026-02-01")
    assert len(late.named("get_query")) == 3


# --- what we make there


def test_an_order_by_sku_finds_item_price_and_the_vendors_address() -> None:
    item = {"Id": "58", "Sku": "O'PAD", "PurchaseCost": 27.45}
    vendor = {"Vendor": {"Id": "41", "PrimaryEmailAddr": {"Address": "orders@northwind.example"}}}
    server = Books(
        get_query=lambda _: found("Item", item),
        get_vendor=lambda _: vendor,
        post_purchaseorder=lambda _: {"PurchaseOrder": MADE},
        post_send=lambda _: {"PurchaseOrder": {**MADE, "EmailStatus": "EmailSent"}},
    )
    line = ReorderLine(line="1", sku="O'PAD", quantity=Decimal(3), location="m")
    placed = play(books().place_order(reorder(lines=(line,), contact=None)), server)
    assert placed.external_reference == "purchaseorder:906"
    assert r"Sku in ('O\'PAD')" in server.asked[0].query["query"]
    [made] = server.named("post_purchaseorder")
    assert made.query == {"minorversion": "75", "requestid": "A" * 26}
    assert made.json["Line"][0]["Amount"] == 82.35
    assert made.json["POEmail"] == {"Address": "orders@northwind.example"}


@pytest.mark.parametrize(
    ("changes", "settings", "word"),
    [
        ({"contact": None}, {}, "mail address"),
        ({"address": "Northwind"}, {}, "id of a vendor"),
        ({}, {"ap_account_id": None}, "ap_account_id"),
        ({"lines": (ReorderLine(line="1", sku="X", quantity=Decimal(1), location="m"),)}, {}, "SKU X"),
        ({}, {"realm_id": None}, "realm_id"),
    ],
)
def test_an_order_that_cannot_be_right_is_refused_before_anything_is_made(
    changes: dict[str, Any], settings: dict[str, Any], word: str
) -> None:
    server = Books(get_vendor=lambda _: {"Vendor": {"Id": "41"}}, get_query=lambda _: found("Item"))
    with pytest.raises(Refused, match=word):
        play(books(**settings).place_order(reorder(**changes)), server)
    assert not [name for name in server.calls() if name.startswith("post")]


@pytest.mark.parametrize(("state", "mails"), [("EmailSent", 1), ("NotSet", 2)])
def test_an_order_that_is_sent_again_with_its_key_is_mailed_again_only_if_it_was_not(state: str, mails: int) -> None:
    """The answer to the repetition is the first one and says nothing about the mail."""
    server = Books(
        post_purchaseorder=lambda _: {"PurchaseOrder": MADE},
        get_purchaseorder=lambda _: {"PurchaseOrder": {**MADE, "EmailStatus": state}},
        post_send=lambda _: {"PurchaseOrder": {**MADE, "EmailStatus": "EmailSent"}},
    )
    for _ in range(2):
        play(books().place_order(reorder()), server)
    assert server.calls().count("post_send") == mails
    assert server.order.index("keep mail.906") < server.order.index("post_send")
    keys = {request.query["requestid"] for request in server.named("post_purchaseorder")}
    assert keys == {"A" * 26}


@pytest.mark.parametrize(
    ("rows", "outcome"), [([MADE], None), ([], "6140"), ([{**MADE, "VendorRef": {"value": "9"}}], "another vendor")]
)
def test_a_number_that_is_taken_may_be_our_own_order_of_an_attempt_before(rows: Any, outcome: str | None) -> None:
    server = Books(
        post_purchaseorder=lambda _: fault("6140"),
        get_query=lambda _: found("PurchaseOrder", *rows),
        post_send=lambda _: {"PurchaseOrder": MADE},
    )
    if outcome is None:
        assert play(books().place_order(reorder()), server).external_reference == "purchaseorder:906"
        assert server.calls() == ["post_purchaseorder", "get_query", "post_send"]
    else:
        with pytest.raises(Refused, match=outcome):
            play(books().place_order(reorder()), server)


def test_a_look_up_by_number_mails_what_a_crash_left_unmailed() -> None:
    sent = Books(get_query=lambda _: found("PurchaseOrder", {**MADE, "EmailStatus": "EmailSent"}))
    assert play(books().find_order(reorder()), sent) is not None
    assert sent.calls() == ["get_query"]
    left = Books(get_query=lambda _: found("PurchaseOrder", MADE), post_send=lambda _: {"PurchaseOrder": MADE})
    play(books().find_order(reorder()), left)
    assert left.calls() == ["get_query", "post_send"]
    assert play(books().find_order(reorder()), Books(get_query=lambda _: found("PurchaseOrder"))) is None
    with pytest.raises(Refused, match="2 records"):
        play(
            books().find_order(reorder()),
            Books(get_query=lambda _: found("PurchaseOrder", MADE, {**MADE, "Id": "907"})),
        )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (fault("2020"), Refused),
        (fault("2020", 200), Refused),
        (fault("10000", 200, "SystemFault"), Unclear),
        (Reply(200, {}, b"<html>"), Unclear),
        (Reply(200, {}, b"{}"), Unclear),
        (Reply(429, {}, b"{}"), Unavailable),
    ],
)
def test_a_fault_inside_a_success_is_a_fault(answer: Reply, error: type[StreamerError]) -> None:
    with pytest.raises(error) as told:
        play(books().place_order(reorder()), Books(post_purchaseorder=lambda _: answer))
    if error is Refused:
        assert "2020 no" in str(told.value)
        assert "1-abc" in str(told.value)
        assert "a@b.example" not in str(told.value)


def test_a_stale_record_is_read_again_and_changed_once_more() -> None:
    token = iter(("4", "5"))
    server = Books(
        get_purchaseorder=lambda _: {"PurchaseOrder": {**MADE, "SyncToken": next(token), "Line": [{"Id": "1"}]}},
        post_purchaseorder=lambda asked: (
            fault("5010") if asked.json["SyncToken"] == "4" else {"PurchaseOrder": asked.json}
        ),
    )
    command = WriteBackCommand(
        **KEYS, order_id="purchaseorder:906", revision=1, decision="rejected", lines=(), text="No"
    )
    play(books().write_back(command), server)
    last = server.named("post_purchaseorder")[-1].json
    assert (last["SyncToken"], last["POStatus"], last["PrivateNote"]) == ("5", "Closed", "No")
    assert last["Line"] == [{"Id": "1"}]  # the whole record goes back
    always = Books(get_purchaseorder=lambda _: {"PurchaseOrder": MADE}, post_purchaseorder=lambda _: fault("5010"))
    with pytest.raises(Unavailable, match="changed by others"):
        play(books().write_back(command), always)


@pytest.mark.parametrize(
    ("order", "decision", "calls"),
    [
        ("purchaseorder:906", "approved", ["get_purchaseorder", "post_purchaseorder", "post_send"]),
        ("purchaseorder:906", "waitlisted", ["get_purchaseorder", "post_purchaseorder"]),
        ("invoice:906", "approved", ["get_invoice", "post_invoice"]),
    ],
)
def test_a_decision_is_told_by_mail_state_or_note(order: str, decision: Any, calls: list[str]) -> None:
    kept = {"906": {**MADE, "PrivateNote": "Bay 3"}}

    def written(request: HttpRequest) -> Any:
        kept["906"] = request.json
        return {"Record": kept["906"]}

    def sent(_: HttpRequest) -> Any:
        kept["906"] = {**kept["906"], "EmailStatus": "EmailSent"}
        return {"Record": kept["906"]}

    server = Books(
        get_purchaseorder=lambda _: {"Record": kept["906"]}, get_invoice=lambda _: {"Record": kept["906"]},
        post_purchaseorder=written, post_invoice=written, post_send=sent,
    )  # fmt: skip
    command = WriteBackCommand(**KEYS, order_id=order, revision=1, decision=decision, lines=())
    play(books().write_back(command), server)
    assert server.calls() == calls
    assert kept["906"]["PrivateNote"] == f"Bay 3\nParts {decision}"
    play(books().write_back(command), server)  # the same again changes nothing
    assert server.calls() == [*calls, calls[0]]


def test_a_cancelled_order_is_closed_and_its_vendor_is_told_once() -> None:
    kept = {"906": {**MADE, "EmailStatus": "EmailSent"}}

    def written(request: HttpRequest) -> Any:
        kept["906"] = request.json
        return {"PurchaseOrder": kept["906"]}

    def sent(_: HttpRequest) -> Any:
        kept["906"] = {**kept["906"], "EmailStatus": "EmailSent"}
        return {"PurchaseOrder": kept["906"]}

    server = Books(
        get_purchaseorder=lambda _: {"PurchaseOrder": kept["906"]},
        get_query=lambda _: found("PurchaseOrder", kept["906"]),
        post_purchaseorder=written,
        post_send=sent,
    )
    for known in ("purchaseorder:906", None):
        command = CancelOrderCommand(
            **KEYS, supplier="NW", reference="NW-7", external_reference=known, replaces="B" * 26, reason="sold out"
        )
        play(books().cancel_order(command), server)
    assert (kept["906"]["POStatus"], kept["906"]["Memo"]) == ("Closed", "CANCELLED: sold out")
    assert server.calls().count("post_send") == 1


# --- what is copied there


def copied(**changes: Any) -> RecordCommand:
    person = CustomerRecord(
        account="shop", platform="shopify", kind="customer", source_id="1", version="1",
        customer=Customer(id="1", name="Mara: Lind", email="m@x.example"),
    )  # fmt: skip
    fields: dict[str, Any] = {"entity": "customer", "reference": "CU-1", "revision": 1, "customer": person}
    return RecordCommand(**KEYS, **(fields | {"match": (Match(by="email", value="m@x.example"),)} | changes))


def test_a_customer_is_known_by_mail_address_and_keeps_the_name_it_has_there() -> None:
    server = Books(
        get_query=lambda _: found("Customer", {"Id": "77"}),
        get_customer=lambda _: {"Customer": {"Id": "77", "SyncToken": "2"}},
        post_customer=lambda _: {"Customer": {"Id": "77"}},
    )
    assert play(books().record(copied()), server).external_reference == "77"
    [written] = server.named("post_customer")
    assert written.json == {
        "Id": "77", "SyncToken": "2", "sparse": True, "PrimaryEmailAddr": {"Address": "m@x.example"},
    }  # fmt: skip


def test_a_name_that_somebody_has_is_made_unique_and_without_mail_address_it_always_is() -> None:
    taken = Books(
        get_query=lambda _: found("Customer"),
        post_customer=lambda asked: (
            fault("6240") if asked.json["DisplayName"] == "Mara Lind" else {"Customer": {"Id": "78"}}
        ),
    )
    assert play(books().record(copied()), taken).external_reference == "78"
    names = [(request.json["DisplayName"], request.query["requestid"]) for request in taken.named("post_customer")]
    assert names == [("Mara Lind", "A" * 26), ("Mara Lind (CU-1)", "A" * 26 + "-n")]
    known = Books(
        get_query=lambda asked: found("Customer", *([{"Id": "79"}] if "(CU-1)" in asked.query["query"] else []))
    )
    by_tax = copied(match=(Match(by="tax_id", value="SE1"),), operation="ensure")
    assert play(books().record(by_tax), known).external_reference == "79"


def test_a_sale_is_made_once_found_by_number_and_made_void_when_it_is_cancelled() -> None:
    line = OrderLine(line_id="1", sku="PAD", quantity=Decimal(2), unit_price=Decimal("45.95"))
    order = Order(
        account="shop", platform="shopify", kind="sales_order", source_id="1", number="1001", version="1",
        currency="USD", lines=(line,),
    )  # fmt: skip
    command = RecordCommand(
        **KEYS, entity="order", reference="SH-1001", revision=1, order=order, customer_reference="77"
    )

    def rows(asked: HttpRequest) -> Any:
        return found("Item", {"Id": "58", "Sku": "PAD"}) if "from Item" in asked.query["query"] else found("Invoice")

    server = Books(get_query=rows, post_invoice=lambda _: {"Invoice": {"Id": "2210"}})
    assert play(books().record(command), server).external_reference == "invoice:2210"
    [made] = server.named("post_invoice")
    assert made.json["CustomerRef"] == {"value": "77"}
    assert made.json["Line"][0]["SalesItemLineDetail"] == {"ItemRef": {"value": "58"}, "Qty": 2, "UnitPrice": 45.95}

    there = Books(
        get_query=lambda _: found("Invoice", {"Id": "2210"}),
        get_invoice=lambda _: {"Invoice": {"Id": "2210", "SyncToken": "1", "TotalAmt": 91.9}},
        post_invoice=lambda _: {"Invoice": {"Id": "2210"}},
    )
    play(books().record(command.model_copy(update={"operation": "cancel"})), there)
    assert there.named("post_invoice")[0].query["operation"] == "void"
    void = {"Id": "2210", "TotalAmt": 0, "PrivateNote": "Voided"}
    done = Books(get_query=lambda _: found("Invoice", void), get_invoice=lambda _: {"Invoice": void})
    play(books().record(command.model_copy(update={"operation": "cancel"})), done)
    assert done.calls() == ["get_query", "get_invoice"]


def test_a_refresh_token_that_rotates_is_kept_before_the_new_access_token_is_used() -> None:
    tokens = {"access_token": "new", "refresh_token": "second", "expires_in": 3600}
    server = Books(post_bearer=lambda _: tokens, get_query=lambda _: found("PurchaseOrder"))
    account = books(access_token=None, client_id="us", client_secret="s", refresh_token="first")
    play(account.find_order(reorder()), server)
    assert server.asked[0].url == "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
    assert server.asked[0].headers["Authorization"].startswith("Basic ")
    assert server.order == ["post_bearer", "keep refresh_token", "keep token", "get_query"]
    assert server.asked[1].headers["Authorization"] == "Bearer new"
    server.kept.pop("token")
    play(account.find_order(reorder()), server)
    assert server.named("post_bearer")[-1].form == {"grant_type": "refresh_token", "refresh_token": "second"}
