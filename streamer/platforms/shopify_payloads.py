"""What Shopify sends, as far as we read it: REST shapes (webhooks and polls) and the nodes of GraphQL answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from streamer.errors import Ignored, Malformed
from streamer.messages.ids import supplier_of
from streamer.messages.orders import OrderState
from streamer.messages.people import Address, Customer
from streamer.platforms.wire import Raw

Kind = Literal["order", "level", "item", "customer", "refund", "edit", "nodes"]

TOPICS: Mapping[str, Kind] = {
    "orders": "order",
    "inventory_levels": "level",
    "inventory_items": "item",
    "customers": "customer",
    "refunds": "refund",
}
"""The part of `X-Shopify-Topic` before the slash."""

NOTHING_FOR_US = frozenset({"orders/delete", "inventory_items/delete", "customers/delete"})
SHIPPED_NOT = frozenset({"cancelled", "error", "failure"})  # statuses of a fulfilment that took nothing away

GRAMS = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}


class Theirs(BaseModel):
    """Unknown fields are ignored; numbers that stand for text (ids) are text."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class Pair(Theirs):
    name: str | None = None
    value: Any = None  # odd apps put numbers, null and lists here

    @property
    def text(self) -> str:
        return "" if self.value is None or isinstance(self.value, dict | list) else str(self.value).strip()


class RawAddress(Theirs):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None

    def address(self) -> Address:
        return Address(
            name=self.name,
            company=self.company,
            street=self.address1,
            street2=self.address2,
            city=self.city,
            region=self.province_code or self.province,
            postal_code=self.zip,
            country=self.country_code or self.country,
        )


class RawCustomer(Theirs):
    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    default_address: RawAddress | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None

    def customer(self) -> Customer:
        home = self.default_address
        return Customer(
            id=self.id,
            name=self.name or (home.name if home else None),
            email=self.email or None,
            phone=self.phone or (home.phone if home else None),
            company=home.company if home else None,
            address=home.address() if home else None,
        )

    @property
    def name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None


class RawCompany(Theirs):
    id: str | None = None
    name: str | None = None


class RawLine(Theirs):
    id: str
    sku: str | None = None
    variant_id: str | None = None
    quantity: int = Field(ge=0)
    current_quantity: int | None = Field(default=None, ge=0)
    fulfillable_quantity: int | None = None
    price: Decimal | None = None
    title: str | None = None
    name: str | None = None
    fulfillment_status: str | None = None
    properties: list[Pair] | None = None


class RawShippedLine(Theirs):
    id: str
    quantity: int = 0


class RawFulfilment(Theirs):
    status: str | None = None
    line_items: list[RawShippedLine] = []


class RawOrder(Theirs):
    id: str
    name: str | None = None
    order_number: str | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    cancelled_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None
    currency: str | None = None
    financial_status: str | None = None
    total_price: Decimal | None = None
    current_total_price: Decimal | None = None
    location_id: str | None = None
    po_number: str | None = None
    note: str | None = None
    note_attributes: list[Pair] | None = None
    test: bool = False
    email: str | None = None
    contact_email: str | None = None
    phone: str | None = None
    customer: RawCustomer | None = None
    company: RawCompany | None = None
    billing_address: RawAddress | None = None
    shipping_address: RawAddress | None = None
    line_items: list[RawLine]
    fulfillments: list[RawFulfilment] | None = None

    @property
    def state(self) -> OrderState:
        if self.cancelled_at is not None:
            return "cancelled"
        return "open" if self.closed_at is None else "closed"

    def quantity(self, line: RawLine) -> int:
        """How many of a line are wanted: after edits, but of a cancelled order as ordered."""
        return line.quantity if self.cancelled_at or line.current_quantity is None else line.current_quantity

    def shipped(self) -> Counter[str]:
        """How many of each line have left, by its id."""
        left: Counter[str] = Counter()
        if self.fulfillments is None:
            for line in self.line_items:
                if line.fulfillment_status == "fulfilled":
                    left[line.id] = self.quantity(line)
                elif line.fulfillment_status == "partial" and line.fulfillable_quantity is not None:
                    left[line.id] = max(0, self.quantity(line) - line.fulfillable_quantity)
        for fulfilment in self.fulfillments or ():
            if fulfilment.status not in SHIPPED_NOT:
                for shipped in fulfilment.line_items:
                    left[shipped.id] += shipped.quantity
        return left

    def buyer(self) -> Customer | None:
        """Who ordered; guests have no customer record, but an address."""
        known, home = self.customer, self.billing_address or self.shipping_address
        email = (known.email if known else None) or self.email or self.contact_email or None
        if known is None and home is None and email is None:
            return None
        places = filter(None, (self.billing_address, self.shipping_address))
        work = next((place.company for place in places if place.company), None)
        return Customer(
            id=known.id if known else None,
            name=(known.name if known else None) or (home.name if home else None),
            email=email,
            phone=(known.phone if known else None) or self.phone or (home.phone if home else None),
            company=(self.company.name if self.company else None) or work,
            company_id=self.company.id if self.company else None,
            address=home.address() if home else None,
        )

    def references(self) -> tuple[str, ...]:
        """The buyer's own number, and all that has the form of a reference of ours."""
        found = [pair.text for pair in self.note_attributes or ()]
        found = [text for text in (*found, (self.name or "").lstrip("#")) if supplier_of(text)]
        return tuple(dict.fromkeys(filter(None, (self.po_number, *found))))


