"""Rows of purchasing: suppliers, their purchase orders, and which needs were seen.

Keys: `<code>` (counter and open drafts), `<code>/<reference>` (one order), `<code>/need/<location>/<sku>` (one stock
row).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from streamer.domain.supplier_answers import Facts
from streamer.domain.view import SETTINGS_KEY, View
from streamer.messages.applied import Channel, SettingsApplied
from streamer.messages.status import PurchaseOrderState


class SupplierRow(msgspec.Struct, tag="supplier", omit_defaults=True):
    """A supplier: the number of its last order, and the drafts that still collect needs."""

    counter: int = 0
    drafts: dict[str, str] = {}  # group -> reference
    quarantined: str | None = None


class NeedRow(msgspec.Struct, tag="need", omit_defaults=True):
    """The last needs of one stock row, so that a repeated one is known."""

    seen: dict[str, int] = {}  # need id -> its time in milliseconds
    forgotten: int = 0  # the highest counter that is no longer among them
    reference: str = ""
    ask_until_ms: int | None = None  # its last order was refused: until then a person approves the next
    paid: Decimal | None = None  # the price in the last order that went out
    paid_currency: str = ""
    quarantined: str | None = None


class CoveredNeed(msgspec.Struct, omit_defaults=True):
    """A need that an order line covers, with the numbers that led to it (until the order is sent)."""

    need_id: str
    quantity: Decimal
    lead_time_days: int
    needed_by: str | None = None
    why: dict[str, Any] | None = None
    units_each: Decimal = Decimal(1)  # stock units in one unit of the order


class OrderedLine(msgspec.Struct, omit_defaults=True):
    """One SKU of a purchase order."""

    line: str
    sku: str
    location: str
    quantity: Decimal
    unit_price: Decimal
    unit: str = "EA"
    supplier_sku: str | None = None
    description: str | None = None
    needs: list[CoveredNeed] = []

    def needed_by(self) -> str | None:
        return min((need.needed_by for need in self.needs if need.needed_by), default=None)


class GivenApproval(msgspec.Struct, omit_defaults=True):
    """Somebody approved the version that the order has now."""

    person: str
    tier: int
    at_ms: int
    channel: Channel = "console"


class ShownLine(msgspec.Struct, omit_defaults=True):
    """A line as people were shown it last."""

    line: str
    sku: str
    quantity: Decimal
    unit_price: Decimal


class Amendment(msgspec.Struct, omit_defaults=True):
    """A change of a sent order that the supplier has not agreed to yet."""

    command_id: str
    quantities: dict[str, Decimal]
    actor: str
    sent: bool = False  # as a letter: his word is awaited


class OrderRow(msgspec.Struct, tag="order", omit_defaults=True):
    """A purchase order. Once it is sent, `state` is what `facts` say."""

    supplier: str = ""
    reference: str = ""
    version: int = 1
    state: PurchaseOrderState = "draft"
    location: str = ""
    currency: str = ""
    automatic: bool = False
    group: str = ""
    lines: list[OrderedLine] = []
    order_date: str = ""
    created_ms: int = 0
    window_until_ms: int | None = None
    waits_for: str | None = None  # why the draft has not gone out though its window is over
    waits_until_ms: int | None = None
    because: str | None = None  # why a person is asked
    approvals: list[GivenApproval] = []
    changed_by: str | None = None
    asked: list[str] = []  # people who were asked about this version
    rounds: int = 0  # how often people were asked
    deadline_ms: int | None = None
    shown: list[ShownLine] = []  # what the version before was, where people were shown one
    sent_ms: int | None = None
    watch_ms: int | None = None  # when to look whether it is late
    late_since: str | None = None
    account: str | None = None  # the supplier's, when it was sent
    command_id: str | None = None
    cancel_id: str | None = None  # of the command that cancels it
    cancels: int = 0  # how often that was refused
    amendment: Amendment | None = None
    amendments: int = 0
    reply_token: str | None = None
    facts: Facts = Facts()
    reason: str | None = None
    evidence: dict[str, str] = {}
    remarks: list[str] = []  # answers that nobody may act on but a person
    noticed: list[str] = []  # what people were told, so that they are told once
    conflict: str | None = None
    told_ledger: bool = False
    acts: list[str] = []
    revision: int = 0
    forget_ms: int | None = None
    quarantined: str | None = None

    def sent(self) -> bool:
        return self.command_id is not None

    def total(self) -> Decimal:
        """The sum of all lines; to four places, since quantities and prices may have more than an amount can carry."""
        exact = sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))
        return exact if -int(exact.as_tuple().exponent) <= 4 else exact.quantize(Decimal("0.0001"))


Row = SupplierRow | NeedRow | OrderRow
Rows = View[Row | SettingsApplied]

_DECODER: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder(decimal_format="string")


def order_row_key(supplier: str, reference: str) -> str:
    return f"{supplier}/{reference}"


def need_row_key(supplier: str, location: str, sku: str) -> str:
    return f"{supplier}/need/{location}/{sku}"


def empty_row(key: str) -> Row:
    """A row of the kind that belongs to `key`, with nothing in it."""
    parts = key.split("/", 2)
    if len(parts) == 1:
        return SupplierRow()
    return NeedRow() if parts[1] == "need" else OrderRow(supplier=parts[0], reference=parts[1], state="cancelled")


def read_row(key: str, value: bytes) -> Row | SettingsApplied:
    """Raises msgspec.DecodeError or pydantic's ValidationError."""
    return SettingsApplied.from_json(value) if key == SETTINGS_KEY else _DECODER.decode(value)


def write_row(row: Row | SettingsApplied) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _ENCODER.encode(row)


def due_ms(row: Row | SettingsApplied) -> int | None:
    """A draft's window closes, nobody approved in time, a sent order is late, a finished one may be forgotten."""
    if not isinstance(row, OrderRow) or row.quarantined is not None:
        return None
    if row.state == "draft":
        return row.window_until_ms
    if row.state == "awaiting_approval":
        return row.deadline_ms
    return row.forget_ms if row.forget_ms is not None else row.watch_ms
