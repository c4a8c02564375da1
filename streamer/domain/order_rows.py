"""The row of one order with its lines, and of a customer that was seen."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from streamer.domain.record_rows import COPY, CopyRow
from streamer.domain.units import ZERO
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.applied import SettingsApplied
from streamer.messages.orders import DecisionState, Fulfilment, OrderKind, OrderState, ReferKind
from streamer.messages.stock import Follow, Purpose


class Part(msgspec.Struct, array_like=True):
    """What a stock row named: so many of a SKU for each of its own."""

    sku: str
    each: Decimal


class Ask(msgspec.Struct, omit_defaults=True):
    """What one stock row was asked for a line: the line's own SKU, or another that was named.

    Asks form a tree by their keys: what a row named stands behind its own key.
    """

    sku: str
    location: str
    quantity: Decimal
    each: Decimal = ZERO  # of it for one unit of the line; 0: the line's own
    revision: int = 0
    answered: int = 0  # decision revision, within `revision`
    state: DecisionState = "pending"
    approved: Decimal = ZERO
    waitlisted: Decimal = ZERO
    rejected: Decimal = ZERO
    reason: str | None = None
    promised: str | None = None
    referred: bool = False  # others are asked instead
    released: bool = False
    kind: ReferKind | None = None  # how the row named `parts`
    parts: list[Part] = []
    follow: Follow = "all"
    waits: bool = True  # it may be kept waiting there; else only what is there now is asked for
    stale: bool = False  # what is there now is asked for once more
    cap: Decimal | None = None  # units of the line: no more can be had here
    left: Decimal = ZERO  # units of the line that have left from here


class Line(msgspec.Struct, omit_defaults=True):
    """One line: what the platform says, and what became of it. `asks` by line key; the first is the line's own."""

    quantity: Decimal
    sku: str | None = None
    item_id: str | None = None
    location: str | None = None
    needed_by: str | None = None
    service: bool = False
    purpose: Purpose = "sale"
    cause: str | None = None  # of a line that we added: the campaign
    asks: dict[str, Ask] = {}
    shipped: Decimal = ZERO
    elsewhere: Decimal = ZERO  # of these, what left from another place, or as another SKU, than is asked now
    came_from: str | None = None  # the stock row that `left_there` were taken from, before the line asked another one
    left_there: Decimal = ZERO
    decision: DecisionState = "pending"
    fulfilment: Fulfilment = "open"
    approved: Decimal = ZERO
    waitlisted: Decimal = ZERO
    rejected: Decimal = ZERO
    reason: str | None = None
    promised: str | None = None
    refused: str | None = None  # rejected here, without asking any stock row
    sites: list[str] = []  # locations that may serve it, in this order; empty: only `location`
    sourced: bool = False  # we choose the location, the order names none
    collect: bool = False  # all locations are being asked for all, before one is chosen
    recheck: bool = False  # the other locations are being asked again
    generation: int = 0  # of the keys of its asks
    said: Fulfilment | None = None  # how far the platform says it is
    told: str | None = None  # the status that was told last
    changed_ms: int | None = None  # since when the platform knows this quantity
    service_type: str | None = None  # of the configured set
    kit: list[tuple[str, Decimal]] = []  # SKU, and how many for one unit, of the variant that was chosen
    because: str | None = None  # why these parts: the service and its variant, or the campaign
    waits_for: str | None = None  # what must be known of the vehicle before the parts can be named
    added: tuple[int, int] = (0, 0)  # of a line that we added: revision and sequence of what was said last
    asked_people: str | None = None  # the reason for which people were told last
    needs_nothing: bool = False  # work without parts
    covered: bool = False  # of a line that we added: the order has the part in a line of its own
    partial: bool = True  # it may be served in part
    back_order: bool = True  # it may wait, where its order may

    @property
    def here(self) -> Decimal:
        """How many are asked of the place and SKU of now."""
        return max(ZERO, self.quantity - self.elsewhere)

    @property
    def confirmed(self) -> bool:
        """Picked or invoiced: no shortage takes it back."""
        return self.said in ("picked", "invoiced")


