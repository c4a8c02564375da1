"""Items of the settings: when and how much to reorder, who offers it, what it stands for.

Policy, safety stock, demand and price breaks are the words of `streamer plan`, checked by the code that decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from streamer.domain.checks import Invalid
from streamer.domain.defaults import Defaults, PatternRule
from streamer.domain.exchange import check_currency
from streamer.domain.expectation import Demand
from streamer.domain.offers import check_offer
from streamer.domain.policies import AnyPolicy
from streamer.domain.safety import SafetyRule
from streamer.domain.stock_terms import checked, offer_row
from streamer.domain.supersession import Interchange
from streamer.domain.supplier_choice import SupplierChoice
from streamer.domain.terms import check_today, read_demand, read_policy, read_safety, told
from streamer.messages.base import AccountId, Currency, LocationId, Quantity, Sku, SupplierCode
from streamer.messages.stock import ItemPolicy, RoundingMode, SupplierOffer, TriggerMode
from streamer.messages.terms import DemandRule, PolicyRule, PriceStep, SafetyStockRule
from streamer.settings.sections import Section

_AS_TOLD = PlainSerializer(msgspec.to_builtins)
PolicySetting = Annotated[Any, BeforeValidator(lambda value: read_policy(value, "")), _AS_TOLD]
SafetySetting = Annotated[Any, BeforeValidator(lambda value: read_safety(value, "")), _AS_TOLD]
DemandSetting = Annotated[Any, BeforeValidator(lambda value: read_demand(value, "")), _AS_TOLD]


class Step(Section):
    """From this quantity on, this price for one unit."""

    minimum_quantity: Quantity
    unit_price: Decimal
    maximum_quantity: Quantity | None = None


class Offer(Section):
    """What one supplier asks for an item; the first of an item is its primary, unless a priority says otherwise."""

    supplier: SupplierCode
    supplier_sku: str | None = None
    unit_price: Annotated[Decimal, Field(ge=0)]
    price_breaks: tuple[Step, ...] = ()
    price_scheme: Literal["all_units", "incremental"] = "all_units"
    currency: Currency | None = None  # the supplier's, unless said
    unit: str = "EA"
    units_per_purchase_unit: Annotated[Quantity, Field(gt=0)] = Decimal(1)  # stock units in one `unit`
    minimum_quantity: Quantity = Decimal(0)
    order_multiple: Annotated[Quantity, Field(gt=0)] = Decimal(1)
    maximum_lot: Quantity | None = None
    lead_time_days: Annotated[int, Field(ge=0, le=3660)] | None = None  # else the supplier's
    lead_time_unit: Literal["calendar_days", "working_days"] = "calendar_days"
    priority: Annotated[int, Field(ge=1)] | None = None  # 1 is the primary; else its place in the list
    valid_from: date | None = None
    valid_until: date | None = None  # the last day
    freight_per_order: Decimal = Decimal(0)
    freight_per_unit: Decimal = Decimal(0)
    duty_rate: Decimal = Decimal(0)

    def message(self, location: str, sku: str, place: int, version: int, currency: str) -> SupplierOffer:
        """What the stock row is told; `place` is its number in the list, from 1, `currency` that of the supplier."""
        return SupplierOffer(
            location=location,
            sku=sku,
            version=version,
            supplier=self.supplier,
            supplier_sku=self.supplier_sku,
            unit_price=self.unit_price,
            currency=self.currency or currency,
            unit=self.unit,
            minimum_quantity=self.minimum_quantity,
            order_multiple=self.order_multiple,
            lead_time_days=self.lead_time_days,
            rank=self.priority or place,
            price_breaks=tuple(PriceStep(**step.model_dump()) for step in self.price_breaks),
            price_scheme=self.price_scheme,
            maximum_lot=self.maximum_lot,
            units_per_purchase_unit=self.units_per_purchase_unit,
            valid_from=_iso(self.valid_from),
            valid_until=_iso(self.valid_until),
            lead_time_unit=self.lead_time_unit,
            freight_per_order=self.freight_per_order,
            freight_per_unit=self.freight_per_unit,
            duty_rate=self.duty_rate,
        )


class Replenishing(Section):
    """When and how much to reorder: two levels, or a policy of any kind."""

    reorder_point: Quantity | None = None
    order_up_to: Quantity | None = None
    trigger: TriggerMode = "below"
    rounding: RoundingMode = "up"
    policy: PolicySetting | None = None
    safety: Quantity = Decimal(0)  # never promised
    safety_stock: SafetySetting | None = None  # reckoned with when ordering, instead of `safety`
    supplier_choice: SupplierChoice = "primary"
    demand: DemandSetting | None = None
    follow_demand: bool = False
    automatic: bool = False
    snoozed_until: date | None = None

    @model_validator(mode="after")
    def _whole_policy(self) -> Replenishing:
        if (self.reorder_point is None) != (self.order_up_to is None):
            raise ValueError("reorder_point and order_up_to belong together")
        if self.reorder_point is not None and self.policy is not None:
            raise Invalid("give reorder_point and order_up_to, or a policy", field="policy")
        if self.policy is not None and (self.trigger, self.rounding) != ("below", "up"):
            raise Invalid("belong into the policy, where there is one", field="policy: trigger and rounding")
        if self.reorder_point is not None and self.order_up_to is not None and self.order_up_to < self.reorder_point:
            raise Invalid(f"must not be below reorder_point {self.reorder_point}", field="order_up_to")
        return self

    @property
    def has_policy(self) -> bool:
        return self.reorder_point is not None or self.policy is not None

    def message(self, location: str, sku: str, version: int) -> ItemPolicy:
        """What the stock row is told."""
        policy: AnyPolicy | None = self.policy
        safety: SafetyRule | None = self.safety_stock
        demand: Demand | None = self.demand
        return ItemPolicy(
            location=location,
            sku=sku,
            version=version,
            reorder_point=self.reorder_point or Decimal(0),
            order_up_to=self.order_up_to or Decimal(0),
            trigger=self.trigger if policy is None else policy.trigger,
            rounding=self.rounding if policy is None else policy.rounding,
            safety=self.safety,
            automatic=self.automatic,
            rule=told(policy, PolicyRule) if policy is not None else None,
            safety_stock=told(safety, SafetyStockRule) if safety is not None else None,
            supplier_choice=self.supplier_choice,
            demand=told(demand, DemandRule) if demand is not None else None,
            follow_demand=self.follow_demand,
            snoozed_until=_iso(self.snoozed_until),
        )


class PatternPolicy(Replenishing):
    """A policy for all SKUs and locations that match: `*` any text, `?` one character, `[ab]` one of these."""

    sku: str = "*"
    location: str = "*"

    @model_validator(mode="after")
    def _says_something(self) -> PatternPolicy:
        if not self.has_policy:
            raise ValueError("needs reorder_point and order_up_to, or a policy")
        for field in ("sku", "location"):
            if not getattr(self, field):
                raise Invalid("must not be empty; * matches all", field=field)
        return self


class KitEntry(Section):
    """So many of a part for one unit of the kit."""

    sku: Sku
    quantity: Quantity = Decimal(1)


class Item(Replenishing):
    """A SKU at some or all locations: when and how much to reorder, who offers it, what it stands for."""

    sku: Sku
    description: str | None = None
    locations: tuple[LocationId, ...] = ()  # none: every location
    superseded_by: Sku | None = None
    superseded_from: date | None = None  # none: at once
    superseded_each: Annotated[Decimal, Field(gt=0, le=10_000)] = Decimal(1)  # new parts that do the work of this one
    interchange: Interchange = "one_way"
    use_up: bool = True  # what is left of this part is given out before the new one
    alternatives: tuple[Sku, ...] = ()
    shares: dict[AccountId, Decimal] = Field(default_factory=dict)  # instead of the channels' own (allocation.channels)
    part_number: str | None = None
    kit: tuple[KitEntry, ...] = ()
    offers: tuple[Offer, ...] = ()


def policies_by_pattern(policies: tuple[PatternPolicy, ...]) -> Defaults[PatternPolicy]:
    """The most specific of them can be found for a SKU at a location."""
    return Defaults(PatternRule(value=policy, sku=policy.sku, location=policy.location) for policy in policies)


def policy_for(item: Item, location: str, policies: Defaults[PatternPolicy]) -> Replenishing | None:
    """The item's own policy, unless one names exactly this SKU at this location; else the most specific pattern.

    What nobody offers is not reordered by a pattern: kits, services, superseded parts.
    """
    found = policies.find(item.sku, location)
    exact = found is not None and found.sku == item.sku and found.location == location
    if exact or not item.has_policy:
        return found if item.offers else None
    return item


def check_items(items: tuple[Item, ...], currencies: Mapping[str, str], known: set[str]) -> None:
    """Raises Invalid with the place of an offer that nobody could order from; `known` are currencies with a rate."""
    for number, item in enumerate(items):
        for place, offer in enumerate(item.offers):
            field = f"items.{number}.offers.{place}"
            try:
                message = offer.message("any", item.sku, place + 1, 1, currencies[offer.supplier])
                check_currency("currency", message.currency)
                _has_rate(message.currency, known)
                offer_row(message)
            except Invalid as error:
                raise Invalid(error.reason, field=f"{field}.{error.field}") from error
        if len({offer.supplier for offer in item.offers}) < len(item.offers):
            raise Invalid("names a supplier twice", field=f"items.{number}.offers")


def _has_rate(currency: str, known: set[str]) -> None:
    if currency not in known:
        raise Invalid(f"{currency} has no rate in [[exchange_rates]]", field="currency")


def check_days(item: Item, replenishing: Replenishing | None, today: date) -> None:
    """Raises Invalid for what lies in the past: it is refused when it is told, and may grow old afterwards."""
    if replenishing is not None:
        check_today(replenishing.policy, replenishing.demand, replenishing.snoozed_until, today)
    for place, offer in enumerate(item.offers):
        row = offer_row(offer.message("any", item.sku, place + 1, 1, offer.currency or "XXX"))
        try:
            check_offer(checked(offer.supplier, row), today)
        except Invalid as error:
            raise Invalid(error.reason, field=f"offers.{place}.{error.field}") from error


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
