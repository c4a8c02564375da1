"""Terms of replenishment as messages carry them: policy, safety stock, demand, price breaks.

Each field means what the value of the same name in `streamer.domain` says (policies, safety, expectation, economic);
there it is checked, and refused with its name.
"""

from __future__ import annotations

from typing import Literal

from streamer.messages.base import Amount, Quantity, Text, Value

PolicyKind = Literal[
    "min_max",
    "reorder_point",
    "order_up_to",
    "lot_for_lot",
    "fixed_period",
    "days_of_cover",
    "economic_order_quantity",
    "wagner_whitin",
    "silver_meal",
    "least_unit_cost",
    "part_period",
    "newsvendor",
]


class PolicyRule(Value):
    """When to order and how much. Each kind has its own fields; those of another kind are refused."""

    kind: PolicyKind
    trigger: Literal["below", "at_or_below"] = "below"
    rounding: Literal["up", "nearest", "down", "up_within_maximum"] = "up"
    reorder_point: Quantity | None = None
    order_up_to: Quantity | None = None
    quantity: Quantity | None = None
    review_days: int | None = None
    first_review: Text | None = None  # ISO date
    period_days: int | None = None
    minimum_days: int | None = None
    target_days: int | None = None
    order_cost: Amount | None = None  # in the company's currency
    holding_rate: Amount | None = None
    holding_cost: Amount | None = None
    yearly_demand: Amount | None = None
    bucket_days: int | None = None
    underage_cost: float | None = None
    overage_cost: float | None = None
    until: Text | None = None  # ISO date
    mean: float | None = None
    deviation: float | None = None
    seasons: tuple[float, ...] | None = None


class SafetyStockRule(Value):
    """How much is kept against surprises."""

    kind: Literal["fixed", "days", "cycle_service", "fill_rate"]
    quantity: Quantity | None = None
    days: int | None = None
    level: float | None = None  # 0.95 for 95 %


class ForecastParameters(Value):
    """What is fixed of a method of forecasting; the rest is chosen by the least error."""

    window: int | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None
    damping: float | None = None
    season: int | None = None
    initial: float | None = None


class DatedQuantity(Value):
    """So many on that day."""

    day: Text  # ISO date
    quantity: Quantity


class PhaseRule(Value):
    """First day with demand, full after `ramp_days`; `phase_out` is the first day without."""

    phase_in: Text | None = None
    ramp_days: int | None = None
    phase_out: Text | None = None


class DemandRule(Value):
    """How the demand of the next days is expected from the history that the stock row keeps."""

    method: Literal[
        "moving_average", "exponential_smoothing", "holt", "seasonal_week", "croston", "sba", "tsb", "by_class", "best"
    ] = "by_class"
    parameters: ForecastParameters | None = None
    spike_deviations: float = 4.0  # 0: spikes are left in
    daily_mean: Quantity | None = None  # while there is no history
    daily_deviation: float | None = None
    requirements: tuple[DatedQuantity, ...] = ()  # known demand, instead of a history
    yearly_season: bool = False
    bucket_days: int = 7
    phase: PhaseRule | None = None


class PriceStep(Value):
    """From this quantity on, this price for one unit."""

    minimum_quantity: Quantity
    unit_price: Amount
    maximum_quantity: Quantity | None = None
