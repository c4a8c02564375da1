"""cXML and SOAP documents of Ariba: what they say, and how ours are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from streamer.errors import BadSignature, Malformed, Refused, Unclear
from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand, ReorderLine
from streamer.messages.orders import Order, OrderLine
from streamer.messages.people import Address, Customer
from streamer.messages.purchasing import SupplierLine, SupplierPart, SupplierState, SupplierStatus
from streamer.platforms import xml
from streamer.platforms.plain_commands import nested
from streamer.platforms.signatures import same, secrets_of
from streamer.platforms.wire import Placed, Raw

if TYPE_CHECKING:
    from streamer.platforms.base import Platform

DTD = "http://xml.cxml.org/schemas/cXML/1.2.040"
HEADER_STATES: dict[str, SupplierState] = {
    "accept": "accepted",
    "alldetail": "accepted_with_changes",
    "detail": "accepted_with_changes",
    "backordered": "accepted_with_changes",
    "except": "accepted_with_changes",
    "replace": "accepted_with_changes",
    "reject": "rejected",
}
LINE_STATES = {"accept": "accepted", "alldetail": "accepted", "detail": "changed", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """The secret in the sender's credential, of a document that is addressed to us."""

    secret: str = "webhook_secret"
    in_body: bool = True

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        """Raises BadSignature."""
        try:
            root = xml.read_xml(raw.body)
        except Malformed as error:
            raise BadSignature("the document cannot be read") from error
        given = xml.text(root, "Header/Sender/Credential/SharedSecret")
        if not given:
            raise BadSignature("Header/Sender/Credential/SharedSecret is missing")
        if not any(same(given, secret) for secret in [*secrets_of(settings, self.secret)]):
            raise BadSignature(f"the shared secret is not what accounts.{settings.name}.{self.secret} says")
        ours = settings.network_id
        theirs = [xml.text(one, "Identity") for one in xml.children(root, "Header/To/Credential")]
        if ours and ours not in theirs:
            raise BadSignature(f"the document is addressed to another than accounts.{settings.name}.network_id")


# --- what arrives -----------------------------------------------------------------------------------------------------


def order_id(root: xml.Element) -> str | None:
    """The number of the order that a document is about."""
    for name, mark in (("OrderReference", "orderID"), ("OrderRequestHeader", "orderID")):
        for found in xml.descendants(root, name):
            return xml.attribute(found, mark)
    return None


def confirmation(root: xml.Element, request: xml.Element, *, account: str, platform: str) -> SupplierStatus:
    """Raises Malformed."""
    kind = (xml.attribute(request, "type", "ConfirmationHeader") or "").lower()
    state = HEADER_STATES.get(kind)
    if state is None:
        raise Malformed(f"{kind[:40]!r} is no type of a confirmation", field="ConfirmationHeader/@type")
    reference = xml.attribute(request, "orderID", "OrderReference")
    if not reference:
        raise Malformed("is missing", field="OrderReference/@orderID")
    lines = tuple(_confirmed(item) for item in xml.children(request, "ConfirmationItem"))
    if not lines and kind not in ("accept", "reject"):
        raise Malformed(f"says {kind} of no line", field="ConfirmationItem")
    return SupplierStatus(
        account=account,
        platform=platform,
        source_id=_payload_id(root),
        reference=reference[:21],
        external_reference=xml.attribute(request, "confirmID", "ConfirmationHeader"),
        state=state,
        status=kind,
        occurred_at=_moment(xml.attribute(request, "noticeDate", "ConfirmationHeader"), "noticeDate"),
        lines=lines,
    )


def _confirmed(item: xml.Element) -> SupplierLine:
    parts = tuple(_part(status) for status in xml.children(item, "ConfirmationStatus"))
    return SupplierLine(
        line=_mark(item, "lineNumber"),
        supplier_sku=xml.text(item, "ItemIn/ItemID/SupplierPartID"),
        quantity=_number(_mark(item, "quantity"), "ConfirmationItem/@quantity"),
        unit=xml.text(item, "UnitOfMeasure"),
        unit_price=_price(item),
        parts=parts,
    )


