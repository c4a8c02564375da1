"""What Keyloop's parts and orders look like. Field names are theirs in snake case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from streamer.errors import Malformed
from streamer.messages.base import Quantity

if TYPE_CHECKING:
    from streamer.platforms.base import Platform

OrderType = Literal["EMG", "VOR", "STK", "DPO", "COL"]
"""Emergency, vehicle off road, stock, daily, collection."""
DealerSystem = Literal["autoline", "aswin", "dracar_plus", "drive", "eva", "windrakkar", "automaster"]
UNITS: Mapping[str, str] = {
    "PIECE": "EA", "KILOGRAMS": "KGM", "LITERS": "LTR", "METERS": "MTR", "CENTIMETERS": "CMT", "MILLIMETERS": "MMT",
    "SQUAREMETERS": "MTK", "CUBICCENTIMETERS": "CMQ",
}  # fmt: skip
"""Theirs -> UN/ECE recommendation 20."""
REPLACES: Mapping[str, Literal["supersedes", "supersedes_together", "alternative"]] = {
    "SUPERSESSION_SINGLE": "supersedes",
    "SUPERSESSION_MULTIPLE": "supersedes_together",
    "ALTERNATIVE": "alternative",
}
LEFT = frozenset({"INTRANSIT", "DELIVERED", "INVOICED"})  # an invoiced part is no longer the dealer's
OVER = frozenset({"CANCELLED", "INVOICED"})
CLOSED = frozenset({"CLOSED", "CANCELLED"})


def _code(value: Any) -> Any:
    """Codes with leading zeros stay as they are; some clients make numbers of them."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Code = Annotated[str, BeforeValidator(_code), Field(max_length=200)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Price(_Read):
    net_value: Decimal
    currency_code: str | None = None


class Reference(_Read):
    type: str
    value: str | None = None


class RawPart(_Read):
    part_id: Code
    brand_code: Code | None = None
    part_code: Code | None = None
    description: str | None = None


class Alternatives(_Read):
    alternative_type: str
    supersession_date: str | None = None
    parts: tuple[RawPart, ...] = ()


def _some(value: Any) -> Any:
    """An object where others send a list."""
    return value if isinstance(value, list | tuple) else [] if value is None else [value]


class RawOffer(RawPart):
    """A part with what a search, its details or its price says."""

    alternative_parts: Annotated[tuple[Alternatives, ...], BeforeValidator(_some)] = ()
    list_price: Price | None = None
    surcharge: Price | None = None
    order_prices: Mapping[str, Any] | None = None
    available_stock: Quantity | None = None
    is_available_for_back_order: bool | None = None
    lead_time_in_days: int | None = None
    sales_blocked: bool = False
    sales_blocked_description: str | None = None
    mandatory_vehicle_references: tuple[Reference | str, ...] = ()
    gone: bool = False

    @property
    def vehicle_references(self) -> tuple[str, ...]:
        return tuple(one if isinstance(one, str) else one.type for one in self.mandatory_vehicle_references)


class RawOrderLine(_Read):
    order_line_id: Code | None = None
    part_id: Code
    quantity: Quantity
    unit_of_measure: Mapping[str, Any] | None = None
    parts_order_line_status: str | None = None
    list_price: Price | None = None
    order_price: Price | None = None


class Contact(_Read):
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    company_name: str | None = None


class Company(_Read):
    company_id: Code | None = None
    customer_id: Code | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class RawPartsOrder(_Read):
    """An order that we placed."""

    parts_order_id: Code
    parts_order_date_time: str | None = None
    order_status: str | None = None
    order_reference: str | None = None
    company: Company | None = None
    customer: Company | None = None
    order_contact: Contact = Contact()
    parts: tuple[RawOrderLine, ...] = ()
    read_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more can become of it."""
        return self.order_status in CLOSED or (
            bool(self.parts) and all(line.parts_order_line_status in OVER for line in self.parts)
        )


class Delivery(_Read):
    street_name: str | None = None
    postal_code: Code | None = None
    city: str | None = None
    country_code: str | None = None


class Wanted(_Read):
    part: RawPart
    quantity: Quantity = Field(gt=0)
    mandatory_vehicle_references: tuple[Reference, ...] = ()


class RawIncoming(_Read):
    """An order that a client of the Order Parts API places with us."""

    company_id: Code | None = None
    customer_id: Code | None = None
    order_contact: Contact = Contact()
    alternate_delivery_address: Delivery | None = None
    order_type: OrderType | None = None
    order_reference: Code | None = None
    parts: tuple[Wanted, ...] = Field(min_length=1)


# --- values -----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def when(told: str | None, zone: tzinfo, field: str) -> datetime | None:
    """A time; without an offset it is the store's own. Raises Malformed."""
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Malformed("is no ISO time", field=field) from error
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def place(platform: Platform[Any], store: str | None) -> str | None:
    """Our location for a store; `enterprise/store` is none of itself, so without a map the default one counts."""
    return platform.place(store) if platform.settings.locations else platform.settings.default_location