class Visit(msgspec.Struct, omit_defaults=True):
    """The vehicle of an appointment as the recalls know it; the VIN is personal data and stays in this row."""

    revision: int
    location: str
    vin: str | None = None
    make: str | None = None
    model: str | None = None
    year: int | None = None
    scheduled_ms: int | None = None
    cancelled: bool = False
    engine: str | None = None
    done: list[str] = []  # campaigns that were carried out, once the vehicle has left


class Decoded(msgspec.Struct, omit_defaults=True):
    """What the VIN of the appointment stands for, as the decoder says."""

    vin: str
    make: str | None = None
    model: str | None = None
    year: int | None = None
    engine: str | None = None


class OrderRow(msgspec.Struct, omit_defaults=True):
    """An order, an appointment, or (`echo`) an object that we made ourselves."""

    version: str = ""
    kind: OrderKind = "sales_order"
    number: str | None = None
    state: OrderState = "open"
    status: str | None = None  # the platform's own word
    priority: int = 0
    all_or_nothing: bool = False
    back_order: bool = True
    location: str | None = None
    placed_ms: int | None = None
    reserved_until_ms: int | None = None  # of a cart
    cart_key: str | None = None  # of the cart that it was
    substitutes: bool = False
    recheck_ms: int | None = None  # when other locations are asked again for what waits
    visit: Visit | None = None
    lines: dict[str, Line] = {}
    asked: int = 0  # counter of the revisions of requests: never falls, so that a reopened order asks anew
    told: int = 0  # counter of the revisions of statuses
    decision: DecisionState = "pending"
    answer: str | None = None  # what the platform was told last
    answer_revision: int = 0
    answer_state: str | None = None  # what became of telling it
    answer_reason: str | None = None
    failed: str | None = None  # all or nothing: the line that was rejected
    echo: bool = False
    reference: str | None = None  # ours, where the ledger told us
    finished_ms: int | None = None
    due: int | None = None
    comes_on: str | None = None  # ISO day of the appointment, in the workshop's zone
    needed_by: str | None = None  # ISO day by which an appointment's parts must be there
    reserve_from: str | None = None  # ISO day from which they are reserved; none: at once
    expected_until_ms: int | None = None  # when an appointment of which nothing is heard counts as a no-show
    given_up: str | None = None  # the day of an appointment whose parts were given back: nobody came
    resolving: str | None = None  # the VIN that the recalls were asked about
    resolve_until_ms: int | None = None
    decoded: Decoded | None = None
    quarantined: str | None = None


class CustomerRow(msgspec.Struct, omit_defaults=True, tag="customer"):
    """A customer or lead that was seen; nothing about the person is kept."""

    version: str
    forget_ms: int
    quarantined: str | None = None


TIME = "/time/"
"""Keys of the rows that hold an account's own time begin so; no account's name is empty, so no order's does."""


class TimeRow(msgspec.Struct, omit_defaults=True, tag="time"):
    """The platform's own time: the latest that any order of the account has told. What is old is old by this clock."""

    latest_ms: int


AnyRow = OrderRow | CustomerRow | TimeRow | CopyRow | SettingsApplied

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode_order = msgspec.json.Decoder(OrderRow).decode
_decode_customer = msgspec.json.Decoder(CustomerRow).decode
_decode_time = msgspec.json.Decoder(TimeRow).decode
_decode_copy = msgspec.json.Decoder(CopyRow).decode


def read_row(key: str, value: bytes) -> AnyRow:
    """Raises msgspec's DecodeError (or pydantic's ValidationError for the settings)."""
    if key == SETTINGS_KEY:
        return SettingsApplied.from_json(value)
    if key.startswith(TIME):
        return _decode_time(value)
    if key.startswith(COPY):
        return _decode_copy(value)
    return _decode_customer(value) if value.startswith(b'{"type":"customer"') else _decode_order(value)


def write_row(row: AnyRow) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _encode(row)