def _part(status: xml.Element) -> SupplierPart:
    kind = _mark(status, "type").lower()
    told = xml.attribute(status, "deliveryDate") or xml.attribute(status, "shipmentDate")
    rejected = kind == "reject"
    return SupplierPart(
        quantity=Decimal(0) if rejected else _number(_mark(status, "quantity"), "ConfirmationStatus/@quantity"),
        status=LINE_STATES.get(kind, kind),
        promised_date=told[:10] if told and not rejected else None,
        due_at=_moment(told, "deliveryDate"),
    )


def _price(item: xml.Element) -> Decimal | None:
    for money in xml.descendants(item, "Money"):
        return _number((xml.text(money) or "").replace(",", ""), "UnitPrice/Money")
    return None


def ship_notice(root: xml.Element, request: xml.Element, *, account: str, platform: str) -> Iterator[SupplierStatus]:
    """One status for each order that the shipment holds."""
    payload = _payload_id(root)
    for portion in xml.children(request, "ShipNoticePortion"):
        reference = xml.attribute(portion, "orderID", "OrderReference")
        if not reference:
            raise Malformed("is missing", field="ShipNoticePortion/OrderReference/@orderID")
        due = xml.attribute(request, "deliveryDate", "ShipNoticeHeader")
        yield SupplierStatus(
            account=account,
            platform=platform,
            source_id=f"{payload}/{reference}",
            reference=reference[:21],
            external_reference=xml.attribute(request, "shipmentID", "ShipNoticeHeader"),
            state="partly_shipped",
            status=xml.attribute(request, "operation", "ShipNoticeHeader"),
            occurred_at=_moment(xml.attribute(request, "noticeDate", "ShipNoticeHeader"), "noticeDate"),
            adds_up=True,
            lines=tuple(
                SupplierLine(
                    line=_mark(item, "lineNumber"),
                    supplier_sku=xml.text(item, "ItemID/SupplierPartID"),
                    quantity=_number(_mark(item, "quantity"), "ShipNoticeItem/@quantity"),
                    unit=xml.text(item, "UnitOfMeasure"),
                    promised_date=due[:10] if due else None,
                )
                for item in xml.children(portion, "ShipNoticeItem")
            ),
        )


