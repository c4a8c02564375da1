"""What the topic `commands` carries: what we want accounts to do, and what became of each attempt."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from streamer.messages.applied import Channel
from streamer.messages.base import (
    AccountId,
    Amount,
    CommandId,
    Currency,
    Extra,
    LocationId,
    Message,
    PersonalText,
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
from streamer.messages.orders import CustomerRecord, DecisionState, Order
from streamer.messages.people import Address, Vehicle
from streamer.messages.purchasing import Why
from streamer.messages.recalls import RemedyPart
from streamer.messages.records import Asked, ItemMatch, Match, Operation, RecordKind


class Command(Message):
    """A wish, addressed to an account. The body of one id never changes; a change is a new command.

    `object` names what it changes in the other system: commands for one object are carried out one at a time.
    """

    command_id: CommandId
    account: AccountId
    object: Text
    cause: Text

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return self.command_id


class ReorderLine(Value):
    """One line of a purchase order, with the needs it covers and the numbers that led to it."""

    line: Text
    sku: Sku
    supplier_sku: Text | None = None
    description: Text | None = None
    quantity: Quantity
    unit: Text = "EA"
    unit_price: Amount | None = None
    location: LocationId
    needed_by: Text | None = None
    need_ids: tuple[Text, ...] = ()
    why: tuple[Why, ...] = ()
    item_id: Text | None = None  # the account's id of the SKU, where it is known; else its adapter looks it up
    extra: Extra | None = None


class ReorderCommand(Command):
    """Place a purchase order with a supplier."""

    ce_type: ClassVar[str] = "reorder"

    supplier: SupplierCode
    supplier_name: Text
    address: Text | None = None  # where this supplier wants it: a mailbox, an endpoint, a vendor number
    contact: Text | None = None
    reference: Reference
    version: int = 1
    order_date: Text
    needed_by: Text | None = None
    ship_to: LocationId
    currency: Currency
    lines: tuple[ReorderLine, ...]
    reply_token: Text | None = None
    copy_of: CommandId | None = None  # a person had it sent again: marked as a copy
    note: Text | None = None
    extra: Extra | None = None


class CancelOrderCommand(Command):
    """Cancel a purchase order that was sent."""

    ce_type: ClassVar[str] = "cancel-order"

    supplier: SupplierCode
    address: Text | None = None
    reference: Reference
    external_reference: Text | None = None
    replaces: CommandId
    reason: Text
    reply_token: Text | None = None  # that of the order, where an answer comes by mail


class ChangeOrderCommand(Command):
    """Change a purchase order that was sent: `order` is the whole of it as it shall be."""

    ce_type: ClassVar[str] = "change-order"

    supplier: SupplierCode
    reference: Reference
    external_reference: Text | None = None
    replaces: CommandId  # that sent the order, or the change before
    order: ReorderCommand
    reason: Text


class AskApprovalCommand(Command):
    """Ask one person whether a purchase order may go out: with the document as it will be sent.

    An answer comes back as `Approval` with the same reference and version; nothing else is an answer.
    """

    ce_type: ClassVar[str] = "ask-approval"

    person: Text  # the id of the map of people; who that is, the process that asks knows
    channel: Channel
    supplier: SupplierCode
    reference: Reference
    version: int
    order: ReorderCommand
    worth: Text  # the total, also in the company's currency
    because: Text  # why a person is asked
    changes: tuple[Text, ...] = ()  # since the order was last shown
    urgent: bool = False  # somebody else did not answer in time
    expires_at: Utc


class RecallReplacementCommand(Command):
    """Replace a recalled part on a vehicle that has an appointment; the part is reserved or ordered with it."""

    ce_type: ClassVar[str] = "recall-replacement"

    campaign: Text
    order_id: Text
    vehicle: Vehicle
    location: LocationId
    scheduled_at: Utc | None = None
    sku: Sku
    quantity: Quantity
    remedy: Text | None = None
    parts: tuple[RemedyPart, ...] = ()  # all that this command asks for; `sku` and `quantity` are the first
    do_not_drive: bool = False


class WriteBackLine(Value):
    """What was decided about one line."""

    line_id: Text
    sku: Sku | None = None
    decision: DecisionState
    approved: Quantity
    waitlisted: Quantity
    rejected: Quantity
    reason: Text | None = None
    promised_date: Text | None = None
    extra: Extra | None = None


class WriteBackCommand(Command):
    """Tell the platform what became of its order."""

    ce_type: ClassVar[str] = "write-back"

    order_id: Text
    number: Text | None = None
    revision: int
    decision: DecisionState
    lines: tuple[WriteBackLine, ...]
    text: Text | None = None  # for people who read the order there
    extra: Extra | None = None


class RecordCommand(Command):
    """Copy a record into another system: find it by `external_reference`, `match` or `reference`, create or update it.

    `order`, `customer` and `address` hold what the route lets through, after its field map. `fields` and `line_fields`
    (by line id) are fields of the other system by its own names, to be sent as they are. The ledger adds the ids that
    it knows when the call starts. A cancellation of what is not there is done.
    """

    ce_type: ClassVar[str] = "record"

    entity: RecordKind
    operation: Operation = "upsert"
    reference: Reference  # ours; unique for each record and target
    revision: int
    order: Order | None = None  # of an order or a deal
    customer: CustomerRecord | None = None  # of a customer or a lead
    address: Address | None = None  # of an address of the customer that `customer_match` names
    fields: dict[str, PersonalText] = {}
    line_fields: dict[str, dict[str, Text]] = {}
    match: tuple[Match, ...] = ()  # of a customer or a lead, the most telling first
    match_items: ItemMatch = "sku"
    customer_match: tuple[Match, ...] = ()  # whose order or address it is
    identities: tuple[Text, ...] = ()  # hashes by which the ledger knows a customer again
    customer_identities: tuple[Text, ...] = ()  # it waits until one of these has an id there
    route: Text | None = None
    record_key: Text | None = None  # the record that wanted it: account/its id there
    external_reference: Text | None = None  # their id of it
    customer_reference: Text | None = None  # their id of its customer
    extra: Extra | None = None


class FetchCommand(Command):
    """Ask an account for an object; the answer comes back as a raw event of `resource`."""

    ce_type: ClassVar[str] = "fetch"

    resource: Text
    ids: tuple[Text, ...]
    requested_for: Text  # which row waits, for people
    sequence: int = 1  # a later try of the same question is another command
    told: Extra | None = None  # what the event said besides the ids, for people
    asked: Asked | None = None


class NotifyCommand(Command):
    """Tell people. The text names ids, never personal data."""

    ce_type: ClassVar[str] = "notify"

    subject: Text
    text: Text
    severity: Literal["information", "warning", "urgent"]
    link: Text | None = None
    notices: tuple[Extra, ...] = ()  # the same for machines: one or several notices as named facts


class StockChange(Value):
    """One level to set, or to change by `delta`."""

    sku: Sku | None = None
    item_id: Text | None = None
    location: LocationId | None = None
    quantity: SignedQuantity | None = None
    delta: SignedQuantity | None = None
    quantity_before: SignedQuantity | None = None  # refused when the platform has another by now


class StockCommand(Command):
    """Set or change levels that a platform keeps, e.g. when parts were received."""

    ce_type: ClassVar[str] = "set-stock"

    changes: tuple[StockChange, ...]
    reason: Text | None = None
    reference: Text | None = None
    extra: Extra | None = None


AnyCommand = (
    ReorderCommand
    | CancelOrderCommand
    | ChangeOrderCommand
    | AskApprovalCommand
    | RecallReplacementCommand
    | WriteBackCommand
    | RecordCommand
    | FetchCommand
    | NotifyCommand
    | StockCommand
)

AttemptResult = Literal[
    "confirmed",  # done, `external_reference` if there is one
    "rejected",  # refused for good
    "unknown",  # it may have been done
    "not_started",  # no byte was sent
    "retry_later",  # the other side promises that nothing was done
    "found",  # a look-up found it
    "not_found",  # a look-up is sure that it is not there
    "unsupported",  # the platform has no such call
]


class AttemptOutcome(Message):
    """What became of one attempt of a command (or of one look-up for it)."""

    ce_type: ClassVar[str] = "attempt-outcome"

    account: AccountId
    command_id: CommandId
    attempt: int
    result: AttemptResult
    external_reference: Text | None = None
    reason: Text | None = None
    retry_after_seconds: float | None = None
    evidence: dict[str, Text] = {}
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.command_id}/{self.attempt}:{self.result}"


class CommandStatus(Message):
    """Another fold saw a sign of life of what a command made: an unknown outcome becomes a confirmed one."""

    ce_type: ClassVar[str] = "command-status"

    account: AccountId
    command_id: CommandId
    state: Literal["confirmed", "rejected"]
    external_reference: Text | None = None
    reason: Text | None = None
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.command_id}:{self.state}:{self.external_reference or ''}"


class OperatorAct(Message):
    """What a person decided about a command that no machine can decide."""

    ce_type: ClassVar[str] = "operator-act"

    account: AccountId
    command_id: CommandId
    act: Literal["confirm", "reject", "send_again"]
    reason: Text
    actor: Text
    act_id: Text
    external_reference: Text | None = None
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.command_id}:{self.act_id}"


class PollAct(Message):
    """A person has an account looked at now, or its polls stopped and taken up again. The fold audits it."""

    ce_type: ClassVar[str] = "poll-act"

    account: AccountId
    resource: Text | None = None  # None: every poll of the account that comes round
    act: Literal["look_now", "pause", "resume"]
    reason: Text | None = None
    actor: Text
    act_id: Text
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"poll:{self.act_id}"


class PollMoved(Message):
    """A poll's pages are on the raw topic: its cursor may move, and when to look again."""

    ce_type: ClassVar[str] = "poll-moved"

    account: AccountId
    resource: Text
    sequence: int  # of the poll that ended; an older one changes nothing
    cursor: dict[str, Text]
    records: int
    error: Text | None = None
    at: Utc

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.account}/{self.resource}:{self.sequence}"


class SecretKept(Message):
    """Something that the owner of an account keeps for its calls, e.g. a refresh token. `sealed` is ciphertext."""

    ce_type: ClassVar[str] = "secret-kept"

    account: AccountId
    name: Text
    sealed: Annotated[str, StringConstraints(max_length=32_000)] | None = None  # None: it is forgotten
    expires_at: Utc | None = None
    at: Utc  # the younger one stands

    def places(self) -> tuple[Place, ...]:
        return (Place("commands", self.account),)

    def message_id(self) -> str:
        return f"{self.account}/{self.name}@{self.at.isoformat()}"
