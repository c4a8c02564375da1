"""What the log `orders` carries: orders as platforms tell them, and what the other folds answer."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from streamer.messages.base import (
    PERSONAL,
    AccountId,
    Amount,
    CommandId,
    Currency,
    Extra,
    LocationId,
    Message,
    Place,
    Quantity,
    Sku,
    Text,
    Utc,
    Value,
)
from streamer.messages.ids import order_key
from streamer.messages.people import Address, Appointment, Customer
from streamer.messages.records import Asked, RecordKind

OrderKind = Literal["sales_order", "purchase_order", "service_appointment", "deal"]
OrderState = Literal["open", "held", "closed", "cancelled"]
DecisionState = Literal["pending", "approved", "partly_approved", "waitlisted", "rejected", "released"]
Fulfilment = Literal["open", "picked", "back_order", "shipped", "invoiced", "cancelled"]


class OrderLine(Value):
    """One line as the platform tells it. Without `sku` the catalogue must say which SKU `item_id` means."""

    line_id: Text
    sku: Sku | None = None
    item_id: Text | None = None
    quantity: Quantity
    unit_price: Amount | None = None  # for one unit, before discounts
    location: LocationId | None = None
    description: Text | None = None
    unit: Text | None = None
    supplier_sku: Text | None = None
    due_date: Text | None = None  # ISO date
    service: bool = False  # labour or a service product: its kit is taken from stock, not the line itself
    shipped: Quantity | None = None  # how many of them have left, by the platform
    status: Text | None = None  # the platform's own word
    fulfilment: Fulfilment | None = None  # how far the platform says it is: what is picked or invoiced is confirmed
    vin: Text | None = None
    partial_allowed: bool = True  # off: the line is served whole, or it waits
    back_order_allowed: bool = True  # off: what is not there is rejected, whatever the order says
    extra: Extra | None = None


class Order(Message):
    """A new or changed order, purchase order, appointment or deal: always the whole object."""

    ce_type: ClassVar[str] = "order"

    account: AccountId
    platform: Text
    kind: OrderKind
    source_id: Text
    number: Text | None = None
    version: Text  # updated-at in RFC 3339 or a revision padded to sort; a content hash where the platform has none
    occurred_at: Utc | None = None
    order_date: Text | None = None  # ISO date, where the platform gives no time
    state: OrderState = "open"
    status: Text | None = None  # the platform's own word
    currency: Currency | None = None
    customer: Customer | None = None
    customer_reference: Text | None = None
    references: tuple[Text, ...] = ()  # numbers of others that the object carries; one of ours makes it an echo
    supplier: Customer | None = None  # of a purchase order
    ship_to: Address | None = None
    bill_to: Address | None = None
    due_date: Text | None = None
    total: Amount | None = None
    comment: Text | None = None
    appointment: Appointment | None = None
    location: LocationId | None = None
    lines: tuple[OrderLine, ...] = ()
    priority: int = 0  # higher goes first on a waitlist
    all_or_nothing: bool = False
    back_order_allowed: bool = True
    cart: bool = False  # not bought yet: stock is only reserved, and only for a time
    reserve_until: Utc | None = None  # of a cart; without it the channel's `cart_minutes` count from the first version
    cart_id: Text | None = None  # the cart that became this order, where it had an id of its own
    test: bool = False
    extra: dict[str, Text] = {}  # fields that the account's field map names
    asked: Asked | None = None  # somebody asked for it, beside what the platform told by itself

    @property
    def key(self) -> str:
        return order_key(self.account, self.source_id)

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.key),)

    def message_id(self) -> str:
        return asked_id(f"{self.key}@{self.version}", self.asked)


class KitPart(Value):
    """So many of one SKU for each unit of the SKU that was asked for."""

    sku: Sku
    quantity_each: Quantity


ReferKind = Literal[
    "parts",  # it is a kit: all of them for each unit
    "older",  # interchangeable older parts, to be used up first, in this order
    "newer",  # the part that supersedes it, for what this row cannot give
    "alternatives",  # substitutes, in this order, for what this row cannot give
]


class LineDecision(Message):
    """The stock row's answer to a line request; `approved` of it are reserved."""

    ce_type: ClassVar[str] = "line-decision"

    order_key: Text
    line_key: Text
    sku: Sku
    location: LocationId
    revision: int  # of the request that is answered
    decision_revision: int  # grows with each answer for this line
    state: DecisionState
    approved: Quantity
    waitlisted: Quantity
    rejected: Quantity
    reason: Text | None = None
    promised_date: Text | None = None  # ISO date on which the waitlisted part is expected
    refer_to: tuple[KitPart, ...] = ()  # ask for these instead, or for what is missing here
    refer_kind: ReferKind = "parts"
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.order_key),)

    def message_id(self) -> str:
        return f"{self.line_key}#{self.revision}.{self.decision_revision}"


