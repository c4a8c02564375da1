"""Records of Salesforce in the forms in which they come: outbound message, callout, change event, answer to a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from streamer.errors import Ignored, Malformed
from streamer.platforms import xml
from streamer.platforms.wire import Raw

Kind = Literal["appointment", "order", "deal", "lead", "customer"]
RECORDS: Mapping[str, Kind] = {
    "ServiceAppointment": "appointment",
    "Order": "order",
    "Opportunity": "deal",
    "Lead": "lead",
    "Account": "customer",
    "Contact": "customer",
}
_TIMES = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_ITEMS = (
    "(SELECT Id, Quantity, UnitPrice, Description, Product2Id, Product2.ProductCode, Product2.StockKeepingUnit FROM {})"
)
FIELDS: Mapping[str, tuple[str, ...]] = {
    "ServiceAppointment": (
        "AppointmentNumber", "Status", "SchedStartTime", "ArrivalWindowStartTime", "EarliestStartTime", "DueDate",
        "Subject", "WorkTypeId", "AccountId", "ContactId", "ServiceTerritoryId", "ParentRecordId",
    ),
    "Order": (
        "OrderNumber", "Status", "EffectiveDate", "AccountId", "PoNumber", "TotalAmount",
        _ITEMS.format("OrderItems"),
    ),
    "Opportunity": (
        "Name", "StageName", "IsWon", "IsClosed", "CloseDate", "AccountId", "Amount",
        _ITEMS.format("OpportunityLineItems"),
    ),
    "Lead": ("Name", "Company", "Email", "Phone", "Status"),
    "Account": ("Name", "AccountNumber", "Phone"),
    "Contact": ("Name", "Email", "Phone", "AccountId"),
}  # fmt: skip
LINES = {"Order": "OrderItems"}  # what an order is not whole without


@dataclass(frozen=True, slots=True)
class Record:
    kind: str
    id: str
    fields: Mapping[str, Any]
    whole: bool
    """False: there is more to know (lines, fields that did not change), which must be fetched."""
    delivery: str = ""
    organization: str = ""

    def text(self, name: str) -> str:
        return text(self.fields.get(name))

    def flag(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def children(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Rows of a child object."""
        found = self.fields.get(name)
        listed = found.get("records") if isinstance(found, Mapping) else None
        return (row for row in (listed if isinstance(listed, list) else ()) if isinstance(row, Mapping))


def fields_of(kind: str, more: Iterable[str], *, currency: bool) -> list[str]:
    """The fields of a query for records of one kind."""
    money = ["CurrencyIsoCode"] if currency and kind in ("Order", "Opportunity") else []
    return list(dict.fromkeys(["Id", *FIELDS[kind], *money, *more, *_TIMES]))


def records_of(raw: Raw) -> list[Record]:
    """Every record of a body. Raises Malformed, or Ignored for a change event that is none of a record."""
    if raw.body.lstrip()[:1] == b"<":
        return list(_notifications(raw.body))
    body = raw.json()
    if not isinstance(body, Mapping):
        raise Malformed("is no object")
    payload = body.get("payload")
    if isinstance(payload, Mapping) and isinstance(payload.get("ChangeEventHeader"), Mapping):
        return list(_changes(payload["ChangeEventHeader"], body.get("event")))
    record = body.get("record", body)
    if not isinstance(record, Mapping):
        raise Malformed("is no object", field="record")
    kind = str(body.get("event", "")).partition(".")[0] or _type(record)
    found = text(record.get("Id")) or text(body.get("recordId"))
    if not kind or not found:
        raise Malformed("is missing", field="record.Id" if kind else "event")
    return [Record(kind, found, record, whole="record" not in body or _whole(kind, record))]


def _whole(kind: str, fields: Mapping[str, Any]) -> bool:
    lines = LINES.get(kind)
    told = fields.get(lines) if lines else None
    return lines is None or (isinstance(told, Mapping) and told.get("done") is not False)


def _type(record: Mapping[str, Any]) -> str:
    attributes = record.get("attributes")
    return text(attributes.get("type")) if isinstance(attributes, Mapping) else ""


def _notifications(body: bytes) -> Iterator[Record]:
    root = xml.soap_body(xml.read_xml(body))
    if xml.local(root) != "notifications":
        raise Malformed("is no outbound message", field="Envelope/Body/notifications")
    organization = xml.need(root, "OrganizationId")
    for notification in xml.children(root, "Notification"):
        held = xml.child(notification, "sObject")
        if held is None:
            raise Malformed("is missing", field="Notification/sObject")
        kind = (xml.attribute(held, "type") or "").rpartition(":")[2]
        fields = {xml.local(field): xml.text(field) for field in held}
        delivery = xml.text(notification, "Id") or ""
        yield Record(kind, xml.need(held, "Id"), fields, kind not in LINES, delivery, organization)


def _changes(header: Mapping[str, Any], event: Any) -> Iterator[Record]:
    if str(header.get("changeType", "")).startswith("DELETE"):
        raise Ignored("a deleted record; it is cancelled before")
    replay = text(event.get("replayId")) if isinstance(event, Mapping) else ""
    for found in header.get("recordIds") or ():
        yield Record(text(header.get("entityName")), text(found), {}, whole=False, delivery=f"{found}@{replay}")


def same_organisation(theirs: str, ours: str) -> bool:
    """Ids of 15 and 18 characters name the same."""
    return bool(theirs) and theirs[:15] == ours[:15]


def text(value: Any) -> str:
    return "" if value is None or isinstance(value, Mapping | list) else str(value).strip()


def number(value: Any) -> Decimal | None:
    """A JSON double as people wrote it. Raises Malformed."""
    told = text(value)
    if not told:
        return None
    try:
        found = Decimal(told)
    except InvalidOperation as error:
        raise Malformed("is no number", field="Quantity") from error
    return found if found.is_finite() else None


def when(record: Record, name: str) -> datetime | None:
    """`2025-03-04T08:15:30.000+0000` or with a Z. Raises Malformed."""
    told = record.text(name)
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Malformed("is no time", field=name) from error
    if found.tzinfo is None:
        raise Malformed("is a time without its offset", field=name)
    return found
