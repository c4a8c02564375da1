"""When to order and how much: the policies of inventory control, each a value that says what it needs.

Names after Silver, Pyke, Thomas, *Inventory and Production Management in Supply Chains*: (s, S), (r, Q), (R, S).
`decide` gives the quantity before the supplier's rounding; `min_max` alone is the fast way for the usual row.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from streamer.domain.checks import LARGEST_AMOUNT, ZERO, Invalid, days, not_negative, not_past, positive, statistic
from streamer.domain.rounding import RoundingMode

TriggerMode = Literal[
    "below",  # the default: an order that lands exactly on the level is not followed by another
    "at_or_below",
]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all policies share."""

    trigger: TriggerMode = "below"
    rounding: RoundingMode = "up"

    def check_today(self, today: date) -> None:
        """What can be said only with today's date."""


class MinMax(Policy, frozen=True, kw_only=True, tag_field="kind", tag="min_max"):
    """(s, S): when projected stock falls to the reorder point, order up to the order-up-to level."""

    reorder_point: Decimal
    order_up_to: Decimal

    def __post_init__(self) -> None:
        not_negative("reorder_point", self.reorder_point)
        not_negative("order_up_to", self.order_up_to)
        if self.order_up_to < self.reorder_point:
            raise Invalid(f"must not be below reorder_point {self.reorder_point}", field="order_up_to")


class FixedQuantity(Policy, frozen=True, kw_only=True, tag_field="kind", tag="reorder_point"):
    """(r, Q): at the reorder point order the fixed quantity, as often as it takes to get above it again.

    Without `reorder_point` it is the demand expected until an order arrives.
    """

    quantity: Decimal
    reorder_point: Decimal | None = None

    def __post_init__(self) -> None:
        positive("quantity", self.quantity)
        _level("reorder_point", self.reorder_point)


class OrderUpTo(Policy, frozen=True, kw_only=True, tag_field="kind", tag="order_up_to"):
    """(R, S): every `review_days` from `first_review` on, order up to the level, however little is missing.

    Without `order_up_to` it is the demand expected until an order of the next review arrives.
    """

    review_days: int
    first_review: date
    order_up_to: Decimal | None = None

    def __post_init__(self) -> None:
        days("review_days", self.review_days, least=1)
        _level("order_up_to", self.order_up_to)


class LotForLot(Policy, frozen=True, kw_only=True, tag_field="kind", tag="lot_for_lot"):
    """Order what is missing until an order placed today arrives, and no more."""


class FixedPeriod(Policy, frozen=True, kw_only=True, tag_field="kind", tag="fixed_period"):
    """When something will be missing, order what is needed for `period_days` from then on."""

    period_days: int

    def __post_init__(self) -> None:
        days("period_days", self.period_days, least=1)


class DaysOfCover(Policy, frozen=True, kw_only=True, tag_field="kind", tag="days_of_cover"):
    """When projected stock lasts fewer than `minimum_days` of expected demand, order up to `target_days`.

    Both count from today, so the lead time is in them.
    """

    minimum_days: int
    target_days: int

    def __post_init__(self) -> None:
        days("minimum_days", self.minimum_days)
        days("target_days", self.target_days, least=1)
        if self.target_days < self.minimum_days:
            raise Invalid(f"must not be below minimum_days {self.minimum_days}", field="target_days")


class EconomicQuantity(Policy, frozen=True, kw_only=True, tag_field="kind", tag="economic_order_quantity"):
    """(r, EOQ) with the price breaks of the offer. Amounts are in the company's currency.

    Without `yearly_demand` it is 365 times the expected daily demand, without `reorder_point` that until an order
    arrives.
    """

    order_cost: Decimal
    holding_rate: Decimal  # of the unit's price for a year: 0.2 for 20 %
    yearly_demand: Decimal | None = None
    reorder_point: Decimal | None = None

    def __post_init__(self) -> None:
        positive("order_cost", self.order_cost, LARGEST_AMOUNT)
        positive("holding_rate", self.holding_rate)
        if self.yearly_demand is not None:
            positive("yearly_demand", self.yearly_demand, LARGEST_AMOUNT)
        _level("reorder_point", self.reorder_point)


