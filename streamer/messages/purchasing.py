"""What the log `purchasing` carries: needs of stock, approvals by people, and what suppliers answer."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from streamer.messages.applied import Channel
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
    SignedQuantity,
    Sku,
    SupplierCode,
    Text,
    Utc,
    Value,
)
from streamer.messages.ids import supplier_of


class WhyJob(Value):
    """A job that waits for the part: which appointment or order, and why this part."""

    line_key: Text
    because: Text | None = None  # the service and its variant, or the campaign
    needed_by: Text | None = None  # ISO date
    quantity: Quantity


class Why(Value):
    """The numbers that led to a quantity: what was there, what the policy says, the rounding, who was not taken."""

    on_hand: SignedQuantity
    reserved: Quantity
    waitlisted: Quantity
    incoming: Quantity  # arrives within the lead time
    incoming_later: Quantity
    safety: Quantity
    projected: SignedQuantity
    reorder_point: Quantity
    order_up_to: Quantity
    trigger: Text
    wanted: Quantity  # before rounding
    rounding: tuple[Text, ...]  # one step each, in words
    lead_time_days: int
    supplier: SupplierCode
    alternative: Text | None = None  # the supplier not taken, and why
    cause: Text  # what set it off
    policy: Text | None = None  # its kind
    decision: Text | None = None  # what the policy says, in words
    safety_words: Text | None = None
    demand: Text | None = None  # where the expected demand comes from
    expected_demand: Quantity | None = None  # until an order placed now arrives
    lead_time: Text | None = None  # how many days, and where they come from
    arrival: tuple[Text, ...] = ()  # cut-off, holidays, closed days: why it is not sooner
    supplier_words: Text | None = None  # the supplier taken, and why
    landed_cost: Amount | None = None  # of all lots, in `currency`
    currency: Currency | None = None  # the company's
    runs_out: Text | None = None  # ISO date, before an order placed now arrives
    covers_until: Text | None = None  # ISO date
    lots: tuple[Quantity, ...] = ()  # several orders, where one would pass the supplier's largest
    notes: tuple[Text, ...] = ()  # what was left out or counts although it is late
    jobs: tuple[WhyJob, ...] = ()  # appointments that wait for the part


class Need(Message):
    """A stock row needs parts from a supplier. Its id comes from the row's own counter."""

    ce_type: ClassVar[str] = "need"

    need_id: Text  # need:<location>/<sku>/<counter>
    supplier: SupplierCode
    sku: Sku
    location: LocationId
    quantity: Quantity  # in `unit`
    unit: Text
    supplier_sku: Text | None = None
    description: Text | None = None
    unit_price: Amount  # for one `unit`
    currency: Currency
    units_each: Quantity = Decimal(1)  # stock units in one `unit`
    maximum_lot: Quantity | None = None  # of one order, in `unit`
    lead_time_days: int
    needed_by: Text | None = None  # ISO date
    automatic: bool
    at: Utc
    why: Why

    def places(self) -> tuple[Place, ...]:
        return (Place("purchasing", self.supplier),)

    def message_id(self) -> str:
        return self.need_id


Decision = Literal[
    "approve",
    "change",  # before it is sent
    "reject",
    "cancel",  # what was sent already
    "amend",  # change what was sent already
    "amend_agreed",  # a supplier who takes changes by letter agreed to it
    "amend_refused",
    "close",  # what has not come is no longer expected
]


class Approval(Message):
    """What a person decided about a purchase order, bound to the version that was on the screen.

    An adapter that hears a person's answer gives this: `channel` with the id by which it knows the person as `actor`
    (a Slack user id), its `account`, reference and version of the `AskApprovalCommand` that was shown, and an `act_id`
    made from the platform's own id of the act. Who that is, and whether they may, the fold finds out.
    """

    ce_type: ClassVar[str] = "approval"

    supplier: SupplierCode
    reference: Reference
    version: int
    decision: Decision
    quantities: dict[str, Quantity] = {}  # line -> new quantity, for `change` and `amend`
    reason: Text | None = None
    actor: Text  # the login, the id of the person whom a mailed link was made for, or the Slack user id
    act_id: Text  # the same act sent twice counts once
    at: Utc
    channel: Channel = "console"
    account: AccountId | None = None  # that heard it, where it was neither the console nor a link
    told: dict[str, Text] = {}  # what else the platform said of the act, for people

    def places(self) -> tuple[Place, ...]:
        return (Place("purchasing", self.supplier),)

    def message_id(self) -> str:
        return f"{self.reference}.{self.version}:{self.act_id}"


