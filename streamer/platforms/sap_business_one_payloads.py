"""What the Service Layer of SAP Business One answers, as far as we read it, and the messages that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from streamer.errors import Ignored, Malformed
from streamer.messages.base import Message
from streamer.messages.orders import CustomerRecord, Order, OrderLine, OrderState
from streamer.messages.people import Address, Customer
from streamer.messages.stock import StockLevel
from streamer.platforms.base import content_hash, version_of
from streamer.platforms.doubles import Double
from streamer.platforms.wire import Raw

if TYPE_CHECKING:
    from streamer.platforms.sap_business_one import SapBusinessOne

KEYS: dict[str, str] = {
    "Orders": "DocEntry",
    "PurchaseOrders": "DocEntry",
    "Items": "ItemCode",
    "BusinessPartners": "CardCode",
}
"""What is read -> the field that names one."""
YES = "tYES"
READ_AT = "read_at"  # beside an item: when its figures were true
EMPTY = Decimal(0)


def _day(value: Any) -> Any:
    """A day of the calendar, which some versions write as midnight in UTC."""
    return value[:10] if isinstance(value, str) and value else None


def _time(value: Any) -> Any:
    return value or None


Day = Annotated[date | None, BeforeValidator(_day)]
TimeOfDay = Annotated[time | None, BeforeValidator(_time)]


class Theirs(BaseModel):
    """Unknown fields are ignored; numbers that stand for text (DocEntry) are text."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, alias_generator=to_pascal)

    update_date: Day = None
    update_time: TimeOfDay = None

    def changed_at(self, books: SapBusinessOne) -> datetime | None:
        """Day and time of day stand on the clock of the company's server."""
        return local(books, self.update_date, self.update_time) if self.update_time is not None else None


class RawLine(Theirs):
    line_num: int
    item_code: str | None = None
    item_description: str | None = None
    quantity: Double = EMPTY
    unit_price: Double | None = None
    warehouse_code: str | None = None
    supplier_cat_num: str | None = None
    measure_unit: str | None = None
    ship_date: Day = None
    line_status: str | None = None
    remaining_open_quantity: Double | None = None


class RawAddresses(Theirs):
    ship_to_street: str | None = None
    ship_to_city: str | None = None
    ship_to_zip_code: str | None = None
    ship_to_state: str | None = None
    ship_to_country: str | None = None

    def address(self) -> Address | None:
        found = Address(
            street=self.ship_to_street,
            city=self.ship_to_city,
            postal_code=self.ship_to_zip_code,
            region=self.ship_to_state,
            country=self.ship_to_country,
        )
        return found if found != Address() else None


class RawDocument(Theirs):
    """A sales order or a purchase order."""

    doc_entry: str
    doc_num: str | None = None
    doc_type: str = "dDocument_Items"
    doc_date: Day = None
    doc_due_date: Day = None
    doc_time: TimeOfDay = None
    creation_date: Day = None
    card_code: str
    card_name: str | None = None
    num_at_card: str | None = None
    doc_currency: str | None = None
    doc_total: Double | None = None
    comments: str | None = None
    document_status: str | None = None
    cancelled: str | None = None
    authorization_status: str | None = None
    address_extension: RawAddresses | None = None
    document_lines: tuple[RawLine, ...] = ()

    def state(self) -> OrderState:
        if self.cancelled == YES or self.authorization_status in ("dasRejected", "dasCancelled"):
            return "cancelled"
        if self.document_status not in (None, "bost_Open"):
            return "closed"
        return "held" if self.authorization_status == "dasPending" else "open"


class RawWarehouse(Theirs):
    warehouse_code: str
    in_stock: Double = EMPTY
    committed: Double = EMPTY
    ordered: Double = EMPTY
    minimal_stock: Double | None = None
    maximal_stock: Double | None = None


class RawItem(Theirs):
    item_code: str = Field(min_length=1)
    item_name: str | None = None
    item_warehouse_info_collection: tuple[RawWarehouse, ...] = ()
    read_at: AwareDatetime | None = Field(default=None, alias=READ_AT)


class RawPartnerAddress(Theirs):
    street: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    country: str | None = None


class RawPartner(Theirs):
    card_code: str
    card_name: str | None = None
    card_type: str = ""
    email_address: str | None = None
    phone1: str | None = None
    federal_tax_id: str | None = Field(default=None, alias="FederalTaxID")
    additional_id: str | None = Field(default=None, alias="AdditionalID")
    bp_addresses: tuple[RawPartnerAddress, ...] = Field(default=(), alias="BPAddresses")


def local(books: SapBusinessOne, day: date | None, at: time | None) -> datetime | None:
    """An instant of the server's own day and clock."""
    if day is None:
        return None
    return datetime.combine(day, (at or time()).replace(tzinfo=None), books.settings.zone).astimezone(UTC)


# --- messages ---------------------------------------------------------------------------------------------------------


def messages(books: SapBusinessOne, raw: Raw) -> Iterator[Message]:
    """The events of one record. Raises Malformed or Ignored."""
    match raw.resource:
        case "Orders":
            yield _order(books, raw.parse(RawDocument), "sales_order", raw)
        case "PurchaseOrders":
            yield _order(books, raw.parse(RawDocument), "purchase_order", raw)
        case "Items":
            yield from _levels(books, raw.parse(RawItem), raw.received_at)
        case "BusinessPartners":
            yield _partner(books, raw.parse(RawPartner), raw)
        case _:
            raise Malformed("is nothing that is read", field="resource")


