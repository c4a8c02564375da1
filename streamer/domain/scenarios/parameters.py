"""Parameters from textbook inputs: economic quantity, reorder point and safety stock, last buy."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from streamer.domain.checks import LARGEST_AMOUNT, Invalid, days, positive, statistic
from streamer.domain.economic import (
    PriceBreak,
    PriceScheme,
    best_quantity,
    check_breaks,
    order_quantity,
    production_quantity,
)
from streamer.domain.newsvendor import LastBuy, for_history, for_normal, for_poisson
from streamer.domain.safety import SafetyRule, Spread, expected_fill_rate, reorder_point, safety_stock
from streamer.domain.scenarios.answers import Answer, as_json


class EconomicInputs(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="economic_order_quantity",
):
    """Either `holding_cost` of one unit for a year, or `holding_rate` of its price and the price or its breaks."""

    yearly_demand: Decimal
    order_cost: Decimal
    holding_cost: Decimal | None = None
    holding_rate: Decimal | None = None
    unit_price: Decimal | None = None
    price_breaks: tuple[PriceBreak, ...] = ()
    price_scheme: PriceScheme = "all_units"
    yearly_production: Decimal | None = None

    def __post_init__(self) -> None:
        positive("yearly_demand", self.yearly_demand, LARGEST_AMOUNT)
        positive("order_cost", self.order_cost, LARGEST_AMOUNT)
        if (self.holding_cost is None) == (self.holding_rate is None):
            raise Invalid("give either this or holding_rate", field="holding_cost")
        if self.holding_rate is not None and self.unit_price is None and not self.price_breaks:
            raise Invalid("is needed beside holding_rate, or price_breaks", field="unit_price")
        if self.holding_cost is not None and self.price_breaks:
            raise Invalid("is needed beside price_breaks, instead of holding_cost", field="holding_rate")
        if self.price_breaks and self.yearly_production is not None:
            raise Invalid("is not used beside price_breaks", field="yearly_production")
        if self.unit_price is not None:
            positive("unit_price", self.unit_price, LARGEST_AMOUNT)

    def answer(self) -> Answer:
        if self.holding_rate is not None and self.price_breaks:
            return self._with_breaks(self.holding_rate)
        holding = self.holding_cost
        if holding is None:
            holding = (self.holding_rate or Decimal(0)) * (self.unit_price or Decimal(0))
        if self.yearly_production is None:
            quantity = order_quantity(self.yearly_demand, self.order_cost, holding)
            idle, formula = Decimal(1), "sqrt(2 * order cost * yearly demand / holding cost)"
        else:
            quantity = production_quantity(self.yearly_demand, self.order_cost, holding, self.yearly_production)
            idle = 1 - self.yearly_demand / self.yearly_production
            formula = "sqrt(2 * order cost * yearly demand / (holding cost * (1 - demand / production)))"
        orders = self.yearly_demand / quantity
        cost = self.order_cost * orders + holding * idle * quantity / 2
        return {
            "quantity": as_json(quantity),
            "orders_a_year": as_json(orders),
            "yearly_cost": as_json(cost),
            "why": {"formula": formula, "holding_cost": as_json(holding), "alternatives": []},
        }

    def _with_breaks(self, holding_rate: Decimal) -> Answer:
        breaks = self.price_breaks
        if self.unit_price is not None and breaks[0].minimum_quantity > 0:
            breaks = (PriceBreak(minimum_quantity=Decimal(0), unit_price=self.unit_price), *breaks)
        check_breaks(breaks, start=Decimal(1))
        best = best_quantity(self.yearly_demand, self.order_cost, holding_rate, breaks, self.price_scheme)
        return {
            "quantity": as_json(best.quantity),
            "orders_a_year": as_json(self.yearly_demand / best.quantity),
            "yearly_cost": as_json(best.yearly_cost),  # with the goods, since the price depends on the quantity
            "why": {
                "formula": f"the least yearly cost over all price ranges, {self.price_scheme}",
                "unit_price": as_json(best.unit_price),
                "alternatives": list(best.candidates),
            },
        }


class ReorderInputs(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="reorder_point"
):
    """Daily demand and lead time, each with its deviation; `review_days` where orders go out only so often."""

    daily_mean: float
    lead_time_days: float
    safety_stock: SafetyRule
    daily_deviation: float = 0.0
    lead_time_deviation: float = 0.0
    review_days: int = 0
    order_quantity: float | None = None  # the usual lot: a fill rate needs it

    def __post_init__(self) -> None:
        for field in ("daily_mean", "lead_time_days", "daily_deviation", "lead_time_deviation"):
            statistic(field, getattr(self, field))
        days("review_days", self.review_days)
        if self.order_quantity is not None:
            statistic("order_quantity", self.order_quantity, positive=True)
        elif self.safety_stock.__struct_config__.tag == "fill_rate":
            raise Invalid("is needed for a fill rate", field="order_quantity")

    def answer(self) -> Answer:
        reach = self.lead_time_days + self.review_days
        spread = Spread(self.daily_mean, self.daily_deviation, reach, self.lead_time_deviation)
        safety = safety_stock(self.safety_stock, spread, self.order_quantity or 1.0)
        factor = float(safety.quantity) / spread.deviation if spread.deviation else None
        fill_rate = None
        if factor is not None and self.order_quantity:
            fill_rate = expected_fill_rate(factor, self.order_quantity, spread.deviation)
        return {
            "reorder_point": as_json(reorder_point(spread, safety.quantity)),
            "safety_stock": as_json(safety.quantity),
            "why": {
                "words": safety.words,
                "expected_demand": as_json(spread.mean),
                "deviation": as_json(spread.deviation),
                "factor": as_json(factor),
                "fill_rate": as_json(fill_rate),
            },
        }


class NewsvendorInputs(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="newsvendor"
):
    """One order for one season. `history` holds the demand of past seasons, for the empirical distribution."""

    underage_cost: float
    overage_cost: float
    distribution: Literal["normal", "poisson", "empirical"]
    mean: float | None = None
    deviation: float | None = None
    history: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.distribution != "empirical" and self.mean is None:
            raise Invalid(f"is needed for the {self.distribution} distribution", field="mean")
        if self.distribution == "normal" and self.deviation is None:
            raise Invalid("is needed for the normal distribution", field="deviation")
        self._best()

    def _best(self) -> LastBuy:
        if self.distribution == "normal":
            return for_normal(self.mean or 0.0, self.deviation or 0.0, self.underage_cost, self.overage_cost)
        if self.distribution == "poisson":
            return for_poisson(self.mean or 0.0, self.underage_cost, self.overage_cost)
        return for_history(self.history, self.underage_cost, self.overage_cost)

    def answer(self) -> Answer:
        best = self._best()
        return {
            "quantity": as_json(best.quantity),
            "expected_cost": as_json(best.expected_cost),
            "why": {
                "formula": "the smallest quantity that covers demand with probability underage / (underage + overage)",
                "critical_ratio": as_json(best.critical_ratio),
                "expected_shortage": as_json(best.expected_shortage),
                "expected_left_over": as_json(best.expected_left_over),
            },
        }


class Parameters(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="parameters"
):
    """One calculation."""

    calculate: EconomicInputs | ReorderInputs | NewsvendorInputs

    def answer(self) -> Answer:
        """Raises Invalid, naming the field."""
        try:
            answer = self.calculate.answer()
        except Invalid as error:
            raise Invalid(error.reason, field=f"calculate.{error.field}") from error
        return {"kind": "parameters", "calculated": self.calculate.__struct_config__.tag, **answer}
