"""What is odd about Salesforce: unsigned outbound messages, orders without lines, changes, limits that look like no."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from streamer.errors import BadSignature, Ignored, Refused, Unavailable
from streamer.messages.commands import FetchCommand, WriteBackCommand
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, RefusedReply, example
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, Reply
from tests.contracts.recorded import OWN

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
OURS = "00D5e000000ExmpEAA"
MESSAGE = (OWN / "salesforce" / "service_appointment_outbound.xml").read_bytes()
INVENTORY = {"object": "Inventory__c", "sku": "SKU__c", "location": "Place__c", "available": "Free__c"}


def org(**changes: Any) -> Platform[Any]:
    settings: dict[str, Any] = {"base_url": "https://example.my.salesforce.com", "access_token": "t"}
    settings |= {"organization_id": OURS, "outbound_secret": SecretStr("s3cret"), "inventory": INVENTORY}
    return example("salesforce", settings | changes)


def raw(body: Any, **more: Any) -> Raw:
    return Raw(orjson.dumps(body), **more)


def test_an_outbound_message_needs_our_organisation_and_the_secret_of_its_address() -> None:
    org().verify(Raw(MESSAGE, query={"secret": "s3cret"}), NOW)
    for wrong in ({}, {"secret": "other"}, {"secret": "s3crét"}):
        with pytest.raises(BadSignature):
            org().verify(Raw(MESSAGE, query=wrong), NOW)
    with pytest.raises(BadSignature, match="organisation"):
        org(organization_id="00D5e000000OthrEAA").verify(Raw(MESSAGE, query={"secret": "s3cret"}), NOW)
    with pytest.raises(BadSignature, match="organization_id"):
        org(organization_id=None).verify(Raw(MESSAGE, query={"secret": "s3cret"}), NOW)
    with pytest.raises(BadSignature, match="read"):
        org().verify(Raw(MESSAGE[:300], query={"secret": "s3cret"}), NOW)


def test_an_organisation_is_the_same_in_fifteen_and_in_eighteen_characters() -> None:
    org(organization_id=OURS[:15]).verify(Raw(MESSAGE, query={"secret": "s3cret"}), NOW)


def test_an_order_without_its_lines_is_fetched_and_then_whole() -> None:
    [asked] = org().read(Raw(MESSAGE.replace(b"sf:ServiceAppointment", b"sf:Order")))
    assert isinstance(asked, FetchCommand)
    assert asked.resource == "Order"

    row = {"attributes": {"type": "Order"}, "Id": "801", "LastModifiedDate": "2026-03-02T19:00:00.000+0000"}
    row |= {"OrderItems": {"done": True, "records": [{"Id": "802", "Quantity": 2.0, "Product2": None}]}}
    answer = Reply(200, {}, orjson.dumps({"done": True, "records": [row]}))
    page = play(org().fetch(asked), lambda _: answer)
    [order] = org().read(Raw(page.body))
    assert isinstance(order, Order)
    assert [line.line_id for line in order.lines] == ["802"]


def test_of_a_change_event_each_record_is_fetched_and_a_deletion_means_nothing() -> None:
    header = {"entityName": "Order", "recordIds": ["801", "802"], "changeType": "UPDATE"}
    event = {"payload": {"ChangeEventHeader": header, "Status": None}, "event": {"replayId": 5}}
    asked = org().read(raw(event))
    assert [one.ids for one in asked if isinstance(one, FetchCommand)] == [("801",), ("802",)]
    with pytest.raises(Ignored):
        org().read(raw({"payload": {"ChangeEventHeader": header | {"changeType": "DELETE"}}}))


def test_a_lead_and_a_deal_are_records_to_copy() -> None:
    lead = {"attributes": {"type": "Lead"}, "Id": "00Q", "Name": "Mara Lind", "Company": "Lind", "Email": "m@x.example"}
    [person] = org().read(raw(lead))
    assert isinstance(person, CustomerRecord)
    assert (person.kind, person.customer.email) == ("lead", "m@x.example")
    deal = {"attributes": {"type": "Opportunity"}, "Id": "006", "Name": "Fleet", "IsWon": True, "IsClosed": True}
    [won] = org().read(raw(deal))
    [lost] = org().read(raw(deal | {"IsWon": False}))
    assert isinstance(won, Order)
    assert isinstance(lost, Order)
    assert (won.kind, won.state, lost.state) == ("deal", "open", "cancelled")


def test_stock_stands_in_the_object_that_the_settings_name() -> None:
    row = {"attributes": {"type": "Inventory__c"}, "Id": "a01", "SKU__c": "A", "Place__c": "DC-1", "Free__c": 2.5}
    [level] = org().read(raw(row | {"SystemModstamp": "2026-03-02T19:00:00.000+0000"}))
    assert isinstance(level, StockLevel)
    assert (level.sku, level.location, str(level.level)) == ("A", "DC-1", "2.5")


def test_the_poll_follows_the_address_of_the_next_page() -> None:
    asked: list[HttpRequest] = []

    def answer(request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        asked.append(request)
        following = {"nextRecordsUrl": "/services/data/v60.0/query/01g-2000", "done": False} if len(asked) == 1 else {}
        return Reply(200, {}, orjson.dumps({"records": [{"Id": str(len(asked))}], **following}))

    page = play(org().poll("orders", {"since": "2026-03-02T19:30:00+00:00"}), answer)

    assert [record.key for record in page.records] == ["1", "2"]
    assert "WHERE SystemModstamp >= 2026-03-02T19:25:00Z" in asked[0].query["q"]
    assert asked[1].url.endswith("/query/01g-2000")


def decide(settings: Any, reply: Reply) -> object:
    command = WriteBackCommand(
        command_id="A" * 26, account="example", object="o", cause="c", order_id="801", revision=1, decision="approved",
        lines=(),
    )  # fmt: skip

    def answer(_request: Any) -> Any:
        if reply.status >= 400:
            raise RefusedReply("refused", reply)
        return reply

    return play(org(**settings).write_back(command), answer)


@pytest.mark.parametrize(
    ("status", "code"), [(403, "REQUEST_LIMIT_EXCEEDED"), (400, "UNABLE_TO_LOCK_ROW"), (400, "SERVER_UNAVAILABLE")]
)
def test_a_limit_and_a_locked_row_are_tried_again_later(status: int, code: str) -> None:
    reply = Reply(status, {}, orjson.dumps([{"errorCode": code, "message": "later"}]))
    with pytest.raises(Unavailable):
        decide({"decisions": {"approved": {"Status": "Activated"}}}, reply)


def test_a_decision_that_no_field_stands_for_names_the_setting() -> None:
    with pytest.raises(Refused, match="decisions"):
        decide({}, Reply(204))
