"""Safety stock and reorder point from a service level. Floats, since these are statistics, not stock.

Formulas: Silver, Pyke, Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., chapter 6;
Nahmias, *Production and Operations Analysis*, chapter 5. Demand over the protection interval is taken as normal.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from math import exp, pi, sqrt
from statistics import NormalDist
from typing import NamedTuple

import msgspec

from streamer.domain.checks import ZERO, days, not_negative, share, statistic
from streamer.messages.base import plain

_NORMAL = NormalDist()
_STEP = Decimal("0.01")


class Fixed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="fixed"):
    """So many units, whatever happens."""

    quantity: Decimal

    def __post_init__(self) -> None:
        not_negative("quantity", self.quantity)


class Days(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="days"):
    """The average demand of so many days."""

    days: int

    def __post_init__(self) -> None:
        days("days", self.days)


class CycleService(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cycle_service"
):
    """The probability that a replenishment cycle ends without a stock-out (P1, alpha)."""

    level: float

    def __post_init__(self) -> None:
        share("level", self.level)


class FillRate(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="fill_rate"
):
    """The share of demand that is met from the shelf (P2, beta)."""

    level: float

    def __post_init__(self) -> None:
        share("level", self.level)


SafetyRule = Fixed | Days | CycleService | FillRate


class Spread(NamedTuple):
    """Demand for one day and the time it must be bridged, as mean and standard deviation."""

    daily_mean: float
    daily_deviation: float
    days: float  # lead time, and the review period behind it when one orders only then
    days_deviation: float = 0.0

    @property
    def mean(self) -> float:
        """Expected demand over the protection interval."""
        return self.daily_mean * self.days

    @property
    def deviation(self) -> float:
        """sqrt(L * var(d) + d^2 * var(L)): independent days of demand, independent lead times."""
        return sqrt(self.days * self.daily_deviation**2 + (self.daily_mean * self.days_deviation) ** 2)


class SafetyStock(NamedTuple):
    """The quantity, rounded up to hundredths of a unit, and how it came about."""

    quantity: Decimal
    factor: float  # k: how many standard deviations
    words: str


def safety_factor(cycle_service: float) -> float:
    """k for a cycle service level: the quantile of the standard normal distribution."""
    share("level", cycle_service)
    return _NORMAL.inv_cdf(cycle_service)


def unit_loss(factor: float) -> float:
    """G(k) = phi(k) - k * (1 - Phi(k)): expected shortage in standard deviations (Silver et al., appendix II)."""
    return exp(-factor * factor / 2) / sqrt(2 * pi) - factor * _NORMAL.cdf(-factor)


def inverse_unit_loss(loss: float) -> float:
    """The k with G(k) = `loss`, by bisection to 1e-12; G falls from infinity to 0."""
    statistic("loss", loss, positive=True)
    low, high = -max(loss, 1.0) - 10.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if unit_loss(middle) > loss else (low, middle)
    return (low + high) / 2


def fill_rate_factor(fill_rate: float, order_quantity: float, deviation: float) -> float:
    """k with G(k) = Q * (1 - P2) / sigma (complete back ordering; Silver et al., section 6.7)."""
    share("level", fill_rate)
    statistic("order_quantity", order_quantity, positive=True)
    return inverse_unit_loss(order_quantity * (1 - fill_rate) / deviation) if deviation else 0.0


def expected_fill_rate(factor: float, order_quantity: float, deviation: float) -> float:
    """The fill rate that a factor gives: 1 - sigma * G(k) / Q."""
    return 1 - deviation * unit_loss(factor) / order_quantity


def safety_stock(rule: SafetyRule, spread: Spread, order_quantity: float = 1.0) -> SafetyStock:
    """The stock kept against surprises over the protection interval. Never negative: a large lot may need none.

    `order_quantity` is the usual lot; only the fill rate asks for it.
    """
    match rule:
        case Fixed(quantity=quantity):
            return SafetyStock(quantity, 0.0, f"fixed at {plain(quantity)}")
        case Days(days=count):
            quantity = _up(count * spread.daily_mean)
            return SafetyStock(quantity, 0.0, f"{count} days of {spread.daily_mean:.4g} a day: {plain(quantity)}")
        case CycleService(level=level):
            factor, name = safety_factor(level), f"cycle service {level:.4g}"
        case _:
            level = rule.level
            factor = fill_rate_factor(level, order_quantity, spread.deviation)
            name = f"fill rate {level:.4g} with lots of {order_quantity:.4g}"
    quantity = _up(factor * spread.deviation)
    deviation = f"deviation {spread.deviation:.4g} over {spread.days:.4g} days"
    return SafetyStock(quantity, factor, f"{name}: k {factor:.4g} times {deviation}: {plain(quantity)}")


def reorder_point(spread: Spread, safety: Decimal) -> Decimal:
    """Expected demand over the protection interval and the safety stock, in hundredths, rounded up."""
    return _up(spread.mean) + safety


def _up(value: float) -> Decimal:
    """Hundredths, rounded up; what is a float's error only (1e-9) does not lift the number."""
    return max(ZERO, Decimal(f"{value:.9f}").quantize(_STEP, ROUND_CEILING))
