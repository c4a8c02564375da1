"""Lot sizing over periods with known demand: when to order, and for how many periods.

Each technique takes demand by period and gives lots by period; a lot arrives at the start of its period and what is
left at the end of a period is held. Sources: Wagner, Whitin, *Dynamic Version of the Economic Lot Size Model*,
Management Science 5 (1958); Silver, Meal 1973; part-period balancing: DeMatteis 1968; least unit cost: Nahmias,
*Production and Operations Analysis*, section 8.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Literal, NamedTuple, get_args

from streamer.domain.checks import LARGEST_AMOUNT, ZERO, Invalid, not_negative, positive

LotTechnique = Literal[
    "lot_for_lot",
    "fixed_quantity",
    "fixed_period",
    "period_order_quantity",
    "wagner_whitin",
    "silver_meal",
    "least_unit_cost",
    "part_period",
]
TECHNIQUES: tuple[LotTechnique, ...] = get_args(LotTechnique)
LONGEST_PLAN = 1000


class Costs(NamedTuple):
    """What one order costs and what holding one unit to the next period costs; one number, or one for each period."""

    order: tuple[Decimal, ...]
    holding: tuple[Decimal, ...]


class LotPlan(NamedTuple):
    """One lot for each period (0 where none), and what the plan costs."""

    quantities: tuple[Decimal, ...]
    orders: int
    order_cost: Decimal
    holding_cost: Decimal

    @property
    def total_cost(self) -> Decimal:
        return self.order_cost + self.holding_cost


def costs(order: Decimal | Sequence[Decimal], holding: Decimal | Sequence[Decimal], periods: int) -> Costs:
    """Raises Invalid, naming `order_cost` or `holding_cost`, for a wrong count or a negative number."""
    return Costs(_each("order_cost", order, periods), _each("holding_cost", holding, periods))


def check_demand(demand: Sequence[Decimal]) -> None:
    if not demand:
        raise Invalid("must not be empty", field="demand")
    if len(demand) > LONGEST_PLAN:
        raise Invalid(f"has {len(demand)} periods, at most {LONGEST_PLAN} can be planned", field="demand")
    for index, quantity in enumerate(demand):
        not_negative(f"demand.{index}", quantity)


def priced(quantities: Sequence[Decimal], demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """What a plan costs; raises Invalid where it leaves demand unmet."""
    order_cost = holding_cost = left = ZERO
    orders = 0
    for index, lot in enumerate(quantities):
        if lot:
            orders += 1
            order_cost += cost.order[index]
        left += lot - demand[index]
        if left < 0:
            raise Invalid(f"period {index + 1} is short by {-left}", field="lots")
        holding_cost += left * cost.holding[index]
    return LotPlan(tuple(quantities), orders, order_cost, holding_cost)


def lot_for_lot(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """Each period orders what it needs."""
    return priced(demand, demand, cost)


def fixed_quantity(demand: Sequence[Decimal], cost: Costs, quantity: Decimal) -> LotPlan:
    """Whole multiples of `quantity`, as late as possible."""
    positive("quantity", quantity)
    lots, left = [], ZERO
    for needed in demand:
        short = needed - left
        lot = ZERO if short <= 0 else (short / quantity).to_integral_value(ROUND_CEILING) * quantity
        lots.append(lot)
        left += lot - needed
    return priced(lots, demand, cost)


def fixed_period(demand: Sequence[Decimal], cost: Costs, periods: int) -> LotPlan:
    """From the first period with demand on, each lot covers `periods` periods."""
    if periods < 1:
        raise Invalid(f"must be at least 1, is {periods}", field="periods")
    return _covering(demand, cost, lambda start: start + periods)


def period_order_quantity(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """`fixed_period` with the economic order quantity's number of periods: EOQ over the average demand, rounded."""
    average = sum(demand, ZERO) / len(demand)
    if not average or not cost.holding[0]:
        return fixed_period(demand, cost, len(demand))
    periods = (2 * cost.order[0] / (cost.holding[0] * average)).sqrt()
    return fixed_period(demand, cost, max(1, int(periods.to_integral_value())))


