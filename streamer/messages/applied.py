"""The settings that every partition must know, broadcast by `streamer apply` to each partition of each log."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from streamer.messages.base import (
    AccountId,
    Amount,
    Currency,
    LocationId,
    Message,
    Place,
    Quantity,
    Sku,
    SupplierCode,
    Text,
    Value,
)
from streamer.messages.records import RecordKind, RouteFacts
from streamer.messages.services import ServiceType, Workshop
from streamer.messages.stock import Counts

SinkClass = Literal["A", "B", "C"]
Channel = Literal["console", "email", "slack"]
"""By which way a person is known: a login of the console, a mail address, an id of Slack."""


class AccountFacts(Value):
    """What folds must know of an account. Its secrets and addresses never leave the process that calls it."""

    platform: Text
    purchase_orders: Literal["demand", "supply"] = "demand"
    authority: tuple[LocationId, ...] = ()  # locations whose levels it may set
    counts: Counts = "on_hand"
    default_location: LocationId | None = None
    write_back: bool = False  # the platform can be told, and the account wants it
    sink_class: SinkClass | None = None
    polls: dict[str, float] = {}  # resource -> seconds between two looks
    request_timeout_seconds: float = 20.0
    visibility_seconds: float = 5.0  # until what was made can be found by a look-up
    key_lifetime_seconds: float = 86_400.0  # class A: how long the other side remembers an idempotency key
    attempts: int = 5  # automatic ones; then a person
    cancels_orders: bool = True  # a purchase order that was sent can be cancelled there, or a letter can ask for it
    changes_orders: bool = False  # the same for a change
    asks_by: Channel | None = None  # it can ask a person to approve: what it knows people by
    record_class: SinkClass | None = None  # of copied records: A has an upsert, B finds before it creates, C neither
    backfills: dict[RecordKind, Text] = {}  # kind of record -> the resource that can be read again


class CalendarFacts(Value):
    """Days on which a supplier takes and ships orders (streamer.domain.calendars says what each field means)."""

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    country: Text | None = None  # ISO 3166: brings its public holidays
    subdivision: Text | None = None
    closed: tuple[Text, ...] = ()  # ISO dates
    open: tuple[Text, ...] = ()
    cut_off: Text | None = None  # local time, HH:MM
    time_zone: Text = "UTC"


class SupplierFacts(Value):
    """How a supplier is reached, and what may go out without approval."""

    name: Text
    account: AccountId
    address: Text | None = None
    contact: Text | None = None
    currency: Currency
    automatic: bool = False  # every item of this supplier is confirmed for automatic reorder
    window_seconds: float = 0.0  # needs that come within it go into one order
    approval_limit: Amount | None = None  # in `currency`; above it a person is asked even for automatic items
    senders: tuple[Text, ...] = ()  # addresses or domains whose mail may answer for this supplier
    calendar: CalendarFacts | None = None
    until_cut_off: bool = False  # needs are collected until the calendar's cut-off instead of for `window_seconds`
    before_cut_off_seconds: float = 900.0  # so much earlier the order goes out, to be there in time
    minimum_order: Amount | None = None  # value in `currency` below which the supplier takes no order
    freight_free_from: Amount | None = None  # value in `currency` from which he delivers free
    wait_seconds: float = 0.0  # how long an order below either may wait for more
    price_tolerance_percent: Amount = Decimal(0)  # a price may differ so far before a person is asked
    answer_within_seconds: float | None = None  # no word from him for so long: people are told
    overdue_days: int = 0  # so many days after the promised date people are told
    lead_time_days: int | None = None  # where an offer has none of its own


class PersonFacts(Value):
    """Somebody who may be asked to approve: how they are known, and what they may approve.

    Names and mail addresses stay with the processes that have the settings.
    """

    console: Text | None = None  # login
    email: bool = False  # there is an address, so a link can be mailed
    slack: Text | None = None  # user id
    tier: int = 1
    limit: Amount | None = None  # in the company's currency; None: any amount
    suppliers: tuple[SupplierCode, ...] = ()  # none: all
    sku_classes: tuple[Text, ...] = ()  # none: all


class ApprovalRule(Value):
    """Which orders need whom. Every rule that fits must be satisfied; an order that none fits needs any one person."""

    name: Text
    above: Amount = Decimal(0)  # in the company's currency
    suppliers: tuple[SupplierCode, ...] = ()  # none: all
    sku_classes: tuple[Text, ...] = ()  # none: all; else one line of such a class is enough
    tier: int = 1  # somebody of this tier or a higher one
    four_eyes: bool = False  # two people, neither of whom changed the order last
    even_automatic: bool = False  # also where the item or supplier is confirmed for automatic reorder
    deadline_seconds: float | None = None  # None: the general one


class RateFacts(Value):
    """From `day` on one unit of `currency` is `rate` units of the company's."""

    currency: Currency
    day: Text  # ISO date
    rate: Amount


