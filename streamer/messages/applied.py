"""The settings that every partition must know, broadcast by `streamer apply` to each partition of each log."""

from __future__ import annotations

from typing import ClassVar, Literal

from streamer.messages.base import (
    AccountId,
    Amount,
    Currency,
    LocationId,
    Message,
    Place,
    Sku,
    SupplierCode,
    Text,
    Value,
)
from streamer.messages.stock import Counts

SinkClass = Literal["A", "B", "C"]


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


class SupplierFacts(Value):
    """How a supplier is reached, and what may go out without approval."""

    name: Text
    account: AccountId
    address: Text | None = None
    contact: Text | None = None
    currency: Currency
    automatic: bool = False  # every item of this supplier is confirmed for automatic reorder
    window_seconds: float = 0.0  # needs that come within it go into one order
    approval_limit: Amount | None = None  # above it a person is asked even for automatic items
    senders: tuple[Text, ...] = ()  # addresses or domains whose mail may answer for this supplier


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
    decode_account: AccountId | None = None  # who decodes a VIN
    notify_account: AccountId | None = None
    remember_days: int = 40  # how long ids of finished things are kept
    item_wait_seconds: float = 120.0  # after a fetch; then the SKU is unknown

    def supplier(self, code: SupplierCode) -> SupplierFacts | None:
        return self.suppliers.get(code)

    def places(self) -> tuple[Place, ...]:
        return ()  # sent to every partition by hand

    def message_id(self) -> str:
        return f"settings@{self.revision}"
