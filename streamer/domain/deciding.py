"""One policy applied to one outlook: how much is wanted today, and why. Pure; the supplier's rounding comes later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from functools import singledispatch

from streamer.domain.calendars import review_day
from streamer.domain.checks import ZERO, Invalid
from streamer.domain.economic import best_quantity
from streamer.domain.lots import LotTechnique, costs, plan_lots
from streamer.domain.newsvendor import for_history, for_normal, for_poisson
from streamer.domain.outlook import Outlook, Wanted
from streamer.domain.policies import (
    DaysOfCover,
    DynamicLot,
    EconomicQuantity,
    FixedPeriod,
    FixedQuantity,
    LastBuy,
    LeastUnitCost,
    LotForLot,
    MinMax,
    OrderUpTo,
    PartPeriod,
    Policy,
    SilverMeal,
    TriggerMode,
    WagnerWhitin,
    fixed_quantity,
    is_due,
    min_max,
)
from streamer.domain.projection import net_requirements
from streamer.messages.base import plain


@singledispatch
def decide(policy: Policy, outlook: Outlook) -> Wanted:  # noqa: ARG001  # the form of all rules
    """What the policy wants today. Raises Invalid where it lacks what it needs."""
    raise TypeError(f"no rule for {type(policy).__name__}")


@decide.register
def _(policy: MinMax, outlook: Outlook) -> Wanted:
    quantity = min_max(outlook.projected, policy.reorder_point, policy.order_up_to, policy.trigger)
    words = _compared(outlook.projected, policy.reorder_point, policy.trigger)
    if quantity:
        words += f": order up to {plain(policy.order_up_to)}"
    return Wanted(quantity, words, policy.reorder_point, policy.order_up_to)


@decide.register
def _(policy: FixedQuantity, outlook: Outlook) -> Wanted:
    level, source = _reorder_point(policy.reorder_point, outlook)
    return _by_quantity(policy.quantity, level, source, "the fixed quantity", policy.trigger, outlook)


@decide.register
def _(policy: EconomicQuantity, outlook: Outlook) -> Wanted:
    if not outlook.breaks:
        raise Invalid("an economic order quantity needs an offer with a price", field="offers")
    yearly = policy.yearly_demand or outlook.daily * 365
    if not yearly:
        return Wanted(ZERO, "no demand is expected, so there is no economic order quantity")
    best = best_quantity(yearly, policy.order_cost, policy.holding_rate, outlook.breaks, outlook.scheme)
    quantity = best.quantity.to_integral_value(ROUND_CEILING)
    name = f"the economic order quantity for {plain(round(yearly, 2))} a year ({'; '.join(best.candidates)})"
    level, source = _reorder_point(policy.reorder_point, outlook)
    return _by_quantity(quantity, level, source, name, policy.trigger, outlook)


@decide.register
def _(policy: OrderUpTo, outlook: Outlook) -> Wanted:
    review = review_day(outlook.today, policy.first_review, policy.review_days)
    level, source = policy.order_up_to, "given"
    if level is None:
        reach = outlook.lead_days + policy.review_days
        level, source = _up(outlook.demand(reach)), f"expected over {reach} days of lead time and review"
    if review != outlook.today:
        return Wanted(ZERO, f"no review today, the next one is on {review}", None, level)
    quantity = max(ZERO, level - outlook.projected)
    words = f"review day: projected {plain(outlook.projected)}, order up to {plain(level)} ({source})"
    return Wanted(quantity, words, None, level)


@decide.register
def _(policy: DaysOfCover, outlook: Outlook) -> Wanted:
    minimum, target = _up(outlook.demand(policy.minimum_days)), _up(outlook.demand(policy.target_days))
    words = _compared(outlook.projected, minimum, policy.trigger) + f" ({policy.minimum_days} days of demand)"
    until = outlook.today + timedelta(days=policy.target_days)
    if not is_due(outlook.projected, minimum, policy.trigger):
        return Wanted(ZERO, words, minimum, target)
    words += f": order up to {policy.target_days} days of demand, {plain(target)}"
    return Wanted(max(ZERO, target - outlook.projected), words, minimum, target, until)


@decide.register
def _(_policy: LotForLot, outlook: Outlook) -> Wanted:
    net, _first, words = _netted(outlook, outlook.lead_days + 1)
    until = outlook.today + timedelta(days=outlook.lead_days)
    return Wanted(sum(net, ZERO), f"{words} until {until}, when an order placed today arrives", covers_until=until)


@decide.register
def _(policy: FixedPeriod, outlook: Outlook) -> Wanted:
    net, first, words = _netted(outlook, outlook.lead_days + policy.period_days + 1)
    if first is None or first > outlook.lead_days:
        return Wanted(ZERO, _not_yet(first, outlook))
    start = max(first, outlook.lead_days)
    end = start + policy.period_days
    until = outlook.today + timedelta(days=end - 1)
    words = f"{words}; one order covers {policy.period_days} days from {outlook.today + timedelta(days=start)} on"
    return Wanted(sum(net[:end], ZERO), words, covers_until=until)


@decide.register
def _(policy: DynamicLot, outlook: Outlook) -> Wanted:
    net, first, words = _netted(outlook, len(outlook.expected))
    if first is None or first > outlook.lead_days:
        return Wanted(ZERO, _not_yet(first, outlook))
    start = max(first, outlook.lead_days)
    buckets = [sum(net[: start + policy.bucket_days], ZERO)]
    for begin in range(start + policy.bucket_days, len(net), policy.bucket_days):
        buckets.append(sum(net[begin : begin + policy.bucket_days], ZERO))
    technique = _TECHNIQUES[type(policy)]
    plan = plan_lots(technique, buckets, costs(policy.order_cost, policy.holding_cost, len(buckets)))
    covered = next((index for index, lot in enumerate(plan.quantities[1:], 1) if lot), len(buckets))
    until = outlook.today + timedelta(days=min(start + covered * policy.bucket_days, len(net)) - 1)
    name = technique.replace("_", " ")
    words = f"{words}; {name}: the first lot of {plan.orders} covers {covered} of {len(buckets)} buckets"
    return Wanted(plan.quantities[0], f"{words} of {policy.bucket_days} days", covers_until=until)


@decide.register
def _(policy: LastBuy, outlook: Outlook) -> Wanted:
    days = (policy.until - outlook.today).days
    if policy.seasons:
        best, name = for_history(policy.seasons, policy.underage_cost, policy.overage_cost), "past periods"
    elif policy.mean is not None and policy.deviation is not None:
        best = for_normal(policy.mean, policy.deviation, policy.underage_cost, policy.overage_cost)
        name = f"normal demand of {policy.mean:g}, deviation {policy.deviation:g}"
    else:
        mean = policy.mean if policy.mean is not None else float(outlook.demand(days))
        best, name = for_poisson(mean, policy.underage_cost, policy.overage_cost), f"Poisson demand of {mean:.4g}"
    level = _up(Decimal(f"{best.quantity:.6f}"))
    words = (
        f"last buy until {policy.until}: {name}, critical ratio {best.critical_ratio:.4g}, so {plain(level)} in all; "
        f"projected {plain(outlook.projected)}"
    )
    return Wanted(max(ZERO, level - outlook.projected), words, None, level, policy.until)


_TECHNIQUES: dict[type[Policy], LotTechnique] = {
    WagnerWhitin: "wagner_whitin",
    SilverMeal: "silver_meal",
    LeastUnitCost: "least_unit_cost",
    PartPeriod: "part_period",
}


def _by_quantity(
    quantity: Decimal, level: Decimal, source: str, name: str, trigger: TriggerMode, outlook: Outlook
) -> Wanted:
    wanted = fixed_quantity(outlook.projected, level, quantity, trigger)
    words = f"{_compared(outlook.projected, level, trigger)} ({source})"
    if wanted:
        words += f": order {plain(wanted / quantity)} times {plain(quantity)}, {name}"
    return Wanted(wanted, words, level, None)


def _reorder_point(given: Decimal | None, outlook: Outlook) -> tuple[Decimal, str]:
    if given is not None:
        return given, "given"
    return _up(outlook.demand(outlook.lead_days)), f"expected over {outlook.lead_days} days of lead time"


def _netted(outlook: Outlook, days: int) -> tuple[Sequence[Decimal], int | None, str]:
    """Net requirements, the first day that has one, and both in words."""
    outlook.demand(days)
    net = net_requirements(outlook.opening, outlook.receipts[:days], outlook.expected[:days])
    first = next((index for index, quantity in enumerate(net) if quantity), None)
    if first is None:
        return net, None, "nothing is missing"
    return net, first, f"missing from {outlook.today + timedelta(days=first)} on"


def _not_yet(first: int | None, outlook: Outlook) -> str:
    if first is None:
        return "nothing is missing as far as demand is known"
    day = outlook.today + timedelta(days=first)
    return f"missing from {day} on only, which an order of {day - timedelta(days=outlook.lead_days)} still reaches"


def _compared(projected: Decimal, level: Decimal, trigger: TriggerMode) -> str:
    if is_due(projected, level, trigger):
        word = "at or below" if trigger == "at_or_below" else "below"
        return f"projected {plain(projected)} is {word} the reorder point {plain(level)}"
    word = "above" if trigger == "at_or_below" else "not below"
    return f"projected {plain(projected)} is {word} the reorder point {plain(level)}"


def _up(quantity: Decimal) -> Decimal:
    """Whole units: levels that come from a forecast are rounded up, less what a float's error adds."""
    return round(quantity, 6).to_integral_value(ROUND_CEILING)