def wagner_whitin(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """The plan of least cost, by dynamic programming over the period of the last order. O(n^2)."""
    count = len(demand)
    best = [ZERO] * (count + 1)  # of the first n periods
    last = [0] * (count + 1)
    for end in range(1, count + 1):
        if not demand[end - 1]:
            best[end], last[end] = best[end - 1], end
            continue
        held = carrying = total = ZERO  # `held` until `end`: units that the last lot carries out of a period
        choice: tuple[Decimal, int] | None = None
        for start in range(end - 1, -1, -1):
            carrying += cost.holding[start] * total
            total += demand[start]
            held = best[start] + cost.order[start] + carrying
            if choice is None or held < choice[0]:
                choice = (held, start)
        assert choice is not None
        best[end], last[end] = choice
    lots = [ZERO] * count
    end = count
    while end:
        start = last[end]
        if start == end:
            end -= 1
            continue
        lots[start] = sum(demand[start:end], ZERO)
        end = start
    return priced(lots, demand, cost)


def silver_meal(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """Each lot grows while its cost for a period falls."""
    return _covering(demand, cost, lambda start: _while_falling(demand, cost, start, _for_a_period))


def least_unit_cost(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """Each lot grows while its cost for a unit falls."""
    return _covering(demand, cost, lambda start: _while_falling(demand, cost, start, _for_a_unit))


def part_period(demand: Sequence[Decimal], cost: Costs) -> LotPlan:
    """Each lot grows until holding it costs about as much as ordering it: the nearer of the two ends."""

    def end_of(start: int) -> int:
        held = ZERO
        for end in range(start + 1, len(demand)):
            before = held
            held += demand[end] * sum(cost.holding[start:end], ZERO)
            if held > cost.order[start]:
                return end + 1 if held - cost.order[start] < cost.order[start] - before else end
        return len(demand)

    return _covering(demand, cost, end_of)


def plan_lots(
    technique: LotTechnique,
    demand: Sequence[Decimal],
    cost: Costs,
    *,
    quantity: Decimal | None = None,
    periods: int | None = None,
) -> LotPlan:
    """Any technique by its name; `quantity` for fixed_quantity, `periods` for fixed_period."""
    check_demand(demand)
    if technique == "fixed_quantity":
        if quantity is None:
            raise Invalid("is needed for fixed_quantity", field="quantity")
        return fixed_quantity(demand, cost, quantity)
    if technique == "fixed_period":
        if periods is None:
            raise Invalid("is needed for fixed_period", field="periods")
        return fixed_period(demand, cost, periods)
    return _PLAIN[technique](demand, cost)


_PLAIN: dict[str, Callable[[Sequence[Decimal], Costs], LotPlan]] = {
    "lot_for_lot": lot_for_lot,
    "period_order_quantity": period_order_quantity,
    "wagner_whitin": wagner_whitin,
    "silver_meal": silver_meal,
    "least_unit_cost": least_unit_cost,
    "part_period": part_period,
}


def _covering(demand: Sequence[Decimal], cost: Costs, end_of: Callable[[int], int]) -> LotPlan:
    """Lots that each reach from their first period with demand up to the period that `end_of` names."""
    lots = [ZERO] * len(demand)
    start = 0
    while start < len(demand):
        if not demand[start]:
            start += 1
            continue
        end = min(end_of(start), len(demand))
        lots[start] = sum(demand[start:end], ZERO)
        start = end
    return priced(lots, demand, cost)


def _for_a_period(total: Decimal, periods: int, _units: Decimal) -> Decimal:
    return total / periods


def _for_a_unit(total: Decimal, _periods: int, units: Decimal) -> Decimal:
    return total / units


def _while_falling(
    demand: Sequence[Decimal], cost: Costs, start: int, average: Callable[[Decimal, int, Decimal], Decimal]
) -> int:
    """The end of the lot: the first period whose demand would raise the average. Equal averages go on."""
    total, units = cost.order[start], demand[start]
    lowest = average(total, 1, units)
    for end in range(start + 1, len(demand)):
        total += demand[end] * sum(cost.holding[start:end], ZERO)
        units += demand[end]
        now = average(total, end - start + 1, units)
        if now > lowest:
            return end
        lowest = now
    return len(demand)


def _each(field: str, value: Decimal | Sequence[Decimal], periods: int) -> tuple[Decimal, ...]:
    if isinstance(value, Decimal):
        not_negative(field, value, LARGEST_AMOUNT)
        return (value,) * periods
    if len(value) != periods:
        raise Invalid(f"has {len(value)} numbers for {periods} periods", field=field)
    for index, number in enumerate(value):
        not_negative(f"{field}.{index}", number, LARGEST_AMOUNT)
    return tuple(value)
