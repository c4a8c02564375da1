"""What QuickBooks Online sends, as far as we read it: notices of changes, records, and the messages they become."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from streamer.errors import Malformed
from streamer.messages.base import Message
from streamer.messages.orders import CustomerRecord, Order, OrderLine, OrderState
from streamer.messages.people import Address, Appointment, Customer, Vehicle
from streamer.messages.stock import Item, StockLevel
from streamer.platforms.base import content_hash, version_of
from streamer.platforms.doubles import Double

if TYPE_CHECKING:
    from streamer.platforms.quickbooks_online import QuickBooksOnline

ENTITIES: Mapping[str, str] = {
    "invoice": "Invoice",
    "purchaseorder": "PurchaseOrder",
    "item": "Item",
    "customer": "Customer",
}
"""What is read: the name in addresses and notices -> the name in answers."""
GONE = "Deleted"
TWO_WORD_MAKES = ("alfa romeo", "aston martin", "great wall", "land rover", "mercedes benz")
EMPTY = Decimal(0)


def _whole(value: Any) -> Any:
    """A time to the microsecond: notices have up to nine digits behind the second."""
    return re.sub(r"(\.\d{6})\d+", r"\1", value) if isinstance(value, str) else value


When = Annotated[AwareDatetime, BeforeValidator(_whole)]


class Theirs(BaseModel):
    """Unknown fields are ignored; empty ones are left out by QuickBooks."""

    model_config = ConfigDict(
        extra="ignore", coerce_numbers_to_str=True, alias_generator=to_pascal, populate_by_name=True
    )


# --- notices ----------------------------------------------------------------------------------------------------------


class Notice(NamedTuple):
    """That something changed in a company."""

    realm: str
    entity: str
    id: str
    operation: str
    at: datetime
    event_id: str

    def told(self) -> dict[str, object]:
        return {**self._asdict(), "at": None, "occurred_at": self.at.isoformat(), "id": None, "source_id": self.id}


class RawCloudEvent(BaseModel):
    id: str
    type: str
    time: When
    intuitentityid: str
    intuitaccountid: str


class RawEntity(BaseModel):
    name: str
    id: str
    operation: str
    lastUpdated: When  # noqa: N815 - theirs


class RawChange(BaseModel):
    entities: tuple[RawEntity, ...] = ()


class RawNotification(BaseModel):
    realmId: str  # noqa: N815 - theirs
    dataChangeEvent: RawChange  # noqa: N815 - theirs


def notices(body: Any) -> list[Notice]:
    """Of both forms of a delivery: a list of CloudEvents, or the older object. Raises Malformed."""
    if isinstance(body, list):
        return [_of_cloud_event(RawCloudEvent.model_validate(one)) for one in body]
    if not isinstance(body, dict) or not isinstance(body.get("eventNotifications"), list):
        raise Malformed("is neither a list of events nor an object with eventNotifications")
    return [
        Notice(told.realmId, one.name.lower(), one.id, one.operation.lower(), one.lastUpdated,
               f"{one.operation}@{one.lastUpdated.isoformat()}")
        for told in map(RawNotification.model_validate, body["eventNotifications"])
        for one in told.dataChangeEvent.entities
    ]  # fmt: skip


def _of_cloud_event(event: RawCloudEvent) -> Notice:
    match event.type.split("."):
        case ["qbo", entity, operation, *_]:
            return Notice(event.intuitaccountid, entity, event.intuitentityid, operation, event.time, event.id)
    raise Malformed(f"{event.type[:60]!r} is no type of QuickBooks Online", field="type")


# --- records ----------------------------------------------------------------------------------------------------------


class Ref(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    value: str = ""
    name: str | None = None


class RawMail(Theirs):
    address: str | None = None


class RawPhone(Theirs):
    free_form_number: str | None = None


class RawTimes(Theirs):
    create_time: AwareDatetime | None = None
    last_updated_time: AwareDatetime | None = None


class RawAddress(Theirs):
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    country_sub_division_code: str | None = None
    postal_code: str | None = None
    country: str | None = None

    def address(self) -> Address:
        return Address(
            street=self.line1,
            street2=self.line2,
            city=self.city,
            region=self.country_sub_division_code,
            postal_code=self.postal_code,
            country=self.country,
        )


class RawDetail(Theirs):
    """Of a sales line or of a line of a purchase order."""

    item_ref: Ref | None = None
    qty: Double | None = None
    unit_price: Double | None = None
    service_date: date | None = None


class RawGroup(Theirs):
    line: tuple[RawLine, ...] = ()


class RawLine(Theirs):
    id: str = ""
    description: str | None = None
    amount: Double | None = None
    received: Double | None = None
    sales_item_line_detail: RawDetail | None = None
    item_based_expense_line_detail: RawDetail | None = None
    group_line_detail: RawGroup | None = None

    @property
    def detail(self) -> RawDetail | None:
        return self.sales_item_line_detail or self.item_based_expense_line_detail


class RawField(Theirs):
    name: str = ""
    string_value: str = ""


class Record(Theirs):
    """What all records have."""

    id: str
    sync_token: str = "0"
    status: str | None = Field(default=None, alias="status")
    meta_data: RawTimes = RawTimes()

    @property
    def changed_at(self) -> datetime | None:
        return self.meta_data.last_updated_time or self.meta_data.create_time

    def version(self, otherwise: datetime | None) -> str:
        """The time of the last change, which is whole seconds; within one the number of the change tells them apart."""
        changed = self.changed_at or otherwise
        if changed is None:
            raise Malformed("is missing", field="MetaData.LastUpdatedTime")
        if changed.microsecond == 0:
            number = int(self.sync_token) if self.sync_token.isascii() and self.sync_token.isdigit() else 0
            changed = changed.replace(microsecond=999_999 if self.status == GONE else min(number, 999_998))
        return version_of(changed)


class RawTransaction(Record):
    """An invoice or a purchase order."""

    doc_number: str | None = None
    txn_date: date | None = None
    due_date: date | None = None
    currency_ref: Ref | None = None
    customer_ref: Ref | None = None
    vendor_ref: Ref | None = None
    department_ref: Ref | None = None
    bill_email: RawMail | None = None
    po_email: RawMail | None = Field(default=None, alias="POEmail")
    po_status: str | None = Field(default=None, alias="POStatus")
    ship_addr: RawAddress | None = None
    bill_addr: RawAddress | None = None
    customer_memo: Ref | None = None
    private_note: str | None = None
    total_amt: Double | None = None
    custom_field: tuple[RawField, ...] = ()
    line: tuple[RawLine, ...] = ()

    def lines(self) -> Iterator[RawLine]:
        """Lines with an item, those of bundles too; sums, discounts and texts are none."""
        for line in self.line:
            inner = line.group_line_detail.line if line.group_line_detail else (line,)
            yield from (one for one in inner if one.detail is not None and one.detail.item_ref is not None)

    def item_ids(self) -> list[str]:
        return sorted({line.detail.item_ref.value for line in self.lines() if line.detail and line.detail.item_ref})

    def state(self) -> OrderState:
        if self.status == GONE or (self.total_amt == 0 and (self.private_note or "").lower().startswith("voided")):
            return "cancelled"
        return "closed" if self.po_status == "Closed" else "open"

    def held(self, name: str | None) -> str | None:
        """The text of a custom field."""
        return next((one.string_value for one in self.custom_field if name and one.name == name), "").strip() or None


class RawItem(Record):
    name: str | None = None
    sku: str | None = None
    type: str = ""
    track_qty_on_hand: bool = False
    qty_on_hand: Double | None = None
    reorder_point: Double | None = None


class RawCustomer(Record):
    display_name: str | None = None
    company_name: str | None = None
    primary_email_addr: RawMail | None = None
    primary_phone: RawPhone | None = None
    bill_addr: RawAddress | None = None


class RawAnswer(Theirs):
    """What was read, together: a transaction with its items, items alone (`asked` for these ids), or a customer."""

    invoice: RawTransaction | None = None
    purchase_order: RawTransaction | None = None
    customer: RawCustomer | None = None
    item: tuple[RawItem, ...] = ()
    asked: tuple[str, ...] = Field(default=(), alias="asked")
    time: AwareDatetime | None = Field(default=None, alias="time")


# --- messages ---------------------------------------------------------------------------------------------------------


def messages(books: QuickBooksOnline, answer: RawAnswer) -> Iterator[Message]:
    """The events of what was read. Raises Malformed."""
    items = {item.id: item for item in answer.item}
    if answer.invoice is not None:
        appointment = _appointment(books, answer.invoice, items)
        yield _order(books, answer.invoice, books.settings.invoices, items, answer.time, appointment)
    if answer.purchase_order is not None:
        yield _order(books, answer.purchase_order, "purchase_order", items, answer.time)
    if answer.customer is not None and answer.customer.status != GONE:
        yield _customer(books, answer.customer, answer.time)
    for item in items.values():
        yield from _item(books, item, answer.time)
    for number in answer.asked:
        if number not in items:
            yield Item(account=books.account, platform=books.name, item_id=number, version="gone")


def gone(books: QuickBooksOnline, notice: Notice) -> Message:
    """A deleted transaction can no longer be read: the notice is all there is."""
    record = RawTransaction(id=notice.id, status=GONE, meta_data=RawTimes(last_updated_time=notice.at))
    kind = "purchase_order" if notice.entity == "purchaseorder" else books.settings.invoices
    return _order(books, record, kind, {}, notice.at)


def _appointment(books: QuickBooksOnline, record: RawTransaction, items: Mapping[str, RawItem]) -> Appointment | None:
    """The first work of an invoice, on the first of the days that its lines name."""
    if books.settings.invoices != "service_appointment":
        return None
    names = books.settings.custom_fields
    days, service = [], record.held(names.get("service_type"))
    for line in record.lines():
        if line.detail is None or line.detail.item_ref is None:
            continue
        if line.detail.service_date is not None:
            days.append(line.detail.service_date)
        item = items.get(line.detail.item_ref.value)
        if service is None and item is not None and item.type == "Service":
            service = line.description
    return Appointment(
        service_type=service,
        scheduled_date=min(days).isoformat() if days else None,
        vehicle=_vehicle(record, names),
    )


def _vehicle(record: RawTransaction, names: Mapping[str, str]) -> Vehicle | None:
    """Of custom fields, each fact alone or as one text such as "2019 Ford F-150"."""
    found: dict[str, Any] = {name: record.held(names.get(name)) for name in Vehicle.model_fields if name in names}
    if told := record.held(names.get("vehicle")):
        year, rest = (told[:4], told[4:].strip()) if re.match(r"(19|20)\d\d\b", told) else (None, told)
        words = 2 if rest.lower().startswith(TWO_WORD_MAKES) else 1
        parts = rest.split(maxsplit=words)
        found = {"year": year, "make": " ".join(parts[:words]), "model": " ".join(parts[words:]), **found}
    year = str(found.get("year") or "")
    found["year"] = int(year) if year.isascii() and year.isdigit() else None
    found = {name: value for name, value in found.items() if value}
    return Vehicle(**found) if found else None


def _order(
    books: QuickBooksOnline,
    record: RawTransaction,
    kind: Literal["purchase_order", "service_appointment", "sales_order"],
    items: Mapping[str, RawItem],
    at: datetime | None,
    appointment: Appointment | None = None,
) -> Order:
    purchase = kind == "purchase_order"
    place = record.department_ref
    named = place is not None and place.name in books.settings.locations
    mail = record.po_email if purchase else record.bill_email
    other = record.vendor_ref if purchase else record.customer_ref
    who = Customer(id=other.value, name=other.name, email=mail.address if mail else None) if other else None
    return Order(
        account=books.account,
        platform=books.name,
        kind=kind,
        source_id=f"{'purchaseorder' if purchase else 'invoice'}:{record.id}",
        number=record.doc_number,
        version=record.version(at),
        occurred_at=record.meta_data.create_time or record.changed_at,
        order_date=record.txn_date.isoformat() if record.txn_date else None,
        state=record.state(),
        status=record.po_status or record.status,
        currency=record.currency_ref.value if record.currency_ref else None,
        customer=None if purchase else who,
        supplier=who if purchase else None,
        ship_to=record.ship_addr.address() if record.ship_addr else None,
        bill_to=record.bill_addr.address() if record.bill_addr else None,
        due_date=record.due_date.isoformat() if record.due_date else None,
        total=record.total_amt,
        comment=record.customer_memo.value[:4000] or None if record.customer_memo else None,
        appointment=appointment,
        location=books.place((place.name if named else place.value) if place else None),
        lines=tuple(_lines(record.lines(), items)),
        extra={"department": place.name} if place and place.name else {},
    )


def _lines(lines: Iterable[RawLine], items: Mapping[str, RawItem]) -> Iterator[OrderLine]:
    for line in lines:
        detail = line.detail
        assert detail is not None
        assert detail.item_ref is not None
        item = items.get(detail.item_ref.value)
        quantity = detail.qty if detail.qty is not None else Decimal(1)  # only an amount was typed
        price = detail.unit_price if detail.unit_price is not None or detail.qty is not None else line.amount
        yield OrderLine(
            line_id=line.id or content_hash(detail.item_ref.value, line.description),
            sku=item.sku if item else None,
            item_id=detail.item_ref.value,
            quantity=max(quantity, EMPTY),
            unit_price=price,
            description=line.description[:4000] if line.description else detail.item_ref.name,
            service=item is not None and item.type == "Service",
            shipped=min(max(line.received, EMPTY), quantity) if line.received is not None else None,
        )


def _customer(books: QuickBooksOnline, record: RawCustomer, at: datetime | None) -> CustomerRecord:
    return CustomerRecord(
        account=books.account,
        platform=books.name,
        kind="customer",
        source_id=record.id,
        version=record.version(at),
        occurred_at=record.meta_data.create_time,
        customer=Customer(
            id=record.id,
            name=record.display_name,
            company=record.company_name,
            email=record.primary_email_addr.address if record.primary_email_addr else None,
            phone=record.primary_phone.free_form_number if record.primary_phone else None,
            address=record.bill_addr.address() if record.bill_addr else None,
        ),
    )


def _item(books: QuickBooksOnline, item: RawItem, at: datetime | None) -> Iterator[Message]:
    sku = (item.sku or "").strip() or None
    yield Item(
        account=books.account,
        platform=books.name,
        item_id=item.id,
        sku=sku,
        version=item.version(at),
        description=item.name,
    )
    as_of = at or item.changed_at
    if item.type != "Inventory" or not item.track_qty_on_hand or item.qty_on_hand is None or as_of is None:
        return
    yield StockLevel(
        account=books.account,
        platform=books.name,
        location=books.place(None) or books.account,
        sku=sku,
        item_id=item.id,
        level=item.qty_on_hand,
        counts=books.settings.counts or books.counts,
        as_of=as_of,
        source_id=item.id,
        on_hand=item.qty_on_hand,
        minimum=item.reorder_point if item.reorder_point is not None and item.reorder_point >= 0 else None,
        description=item.name,
    )