def order(root: xml.Element, request: xml.Element, platform: Platform[Any]) -> Order:
    """An order of somebody who buys from us. Raises Malformed."""
    head = xml.child(request, "OrderRequestHeader")
    if head is None:
        raise Malformed("is missing", field="OrderRequest/OrderRequestHeader")
    number, at = _mark(head, "orderID"), _moment(xml.attribute(root, "timestamp"), "cXML/@timestamp")
    buyer = next((xml.text(one, "Identity") for one in xml.children(root, "Header/From/Credential")), None)
    address = xml.child(head, "ShipTo/Address")
    return Order(
        account=platform.account,
        platform=platform.name,
        kind="purchase_order",
        source_id=f"{buyer}/{number}" if buyer else number,
        number=number,
        version=(at or datetime(1970, 1, 1, tzinfo=UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        occurred_at=_moment(xml.attribute(head, "orderDate"), "orderDate"),
        state="cancelled" if xml.attribute(head, "type") == "delete" else "open",
        status=xml.attribute(head, "type"),
        currency=xml.attribute(head, "currency", "Total/Money"),
        customer=Customer(id=buyer) if buyer else None,
        references=(number,),
        location=platform.place(None),
        ship_to=Address(
            name=xml.text(address, "Name"),
            street=xml.text(address, "PostalAddress/Street"),
            city=xml.text(address, "PostalAddress/City"),
            postal_code=xml.text(address, "PostalAddress/PostalCode"),
            country=xml.attribute(address, "isoCountryCode", "PostalAddress/Country"),
        )
        if address is not None
        else None,
        lines=tuple(_bought(item) for item in xml.children(request, "ItemOut")),
    )


def _bought(item: xml.Element) -> OrderLine:
    due = xml.attribute(item, "requestedDeliveryDate")
    return OrderLine(
        line_id=_mark(item, "lineNumber"),
        sku=xml.text(item, "ItemID/SupplierPartID"),
        quantity=_number(_mark(item, "quantity"), "ItemOut/@quantity"),
        unit_price=_price(item),
        unit=xml.text(item, "ItemDetail/UnitOfMeasure"),
        description=xml.text(item, "ItemDetail/Description"),
        due_date=due[:10] if due else None,
    )


def _payload_id(root: xml.Element) -> str:
    return _mark(root, "payloadID")


def _mark(element: xml.Element, name: str) -> str:
    found = (xml.attribute(element, name) or "").strip()
    if not found:
        raise Malformed("is missing", field=f"{xml.local(element)}/@{name}")
    return found


def _number(told: str, field: str) -> Decimal:
    try:
        found = Decimal(told)
    except InvalidOperation as error:
        raise Malformed("is no number", field=field) from error
    if not found.is_finite() or found < 0:
        raise Malformed("is no quantity", field=field)
    return found


def _moment(told: str | None, field: str) -> datetime | None:
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Malformed("is no time", field=field) from error
    if found.tzinfo is None:
        raise Malformed("is a time without its offset", field=field)
    return found.astimezone(UTC)


# --- what is written --------------------------------------------------------------------------------------------------


def stamped(time: datetime) -> str:
    """A time with a numeric offset; cXML forbids the Z."""
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _dated(told: str) -> str:
    """A day or time of ours with an offset."""
    return f"{told}T00:00:00+00:00" if len(told) == 10 else told.replace("Z", "+00:00")


def answered(payload_id: str, at: datetime) -> bytes:
    """The acknowledgement of a document."""
    content = {
        "@payloadID": f"answer.{payload_id}",
        "@timestamp": stamped(at),
        "Response": {"Status": {"@code": "200", "@text": "OK"}},
    }
    return xml.write_xml("cXML", content)


def order_request(
    command: ReorderCommand,
    settings: Any,
    place: str | None,
    supplier: str,
    kind: Literal["new", "update"],
    key: str,
    now: datetime,
) -> bytes:
    """Raises Refused for a line without a price, which the document must have."""
    total = sum((line.quantity * _needed(line) for line in command.lines), Decimal(0))
    text = {"@xml:lang": settings.text_language}
    content = {
        "@payloadID": f"{key.lower()}@{settings.domain}",
        "@timestamp": stamped(now),
        "@xml:lang": settings.language,
        "Header": {
            "From": _credential(settings.network_id),
            "To": _credential(supplier),
            "Sender": {
                **_credential(settings.network_id, settings.shared_secret.get_secret_value()),
                "UserAgent": settings.user_agent,
            },
        },
        "Request": {
            "@deploymentMode": settings.deployment_mode,
            "OrderRequest": {
                "OrderRequestHeader": {
                    "@orderID": command.reference,
                    "@orderDate": _dated(command.order_date),
                    "@type": kind,
                    "@orderType": "regular",
                    "Total": {"Money": {"@currency": command.currency, "#": _money(total)}},
                    "ShipTo": {"Address": _address(command, settings, place, text)},
                    "Comments": {**text, "#": command.note} if command.note else None,
                },
                "ItemOut": [_item(line, command.currency, settings, text) for line in command.lines],
            },
        },
    }
    return xml.write_xml("cXML", content, doctype=f'<!DOCTYPE cXML SYSTEM "{DTD}/cXML.dtd">\n')


def _credential(identity: str, secret: str | None = None) -> dict[str, object]:
    return {"Credential": {"@domain": "NetworkId", "Identity": identity, "SharedSecret": secret}}


def _needed(line: ReorderLine) -> Decimal:
    if line.unit_price is None:
        raise Refused(f"line {line.line} ({line.sku}) has no price, which a cXML order must have")
    return line.unit_price


def _money(amount: Decimal) -> str:
    """At least two places."""
    told = plain(amount)
    return told if len(told.partition(".")[2]) > 2 else f"{amount:.2f}"


def _address(command: ReorderCommand, settings: Any, place: str | None, text: dict[str, str]) -> dict[str, object]:
    told = {**settings.addresses.get(command.ship_to, {}), **(nested(command.extra).get("ship_to") or {})}
    country = told.get("country")
    street: dict[str, object] | None = None
    if told.get("city"):
        street = {
            "Street": told.get("street"),
            "City": told.get("city"),
            "PostalCode": told.get("postal_code"),
            "Country": {"@isoCountryCode": country, "#": told.get("country_name") or country} if country else None,
        }
    name = {**text, "#": told.get("name") or command.ship_to}
    return {"@addressID": place, "@isoCountryCode": country, "Name": name, "PostalAddress": street}


def _item(line: ReorderLine, currency: str, settings: Any, text: dict[str, str]) -> dict[str, object]:
    unspsc = (line.extra or {}).get("unspsc") or settings.unspsc
    return {
        "@lineNumber": line.line,
        "@quantity": plain(line.quantity),
        "@requestedDeliveryDate": _dated(line.needed_by) if line.needed_by else None,
        "ItemID": {"SupplierPartID": line.supplier_sku or line.sku, "BuyerPartID": line.sku},
        "ItemDetail": {
            "UnitPrice": {"Money": {"@currency": currency, "#": _money(_needed(line))}},
            "Description": {**text, "#": line.description or line.sku},
            "UnitOfMeasure": line.unit,
            "Classification": {"@domain": "UNSPSC", "#": unspsc} if unspsc else None,
        },
    }


def placed(root: xml.Element, reference: str) -> Placed:
    """What the answer says. Raises Refused for a lasting no, Unclear for one of the moment (the repeat is known)."""
    code = xml.attribute(root, "code", "Response/Status") or ""
    words = f"{code} {xml.attribute(root, 'text', 'Response/Status') or ''} {xml.text(root, 'Response/Status') or ''}"
    if code.startswith("2"):
        return Placed(reference, {"status": words.strip()})
    if code.startswith("4"):
        raise Refused(f"the network answered {words.strip()}")
    raise Unclear(f"the network answered {words.strip() or 'without a status'}")


def requisition(command: ReorderCommand, settings: Any) -> bytes:
    """The import of a requisition by SOAP."""
    extra = command.extra or {}
    needed = command.needed_by
    person = {"urn:PasswordAdapter": settings.password_adapter, "urn:UniqueName": settings.requester}
    item: dict[str, object] = {
        "urn:CompanyCode": {"urn:UniqueName": settings.company_code},
        "urn:DefaultLineItem": {
            "urn:DeliverTo": extra.get("deliver_to") or command.ship_to,
            "urn:NeedBy": _dated(needed) if needed else None,
        },
        "urn:LineItems": {
            "urn:item": [_wanted(number, line, command.currency) for number, line in enumerate(command.lines, 1)]
        },
        "urn:Name": extra.get("title") or f"{command.reference} {command.supplier_name}",
        "urn:Operation": "New",
        "urn:OriginatingSystem": settings.originating_system,
        "urn:OriginatingSystemReferenceID": command.reference,
        "urn:Preparer": person,
        "urn:Requester": person,
        "urn:UniqueName": "",
    }
    marks = {"@partition": settings.partition, "@variant": settings.variant}
    body: dict[str, object] = {
        "urn:RequisitionImportPullRequest": {
            **marks,
            "urn:Requisition_RequisitionImportPull_Item": {"urn:item": item},
        }
    }
    header: dict[str, object] = {"urn:Headers": {"urn:variant": settings.variant, "urn:partition": settings.partition}}
    return xml.soap_envelope(body, header, namespaces={"urn": f"urn:Ariba:Buyer:{settings.variant}"})


def _wanted(number: int, line: ReorderLine, currency: str) -> dict[str, object]:
    price = None if line.unit_price is None else _money(line.unit_price)
    return {
        "urn:Description": {
            "urn:Description": line.description or line.sku,
            "urn:Price": {"urn:Amount": price, "urn:Currency": {"urn:UniqueName": currency}} if price else None,
            "urn:SupplierPartNumber": line.supplier_sku or line.sku,
            "urn:UnitOfMeasure": {"urn:UniqueName": line.unit},
        },
        "urn:NumberInCollection": str(number),
        "urn:OriginatingSystemLineNumber": line.line,
        "urn:Quantity": plain(line.quantity),
    }