class RawLevel(Theirs):
    inventory_item_id: str
    location_id: str
    available: int | None = None
    updated_at: AwareDatetime | None = None
    admin_graphql_api_id: str | None = None


class RawItem(Theirs):
    """An inventory item or a variant, in the REST shape."""

    id: str
    sku: str | None = None
    title: str | None = None
    updated_at: AwareDatetime | None = None
    grams: Decimal | None = None


class RawRefund(Theirs):
    id: str
    order_id: str


class RawWeight(Theirs):
    value: Decimal
    unit: str

    def grams(self) -> Decimal | None:
        factor = GRAMS.get(self.unit)
        return None if factor is None else (self.value * factor).quantize(Decimal("0.001"))


class RawMeasurement(Theirs):
    weight: RawWeight | None = None


class RawVariant(Theirs):
    display_name: str | None = Field(default=None, alias="displayName")
    price: Decimal | None = None


class RawNode(Theirs):
    """An inventory item or a product variant in a GraphQL answer."""

    id: str
    sku: str | None = None
    updated_at: AwareDatetime | None = Field(default=None, alias="updatedAt")
    display_name: str | None = Field(default=None, alias="displayName")
    price: Decimal | None = None
    variant: RawVariant | None = None
    measurement: RawMeasurement | None = None
    inventory_item: RawItemOfVariant | None = Field(default=None, alias="inventoryItem")


class RawItemOfVariant(Theirs):
    measurement: RawMeasurement | None = None


WRAPPERS: Mapping[str, Kind] = {
    "order": "order",
    "orders": "order",
    "inventory_level": "level",
    "inventory_levels": "level",
    "inventory_item": "item",
    "inventory_items": "item",
    "customer": "customer",
    "customers": "customer",
    "order_edit": "edit",
}
"""The one key of an answer's object -> what is in it."""


def objects_in(raw: Raw) -> Iterator[tuple[Kind, Any]]:
    """The objects of a raw event with their kinds: by its topic, else by its shape. Raises Malformed or Ignored."""
    body = raw.json()
    if not isinstance(body, dict):
        raise Malformed("the body is no JSON object")
    topic = raw.header("x-shopify-topic")
    if topic in NOTHING_FOR_US:
        raise Ignored(f"{topic} changes nothing here")
    if isinstance(data := body.get("data"), dict) and isinstance(data.get("nodes"), list):
        yield "nodes", data["nodes"]
        return
    if len(body) == 1 and (kind := WRAPPERS.get(next(iter(body)))) is not None:
        [inner] = body.values()
        yield from ((kind, one) for one in (inner if isinstance(inner, list) else [inner]) if one is not None)
        return
    by_topic = TOPICS.get(topic.partition("/")[0])
    if topic and by_topic is None:
        raise Ignored(f"nothing is made of the topic {topic}"[:100])
    yield by_topic or _by_shape(body), body


def _by_shape(body: Mapping[str, Any]) -> Kind:
    if "line_items" in body:
        return "order"
    if "inventory_item_id" in body and "location_id" in body:
        return "level"
    if "order_id" in body and "refund_line_items" in body:
        return "refund"
    if "id" in body and ("first_name" in body or "last_name" in body or "default_address" in body):
        return "customer"
    if "id" in body and "sku" in body and ("tracked" in body or "inventory_item_id" in body):
        return "item"
    raise Malformed("neither a topic (X-Shopify-Topic) nor the body's shape tells what this is")


RawNode.model_rebuild()