SourcingRule = Literal[
    "rank",  # the location with the lowest rank first
    "nearest",  # the shortest way to the customer first
    "most_stock",  # the location that can give most of the order first
    "fewest_splits",  # as few locations as can give as much as all together; then by rank
]
WaitlistRule = Literal[
    "first_come",  # strictly in the order in which lines came, the highest priority first: a large head blocks
    "best_fit",  # the line that uses up most of what is there; not first come
]
ShortageRule = Literal[
    "youngest_unconfirmed",  # carts, then the youngest of the lowest priority; never what is picked or invoiced
    "tell_only",  # nothing is taken back, people decide
]


class SalesChannel(Value):
    """How the orders of one account are served."""

    all_or_nothing: bool = False  # for every order of the account; else as the order says
    back_orders: bool = True  # off: what is not there is rejected
    substitutes: bool = False  # alternatives of an item may be given for it
    share: Quantity = Decimal(1)  # of what is available, what the account's orders may hold at most
    buffer: Quantity = Decimal(0)  # of each item at each location: the last ones are not for this channel
    sourcing: SourcingRule = "rank"
    locations: tuple[LocationId, ...] = ()  # that serve the account, by rank; none: the order's or the default one
    cart_minutes: float = 30.0  # how long a cart reserves


class AllocationRules(Value):
    """Who gets what, for all channels."""

    waitlist: WaitlistRule = "first_come"
    shortage: ShortageRule = "youngest_unconfirmed"
    priorities: dict[Text, int] = {}  # class or group of customers -> priority; higher goes first
    customers: dict[Text, Text] = {}  # account/customer id -> class
    distances_km: dict[Text, dict[LocationId, float]] = {}  # DE-80 (country and begin of postal code) or DE -> way
    recheck_minutes: float = 15.0  # how often the other locations are asked again for what waits at one
    channels: dict[AccountId, SalesChannel] = {}


class SettingsApplied(Message):
    """One act of `streamer apply`: the whole, with its hash and revision. A tombstone of no kind exists."""

    ce_type: ClassVar[str] = "settings-applied"

    revision: int
    hash: Text
    partitions: int = 0  # of each fold's log; 0: not known, so nothing is done that one partition alone may do
    rules: int  # number of the rules in force (engine: behaviour is data)
    company: Text
    currency: Currency
    time_zone: Text
    accounts: dict[str, AccountFacts]
    suppliers: dict[str, SupplierFacts]
    locations: tuple[LocationId, ...]
    remedy_quantities: dict[str, Text] = {}  # remedy SKU -> how many for one vehicle
    kits: tuple[Sku, ...] = ()
    routes: tuple[RouteFacts, ...] = ()  # which records are copied where
    decode_account: AccountId | None = None  # who decodes a VIN
    notify_account: AccountId | None = None
    allocation: AllocationRules = AllocationRules()
    remember_days: int = 40  # how long ids of finished things are kept
    item_wait_seconds: float = 120.0  # after a fetch; then the SKU is unknown
    people: dict[Text, PersonFacts] = {}  # id -> person; none: every login of the console with the right may approve
    approval_rules: tuple[ApprovalRule, ...] = ()
    approval_accounts: tuple[AccountId, ...] = ()  # which ask people, and whose answers count
    approval_deadline_seconds: float = 86_400.0  # nobody decided for so long: others are asked
    approval_link_seconds: float = 604_800.0  # how long a link in a mail may be used
    exchange_rates: tuple[RateFacts, ...] = ()
    sku_classes: dict[Text, tuple[Text, ...]] = {}  # class -> patterns of SKUs (* and ?)
    receiving_calendars: dict[LocationId, CalendarFacts] = {}  # when a location receives goods; none: every day
    lead_time_days: int = 0  # where neither the offer nor the supplier says
    enough_receipts: int = 5  # so many receipts, and the lead time is measured
    reconcile: Text | None = None  # cron, in the company's time zone; None: a day after the last look
    services: tuple[ServiceType, ...] = ()  # none: every appointment is taken as it is
    workshops: dict[LocationId, Workshop] = {}
    recalled_parts: dict[Text, tuple[Sku, ...]] = {}  # maker's part number -> what it is called here
    vehicles_kept_days: int = 1095  # how long a vehicle is known after it was last here

    def supplier(self, code: SupplierCode) -> SupplierFacts | None:
        return self.suppliers.get(code)

    def places(self) -> tuple[Place, ...]:
        return ()  # sent to every partition by hand

    def message_id(self) -> str:
        return f"settings@{self.revision}"
