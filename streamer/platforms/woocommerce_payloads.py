"""What WooCommerce sends, as far as we read it: records of its REST API, version 3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from streamer.messages.ids import supplier_of
from streamer.messages.orders import OrderState
from streamer.messages.people import Address, Customer

STATES: Mapping[str, OrderState] = {
    "completed": "closed",
    "cancelled": "cancelled",
    "refunded": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
}
"""What is not named here (pending, processing, on-hold, states of plugins) waits for its goods."""

FOUR_PLACES = Decimal("0.0001")


def _gmt(value: Any) -> Any:
    """UTC without a Z, as `_gmt` fields have it."""
    if isinstance(value, str) and value:
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return value
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return value or None


def _nothing_if_empty(value: Any) -> Any:
    """Blanks come as "", and empty PHP objects as a list."""
    return None if value in ("", []) else value


Gmt = Annotated[datetime | None, BeforeValidator(_gmt)]
Amount = Annotated[Decimal | None, BeforeValidator(_nothing_if_empty)]


class Theirs(BaseModel):
    """Unknown fields are ignored; numbers that stand for text (ids) are text."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class Meta(Theirs):
    key: str = ""
    value: Any = None

    @property
    def text(self) -> str:
        return str(self.value) if isinstance(self.value, str | int | float) else ""


class RawAddress(Theirs):
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    city: str | None = None
    state: str | None = None
    postcode: str | None = None
    country: str | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def name(self) -> str | None:
        return " ".join(filter(None, (self.first_name, self.last_name))) or None

    def address(self) -> Address:
        return Address(
            name=self.name,
            company=self.company or None,
            street=self.address_1 or None,
            street2=self.address_2 or None,
            city=self.city or None,
            region=self.state or None,
            postal_code=self.postcode or None,
            country=self.country or None,
        )


AnAddress = Annotated[RawAddress | None, BeforeValidator(_nothing_if_empty)]


class RawLine(Theirs):
    id: str
    name: str | None = None
    sku: str | None = None
    product_id: int = 0
    variation_id: int = 0
    quantity: Decimal = Field(ge=0)
    total: Amount = None  # after discounts, without tax

    @property
    def label(self) -> str | None:
        return unescape(self.name) if self.name else None

    @property
    def item_id(self) -> str | None:
        number = self.variation_id or self.product_id
        return str(number) if number else None

    def unit_price(self) -> Decimal | None:
        if self.total is None or not self.quantity:
            return None
        price = self.total / self.quantity
        rounded = price.quantize(FOUR_PLACES, ROUND_HALF_UP)
        return rounded if rounded * self.quantity != self.total else _short(price)


def _short(price: Decimal) -> Decimal:
    """At least two places, no more than needed."""
    exact = price.normalize()
    places = -int(exact.as_tuple().exponent)
    return exact if places >= 2 else price.quantize(Decimal("0.01"))


class RawOrder(Theirs):
    id: str
    number: str | None = None
    status: str
    currency: str | None = None
    date_created_gmt: Gmt = None
    date_modified_gmt: Gmt = None
    total: Amount = None
    customer_id: int = 0
    customer_note: str | None = None
    billing: AnAddress = None
    shipping: AnAddress = None
    line_items: tuple[RawLine, ...]
    meta_data: tuple[Meta, ...] = ()

    def buyer(self) -> Customer | None:
        billing = self.billing
        if billing is None:
            return None
        return Customer(
            id=str(self.customer_id) if self.customer_id else None,
            name=billing.name,
            email=billing.email or None,
            phone=billing.phone or None,
            company=billing.company or None,
        )

    def references(self) -> tuple[str, ...]:
        """Texts of the meta data that look like references of ours."""
        return tuple(meta.text for meta in self.meta_data if meta.text and supplier_of(meta.text) is not None)

    def held(self, key: object) -> str:
        return next((meta.text for meta in self.meta_data if meta.key == key), "")


class RawProduct(Theirs):
    id: str
    kind: str = Field(default="simple", validation_alias="type")
    name: str | None = None
    sku: str | None = None
    price: Amount = None
    manage_stock: bool | Literal["parent"] = False
    stock_quantity: Annotated[Decimal | None, BeforeValidator(_nothing_if_empty)] = None
    low_stock_amount: Amount = None
    date_modified_gmt: Gmt = None
    variations: tuple[int, ...] = ()

    @property
    def label(self) -> str | None:
        return unescape(self.name) if self.name else None

    @property
    def level(self) -> Decimal | None:
        """How many may be sold; negative with back orders. None where nobody counts, or the parent does."""
        return self.stock_quantity if self.manage_stock is True else None


class RawCustomer(Theirs):
    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    date_created_gmt: Gmt = None
    date_modified_gmt: Gmt = None
    billing: AnAddress = None

    def customer(self) -> Customer:
        home = self.billing
        name = " ".join(filter(None, (self.first_name, self.last_name))) or (home.name if home else None)
        return Customer(
            id=self.id,
            name=name,
            email=self.email or None,
            phone=(home.phone or None) if home else None,
            company=(home.company or None) if home else None,
            address=home.address() if home else None,
        )


Kind = Literal["order", "product", "customer", "deleted order", "deleted", "gone"]


def kind_of(topic: str, body: Any) -> Kind | None:
    """What a record is: by its topic, else by its shape, since a producer may have written the body alone."""
    if not isinstance(body, dict) or "id" not in body:
        return None
    of = topic.partition(".")[0]
    if topic.endswith(".deleted"):
        return "deleted order" if of == "order" else "deleted"
    marks: tuple[tuple[Kind, bool], ...] = (
        ("gone", body.get("gone") is True),
        ("order", of == "order" or "line_items" in body),
        ("product", of == "product" or "stock_quantity" in body),
        ("customer", of == "customer" or {"email", "billing"} <= body.keys()),
    )
    return next((kind for kind, found in marks if found), None)