SupplierState = Literal[
    "received",  # they have it and look at it
    "accepted",
    "accepted_with_changes",
    "rejected",
    "partly_shipped",
    "shipped",
    "partly_delivered",
    "delivered",
    "invoiced",
    "cancelled",
    "delayed",  # the mail waits; no failure
    "bounced",  # the mail never arrived
    "replied",  # free text: a person must read it
]


class SupplierPart(Value):
    """A part of a line that has a date or status of its own."""

    quantity: Quantity
    status: Text | None = None
    promised_date: Text | None = None  # ISO date
    due_at: Utc | None = None  # the same to the minute, where the supplier says it


class SupplierLine(Value):
    """What the supplier says about one line; several for one line when it is split, or its parts."""

    line: Text | None = None
    sku: Sku | None = None
    supplier_sku: Text | None = None
    quantity: Quantity | None = None
    unit: Text | None = None
    unit_price: Amount | None = None
    back_order_quantity: Quantity | None = None
    status: Text | None = None
    promised_date: Text | None = None  # ISO date
    ship_date: Text | None = None
    parts: tuple[SupplierPart, ...] = ()  # they come to `quantity`


class Buyer(Value):
    """Our own account at a supplier: a company, no person."""

    id: Text | None = None
    name: Text | None = None
    email: Text | None = None


class SupplierStatus(Message):
    """An answer or status about a purchase order of ours, from a webhook, a poll or a mail.

    Goes to the supplier's row by the code in our reference; without one to the ledger, which knows the other side's id.
    """

    ce_type: ClassVar[str] = "supplier-status"

    account: AccountId
    platform: Text
    source_id: Text  # the document's own id
    reference: Text | None = None  # ours
    external_reference: Text | None = None  # theirs
    state: SupplierState
    status: Text | None = None  # their own word
    occurred_at: Utc | None = None
    occurred_date: Text | None = None  # where no zone is given
    sequence: int | None = None
    lines: tuple[SupplierLine, ...] = ()
    currency: Currency | None = None
    total: Amount | None = None
    sender: Text | None = None  # a supplier's address, not a private person's
    verified: bool = True  # False: a person must look before anything changes
    unverified_reason: Text | None = None
    authentication: dict[str, Text] = {}
    in_reply_to: Text | None = None
    recipient: Text | None = None
    recipient_token: Text | None = None
    original_message_id: Text | None = None
    envelope_id: Text | None = None
    smtp_status: Text | None = None
    permanent: bool | None = None
    text: Text | None = None
    adds_up: bool = False  # quantities are of this document alone (`source_id`), not of all so far
    buyer: Buyer | None = None  # as whom the supplier knows us
    store: Text | None = None  # the supplier's branch

    def places(self) -> tuple[Place, ...]:
        supplier = supplier_of(self.reference) if self.reference else None
        return (Place("purchasing", supplier) if supplier else Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.account}/{self.source_id}"


class ReceivedLine(Value):
    """So many of a line arrived."""

    line: Text
    quantity: Quantity


class GoodsReceipt(Message):
    """Goods of a purchase order arrived at our door, as somebody or a warehouse counted them; one delivery of several.

    Receipts add up by their id: the same one twice counts once.
    """

    ce_type: ClassVar[str] = "goods-receipt"

    supplier: SupplierCode
    reference: Reference
    receipt_id: Text
    lines: tuple[ReceivedLine, ...]
    actor: Text
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("purchasing", self.supplier),)

    def message_id(self) -> str:
        return f"{self.reference}:{self.receipt_id}"


class PurchaseOrderOutcome(Message):
    """What the ledger knows about the sending of a purchase order."""

    ce_type: ClassVar[str] = "purchase-order-outcome"

    supplier: SupplierCode
    reference: Reference
    command_id: CommandId
    state: Literal[
        "sent",
        "confirmed",
        "rejected",
        "unknown",
        "human",
        "cancelled",
        "cancel_refused",
        "changed",
        "change_sent",  # by letter: that it was taken says nothing about the order
        "change_refused",
    ]
    external_reference: Text | None = None
    reason: Text | None = None
    evidence: dict[str, Text] = {}
    revision: int = 0  # of the ledger's reports about this command
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("purchasing", self.supplier),)

    def message_id(self) -> str:
        return f"{self.command_id}:{self.state}.{self.revision}"