class ItemResolved(Message):
    """The catalogue's answer: which SKU an item id of an account means; no SKU when it cannot be found."""

    ce_type: ClassVar[str] = "item-resolved"

    order_key: Text
    account: AccountId
    item_id: Text
    sku: Sku | None = None
    reason: Text | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.order_key),)

    def message_id(self) -> str:
        return f"{self.order_key}:{self.item_id}={self.sku or ''}"


class AddLine(Message):
    """A line that we add to an appointment ourselves: the remedy part of a recall."""

    ce_type: ClassVar[str] = "add-line"

    account: AccountId
    order_id: Text
    line_id: Text
    sku: Sku
    quantity: Quantity
    cause: Text  # the campaign
    revision: int = 0  # of the appointment; what was withdrawn comes back with a higher one
    withdrawn: bool = False
    sequence: int = 0  # within `revision`

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", order_key(self.account, self.order_id)),)

    def message_id(self) -> str:
        number = f"{self.revision}.{self.sequence}" if self.sequence else f"{self.revision}"
        return f"{self.account}/{self.order_id}+{self.line_id}#{number}" + ("-" if self.withdrawn else "")


class VehicleKnown(Message):
    """The recalls' answer to `ResolveVehicle`: what a VIN stands for, or why that cannot be said."""

    ce_type: ClassVar[str] = "vehicle-known"

    order_key: Text
    vin: Text = Field(json_schema_extra=PERSONAL)
    make: Text | None = None
    model: Text | None = None
    year: int | None = None
    engine: Text | None = None
    reason: Text | None = None  # where it is not known

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.order_key),)

    def message_id(self) -> str:
        return f"{self.order_key}:{self.make or ''}/{self.model or ''}/{self.year or ''}/{self.engine or ''}"


class ObjectKnown(Message):
    """The ledger made this object in the other system: events about it are echoes."""

    ce_type: ClassVar[str] = "object-known"

    account: AccountId
    source_id: Text
    command_id: CommandId
    reference: Text | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", order_key(self.account, self.source_id)),)

    def message_id(self) -> str:
        return f"{self.account}/{self.source_id}={self.command_id}"


class WriteBackDone(Message):
    """What became of an answer to the platform (or of a copy of the order): shown with the order."""

    ce_type: ClassVar[str] = "write-back-done"

    order_key: Text
    command_id: CommandId
    state: Literal["confirmed", "rejected", "human"]
    reason: Text | None = None
    revision: int = 0  # of the ledger's reports about this command
    route: Text | None = None  # of a copied record
    entity: RecordKind | None = None
    external_reference: Text | None = None
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", self.order_key),)

    def message_id(self) -> str:
        return f"{self.command_id}:{self.state}.{self.revision}"


class CustomerRecord(Message):
    """A customer, contact or lead as a platform tells it, to be copied."""

    ce_type: ClassVar[str] = "customer"

    account: AccountId
    platform: Text
    kind: Literal["customer", "lead"]
    source_id: Text
    version: Text
    occurred_at: Utc | None = None
    customer: Customer
    references: tuple[Text, ...] = ()  # numbers of others that it carries; one of ours makes it an echo
    asked: Asked | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("orders", order_key(self.account, f"{self.kind}:{self.source_id}")),)

    def message_id(self) -> str:
        return asked_id(f"{self.account}/{self.kind}:{self.source_id}@{self.version}", self.asked)


def asked_id(message_id: str, asked: Asked | None) -> str:
    """The id of a message that also came because somebody asked for it: it says more than the platform's own."""
    return message_id if asked is None else f"{message_id}?{asked.act_id}"
