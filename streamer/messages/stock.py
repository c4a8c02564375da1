"""What the logs `stock` and `catalogue` carry: levels, requests for lines, policies, offers, what is on its way."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import model_validator

from streamer.messages.base import (
    AccountId,
    Amount,
    Currency,
    LocationId,
    Message,
    Place,
    Quantity,
    Reference,
    SignedQuantity,
    Sku,
    SupplierCode,
    Text,
    Utc,
    Value,
)
from streamer.messages.ids import stock_key
from streamer.messages.orders import KitPart
from streamer.messages.terms import DemandRule, PolicyRule, PriceStep, SafetyStockRule

Counts = Literal["on_hand", "available"]
Purpose = Literal["sale", "service", "recall"]


class StockLevel(Message):
    """An absolute level of one item at one location. Without `sku` it goes to the catalogue, which knows the item id.

    `level` counts what lies there (`on_hand`) or that less the platform's own commitments (`available`).
    """

    ce_type: ClassVar[str] = "stock-level"

    account: AccountId
    platform: Text
    location: LocationId
    sku: Sku | None = None
    item_id: Text | None = None
    level: SignedQuantity
    counts: Counts
    as_of: Utc
    source_id: Text | None = None
    on_hand: SignedQuantity | None = None  # what else the platform says, for people
    available: SignedQuantity | None = None
    on_order: Quantity | None = None
    minimum: Quantity | None = None
    restock_to: Quantity | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def _names_an_item(self) -> StockLevel:
        if self.sku is None and self.item_id is None:
            raise ValueError("a level needs a sku or an item_id")
        return self

    def places(self) -> tuple[Place, ...]:
        if self.sku is None:
            return (Place("catalogue", f"{self.account}/{self.item_id}"),)
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.account}/{self.location}/{self.sku or self.item_id}@{self.as_of.isoformat()}"


class StockMovement(Message):
    """A change of the stock, from a platform that gives no level, or a receipt booked by a person."""

    ce_type: ClassVar[str] = "stock-movement"

    account: AccountId
    movement_id: Text
    location: LocationId
    sku: Sku
    delta: SignedQuantity
    reason: Literal["receipt", "issue", "adjustment"]
    reference: Text | None = None  # of the purchase order that was received
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.account}/{self.movement_id}"


class Replacement(Value):
    """A part that stands in for another in a supplier's catalogue."""

    item_id: Text
    sku: Sku | None = None
    brand: Text | None = None
    description: Text | None = None
    kind: Literal[
        "supersedes",  # it alone does
        "supersedes_together",  # all of this kind do, one of each
        "alternative",  # it may be used instead
    ]
    since: Utc | None = None  # may be in the future


class Item(Message):
    """An item of a platform: which SKU it is and what is known about it."""

    ce_type: ClassVar[str] = "item"

    account: AccountId
    platform: Text
    item_id: Text
    sku: Sku | None = None  # None: the platform answered that the item does not exist or has no SKU
    version: Text
    description: Text | None = None
    brand: Text | None = None
    unit: Text | None = None
    list_price: Amount | None = None
    price: Amount | None = None
    surcharge: Amount | None = None
    currency: Currency | None = None
    weight_grams: Quantity | None = None
    superseded_by: Sku | None = None
    superseded_from: Text | None = None  # ISO date
    kit: tuple[KitPart, ...] = ()
    supplier_email: Text | None = None
    lead_time_days: int | None = None
    sales_blocked: bool = False
    sales_blocked_because: Text | None = None
    replacements: tuple[Replacement, ...] = ()
    store: Text | None = None  # the supplier's branch that answered
    available: Quantity | None = None  # there, at the supplier: it promises nothing
    back_order_possible: bool | None = None
    vehicle_references: tuple[Text, ...] = ()  # what an order of it must say of the vehicle: VIN, ENGINENUMBER, …

    def places(self) -> tuple[Place, ...]:
        return (Place("catalogue", f"{self.account}/{self.item_id}"),)

    def message_id(self) -> str:
        return f"{self.account}/{self.item_id}@{self.version}"


class ResolveItem(Message):
    """An order asks the catalogue which SKU an item id means; answered by `ItemResolved`."""

    ce_type: ClassVar[str] = "resolve-item"

    account: AccountId
    item_id: Text
    order_key: Text

    def places(self) -> tuple[Place, ...]:
        return (Place("catalogue", f"{self.account}/{self.item_id}"),)

    def message_id(self) -> str:
        return f"{self.order_key}?{self.item_id}"


