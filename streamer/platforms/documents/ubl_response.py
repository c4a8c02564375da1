"""UBL OrderResponse and OrderResponseSimple, 2.x. The document is untrusted: no DTD, no entities, nothing external."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml.ElementTree import fromstring

from streamer.errors import Malformed
from streamer.messages.purchasing import SupplierLine, SupplierState
from streamer.platforms.documents.answer import Answer

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
RESPONSE = "{urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2}OrderResponse"
SIMPLE = "{urn:oasis:names:specification:ubl:schema:xsd:OrderResponseSimple-2}OrderResponseSimple"

# OrderResponseCode of Peppol's list.
STATES: dict[str, SupplierState] = {
    "AB": "received",
    "AP": "accepted",
    "CA": "accepted_with_changes",
    "RE": "rejected",
    "29": "accepted",
    "30": "accepted_with_changes",
    "27": "rejected",
}
# LineStatusCode: the part of UNCL1229 that suppliers use.
LINE_STATUSES = {"1": "added", "3": "changed", "5": "accepted", "7": "rejected", "42": "delivered"}


def is_ubl_response(document: bytes) -> bool:
    """Whether it is worth parsing as one; cheap."""
    return b"schema:xsd:OrderResponse" in document[:2000]


def read_ubl_response(document: bytes, *, sender: str) -> Answer:
    """Raises Malformed that names the element."""
    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, LookupError, ValueError) as error:
        raise Malformed(f"the XML cannot be read: {type(error).__name__}", field="OrderResponse") from error
    if root.tag not in (RESPONSE, SIMPLE):
        raise Malformed("is no OrderResponse", field="root element")
    reference = _need(root, f"{CAC}OrderReference/{CBC}ID")
    code = _text(root, f"{CBC}OrderResponseCode")
    if root.tag == SIMPLE:
        code = "AP" if _text(root, f"{CBC}AcceptedIndicator") == "true" else "RE"
    lines = tuple(_line(one) for one in root.iterfind(f"{CAC}OrderLine"))
    state = STATES.get(code or "")
    if state is None:
        if code is not None or not lines:
            raise Malformed(f"{(code or 'missing')[:20]} is no answer that we know", field="OrderResponseCode")
        state = _of_lines(lines)
    at, day = _when(root)
    return Answer(
        document_id=f"{sender}:{_need(root, f'{CBC}ID')}",
        reference=reference,
        state=state,
        status=code or state,
        lines=lines,
        external_reference=_text(root, f"{CBC}SalesOrderID"),
        occurred_at=at,
        occurred_date=day,
        currency=_text(root, f"{CBC}DocumentCurrencyCode"),
    )


def _line(line: Element) -> SupplierLine:
    item = line.find(f"{CAC}LineItem")
    if item is None:
        raise Malformed("is missing", field="OrderLine.LineItem")
    status = _text(item, f"{CBC}LineStatusCode")
    quantity = item.find(f"{CBC}Quantity")
    promised = f"{CAC}Delivery/{CAC}PromisedDeliveryPeriod/{CBC}"
    number = _text(line, f"{CAC}OrderLineReference/{CBC}LineID") or _text(item, f"{CBC}ID")
    return SupplierLine(
        line=number,
        sku=_text(item, f"{CAC}Item/{CAC}BuyersItemIdentification/{CBC}ID"),
        supplier_sku=_text(item, f"{CAC}Item/{CAC}SellersItemIdentification/{CBC}ID"),
        quantity=_number(quantity, "Quantity"),
        unit=quantity.get("unitCode") if quantity is not None else None,
        unit_price=_price(item),
        back_order_quantity=_number(item.find(f"{CBC}MaximumBackorderQuantity"), "MaximumBackorderQuantity"),
        status=LINE_STATUSES.get(status, status) if status else None,
        promised_date=_day(item, promised + "EndDate") or _day(item, promised + "StartDate"),
    )


def _price(item: Element) -> Decimal | None:
    """For one unit; the document's price may be for several."""
    amount = _number(item.find(f"{CAC}Price/{CBC}PriceAmount"), "PriceAmount")
    base = _number(item.find(f"{CAC}Price/{CBC}BaseQuantity"), "BaseQuantity")
    return amount / base if amount is not None and base else amount


def _of_lines(lines: tuple[SupplierLine, ...]) -> SupplierState:
    statuses = {line.status for line in lines}
    if statuses <= {"accepted"}:
        return "accepted"
    return "rejected" if statuses <= {"rejected"} else "accepted_with_changes"


def _when(root: Element) -> tuple[datetime | None, str | None]:
    """An instant where a zone is given; else the local date alone."""
    day = _day(root, f"{CBC}IssueDate")
    clock = _text(root, f"{CBC}IssueTime")
    if day is None or clock is None:
        return None, day
    try:
        moment = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock))
        return (moment.astimezone(UTC), None) if moment.tzinfo is not None else (None, day)
    except (ValueError, OverflowError) as error:
        raise Malformed("is no time", field="IssueTime") from error


def _day(element: Element, path: str) -> str | None:
    """A date as ISO writes it; a zone behind it (xs:date allows one) is left out."""
    text = _text(element, path)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError as error:
        raise Malformed("is no date", field=path.rpartition("}")[2]) from error


def _number(element: Element | None, field: str) -> Decimal | None:
    if element is None or not (element.text or "").strip():
        return None
    try:
        number = Decimal((element.text or "").strip())
    except InvalidOperation as error:
        raise Malformed("is no number", field=field) from error
    if not number.is_finite() or number < 0:
        raise Malformed("is no quantity", field=field)
    return number


def _text(element: Element, path: str) -> str | None:
    found = element.findtext(path)
    return found.strip() or None if found is not None else None


def _need(element: Element, path: str) -> str:
    found = _text(element, path)
    if found is None:
        raise Malformed("is missing", field=path.replace(CBC, "").replace(CAC, ""))
    return found
