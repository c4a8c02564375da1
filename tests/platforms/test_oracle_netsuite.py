"""What is odd about NetSuite: our own contract with scripts, two spellings of a record, lines that add up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unavailable
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
from streamer.messages.stock import Item, StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import judge, play
from streamer.platforms.oauth1 import authorization
from streamer.platforms.wire import Alone, AskMoment, HttpRequest, Keep, Moment, Raw, Recall, Release, Reply, Span, put
from tests.contracts.recorded import OWN

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
BASE = "https://1234567-sb1.suitetalk.api.netsuite.com"
EVENT = orjson.loads(
    orjson.loads((OWN / "oracle_netsuite" / "purchase_order_user_event.json").read_bytes())["delivery"]["body_text"]
)
READ = {
    "id": "4417", "tranId": "PO1041", "externalId": "NW-7", "entity": {"id": "31", "refName": "Northwind"},
    "tranDate": "2026-03-01", "dueDate": "2026-03-09", "lastModifiedDate": "2026-03-02T19:00:00Z",
    "status": {"id": "D", "refName": "Partially Received"}, "currency": {"id": "1", "refName": "Euro"},
    "location": {"id": "2", "refName": "Leeds"}, "total": 73.0,
    "item": {"links": [], "items": [
        {"line": 1, "item": {"id": "402", "refName": "Brakes : BRK-PAD-F"}, "quantity": 6, "rate": 11.9,
         "quantityReceived": 2, "isClosed": False},
        {"line": 2, "item": {"id": "417", "refName": "OIL"}, "quantity": 3, "quantityReceived": 1, "isClosed": True},
        {"line": 3, "item": {"id": "418", "refName": "FILTER"}, "quantity": 3, "isClosed": True},
    ]},
}  # fmt: skip


class Service:
    """Answers by method and the end of the path; SuiteQL by the table that is asked. Keeps what it was asked."""

    def __init__(self, **answers: Callable[[Any], Any]) -> None:
        self.asked: list[HttpRequest] = []
        self._answers = answers

    def __call__(self, request: Any) -> Any:
        match request:
            case AskMoment():
                return Moment(NOW, "0" * 32)
            case Recall() | Keep() | Alone() | Release():
                return None
        assert isinstance(request, HttpRequest)
        self.asked.append(request)
        path = urlsplit(request.url).path.removeprefix("/services/rest/record/v1/").replace(":", "_").replace("-", "_")
        name = f"{request.method}_{path.replace('/', '_')}"
        if path.endswith("/suiteql"):
            name = f"SELECT_{request.json['q'].partition(' FROM ')[2].split()[0]}"
        answer = self._answers[name](request)
        if not isinstance(answer, Reply):
            answer = Reply(200, {}, orjson.dumps(answer))
        return judge(request, Reply(answer.status, answer.headers, answer.body, request.safe))

    def bodies(self, method: str) -> list[Any]:
        return [request.json for request in self.asked if request.method == method]


def netsuite(**changes: Any) -> Platform[Any]:
    keys = {"consumer_key": "ck", "consumer_secret": "cs", "token_id": "tk", "token_secret": "ts"}
    return example("oracle_netsuite", {"account": "1234567_SB1", **keys, **changes})


def made(kind: str, number: int) -> Reply:
    return Reply(204, {"location": f"{BASE}/services/rest/record/v1/{kind}/{number}"})


def gone(_: Any) -> Reply:
    return Reply(404, {}, b'{"title": "Not Found"}')


def rows(*found: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"items": list(found), "hasMore": more}


def reorder(**changes: Any) -> ReorderCommand:
    line = ReorderLine(line="1", sku="BRK-PAD-F", quantity=Decimal(4), location="main")
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "EUR"}
    fields |= {"order_date": "2026-03-02", "ship_to": "main", "lines": (line,), "address": "31"}
    return ReorderCommand(**KEYS, **(fields | changes))


def of_events(body: Any, **settings: Any) -> list[Any]:
    return netsuite(**settings).read(Raw(orjson.dumps(body)))


# --- what arrives


def test_a_script_signs_its_time_and_an_old_delivery_is_refused() -> None:
    told = orjson.loads((OWN / "oracle_netsuite" / "purchase_order_user_event.json").read_bytes())
    hook = netsuite(webhook_secret=SecretStr(told["verify"]["secret"]))
    headers = {"x-hub-signature": told["delivery"]["headers"]["X-Hub-Signature"]}
    raw = Raw(told["delivery"]["body_text"].encode(), headers)
    hook.verify(raw, datetime(2025, 11, 20, 14, 9, tzinfo=UTC))
    with pytest.raises(BadSignature, match="time"):
        hook.verify(raw, datetime(2025, 11, 20, 14, 11, tzinfo=UTC))


@pytest.mark.parametrize("sent", [None, 5, "yesterday", "2025-11-20T14:05:12"])
def test_what_says_no_time_is_no_proof(sent: Any) -> None:
    hook = netsuite(webhook_secret=SecretStr("s"))
    body = orjson.dumps({"recordType": "purchaseorder", "id": "1", "sentAt": sent})
    signed = hook.signature.sign(Raw(body), "s")  # type: ignore[union-attr]
    with pytest.raises(BadSignature, match="sentAt"):
        hook.verify(Raw(body, {"x-hub-signature": signed}), NOW)


def test_a_record_means_the_same_by_script_and_by_rest_but_for_its_time() -> None:
    [by_script] = of_events(EVENT)
    here = {"id": "2"}
    rest = {**READ, "externalId": "REORDER-000981", "memo": "RO-118", "status": {"id": "B"}, "tranDate": "2025-11-20"}
    rest["item"] = {"items": [
        {"line": 1, "item": {"id": "402", "refName": "BRK-PAD-F"}, "quantity": 6, "rate": 11.9, "location": here},
        {"line": 2, "item": {"id": "417", "refName": "OIL-5W30-5L"}, "quantity": 3, "rate": 33, "location": here},
    ]}  # fmt: skip
    body = {"recordType": "purchaseorder", "id": "4417", "record": rest}
    [by_rest] = of_events(body, currencies={"1": "EUR"})
    assert isinstance(by_script, Order)
    same = ("source_id", "number", "order_date", "state", "status", "currency", "references", "location", "lines")
    assert {name: getattr(by_script, name) for name in same} == {name: getattr(by_rest, name) for name in same}
    assert by_script.status == "Pending Receipt"


def test_closed_lines_ask_for_nothing_and_names_lose_their_parents() -> None:
    [order] = of_events({"recordType": "purchaseorder", "id": "4417", "record": READ})
    assert [(line.line_id, line.sku, line.quantity, line.shipped) for line in order.lines] == [
        ("1", "BRK-PAD-F", 6, 2),
        ("2", "OIL", 1, 1),
    ]
    assert (order.version, order.supplier.id, order.currency) == ("2026-03-02T19:00:00.000000Z", "31", None)


def test_an_event_without_its_record_is_read_back_whole() -> None:
    [asked] = of_events({key: value for key, value in EVENT.items() if key != "record"})
    assert isinstance(asked, FetchCommand)
    page = play(netsuite().fetch(asked), Service(GET_purchaseOrder_4417=lambda _: READ))
    [order] = netsuite().read(Raw(page.body, resource=page.resource))
    assert isinstance(order, Order)
    assert (order.source_id, order.references) == ("purchaseorder:4417", ("NW-7",))


def test_how_our_order_stands_is_asked_by_our_reference() -> None:
    service = Service(GET_purchaseOrder_eid_NW_7=lambda _: {"id": "4417"}, GET_purchaseOrder_4417=lambda _: READ)
    page = play(netsuite().fetch(netsuite().fetch_command("purchase_order", ["NW-7"], "test")), service)
    [order] = netsuite().read(Raw(page.body, resource=page.resource))
    assert isinstance(order, Order)
    assert (order.status, order.lines[0].shipped) == ("Partially Received", 2)


def test_a_deleted_order_is_cancelled_although_nothing_is_left_of_it() -> None:
    body = {"recordType": "salesorder", "id": 9, "eventType": "delete", "sentAt": "2026-03-02T19:00:00Z"}
    [order] = of_events(body)
    assert (order.kind, order.state, order.lines) == ("sales_order", "cancelled", ())


@pytest.mark.parametrize(
    ("told", "word", "state"),
    [
        ({"orderstatus": "H"}, "Closed", "closed"),
        ({"status": "PurchOrd:C"}, "Rejected by Supervisor", "cancelled"),
        ({"status": "Fully Billed"}, "Fully Billed", "closed"),
        ({"status": "On the moon"}, "On the moon", "open"),
        ({}, None, "open"),
    ],
)
def test_a_status_is_a_letter_a_prefixed_letter_or_a_word(told: Any, word: str | None, state: str) -> None:
    [order] = of_events({"type": "purchaseorder", "id": "1", "fields": told, "sublists": {}})
    assert (order.status, order.state) == (word, state)


def test_a_case_is_an_appointment_by_the_fields_that_the_map_names() -> None:
    fields = {"casenumber": "77", "title": "Brake service", "company": "107", "custevent_vin": "1M8GDM9AXKP042788"}
    fields |= {"startdate": "3/9/2026", "status": "2", "custevent_due": "2026-03-09T08:30:00+01:00"}
    body = {"type": "supportcase", "id": "12", "fields": fields}
    [order] = of_events(body, field_map={"vin": "custevent_vin"})
    assert (order.kind, order.source_id, order.number) == ("service_appointment", "supportcase:12", "77")
    assert (order.appointment.service_type, order.appointment.scheduled_date) == ("Brake service", "2026-03-09")
    assert order.appointment.vehicle.vin == "1M8GDM9AXKP042788"
    [timed] = of_events(body, field_map={"scheduled_at": "custevent_due"})
    assert timed.appointment.scheduled_at == datetime(2026, 3, 9, 7, 30, tzinfo=UTC)


def test_a_customer_is_a_company_or_a_person() -> None:
    told = {"type": "customer", "id": "107", "fields": {"companyname": "Lind AB", "vatregnumber": "SE1"}}
    [company] = of_events(told)
    assert isinstance(company, CustomerRecord)
    assert (company.source_id, company.customer.company, company.customer.tax_id) == ("customer:107", "Lind AB", "SE1")
    [person] = of_events({"type": "customer", "id": "1", "fields": {"firstname": "Mara", "lastname": "Lind"}})
    assert (person.customer.name, person.customer.company) == ("Mara Lind", None)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ({"recordType": "journalentry", "id": "1"}, Ignored, "kind"),
        ({"id": "1"}, Malformed, "recordType"),
        ({"recordType": "purchaseorder", "id": "PO1"}, Malformed, "id"),
        ({"type": "purchaseorder", "id": "1", "fields": {"trandate": "20.11.2025"}}, Malformed, "date_format"),
        ({"type": "purchaseorder", "id": "1", "fields": {"trandate": "31/12/2025"}}, Malformed, "date_format"),
        ({"type": "purchaseorder", "id": "1", "fields": {"total": "1,5"}}, Malformed, "total"),
        ({"type": "purchaseorder", "id": "1", "fields": {}, "sublists": {"item": [1]}}, Malformed, "item"),
        ([1], Malformed, "object"),
    ],
)
def test_what_cannot_be_read_says_why(body: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        of_events(body)


def test_a_level_counts_what_is_told_and_a_row_without_figures_is_none() -> None:
    def level(**row: Any) -> StockLevel:
        body = {"id": "402", "itemid": "Brakes : PAD", "location": "2", **row}
        [found] = netsuite().read(Raw(orjson.dumps(body), resource="stock", received_at=NOW))
        assert isinstance(found, StockLevel)
        return found

    both = level(quantityonhand="9", quantityavailable="5", as_of="2026-03-02T19:59:00+00:00")
    assert (both.sku, both.level, both.counts, both.as_of.minute) == ("PAD", 5, "available", 59)
    assert (level(quantityonhand="4").level, level(quantityonhand="4").counts) == (4, "on_hand")
    assert level(quantityonhand="4").as_of == NOW
    with pytest.raises(Ignored):
        level(reorderpoint="8")


def test_which_sku_an_internal_id_means_is_asked_by_the_catalogue() -> None:
    answers = [rows({"id": "402", "itemid": "PAD", "displayname": "Pad"}), rows()]
    service = Service(SELECT_item=lambda _: answers.pop(0))
    for sku in ("PAD", None):
        command = netsuite().fetch_command("inventory_item", ["402"], "test")
        page = play(netsuite().fetch(command), service)
        [item] = netsuite().read(Raw(page.body, resource=page.resource, received_at=NOW))
        assert isinstance(item, Item)
        assert (item.item_id, item.sku) == ("402", sku)


def test_a_poll_walks_the_changes_in_their_order_and_begins_again_where_it_began() -> None:
    seen: list[str] = []

    def changed(request: HttpRequest) -> Any:
        seen.append(request.json["q"])
        first = "id >" not in request.json["q"]
        return rows({"id": "4417" if first else "4418", "changed": "2026-03-02 14:00:00"}, more=first)

    service = Service(SELECT_transaction=changed, GET_purchaseOrder_4417=lambda _: READ, GET_purchaseOrder_4418=gone)
    account = netsuite(time_zone="America/New_York")
    page = play(account.poll("purchase_orders", {"since": "2026-03-02T19:00:00+00:00"}), service)
    assert (len(page.records), page.more) == (1, True)
    assert "2026-03-02 13:55:00" in seen[0], "the account's zone, with an overlap"
    last = play(account.poll("purchase_orders", page.cursor), service)
    assert "id > 4417" in seen[1]
    assert (list(last.records), last.more, last.cursor) == ([], False, {"since": NOW.isoformat()})
    assert service.asked[0].headers["Prefer"] == "transient"


def test_a_back_fill_reads_a_span_page_by_page_or_the_ids_that_are_named() -> None:
    seen: list[str] = []

    def changed(request: HttpRequest) -> Any:
        seen.append(request.json["q"])
        return rows({"id": "4417", "changed": "2026-02-02 14:00:00"}, more=len(seen) == 1)

    service = Service(SELECT_transaction=changed, GET_salesOrder_4417=lambda _: READ)
    span = Span(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    page = play(netsuite().backfill("sales_orders", span, {}), service)
    assert (len(page.records), page.more) == (1, True)
    last = play(netsuite().backfill("sales_orders", span, page.cursor), service)
    assert (last.more, last.cursor) == (False, {})
    assert all("<= TO_DATE('2026-03-01 00:00:00'" in question for question in seen)
    assert "id > 4417" in seen[1]
    named = play(
        netsuite().backfill("sales_orders", Span(ids=("salesorder:9", "10")), {}),
        Service(GET_salesOrder_9=lambda _: READ, GET_salesOrder_10=gone),
    )
    assert [record.key for record in named.records] == ["salesorder:9"]
    with pytest.raises(Refused, match="internal id"):
        play(netsuite().backfill("sales_orders", Span(ids=("SO-1",)), {}), service)


def test_levels_come_page_by_page_with_the_time_of_the_question() -> None:
    row = {"id": "402", "itemid": "PAD", "location": "2", "quantityonhand": "9"}
    service = Service(SELECT_aggregateitemlocation=lambda request: rows(row, more=request.query["offset"] == "0"))
    page = play(netsuite().poll("stock", {}), service)
    assert (page.more, page.cursor) == (True, {"offset": "1000"})
    page = play(netsuite().poll("stock", page.cursor), service)
    assert (page.more, page.cursor) == (False, {})
    [level] = netsuite().read(Raw(page.records[0].body, resource="stock"))
    assert isinstance(level, StockLevel)
    assert level.as_of == NOW


# --- what we make there


def test_an_order_names_vendor_and_items_by_their_internal_ids() -> None:
    service = Service(
        SELECT_item=lambda _: rows({"id": "402", "itemid": "BRK-PAD-F"}),
        SELECT_vendor=lambda _: rows({"id": "31"}),
        POST_purchaseOrder=lambda _: made("purchaseOrder", 4417),
    )
    placed = play(netsuite().place_order(reorder(address="O'Neil Parts")), service)
    assert placed.external_reference == "purchaseorder:4417"
    assert "'O''Neil Parts'" in service.asked[1].json["q"]
    [body] = [request.json for request in service.asked if request.url.endswith("/purchaseOrder")]
    assert body["item"]["items"] == [{"item": {"id": "402"}, "quantity": 4}]
    assert "location" not in body, "main is no internal id: NetSuite's own default holds"
    with pytest.raises(Refused, match="BRK-PAD-F"):
        play(netsuite().place_order(reorder()), Service(SELECT_item=lambda _: rows()))


def test_an_order_that_is_there_already_is_the_answer_and_not_a_second_one() -> None:
    line = ReorderLine(line="1", sku="X", item_id="402", quantity=Decimal(4), location="main")
    refused = Reply(400, {}, b'{"o:errorDetails": [{"detail": "This record already exists"}]}')
    there = Service(POST_purchaseOrder=lambda _: refused, GET_purchaseOrder_eid_NW_7=lambda _: {"id": "4417"})
    assert play(netsuite().place_order(reorder(lines=(line,))), there).external_reference == "purchaseorder:4417"
    nowhere = Service(POST_purchaseOrder=lambda _: refused, GET_purchaseOrder_eid_NW_7=gone)
    with pytest.raises(Refused, match="already exists"):
        play(netsuite().place_order(reorder(lines=(line,))), nowhere)


def test_a_reference_is_looked_up_as_an_external_id_and_never_breaks_the_address() -> None:
    assert play(netsuite().find_order(reorder()), Service(GET_purchaseOrder_eid_NW_7=gone)) is None
    with pytest.raises(Refused, match="external id"):
        play(netsuite().find_order(reorder(reference="NW|7")), Service())


def test_an_order_is_changed_by_a_new_list_of_lines_and_cancelled_by_closing_them() -> None:
    service = Service(
        SELECT_item=lambda _: rows({"id": "402", "itemid": "BRK-PAD-F"}),
        GET_purchaseOrder_eid_NW_7=lambda _: {"id": "4417"},
        GET_purchaseOrder_4417=lambda _: READ,
        PATCH_purchaseOrder_4417=lambda _: Reply(204),
    )
    change = ChangeOrderCommand(
        **KEYS, supplier="NW", reference="NW-7", replaces="B" * 26, order=reorder(), reason="more"
    )
    assert play(netsuite().change_order(change), service).external_reference == "purchaseorder:4417"
    patched = service.asked[-1]
    assert (patched.query, "externalId" in patched.json) == ({"replace": "item"}, False)
    cancel = CancelOrderCommand(
        **KEYS, supplier="NW", reference="NW-7", external_reference="purchaseorder:4417", replaces="B" * 26, reason="x"
    )
    play(netsuite().cancel_order(cancel), service)
    assert service.bodies("PATCH")[-1] == {"item": {"items": [{"line": n, "isClosed": True} for n in (1, 2, 3)]}}


@pytest.mark.parametrize(
    ("approvals", "decision", "body"),
    [
        ("approval_status", "approved", {"approvalStatus": {"id": "2"}}),
        ("approval_status", "rejected", {"approvalStatus": {"id": "3"}}),
        ("approval_status", "waitlisted", {"approvalStatus": {"id": "1"}}),
        ("order_status", "partly_approved", {"orderStatus": {"id": "B"}}),
        ("order_status", "waitlisted", {"orderStatus": {"id": "A"}}),
        ("order_status", "rejected", {"item": {"items": [{"line": 2, "isClosed": True}]}}),
    ],
)
def test_a_decision_is_an_approval_or_where_nobody_routes_approvals_a_status(
    approvals: str, decision: Any, body: Any
) -> None:
    none = Decimal(0)
    line = WriteBackLine(line_id="2", decision=decision, approved=none, waitlisted=none, rejected=none)
    command = WriteBackCommand(
        **KEYS, order_id="salesorder:88", revision=1, decision=decision, lines=(line,), text="no stock"
    )
    service = Service(PATCH_salesOrder_88=lambda _: Reply(204))
    play(netsuite(approvals=approvals, text_field="custbody_note").write_back(command), service)
    assert service.bodies("PATCH") == [body | {"custbody_note": "no stock"}]
    with pytest.raises(Refused):
        play(netsuite().write_back(command.model_copy(update={"order_id": "case:1"})), service)


def record(**changes: Any) -> RecordCommand:
    order = Order(
        account="shop", platform="shopify", kind="sales_order", source_id="1", version="1", order_date="2026-03-02",
        lines=(OrderLine(line_id="1", sku="PAD", quantity=Decimal(2), unit_price=Decimal("24.75")),),
    )  # fmt: skip
    fields: dict[str, Any] = {"entity": "order", "reference": "WEB-1", "revision": 1, "order": order}
    return RecordCommand(**KEYS, **(fields | changes))


def test_a_copied_order_is_put_under_our_reference_and_a_repeat_replaces_its_lines() -> None:
    match = (Match(by="email", value="M@x.example"),)
    answers: dict[str, Any] = {
        "SELECT_item": lambda _: rows({"id": "402", "itemid": "PAD"}),
        "SELECT_customer": lambda _: rows({"id": "107"}),
    }
    new = Service(**answers, GET_salesOrder_eid_WEB_1=gone, PUT_salesOrder_eid_WEB_1=lambda _: made("salesOrder", 88))
    assert play(netsuite().record(record(customer_match=match)), new).external_reference == "salesorder:88"
    assert new.bodies("PUT")[0]["entity"] == {"id": "107"}
    again = Service(**answers, GET_salesOrder_eid_WEB_1=lambda _: {"id": 88}, PATCH_salesOrder_88=lambda _: Reply(204))
    assert play(netsuite().record(record(customer_match=match)), again).external_reference == "salesorder:88"
    assert again.asked[-1].query == {"replace": "item"}
    with pytest.raises(Refused, match="customer"):
        play(netsuite().record(record()), Service(**answers, GET_salesOrder_eid_WEB_1=gone))


def test_a_cancelled_copy_has_its_lines_closed_and_what_never_was_is_done() -> None:
    gone_before = Service(GET_salesOrder_eid_WEB_1=gone)
    assert play(netsuite().record(record(operation="cancel")), gone_before).external_reference is None
    there = Service(GET_salesOrder_88=lambda _: READ, PATCH_salesOrder_88=lambda _: Reply(204))
    play(netsuite().record(record(operation="cancel", external_reference="salesorder:88")), there)
    assert all(line["isClosed"] for line in there.bodies("PATCH")[0]["item"]["items"])


def test_a_customer_is_found_by_what_tells_most_and_a_person_needs_a_last_name() -> None:
    person = CustomerRecord(
        account="shop", platform="shopify", kind="customer", source_id="1", version="1",
        customer=Customer(id="1", name="Mara Lind", email="m@x.example"),
    )  # fmt: skip
    command = record(
        entity="customer",
        reference="CU-1",
        order=None,
        customer=person,
        match=(Match(by="email", value="m@x.example"),),
    )
    there = Service(SELECT_customer=lambda _: rows({"id": 7}), PATCH_customer_7=lambda _: Reply(204))
    assert play(netsuite().record(command), there).external_reference == "customer:7"
    nobody = Service(
        SELECT_customer=lambda _: rows(), GET_customer_eid_CU_1=gone,
        PUT_customer_eid_CU_1=lambda _: made("customer", 8),
    )  # fmt: skip
    assert play(netsuite().record(command), nobody).external_reference == "customer:8"
    assert nobody.bodies("PUT") == [{"isPerson": True, "lastName": "Lind", "firstName": "Mara", "email": "m@x.example"}]
    two = Service(SELECT_customer=lambda _: rows({"id": 7}, {"id": 8}))
    with pytest.raises(Refused, match="person must look"):
        play(netsuite().record(command), two)


# --- how we ask


def test_the_signature_is_the_one_that_netsuite_reckons() -> None:
    request = put("https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/eid:WEB-20031")
    header = authorization(
        request, consumer=("ck", "consumer-secret-not-real"), token=("tk", "token-secret-not-real"), realm="1234567",
        timestamp=1763647512, nonce="Zk3f8QpL1x",
    )  # fmt: skip
    told = orjson.loads((OWN / "oracle_netsuite" / "sales_order_upsert.request.json").read_bytes())
    assert header == told["calls"][0]["request"]["headers"]["Authorization"]


def test_with_a_certificate_a_signed_assertion_buys_the_token() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    service = Service(GET_purchaseOrder_eid_NW_7=gone)
    forms: list[dict[str, str]] = []

    def answer(request: Any) -> Any:
        if isinstance(request, HttpRequest) and request.form is not None:
            forms.append(dict(parse_qsl(request.content()[0].decode())))  # type: ignore[union-attr]
            assert request.url == f"{BASE}/services/rest/auth/oauth2/v1/token"
            return Reply(200, {}, b'{"access_token": "t0", "expires_in": "3600"}')
        return service(request)

    account = example(
        "oracle_netsuite",
        {"account": "1234567_SB1", "client_id": "app", "private_key": pem, "certificate_id": "cert-1"},
    )
    play(account.find_order(reorder()), answer)
    assert service.asked[0].headers["Authorization"] == "Bearer t0"
    assert forms[0]["grant_type"] == "client_credentials"
    assert forms[0]["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    told = jwt.decode(forms[0]["client_assertion"], RSAKey.import_key(pem), algorithms=["PS256"])
    assert (told.header["kid"], told.claims["iss"]) == ("cert-1", "app")
    assert told.claims["aud"] == f"{BASE}/services/rest/auth/oauth2/v1/token"
    assert told.claims["exp"] - told.claims["iat"] < 3600


def test_too_many_calls_at_a_time_are_tried_again_whatever_the_status_says() -> None:
    many = Reply(400, {}, b'{"error": {"code": "SSS_REQUEST_LIMIT_EXCEEDED", "message": "no"}}')
    with pytest.raises(Unavailable):
        play(netsuite().find_order(reorder()), Service(GET_purchaseOrder_eid_NW_7=lambda _: many))


def test_an_account_that_is_only_listened_to_says_what_it_lacks() -> None:
    with pytest.raises(Refused, match=r"accounts\.example\.account"):
        play(example("oracle_netsuite").find_order(reorder()), Service())
