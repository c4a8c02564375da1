"""What is odd about Ariba: secrets inside documents, statuses inside answers, split lines, documents sent again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unclear
from streamer.messages.commands import ChangeOrderCommand, ReorderCommand, ReorderLine
from streamer.messages.orders import Order
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms import xml
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, Reply
from tests.contracts.recorded import OWN

NOW = datetime(2025, 11, 21, 12, 0, tzinfo=UTC)
CONFIRMATION = (OWN / "sap_ariba" / "confirmation_request.xml").read_bytes()
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}


def ariba(**changes: Any) -> Platform[Any]:
    settings: dict[str, Any] = {"network_id": "AN01000000012", "webhook_secret": SecretStr("example-secret")}
    settings |= {"order_url": "https://network.ariba.example.com/order", "shared_secret": SecretStr("ours")}
    return example("sap_ariba", settings | changes)


def order(price: str | None = "11.9", **changes: Any) -> ReorderCommand:
    line = ReorderLine(line="1", sku="PAD", quantity=Decimal(6), location="main", needed_by="2025-11-27",
                       unit_price=None if price is None else Decimal(price))  # fmt: skip
    fields: dict[str, Any] = {"supplier": "NW", "supplier_name": "Northwind", "reference": "NW-7", "currency": "EUR"}
    fields |= {"order_date": "2025-11-20", "ship_to": "main", "lines": (line,), "address": "AN01000000077"}
    return ReorderCommand(**KEYS, **(fields | changes))


class Network:
    """Answers with a status, and keeps the documents."""

    def __init__(self, code: str) -> None:
        self.asked: list[HttpRequest] = []
        self._body = f'<cXML><Response><Status code="{code}" text="x"/></Response></cXML>'.encode()

    def __call__(self, request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        self.asked.append(request)
        return Reply(200, {}, self._body, safe=False)

    def document(self) -> Any:
        assert self.asked[-1].body is not None
        return xml.read_xml(self.asked[-1].body)


def test_a_document_needs_the_secret_and_our_own_address() -> None:
    ariba().verify(Raw(CONFIRMATION), NOW)
    wrong = {
        "another secret": ariba(webhook_secret=SecretStr("other")),
        "no secret set": ariba(webhook_secret=None),
        "another addressee": ariba(network_id="AN01000000099"),
    }
    for account in wrong.values():
        with pytest.raises(BadSignature):
            account.verify(Raw(CONFIRMATION), NOW)
    for body in (CONFIRMATION.replace(b"<SharedSecret>example-secret</SharedSecret>", b""), CONFIRMATION[:200], b"{}"):
        with pytest.raises(BadSignature):
            ariba().verify(Raw(body), NOW)


@pytest.mark.parametrize(
    ("kind", "state"), [(b"accept", "accepted"), (b"reject", "rejected"), (b"except", "accepted_with_changes")]
)
def test_a_confirmation_says_by_its_type_what_becomes_of_the_order(kind: bytes, state: str) -> None:
    [status] = ariba().read(Raw(CONFIRMATION.replace(b'type="detail"', b'type="' + kind + b'"')))
    assert isinstance(status, SupplierStatus)
    assert (status.state, status.reference) == (state, "PO-70012")


def test_what_is_rejected_of_a_line_is_nothing() -> None:
    [status] = ariba().read(Raw(CONFIRMATION.replace(b'type="backordered" quantity', b'type="reject" quantity')))
    assert isinstance(status, SupplierStatus)
    assert [(part.quantity, part.promised_date) for part in status.lines[0].parts] == [(4, "2025-11-27"), (0, None)]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b'type="detail"', b'type="maybe"', "type"),
        (b'orderID="PO-70012"', b"", "orderID"),
        (b'quantity="6"', b'quantity="six"', "quantity"),
        (b'quantity="6"', b'quantity="-6"', "quantity"),
        (b'noticeDate="2025-11-21T10:15:00+01:00"', b'noticeDate="21.11.2025"', "noticeDate"),
        (b"SYSTEM ", b'[<!ENTITY x "y">] SYSTEM ', "XML"),
    ],
)
def test_a_document_with_something_wrong_names_it(before: bytes, after: bytes, words: str) -> None:
    assert before in CONFIRMATION
    with pytest.raises(Malformed, match=words):
        ariba().read(Raw(CONFIRMATION.replace(before, after, 1)))


def test_entities_are_never_read() -> None:
    bomb = CONFIRMATION.replace(b'Fulfill.dtd">', b'Fulfill.dtd" [<!ENTITY x SYSTEM "file:///etc/passwd">]>')
    with pytest.raises(Malformed, match="XML"):
        ariba().read(Raw(bomb.replace(b"PO-70012", b"&x;")))


def test_a_shipment_is_told_to_each_order_in_it() -> None:
    portion = (
        '<ShipNoticePortion><OrderReference orderID="{0}"/><ShipNoticeItem lineNumber="1" quantity="2">'
        "<UnitOfMeasure>EA</UnitOfMeasure></ShipNoticeItem></ShipNoticePortion>"
    )
    body = (
        '<cXML payloadID="p1"><Request><ShipNoticeRequest><ShipNoticeHeader shipmentID="S1" '
        'noticeDate="2025-11-21T10:15:00Z"/>' + portion.format("NW-7") + portion.format("NW-8")
    )
    told = ariba().read(Raw((body + "</ShipNoticeRequest></Request></cXML>").encode()))
    found = [(one.reference, one.source_id, one.state) for one in told if isinstance(one, SupplierStatus)]
    assert found == [("NW-7", "p1/NW-7", "partly_shipped"), ("NW-8", "p1/NW-8", "partly_shipped")]


def test_an_order_of_others_is_demand() -> None:
    network = Network("200")
    play(ariba().place_order(order()), network)
    [bought] = ariba().read(Raw(network.asked[0].body or b""))
    assert isinstance(bought, Order)
    assert (bought.kind, bought.number, bought.currency) == ("purchase_order", "NW-7", "EUR")
    assert [(line.sku, line.quantity, line.unit_price) for line in bought.lines] == [("PAD", 6, Decimal("11.90"))]


def test_other_documents_mean_nothing() -> None:
    for body in (b"<cXML><Response/></cXML>", b"<cXML><Request><ProfileRequest/></Request></cXML>"):
        with pytest.raises(Ignored):
            ariba().read(Raw(body))


def test_the_same_order_keeps_its_payload_id_and_a_change_has_another() -> None:
    network = Network("201")
    ids = []
    for _ in range(2):
        assert play(ariba().place_order(order()), network).external_reference == "NW-7"
        ids.append(xml.attribute(network.document(), "payloadID"))
    change = ChangeOrderCommand(
        **(KEYS | {"command_id": "B" * 26}),
        supplier="NW",
        reference="NW-7",
        replaces="A" * 26,
        order=order(),
        reason="less",
    )
    play(ariba().change_order(change), network)
    header = next(xml.descendants(network.document(), "OrderRequestHeader"))
    assert (xml.attribute(header, "type"), xml.attribute(header, "orderID")) == ("update", "NW-7")
    assert ids[0] == ids[1] != xml.attribute(network.document(), "payloadID")
    assert "Z" not in (xml.attribute(network.document(), "timestamp") or "Z")


@pytest.mark.parametrize(("code", "error"), [("400", Refused), ("500", Unclear), ("", Unclear)])
def test_the_status_inside_the_answer_counts(code: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        play(ariba().place_order(order()), Network(code))


def test_an_answer_that_cannot_be_read_is_unclear() -> None:
    def answer(request: Any) -> Any:
        return Moment(NOW, "0") if isinstance(request, AskMoment) else Reply(200, {}, b"<html>", safe=False)

    with pytest.raises(Unclear):
        play(ariba().place_order(order()), answer)


def test_what_is_missing_for_an_order_is_named() -> None:
    with pytest.raises(Refused, match="price"):
        play(ariba().place_order(order(price=None)), Network("200"))
    with pytest.raises(Refused, match="address"):
        play(ariba().place_order(order(address=None)), Network("200"))
    with pytest.raises(Refused, match="order_url"):
        play(ariba(order_url=None).place_order(order()), Network("200"))


def test_a_requisition_that_may_have_been_made_waits_for_a_person() -> None:
    assert ariba().facts().sink_class == "A"
    assert ariba(document="requisition").facts().sink_class == "C"