def _order(
    books: SapBusinessOne,
    record: RawDocument,
    kind: Literal["sales_order", "purchase_order"],
    raw: Raw,
) -> Order:
    changed = record.changed_at(books)
    purchase = kind == "purchase_order"
    who = Customer(id=record.card_code, number=record.card_code, name=record.card_name)
    return Order(
        account=books.account,
        platform=books.name,
        kind=kind,
        source_id=f"{'PurchaseOrders' if purchase else 'Orders'}:{record.doc_entry}",
        number=record.doc_num,
        version=version_of(changed) if changed else content_hash(raw.body),
        occurred_at=(local(books, record.creation_date, record.doc_time) if record.doc_time else None) or changed,
        order_date=record.doc_date.isoformat() if record.doc_date else None,
        state=record.state(),
        status=record.document_status,
        currency=record.doc_currency if re.fullmatch("[A-Z]{3}", record.doc_currency or "") else None,
        customer=None if purchase else who,
        supplier=who if purchase else None,
        customer_reference=record.num_at_card or None,
        references=(record.num_at_card,) if record.num_at_card else (),
        ship_to=record.address_extension.address() if record.address_extension else None,
        due_date=record.doc_due_date.isoformat() if record.doc_due_date else None,
        total=record.doc_total,
        comment=record.comments[:4000] if record.comments else None,
        location=books.settings.default_location,
        lines=tuple(_lines(books, record)),
    )


def _lines(books: SapBusinessOne, record: RawDocument) -> Iterator[OrderLine]:
    """Lines with an item; a document of services has accounts instead."""
    for line in record.document_lines:
        if not line.item_code:
            continue
        left = line.remaining_open_quantity
        quantity = max(line.quantity, EMPTY)
        gone = None if left is None else min(max(line.quantity - left, EMPTY), quantity)
        given_up = line.line_status == "bost_Close" and bool(left)  # closed by hand: the rest is not wanted any more
        yield OrderLine(
            line_id=str(line.line_num),
            sku=line.item_code,
            quantity=gone if given_up and gone else quantity,
            unit_price=line.unit_price,
            location=books.place(line.warehouse_code),
            description=line.item_description,
            unit=line.measure_unit,
            supplier_sku=line.supplier_cat_num or None,
            due_date=line.ship_date.isoformat() if line.ship_date else None,
            shipped=gone,
            status=line.line_status,
            fulfilment="cancelled" if given_up and not gone else None,
        )


def _levels(books: SapBusinessOne, item: RawItem, received_at: datetime | None) -> Iterator[StockLevel]:
    """One level for each warehouse that is ours."""
    as_of = item.read_at or received_at
    if as_of is None:
        raise Malformed("nobody says when the figures were true", field=READ_AT)
    counts = books.settings.counts or books.counts
    found = 0
    for place in item.item_warehouse_info_collection:
        try:
            location = books.level_place(place.warehouse_code)
        except Ignored:
            continue
        found += 1
        available = place.in_stock - place.committed
        yield StockLevel(
            account=books.account,
            platform=books.name,
            location=location,
            sku=item.item_code,
            level=place.in_stock if counts == "on_hand" else available,
            counts=counts,
            as_of=as_of,
            source_id=item.item_code,
            on_hand=place.in_stock,
            available=available,
            on_order=max(place.ordered, EMPTY),
            minimum=place.minimal_stock or None,
            restock_to=place.maximal_stock or None,
            description=item.item_name,
        )
    if not found:
        raise Ignored("an item in none of our warehouses")


def _partner(books: SapBusinessOne, record: RawPartner, raw: Raw) -> CustomerRecord:
    if record.card_type not in ("cCustomer", "cLid"):
        raise Ignored("a business partner that is no customer")
    changed = record.changed_at(books)
    home = next(iter(record.bp_addresses), None)
    return CustomerRecord(
        account=books.account,
        platform=books.name,
        kind="lead" if record.card_type == "cLid" else "customer",
        source_id=record.card_code,
        version=version_of(changed) if changed else content_hash(raw.body),
        customer=Customer(
            id=record.card_code,
            number=record.card_code,
            name=record.card_name,
            email=record.email_address,
            phone=record.phone1,
            tax_id=record.federal_tax_id,
            address=Address(
                street=home.street, city=home.city, postal_code=home.zip_code, region=home.state, country=home.country
            )
            if home
            else None,
        ),
        references=(record.additional_id,) if record.additional_id else (),
    )


# --- pushed notices ---------------------------------------------------------------------------------------------------

OBJECTS = {"17": "Orders", "22": "PurchaseOrders", "4": "Items", "2": "BusinessPartners"}
"""Object types of the event subscription that are read."""


def notice(body: Any) -> tuple[str, str, str]:
    """Resource, key and id of a pushed event. Nobody describes its body, so its names are looked for at any depth.

    Raises Malformed or Ignored.
    """
    told = dict(_below(body))
    kind = told.get("objecttype") or told.get("bizobject")
    if not kind:
        raise Malformed("is missing", field="ObjectType")
    resource = OBJECTS.get(kind) or next((name for name in KEYS if name.lower().rstrip("s") == kind.lower()), None)
    if resource is None:
        raise Ignored("an event about an object that is not read")
    key = told.get(KEYS[resource].lower()) or told.get("keyvalues") or told.get("keyvalue")
    if not key:
        raise Malformed("is missing", field=KEYS[resource])
    return resource, key, told.get("eventid") or content_hash(sorted(told.items()))


def _below(body: Any) -> Iterator[tuple[str, str]]:
    pairs = body.items() if isinstance(body, dict) else (("", one) for one in body) if isinstance(body, list) else ()
    for name, inner in pairs:
        if isinstance(inner, dict | list):
            yield from _below(inner)
            inner = inner[0] if isinstance(inner, list) and len(inner) == 1 else None  # noqa: PLW2901
        if isinstance(inner, str | int) and not isinstance(inner, bool) and name:
            yield str(name).lower(), str(inner).strip()
