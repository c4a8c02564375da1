"""Salesforce: appointments, orders, deals, leads and accounts, by SOAP outbound message, JSON callout, change event
or query; decisions go back into the order's fields.

Good to know:
- An outbound message must be answered with its own acknowledgement, else it is sent for 24 hours. It is not signed:
  its organisation must be ours, and with `outbound_secret` its address must end in `?secret=…`; set it, since an
  organisation's id is no secret.
- It holds the fields that its author ticked and never the lines of an order, which are fetched.
- It shows the record as it is when sent; order comes from `SystemModstamp` or `LastModifiedDate`, so tick one of them.
- A change event has only what changed: the whole record is fetched.
- No standard value means rejected or waitlisted: `decisions` says which fields are written.
- An appointment knows no vehicle and no parts; `field_map` names the field that holds the VIN.
- Beyond the daily calls it answers 403, and a locked row 400: both are tried again later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import orjson
from pydantic import SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused, Unavailable
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand, WriteBackCommand
from streamer.messages.orders import CustomerRecord, Order, OrderLine, OrderState
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.stock import StockLevel
from streamer.platforms.auth import Auth, ask_as
from streamer.platforms.base import (
    Call,
    HttpRequest,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    RefusedReply,
    Reply,
    Response,
    Role,
    Token,
    content_hash,
    get,
    moment,
    patch,
    version_of,
)
from streamer.platforms.paging import all_pages, by_field, since, until
from streamer.platforms.salesforce_records import (
    RECORDS,
    Record,
    fields_of,
    number,
    records_of,
    same_organisation,
    text,
    when,
)
from streamer.platforms.settings import AccountSettings

JSON = {"content-type": "application/json"}
OVERLAP_SECONDS = 300.0
BACK_FILL_DAYS = 1.0
ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
AGAIN_LATER = frozenset({"REQUEST_LIMIT_EXCEEDED", "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
LATER_SECONDS = 60.0
APPOINTMENT_STATES: Mapping[str, OrderState] = {
    "Canceled": "cancelled",
    "Cannot Complete": "cancelled",
    "Completed": "closed",
}


class SalesforceSettings(OAuthSettings):
    """An OAuth client of the org (client credentials), or `private_key` and `username` for JWT bearer."""

    api_version: str = "v60.0"
    organization_id: str | None = None
    outbound_secret: SecretStr | None = None  # in the address of outbound messages
    private_key: SecretStr | None = None
    username: str | None = None
    service_type_field: str = "Subject"
    states: dict[str, OrderState] = {}  # the org's own statuses -> what they mean
    decisions: dict[str, dict[str, Any]] = {}  # approve, reject, waitlist (or our words) -> fields of the order
    multi_currency: bool = False
    inventory: dict[str, str] = {}  # object, sku, location, available: names of the object and fields that keep stock


class Salesforce(Platform[SalesforceSettings]):
    title = "Salesforce"
    docs = "https://developer.salesforce.com/docs/"
    hosts = ("*.my.salesforce.com", "*.salesforce.com")
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.STATUS_TARGET})
    settings_type = SalesforceSettings
    signature = Token(header="Authorization", prefix="Bearer ")
    auth = OAuth2("/services/oauth2/token")
    polls: ClassVar[Mapping[str, float]] = {"orders": 300.0, "appointments": 0.0, "inventory": 0.0}
    resources: ClassVar[Mapping[str, str]] = {"record": r"^GET .*/query(/|$)", "order": r"^GET .*/sobjects/"}
    fetches = frozenset({"Order", "ServiceAppointment", "Lead", "Account", "Contact", "Opportunity"})
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "an order there is a customer's; purchase orders go to a supplier's or an ERP's account",
    }
    counts = "available"
    limits = "a daily number of calls for each org; 403 REQUEST_LIMIT_EXCEEDED beyond it"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def verify(self, raw: Raw, at: datetime) -> None:
        """JSON by the bearer token; an outbound message by its organisation and the secret in its address."""
        if not _is_xml(raw):
            self.signature.check(raw, self.settings, at)
            return
        ours = self.settings.organization_id
        if not ours:
            raise BadSignature(f"accounts.{self.account}.organization_id is needed to check outbound messages")
        try:
            told = records_of(raw)
        except Malformed as error:
            raise BadSignature("the message cannot be read") from error
        if not all(same_organisation(record.organization, ours) for record in told):
            raise BadSignature(f"the message is of another organisation than accounts.{self.account}.organization_id")
        if self.settings.outbound_secret is not None:
            Token(query="secret", secret="outbound_secret").check(raw, self.settings, at)  # noqa: S106 - its name

    def respond(self, raw: Raw) -> Response:
        if not _is_xml(raw):
            return Response()
        return Response(200, {"Content-Type": "text/xml; charset=utf-8"}, ACKNOWLEDGED)

    def object_key(self, raw: Raw) -> str:
        try:
            found = {record.id for record in records_of(raw)}
        except Malformed:
            found = set()
        return found.pop() if len(found) == 1 else super().object_key(raw)

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        told = orjson.loads(body)
        for one in told.get("records", [told]) if isinstance(told, dict) else ():
            yield RawPage(orjson.dumps(one), resource, text(one.get("Id")) or None, JSON)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        for record in records_of(raw):
            if record.kind == self.settings.inventory.get("object", " "):
                yield self._level(record)
                continue
            if record.kind not in RECORDS:
                raise Ignored(f"a record of a kind that is not read: {record.kind[:60]}")
            if not record.whole:
                yield self.fetch_command(record.kind, [record.id], record.delivery or content_hash(raw.body))
                continue
            match RECORDS[record.kind]:
                case "appointment":
                    yield self._appointment(record, raw)
                case "order":
                    yield self._order(record, raw)
                case "deal":
                    yield self._deal(record, raw)
                case kind:
                    yield self._person(record, kind, raw)

    def _version(self, record: Record, raw: Raw) -> str:
        changed = when(record, "SystemModstamp") or when(record, "LastModifiedDate")
        return version_of(changed) if changed else content_hash(raw.body, record.id)

    def _extra(self, record: Record) -> dict[str, str]:
        held = {ours: record.text(str(theirs)) for ours, theirs in self.settings.field_map.items()}
        told = {"delivery_id": record.delivery} | held
        return {name: found for name, found in told.items() if found and name not in Vehicle.model_fields}

    def _appointment(self, record: Record, raw: Raw) -> Order:
        status = record.text("Status")
        held = {ours: record.text(str(theirs)) for ours, theirs in self.settings.field_map.items()}
        year = held.get("year", "")
        scheduled = next(
            filter(None, (when(record, name) for name in ("SchedStartTime", "ArrivalWindowStartTime"))), None
        ) or when(record, "EarliestStartTime")
        customer = record.text("AccountId") or record.text("ContactId")
        return Order(
            account=self.account,
            platform=self.name,
            kind="service_appointment",
            source_id=record.id,
            number=record.text("AppointmentNumber") or None,
            version=self._version(record, raw),
            occurred_at=when(record, "CreatedDate"),
            state=self.settings.states.get(status) or APPOINTMENT_STATES.get(status, "open"),
            status=status or None,
            customer=Customer(id=customer) if customer else None,
            location=self.place(record.text("ServiceTerritoryId")),
            due_date=record.text("DueDate")[:10] or None,
            appointment=Appointment(
                service_type=record.text(self.settings.service_type_field) or record.text("WorkTypeId") or None,
                scheduled_at=scheduled,
                state=status or None,
                vehicle=Vehicle(
                    vin=held.get("vin") or None,
                    make=held.get("make") or None,
                    model=held.get("model") or None,
                    year=int(year) if year.isascii() and year.isdigit() else None,
                    engine=held.get("engine") or None,
                    registration=held.get("registration") or None,
                ),
            ),
            extra=self._extra(record),
        )

    def _order(self, record: Record, raw: Raw) -> Order:
        status = record.text("Status")
        customer = record.text("AccountId")
        return Order(
            account=self.account,
            platform=self.name,
            kind="sales_order",
            source_id=record.id,
            number=record.text("OrderNumber") or None,
            version=self._version(record, raw),
            occurred_at=when(record, "CreatedDate") or when(record, "LastModifiedDate"),
            order_date=record.text("EffectiveDate")[:10] or None,
            state=self.settings.states.get(status, "open"),
            status=status or None,
            currency=record.text("CurrencyIsoCode") or None,
            customer=Customer(id=customer) if customer else None,
            customer_reference=record.text("PoNumber") or None,
            total=number(record.fields.get("TotalAmount")),
            location=self.place(None),
            lines=tuple(_line(item) for item in record.children("OrderItems")),
            extra=self._extra(record),
        )

    def _deal(self, record: Record, raw: Raw) -> Order:
        won, closed = record.flag("IsWon"), record.flag("IsClosed")
        customer = record.text("AccountId")
        return Order(
            account=self.account,
            platform=self.name,
            kind="deal",
            source_id=record.id,
            number=record.text("Name") or None,
            version=self._version(record, raw),
            occurred_at=when(record, "CreatedDate") or when(record, "LastModifiedDate"),
            due_date=record.text("CloseDate")[:10] or None,
            state="open" if won else "cancelled" if closed else "held",
            status=record.text("StageName") or None,
            currency=record.text("CurrencyIsoCode") or None,
            customer=Customer(id=customer) if customer else None,
            total=number(record.fields.get("Amount")),
            location=self.place(None),
            lines=tuple(_line(item) for item in record.children("OpportunityLineItems")),
            extra=self._extra(record),
        )

    def _person(self, record: Record, kind: Any, raw: Raw) -> CustomerRecord:
        name = record.text("Name") or " ".join(filter(None, (record.text("FirstName"), record.text("LastName"))))
        return CustomerRecord(
            account=self.account,
            platform=self.name,
            kind=kind,
            source_id=record.id,
            version=self._version(record, raw),
            occurred_at=when(record, "CreatedDate"),
            customer=Customer(
                id=record.id,
                number=record.text("AccountNumber") or None,
                name=name or None,
                email=record.text("Email") or None,
                phone=record.text("Phone") or None,
                company=record.text("Company") or None,
            ),
        )

    def _level(self, record: Record) -> StockLevel:
        fields = self.settings.inventory
        as_of = when(record, "SystemModstamp") or when(record, "LastModifiedDate")
        level = number(record.fields.get(fields.get("available", "")))
        sku = record.text(fields.get("sku", ""))
        if as_of is None or level is None or not sku:
            missing = "SystemModstamp" if as_of is None else "available" if level is None else "sku"
            raise Malformed("is missing in the record that keeps stock", field=missing)
        return StockLevel(
            account=self.account,
            platform=self.name,
            location=self.level_place(record.text(fields.get("location", ""))),
            sku=sku,
            level=level,
            counts=self.settings.counts or self.counts,
            as_of=as_of,
            source_id=record.id,
        )

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> Call[Reply]:
        """What it calls an error of the moment is tried again later; nothing was done."""
        by_key = OAuth2("/services/oauth2/token", grant="jwt_bearer", claims=_claims)
        auth: Auth | None = by_key if self.settings.private_key else self.auth
        try:
            return (yield from ask_as(auth, self.settings, request))
        except RefusedReply as refused:
            if refused.reply.status in (400, 403) and AGAIN_LATER & set(_codes(refused.reply.body)):
                raise Unavailable(str(refused), retry_after_seconds=LATER_SECONDS) from refused
            raise

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        now = (yield from moment()).now
        start = since(cursor, now, overlap_seconds=OVERLAP_SECONDS, back_fill_days=BACK_FILL_DAYS)
        where = f" WHERE SystemModstamp >= {start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ORDER BY SystemModstamp"
        query = get(self._url("query"), {"q": self._select(resource) + where})
        pages = yield from all_pages(self.ask, query, by_field("nextRecordsUrl"))
        return Page([record for page in pages for record in self.split("record", page.body)], until(now))

    def _select(self, resource: str) -> str:
        if resource == "inventory":
            kept = self.settings.inventory
            if not {"object", "sku", "available"} <= kept.keys():
                raise Refused(f"accounts.{self.account}.inventory must name object, sku and available")
            names = [name for key, name in kept.items() if key != "object"]
            return _select(["Id", *names, "SystemModstamp"], kept["object"])
        kind = "ServiceAppointment" if resource == "appointments" else "Order"
        return self._select_of(kind)

    def _select_of(self, kind: str) -> str:
        own = [str(name) for name in self.settings.field_map.values()] if kind == "ServiceAppointment" else []
        return _select(fields_of(kind, own, currency=self.settings.multi_currency), kind)

    def fetch(self, command: FetchCommand) -> Call[RawPage]:
        """The record with its lines."""
        one = command.ids[0]
        if not one.isalnum():
            raise Refused(f"{one!r} is no id of a record")
        query = f"{self._select_of(command.resource)} WHERE Id = '{one}'"
        reply = yield from self.ask(get(self._url("query"), {"q": query}))
        found = next(iter(self.split("record", reply.body)), None)
        if found is None:
            raise Refused(f"there is no {command.resource} {one}, or it may not be seen")
        return found

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        known, word = self.settings.decisions, command.decision
        fields = known.get(word) or known.get(SHORT.get(word, ""))
        if not fields:
            raise Refused(f"accounts.{self.account}.decisions names no fields for {word}")
        note = self.settings.field_map.get("note")
        body = {**fields, **({str(note): command.text} if note and command.text else {})}
        yield from self.ask(patch(self._url(f"sobjects/Order/{command.order_id}"), body))
        return Placed(command.order_id)

    def _url(self, path: str) -> str:
        base = self.base("")
        if not base:
            raise Refused(f"accounts.{self.account}.base_url is not set; Salesforce can be listened to, but not asked")
        return f"{base}/services/data/{self.settings.api_version}/{path}"


SHORT = {"approved": "approve", "partly_approved": "approve", "rejected": "reject", "waitlisted": "waitlist"}


def _select(fields: Iterable[str], kind: str) -> str:
    """Names out of this file and the settings; nothing that arrives stands in it."""
    return " ".join(("SELECT", ", ".join(fields), "FROM", kind))


def _is_xml(raw: Raw) -> bool:
    return raw.body.lstrip()[:1] == b"<"


def _line(item: Mapping[str, Any]) -> OrderLine:
    told = item.get("Product2")
    product: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    quantity = number(item.get("Quantity"))
    if quantity is None:
        raise Malformed("is missing", field="OrderItems.Quantity")
    sku = text(product.get("StockKeepingUnit")) or text(product.get("ProductCode"))
    return OrderLine(
        line_id=text(item.get("Id")),
        sku=sku or None,
        item_id=None if sku else text(item.get("Product2Id")) or None,
        quantity=max(quantity, Decimal(0)),
        unit_price=number(item.get("UnitPrice")),
        description=text(item.get("Description")) or None,
    )


def _codes(body: bytes) -> Iterable[str]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ()
    return (str(one.get("errorCode")) for one in told if isinstance(one, dict)) if isinstance(told, list) else ()


def _claims(settings: AccountSettings) -> dict[str, str]:
    """Who signs in (RFC 7523): the client, as the user that the org allowed it."""
    return {
        "iss": str(getattr(settings, "client_id", "")),
        "sub": str(getattr(settings, "username", "")),
        "aud": "https://login.salesforce.com",
    }
