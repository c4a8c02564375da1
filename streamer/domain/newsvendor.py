"""One order for one season, or the last buy of a part that ends: the newsvendor.

The critical ratio cu / (cu + co) after Arrow, Harris, Marschak 1951; Nahmias, *Production and Operations Analysis*,
section 5.3. Floats, since these are statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

from streamer.domain.checks import Invalid, statistic
from streamer.domain.safety import unit_loss


class LastBuy(NamedTuple):
    """How many to have, and the expected cost of having too many or too few."""

    quantity: float
    critical_ratio: float
    expected_cost: float
    expected_shortage: float
    expected_left_over: float


def critical_ratio(underage_cost: float, overage_cost: float) -> float:
    """The service level that pays: what one unit too few costs, over both. Both are for one unit."""
    statistic("underage_cost", underage_cost, positive=True)
    statistic("overage_cost", overage_cost, positive=True)
    return underage_cost / (underage_cost + overage_cost)


def for_normal(mean: float, deviation: float, underage_cost: float, overage_cost: float) -> LastBuy:
    """Q = mean + z * deviation; never below 0."""
    statistic("mean", mean)
    statistic("deviation", deviation)
    ratio = critical_ratio(underage_cost, overage_cost)
    if deviation == 0:
        return LastBuy(mean, ratio, 0.0, 0.0, 0.0)
    quantity = max(0.0, mean + NormalDist().inv_cdf(ratio) * deviation)
    shortage = deviation * unit_loss((quantity - mean) / deviation)
    return _costed(quantity, ratio, shortage, quantity - mean + shortage, underage_cost, overage_cost)


def for_poisson(mean: float, underage_cost: float, overage_cost: float) -> LastBuy:
    """The smallest whole Q with P(demand <= Q) at or above the critical ratio."""
    statistic("mean", mean)
    if mean > 1_000_000:
        raise Invalid("is too large for a Poisson distribution; use the normal one", field="mean")
    ratio = critical_ratio(underage_cost, overage_cost)
    if mean == 0:
        return LastBuy(0.0, ratio, 0.0, 0.0, 0.0)
    first = max(0, int(mean - 12 * sqrt(mean)) - 12)  # what lies below has a probability under 1e-30
    quantity, below, left_over = first, _poisson(mean, first), 0.0
    while below < ratio and quantity < mean + 40 * sqrt(mean) + 100:
        left_over += below  # E(Q + 1 - D)+ = E(Q - D)+ + P(D <= Q)
        quantity += 1
        below += _poisson(mean, quantity)
    return _costed(float(quantity), ratio, left_over + mean - quantity, left_over, underage_cost, overage_cost)


def for_history(seasons: Sequence[float], underage_cost: float, overage_cost: float) -> LastBuy:
    """The empirical distribution: the smallest demand seen that a share of seasons, the critical ratio, kept within."""
    if not seasons:
        raise Invalid("must not be empty", field="history")
    for value in seasons:
        statistic("history", value)
    ratio = critical_ratio(underage_cost, overage_cost)
    ordered = sorted(seasons)
    rank = max(1, ceil(ratio * len(ordered) - 1e-9))
    quantity = ordered[rank - 1]
    count = len(ordered)
    shortage = sum(max(0.0, value - quantity) for value in ordered) / count
    left_over = sum(max(0.0, quantity - value) for value in ordered) / count
    return _costed(quantity, ratio, shortage, left_over, underage_cost, overage_cost)


def _poisson(mean: float, count: int) -> float:
    return exp(count * log(mean) - mean - lgamma(count + 1))


def _costed(
    quantity: float, ratio: float, shortage: float, left_over: float, underage_cost: float, overage_cost: float
) -> LastBuy:
    cost = underage_cost * shortage + overage_cost * left_over
    return LastBuy(quantity, ratio, cost, shortage, left_over)