Follow = Literal["all", "newer", "none"]


class LineRequest(Message):
    """An order line asks for stock. The same line with a higher `revision` replaces the one before."""

    ce_type: ClassVar[str] = "line-request"

    order_key: Text
    line_key: Text  # account/order/line, and the component's SKU behind it for a kit
    revision: int
    account: AccountId
    sku: Sku
    location: LocationId
    quantity: Quantity
    purpose: Purpose = "sale"
    priority: int = 0
    partial_allowed: bool = True
    back_order_allowed: bool = True
    service: bool = False
    placed_at: Utc | None = None
    changed_at: Utc | None = None  # since when the platform knows this quantity, where it is another than at first
    needed_by: Text | None = None  # ISO date
    expires_at: Utc | None = None  # a cart's reservation
    reserve_from: Text | None = None  # ISO date; before it the parts are booked, not reserved
    because: Text | None = None  # why this part: the service and its variant, or the campaign
    service_type: Text | None = None  # of the configured set
    confirmed: bool = False  # picked or invoiced: a shortage does not take it away
    probe: bool = False  # others are asked for what is not there: nobody is refused by it
    cart_key: Text | None = None  # key of the cart that became this order: what it holds here passes on
    follow: Follow = "all"  # which other SKUs the row may name instead: all, only newer ones, none
    substitutes: bool = False  # it may name alternatives, too

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.line_key}#{self.revision}"


class LineRelease(Message):
    """An order line no longer needs its stock: cancelled, moved, or referred elsewhere."""

    ce_type: ClassVar[str] = "line-release"

    order_key: Text
    line_key: Text
    revision: int
    sku: Sku
    location: LocationId
    reason: Text

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.line_key}#{self.revision}-"


class LineShipped(Message):
    """So many of a line have left in all; `at` says whether a stock level already counts it."""

    ce_type: ClassVar[str] = "line-shipped"

    order_key: Text
    line_key: Text
    revision: int
    sku: Sku
    location: LocationId
    quantity: Quantity  # in all, not the difference
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.line_key}#{self.revision}>{self.quantity}"


class ItemFacts(Message):
    """What is known about a SKU, told to its row at one location."""

    ce_type: ClassVar[str] = "item-facts"

    location: LocationId
    sku: Sku
    version: Text
    source: Literal["settings", "catalogue"]
    description: Text | None = None
    kit: tuple[KitPart, ...] = ()
    superseded_by: Sku | None = None
    superseded_from: Text | None = None  # ISO date; without it the supersession is in force
    superseded_each: Quantity = Decimal(1)  # so many new parts do the work of one old part
    use_up: bool = True  # what is left of this part is given out before the new one
    older: tuple[Sku, ...] = ()  # interchangeable older parts, to be used up first, the oldest first
    alternatives: tuple[Sku, ...] = ()
    part_number: Text | None = None  # the maker's, by which a recall names it
    shares: dict[AccountId, Quantity] = {}  # of what is available, what the orders of an account may hold at most

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.location}/{self.sku}:{self.source}@{self.version}"


TriggerMode = Literal["below", "at_or_below"]
RoundingMode = Literal["up", "nearest", "down", "up_within_maximum"]


class ItemPolicy(Message):
    """When and how much to reorder one SKU at one location: min/max by these levels, or another policy by `rule`."""

    ce_type: ClassVar[str] = "item-policy"

    location: LocationId
    sku: Sku
    version: int  # the settings' revision
    reorder_point: Quantity
    order_up_to: Quantity
    trigger: TriggerMode = "below"
    rounding: RoundingMode = "up"
    safety: Quantity = Decimal(0)  # never promised
    automatic: bool = False  # confirmed for automatic reorder: needs no approval
    lead_time_days: int | None = None
    withdrawn: bool = False  # the settings no longer have a policy: nothing is reordered
    rule: PolicyRule | None = None  # then the levels above mean nothing
    safety_stock: SafetyStockRule | None = None  # reckoned with when ordering, instead of `safety`
    supplier_choice: Literal["primary", "cheapest", "earliest"] = "primary"
    demand: DemandRule | None = None
    follow_demand: bool = False  # a given reorder point rises with the demand that is expected until an order arrives
    snoozed_until: Text | None = None  # ISO date: until then nothing is ordered

    @model_validator(mode="after")
    def _levels_in_order(self) -> ItemPolicy:
        if self.order_up_to < self.reorder_point:
            raise ValueError("order_up_to must not be below reorder_point")
        return self

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.location}/{self.sku}:policy@{self.version}"


