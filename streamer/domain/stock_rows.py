"""The row of one SKU at one location. Names are short in JSON because there are millions of rows."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from streamer.domain.demand import History
from streamer.domain.economic import PriceScheme
from streamer.domain.expectation import Demand
from streamer.domain.policies import AnyPolicy
from streamer.domain.safety import SafetyRule
from streamer.domain.supplier_choice import SupplierChoice
from streamer.domain.units import ZERO
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.applied import SettingsApplied

BESIDE = "/"
"""Keys of rows that stand beside a stock row begin so; no location is empty, so no stock row does."""
ONE = Decimal(1)
MOVED = "/moved/"
DEMAND = "/demand/"
CARRIED = "/carried/"
PATTERN = "/pattern/"


class Line(msgspec.Struct, gc=False, omit_defaults=True, rename={
    "quantity": "q", "short": "x", "waiting": "w", "shipped": "s", "revision": "r", "decision": "d", "priority": "p",
    "partial": "f", "back_order": "b", "order_length": "k", "placed_ms": "t", "early": "e", "changed_ms": "u",
    "needed_by": "n", "expires_ms": "z", "promised": "m", "because": "y", "service": "v", "reserve_from": "l",
    "told_short": "o", "confirmed": "c",
}):  # fmt: skip
    """An order line that holds stock or waits for it; its key begins with the account."""

    quantity: Decimal
    short: Decimal = ZERO  # not granted: waiting and rejected together
    waiting: Decimal = ZERO
    shipped: Decimal = ZERO
    revision: int = 1
    decision: int = 1
    priority: int = 0
    partial: bool = True
    back_order: bool = True
    order_length: int = 0  # of the order's key within the line's key; 0: up to the last slash
    placed_ms: int | None = None  # kept where the platform counts `available`
    early: Decimal | None = None  # how many were asked for at `placed_ms`, where more were asked for at `changed_ms`
    changed_ms: int = 0
    needed_by: str | None = None
    expires_ms: int | None = None
    promised: str | None = None
    because: str | None = None  # of a job: the service and its variant, or the campaign
    service: str | None = None  # of the configured set
    reserve_from: str | None = None  # ISO date; while it is there nothing is reserved for the job
    told_short: str | None = None  # needed and promised day of which people know that the part comes too late
    confirmed: bool = False

    @property
    def granted(self) -> Decimal:
        return self.quantity - self.short

    @property
    def open(self) -> Decimal:
        """Granted and still on the shelf."""
        return self.quantity - self.short - self.shipped


class Wait(msgspec.Struct, gc=False, array_like=True):
    """A place on the waitlist; one line has two when it asked for more later."""

    line_key: str
    quantity: Decimal
    priority: int


class Change(msgspec.Struct, gc=False, array_like=True):
    """A change of the stock that the level at hand does not count yet."""

    at_ms: int
    delta: Decimal


class Finished(msgspec.Struct, gc=False, array_like=True):
    """A line or a need that is done: what may still come of it must change nothing."""

    revision: int
    quantity: Decimal  # shipped, or received
    at_ms: int
    source: str | None = None  # of the last event about it: forgotten when the sender cannot repeat it
    offset: int = 0


class Open(msgspec.Struct, omit_defaults=True, rename={
    "quantity": "q", "supplier": "s", "revision": "r", "reference": "f", "received": "g", "expected": "e",
    "late_told": "l", "ordered_day": "d",
}):  # fmt: skip
    """A need of this row, or another order for its SKU, that the supplier has not delivered yet; in stock units."""

    quantity: Decimal
    supplier: str
    revision: int = -1  # -1: not yet heard of by purchasing
    reference: str | None = None
    received: Decimal = ZERO
    expected: str | None = None  # ISO date
    late_told: str | None = None  # the date of which people know that it is late
    ordered_day: int = 0  # ordinal of the day on which it went out; 0: not yet


class Part(msgspec.Struct, array_like=True):
    sku: str
    quantity_each: Decimal


class Facts(msgspec.Struct, omit_defaults=True):
    """What one source knows about the SKU."""

    version: str
    description: str | None = None
    kit: list[Part] = []
    superseded_by: str | None = None
    alternatives: list[str] = []
    part_number: str | None = None
    superseded_from: str | None = None  # ISO date
    superseded_each: Decimal = ONE
    use_up: bool = True
    older: list[str] = []
    shares: dict[str, Decimal] = {}  # account -> of what is available


class Policy(msgspec.Struct, omit_defaults=True, rename={
    "version": "v", "reorder_point": "min", "order_up_to": "max", "trigger": "t", "rounding": "r", "safety": "s",
    "automatic": "a", "lead_time_days": "l", "rule": "k", "safety_rule": "sr", "choice": "c", "demand": "d",
    "follow_demand": "f", "snoozed_until": "z", "levels_day": "ld", "nothing_at": "n", "done_day": "dd",
    "raised": "ra", "raised_because": "rb",
}):  # fmt: skip
    """When and how much. A plain min/max policy is its two levels; with a `rule`, they are what the rule says today."""

    version: int
    reorder_point: Decimal
    order_up_to: Decimal
    trigger: str = "below"
    rounding: str = "up"
    safety: Decimal = ZERO
    automatic: bool = False
    lead_time_days: int | None = None
    rule: AnyPolicy | None = None
    safety_rule: SafetyRule | None = None
    choice: SupplierChoice = "primary"
    demand: Demand | None = None
    follow_demand: bool = False
    snoozed_until: str | None = None  # ISO date
    levels_day: int = 0  # ordinal of the day for which the rule's levels were worked out; 0: they are not known yet
    nothing_at: Decimal | None = None  # covered so far a close look ordered nothing: it looks again when it is less
    done_day: int = 0  # of a periodic review or a last buy: the day on which it ordered
    raised: Decimal = ZERO  # of both levels: for services that the pattern of weeks lets expect
    raised_because: str | None = None

    @property
    def is_plain(self) -> bool:
        """The levels are given, and nothing has to be worked out."""
        return self.rule is None


class PriceStep(msgspec.Struct, array_like=True):
    """From so many purchase units on, this price for each."""

    minimum_quantity: Decimal
    unit_price: Decimal
    maximum_quantity: Decimal | None = None


class Offer(msgspec.Struct, omit_defaults=True, rename={
    "version": "v", "unit_price": "p", "currency": "c", "unit": "u", "supplier_sku": "s", "minimum_quantity": "q",
    "order_multiple": "m", "lead_time_days": "l", "rank": "r", "withdrawn": "w", "price_breaks": "b",
    "price_scheme": "ps", "maximum_lot": "x", "units_each": "e", "valid_from": "f", "valid_until": "t",
    "working_days": "wd", "freight_per_order": "fo", "freight_per_unit": "fu", "duty_rate": "d",
}):  # fmt: skip
    """What a supplier asks; prices and quantities are of one purchase unit."""

    version: int
    unit_price: Decimal
    currency: str
    unit: str = "EA"
    supplier_sku: str | None = None
    minimum_quantity: Decimal = ZERO
    order_multiple: Decimal | None = None
    lead_time_days: int | None = None
    rank: int = 1
    withdrawn: bool = False
    price_breaks: list[PriceStep] = []
    price_scheme: PriceScheme = "all_units"
    maximum_lot: Decimal | None = None
    units_each: Decimal | None = None
    valid_from: str | None = None  # ISO date
    valid_until: str | None = None
    working_days: bool = False  # the lead time counts the supplier's working days
    freight_per_order: Decimal = ZERO
    freight_per_unit: Decimal = ZERO
    duty_rate: Decimal = ZERO


class StockRow(msgspec.Struct, gc=False, omit_defaults=True, rename={
    "known": "k", "counted": "ct", "level": "l", "as_of_ms": "a", "counts": "c",
    "level_account": "n", "changes": "g", "changed": "h",
    "reserved": "r", "committed": "cm", "committed_granted": "cg", "lines": "i", "queue": "w", "incoming": "o",
    "arrived": "ar", "facts": "f", "policy": "p", "offers": "s", "reorder_seq": "rs", "holds": "hd", "holding": "pn",
    "finished": "x", "check_ms": "ck", "due": "d", "no_need_before_ms": "nb", "quarantined": "qr",
    "asked": "ad", "asked_day": "ay", "receipts": "rd", "unable": "ub", "snoozed_until": "sn",
    "booked": "bk", "uncovered": "uc",
}):  # fmt: skip
    """What lies there, who has been promised it, who waits, what comes, and when to order more.

    `reserved`, `committed`, `committed_granted` and `changed` are sums over `lines` and `changes`, kept at each change.
    """

    known: bool = False
    counted: bool = False  # some level, movement or receipt has said what lies there
    level: Decimal = ZERO
    as_of_ms: int = 0  # 0: no level has ever come
    counts: str = "on_hand"
    level_account: str | None = None
    changes: list[Change] = []
    changed: Decimal = ZERO
    reserved: Decimal = ZERO
    committed: Decimal = ZERO  # wanted by lines that an `available` level has taken off already
    committed_granted: Decimal = ZERO
    lines: dict[str, Line] = {}
    queue: list[Wait] = []
    incoming: dict[str, Open] = {}
    arrived: list[Change] = []  # delivered, but in no level yet: not promised, not ordered again
    facts: dict[str, Facts] = {}
    policy: Policy | None = None
    offers: dict[str, Offer] = {}
    reorder_seq: int = 0
    holds: list[str] = []
    holding: str | None = None  # the part number that the recalls know of
    finished: dict[str, Finished] = {}
    check_ms: int | None = None  # next daily reconciliation
    due: int | None = None
    no_need_before_ms: int = 0
    quarantined: str | None = None
    asked: Decimal = ZERO  # demand of `asked_day`, until that day ends
    asked_day: int = 0  # ordinal in the location's zone; 0: nothing was asked since the last day that ended
    receipts: dict[str, list[int]] = {}  # supplier -> days that its last deliveries took
    snoozed_until: str | None = None  # ISO date: a person wants nothing to be ordered until then
    unable: str | None = None  # why nothing can be ordered, as people were told
    booked: list[str] = []  # keys of lines of jobs for which nothing is reserved yet
    uncovered: Decimal = ZERO  # of confirmed reservations, what is not there and people know of

    @property
    def on_hand(self) -> Decimal:
        """What lies there as far as the accepted facts say."""
        return self.level + self.changed + self.committed

    @property
    def safety(self) -> Decimal:
        return self.policy.safety if self.policy is not None else ZERO


class MovedRow(msgspec.Struct, omit_defaults=True):
    """A movement that has been counted; remembered until it cannot come again."""

    forget_ms: int


class DemandRow(
    msgspec.Struct, omit_defaults=True, rename={"history": "h", "through": "t", "carried": "c", "handed": "s"}
):
    """The demand of one SKU at one location day by day; touched once a day.

    The histories of SKUs that it supersedes stand in rows of their own: theirs are `demand_key(key, predecessor)`.
    """

    history: History = History()
    through: int = 0  # ordinal of the last day that is in it
    carried: list[str] = []  # predecessors
    handed: str | None = None  # successor, and `through` of what it was given


class PatternRow(msgspec.Struct, omit_defaults=True, rename={"first": "f", "services": "s"}):
    """How many of a part each service type needed, week by week; touched when a job is booked, moved or called off."""

    first: int = 0  # number of the first week
    services: dict[str, list[Decimal]] = {}


AnyRow = StockRow | MovedRow | DemandRow | PatternRow | SettingsApplied


def pattern_key(key: str) -> str:
    """Key of the row with the services of a stock row."""
    return f"{PATTERN}{key}"


def demand_key(key: str, predecessor: str | None = None) -> str:
    """Key of the row with the demand of a stock row, or with that of a SKU which it supersedes."""
    return f"{DEMAND}{key}" if predecessor is None else f"{CARRIED}{key} < {predecessor}"


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode_stock = msgspec.json.Decoder(StockRow).decode
_decode_moved = msgspec.json.Decoder(MovedRow).decode
_decode_demand = msgspec.json.Decoder(DemandRow).decode
_decode_pattern = msgspec.json.Decoder(PatternRow).decode


def read_row(key: str, value: bytes) -> AnyRow:
    """Raises msgspec's DecodeError (or pydantic's ValidationError for the settings)."""
    if key == SETTINGS_KEY:
        return SettingsApplied.from_json(value)
    if not key.startswith(BESIDE):
        return _decode_stock(value)
    if key.startswith(PATTERN):
        return _decode_pattern(value)
    return _decode_moved(value) if key.startswith(MOVED) else _decode_demand(value)


def write_row(row: AnyRow) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _encode(row)