class DynamicLot(Policy, frozen=True, kw_only=True):
    """What the techniques of lots.py share: demand that varies, orders and holding that cost."""

    order_cost: Decimal
    holding_cost: Decimal  # for one unit over one bucket
    bucket_days: int = 7

    def __post_init__(self) -> None:
        not_negative("order_cost", self.order_cost, LARGEST_AMOUNT)
        not_negative("holding_cost", self.holding_cost, LARGEST_AMOUNT)
        days("bucket_days", self.bucket_days, least=1)


class WagnerWhitin(DynamicLot, frozen=True, kw_only=True, tag_field="kind", tag="wagner_whitin"):
    """The first lot of the cheapest plan."""


class SilverMeal(DynamicLot, frozen=True, kw_only=True, tag_field="kind", tag="silver_meal"):
    """The first lot with the least cost for a period."""


class LeastUnitCost(DynamicLot, frozen=True, kw_only=True, tag_field="kind", tag="least_unit_cost"):
    """The first lot with the least cost for a unit."""


class PartPeriod(DynamicLot, frozen=True, kw_only=True, tag_field="kind", tag="part_period"):
    """The first lot whose holding cost comes nearest to its order cost."""


class LastBuy(Policy, frozen=True, kw_only=True, tag_field="kind", tag="newsvendor"):
    """One last order for what is left of an item's life: the quantity at which one more is not worth its risk.

    Demand until `until` is given as mean and deviation (normal), as mean alone (Poisson), or as `seasons`: totals that
    like periods have had. Without any, it is the expected demand until that day, as Poisson.
    """

    underage_cost: float  # of one unit too few
    overage_cost: float  # of one left over
    until: date
    mean: float | None = None
    deviation: float | None = None
    seasons: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        statistic("underage_cost", self.underage_cost, positive=True)
        statistic("overage_cost", self.overage_cost, positive=True)
        if self.mean is not None:
            statistic("mean", self.mean)
        if self.deviation is not None:
            statistic("deviation", self.deviation)
            if self.mean is None:
                raise Invalid("is needed beside a deviation", field="mean")
        if self.seasons and self.mean is not None:
            raise Invalid("are not used beside a mean: give one of them", field="seasons")
        for index, value in enumerate(self.seasons):
            statistic(f"seasons.{index}", value)

    def check_today(self, today: date) -> None:
        not_past("until", self.until, today)
        days("until", (self.until - today).days)


AnyPolicy = (
    MinMax
    | FixedQuantity
    | OrderUpTo
    | LotForLot
    | FixedPeriod
    | DaysOfCover
    | EconomicQuantity
    | WagnerWhitin
    | SilverMeal
    | LeastUnitCost
    | PartPeriod
    | LastBuy
)


def is_due(projected: Decimal, level: Decimal, trigger: TriggerMode = "below") -> bool:
    """Whether projected stock calls for an order."""
    return projected < level or (projected == level and trigger == "at_or_below")


def min_max(
    projected: Decimal, reorder_point: Decimal, order_up_to: Decimal, trigger: TriggerMode = "below"
) -> Decimal:
    """What to order under (s, S), before rounding; 0 when nothing is due."""
    if projected < reorder_point or (projected == reorder_point and trigger == "at_or_below"):
        return max(ZERO, order_up_to - projected)
    return ZERO


def fixed_quantity(projected: Decimal, reorder_point: Decimal, quantity: Decimal, trigger: TriggerMode) -> Decimal:
    """The fewest whole `quantity` that bring projected stock out of the trigger again; 0 when nothing is due."""
    if not is_due(projected, reorder_point, trigger):
        return ZERO
    whole, rest = divmod(reorder_point - projected, quantity)
    count = whole + (1 if rest or trigger == "at_or_below" else 0)
    return max(count, Decimal(1)) * quantity


def _level(field: str, value: Decimal | None) -> None:
    if value is not None:
        not_negative(field, value)