class SupplierOffer(Message):
    """What a supplier asks for one SKU, told to its row at one location. `rank` 1 is the primary supplier."""

    ce_type: ClassVar[str] = "supplier-offer"

    location: LocationId
    sku: Sku
    version: int
    supplier: SupplierCode
    supplier_sku: Text | None = None
    unit_price: Amount
    currency: Currency
    unit: Text = "EA"
    minimum_quantity: Quantity = Decimal(0)
    order_multiple: Quantity = Decimal(1)
    lead_time_days: int | None = None  # of this item; else the supplier's, else the company's
    rank: int = 1
    withdrawn: bool = False
    price_breaks: tuple[PriceStep, ...] = ()  # for larger quantities; prices and quantities are of one `unit`
    price_scheme: Literal["all_units", "incremental"] = "all_units"
    maximum_lot: Quantity | None = None  # more goes into several orders
    units_per_purchase_unit: Quantity = Decimal(1)  # stock units in one `unit`
    valid_from: Text | None = None  # ISO date
    valid_until: Text | None = None  # ISO date, the last day
    lead_time_unit: Literal["calendar_days", "working_days"] = "calendar_days"
    freight_per_order: Amount = Decimal(0)
    freight_per_unit: Amount = Decimal(0)
    duty_rate: Amount = Decimal(0)  # 0.045 for 4.5 % of the goods' price

    @model_validator(mode="after")
    def _multiple_is_positive(self) -> SupplierOffer:
        if self.order_multiple <= 0:
            raise ValueError("order_multiple must be above 0")
        if self.unit_price < 0:
            raise ValueError("unit_price must not be negative")
        return self

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.location}/{self.sku}:{self.supplier}@{self.version}"


IncomingState = Literal["ordered", "confirmed", "received", "cancelled"]


class Incoming(Message):
    """How a need stands at the supplier: what still comes, and when. `revision` grows with each change."""

    ce_type: ClassVar[str] = "incoming"

    location: LocationId
    sku: Sku
    need_id: Text
    reference: Reference
    supplier: SupplierCode
    revision: int
    state: IncomingState
    quantity: Quantity  # still to come
    received: Quantity = Decimal(0)
    expected_date: Text | None = None  # ISO date: promised, else order date plus lead time
    units_each: Quantity = Decimal(1)  # stock units in one unit of `quantity` and `received`

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.need_id}:{self.reference}.{self.revision}"


class ReorderAct(Message):
    """A person leaves a reorder alone until a day, or has what is missing ordered now. The fold audits it."""

    ce_type: ClassVar[str] = "reorder-act"

    location: LocationId
    sku: Sku
    act: Literal["snooze", "order_now"]
    until: Text | None = None  # ISO date, of a snooze: from that day on it is ordered again
    reason: Text | None = None
    actor: Text
    act_id: Text
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"reorder:{self.act_id}"


class CarriedDemand(Message):
    """The demand history of a superseded SKU, told to the row of its successor at the same location.

    `start` and `days` are those of streamer.domain.demand.History; `through` is the last day that is in it.
    """

    ce_type: ClassVar[str] = "carried-demand"

    location: LocationId
    sku: Sku  # the successor
    predecessor: Sku
    start: Text  # ISO date
    days: Text
    decimals: int = 0
    through: Text  # ISO date

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.location}/{self.sku}<{self.predecessor}@{self.through}"


class Hold(Message):
    """Stock that a recall forbids to hand out (or that it frees again)."""

    ce_type: ClassVar[str] = "hold"

    location: LocationId
    sku: Sku
    cause: Text
    held: bool

    def places(self) -> tuple[Place, ...]:
        return (Place("stock", stock_key(self.location, self.sku)),)

    def message_id(self) -> str:
        return f"{self.location}/{self.sku}:{self.cause}={self.held}"


class RowRelease(Message):
    """An operator has looked at a quarantined row of `fold` and lets it decide again."""

    ce_type: ClassVar[str] = "row-release"

    topic: Literal["catalogue", "orders", "stock", "recalls", "purchasing", "commands"]
    row_key: Text
    log_key: Text
    actor: Text
    act_id: Text

    def places(self) -> tuple[Place, ...]:
        return (Place(self.topic, self.log_key),)

    def message_id(self) -> str:
        return f"release:{self.act_id}"
