"""The public topics `order-status` and `audit`: ids only, no personal data."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from streamer.messages.base import (
    AccountId,
    Amount,
    CommandId,
    Currency,
    LocationId,
    Message,
    Place,
    Quantity,
    Reference,
    Sku,
    SupplierCode,
    Text,
    Utc,
    Value,
)
from streamer.messages.ids import order_key
from streamer.messages.orders import DecisionState, Fulfilment, OrderKind

LineState = Literal["pending", "approved", "partly_approved", "waitlisted", "rejected", "released", "fulfilled"]


class LineSource(Value):
    """So many of a SKU at a location serve a line; `hops` leads there from the SKU that was ordered."""

    location: LocationId
    sku: Sku
    quantity: Quantity
    hops: tuple[Sku, ...] = ()


class OrderLineStatus(Message):
    """How one line of a customer's order stands. `revision` (`ce_sequence`) tells a late one."""

    ce_type: ClassVar[str] = "order-line-status"

    account: AccountId
    order_id: Text
    number: Text | None = None
    kind: OrderKind
    line_id: Text
    sku: Sku | None = None
    location: LocationId | None = None
    quantity: Quantity
    decision: DecisionState
    fulfilment: Fulfilment
    state: LineState | None = None  # both in one word: fulfilled once all has been shipped or invoiced
    approved: Quantity
    waitlisted: Quantity
    rejected: Quantity
    reason: Text | None = None
    promised_date: Text | None = None
    needed_by: Text | None = None  # ISO date
    because: Text | None = None  # why we added the part, or chose it: the service and its variant, or the campaign
    sources: tuple[LineSource, ...] = ()  # where several locations or SKUs serve the line
    revision: int
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("order-status", order_key(self.account, self.order_id)),)

    def message_id(self) -> str:
        return f"{self.account}/{self.order_id}/{self.line_id}#{self.revision}"


PurchaseOrderState = Literal[
    "draft",
    "awaiting_approval",
    "approved",
    "sending",
    "sent",
    "unknown",
    "human",
    "confirmed",
    "partly_shipped",
    "shipped",
    "received",
    "rejected",
    "cancelled",
]


class PurchaseOrderLineStatus(Value):
    """One line of a purchase order at a supplier."""

    line: Text
    sku: Sku
    location: LocationId
    quantity: Quantity
    confirmed: Quantity | None = None
    received: Quantity = Decimal(0)
    promised_date: Text | None = None
    status: Text | None = None


class PurchaseOrderStatus(Message):
    """How a purchase order stands at its supplier."""

    ce_type: ClassVar[str] = "purchase-order-status"

    supplier: SupplierCode
    reference: Reference
    external_reference: Text | None = None
    command_id: CommandId | None = None
    state: PurchaseOrderState
    conflict: Text | None = None
    currency: Currency
    total: Amount
    lines: tuple[PurchaseOrderLineStatus, ...]
    revision: int
    at: Utc
    waits_for: Text | None = None  # why it has not gone out yet
    waits_until: Utc | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("order-status", self.reference),)

    def message_id(self) -> str:
        return f"{self.reference}#{self.revision}"


class AuditEntry(Message):
    """One act of a person or one decision worth keeping, with what was before and after."""

    ce_type: ClassVar[str] = "audit"

    actor: Text
    act: Text
    subject: Text
    before: dict[str, Text] = {}
    after: dict[str, Text] = {}
    reason: Text | None = None
    act_id: Text
    origin: Literal["person", "fold"] = "person"
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("audit", self.subject),)

    def message_id(self) -> str:
        return self.act_id
