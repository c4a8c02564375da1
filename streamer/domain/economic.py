"""Economic order quantity, with and without price breaks.

Harris 1913; price breaks after Nahmias, *Production and Operations Analysis*, section 4.7 (all-units and incremental).
Costs in one currency; quantities in one unit. Square roots are Decimal, so that the same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from streamer.domain.checks import LARGEST_AMOUNT, Invalid, not_negative, positive
from streamer.messages.base import plain

PriceScheme = Literal[
    "all_units",  # the price of the reached break holds for every unit
    "incremental",  # each unit has the price of the range it lies in
]


class PriceBreak(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From this quantity on, this price for one unit. `maximum_quantity` may close the range, and must leave no gap."""

    minimum_quantity: Decimal
    unit_price: Decimal
    maximum_quantity: Decimal | None = None

    def __post_init__(self) -> None:
        not_negative("minimum_quantity", self.minimum_quantity)
        not_negative("unit_price", self.unit_price, LARGEST_AMOUNT)
        if self.maximum_quantity is not None:
            positive("maximum_quantity", self.maximum_quantity)
            if self.maximum_quantity < self.minimum_quantity:
                raise Invalid("must not be below minimum_quantity", field="maximum_quantity")


class Economic(NamedTuple):
    """The best order quantity, its cost for a year (goods, orders, holding), and what was compared."""

    quantity: Decimal
    unit_price: Decimal  # the average one at this quantity
    yearly_cost: Decimal
    candidates: tuple[str, ...]


def check_breaks(breaks: Sequence[PriceBreak], *, start: Decimal, step: Decimal = Decimal(1)) -> None:
    """Raises Invalid for breaks that are unsorted, overlap, or leave a quantity from `start` on without a price.

    `step` is the order multiple: a range may end one step before the next begins, or where it begins.
    """
    if not breaks:
        raise Invalid("must not be empty", field="price_breaks")
    if breaks[0].minimum_quantity > start:
        raise Invalid(
            f"leaves a gap: {start} has no price, the first break begins at {breaks[0].minimum_quantity}",
            field="price_breaks.0.minimum_quantity",
        )
    for index in range(1, len(breaks)):
        before, after = breaks[index - 1], breaks[index]
        field = f"price_breaks.{index}.minimum_quantity"
        if after.minimum_quantity <= before.minimum_quantity:
            raise Invalid(f"must be above {before.minimum_quantity} of the break before", field=field)
        end = before.maximum_quantity
        if end is None:
            continue
        if after.minimum_quantity < end:
            raise Invalid(f"overlaps the break before, which ends at {end}", field=field)
        if after.minimum_quantity > end + step:
            raise Invalid(f"leaves a gap: nothing between {end} and {after.minimum_quantity} has a price", field=field)
    if breaks[-1].maximum_quantity is not None:
        field = f"price_breaks.{len(breaks) - 1}.maximum_quantity"
        raise Invalid("must be left out of the last break: larger quantities would have no price", field=field)


def goods_cost(quantity: Decimal, breaks: Sequence[PriceBreak], scheme: PriceScheme) -> Decimal:
    """What `quantity` costs; below the first break its price holds too."""
    if scheme == "all_units":
        price = breaks[0].unit_price
        for step in breaks:
            if step.minimum_quantity > quantity:
                break
            price = step.unit_price
        return quantity * price
    cost = Decimal(0)
    for index, step in enumerate(breaks):
        lower = step.minimum_quantity if index else Decimal(0)
        upper = breaks[index + 1].minimum_quantity if index + 1 < len(breaks) else quantity
        if quantity <= lower:
            break
        cost += (min(quantity, upper) - lower) * step.unit_price
    return cost


def order_quantity(yearly_demand: Decimal, order_cost: Decimal, holding_cost: Decimal) -> Decimal:
    """sqrt(2 * K * D / h): the lot at which ordering and holding cost the same (Harris 1913)."""
    _check(yearly_demand, order_cost)
    positive("holding_cost", holding_cost, LARGEST_AMOUNT)
    return (2 * order_cost * yearly_demand / holding_cost).sqrt()


def production_quantity(
    yearly_demand: Decimal, order_cost: Decimal, holding_cost: Decimal, yearly_production: Decimal
) -> Decimal:
    """The lot when it arrives at a finite rate: h is reduced to h * (1 - D / P) (Taft 1918)."""
    if yearly_production <= yearly_demand:
        raise Invalid("must be above yearly_demand", field="yearly_production")
    return order_quantity(yearly_demand, order_cost, holding_cost * (1 - yearly_demand / yearly_production))


def yearly_cost(
    quantity: Decimal,
    yearly_demand: Decimal,
    order_cost: Decimal,
    holding_rate: Decimal,
    breaks: Sequence[PriceBreak],
    scheme: PriceScheme = "all_units",
) -> Decimal:
    """Goods, orders and holding (`holding_rate` of the average price) for a year with lots of `quantity`."""
    price = goods_cost(quantity, breaks, scheme) / quantity
    return yearly_demand * price + order_cost * yearly_demand / quantity + holding_rate * price * quantity / 2


def best_quantity(
    yearly_demand: Decimal,
    order_cost: Decimal,
    holding_rate: Decimal,
    breaks: Sequence[PriceBreak],
    scheme: PriceScheme = "all_units",
) -> Economic:
    """The lot with the lowest yearly cost over all price ranges; of equals, the smaller lot.

    All-units: the EOQ of each price where it lies in its range, and each break. Incremental: the average cost of range
    j is that of an EOQ whose order cost is raised by what the earlier, dearer units cost more.
    """
    _check(yearly_demand, order_cost)
    positive("holding_rate", holding_rate)
    lots_of = _all_units if scheme == "all_units" else _incremental
    candidates = lots_of(yearly_demand, order_cost, holding_rate, breaks)
    priced = [
        (yearly_cost(quantity, yearly_demand, order_cost, holding_rate, breaks, scheme), quantity)
        for quantity in candidates
    ]
    cost, quantity = min(priced)
    words = tuple(
        f"{_round(each)} a lot costs {_round(total)} a year" for total, each in sorted(priced, key=lambda p: p[1])
    )
    return Economic(quantity, goods_cost(quantity, breaks, scheme) / quantity, cost, words)


def _all_units(
    demand: Decimal, order_cost: Decimal, holding_rate: Decimal, breaks: Sequence[PriceBreak]
) -> list[Decimal]:
    """The EOQ of each price within its range, each break, and the last whole unit before a price that rises."""
    found = []
    for index, step in enumerate(breaks):
        after = breaks[index + 1] if index + 1 < len(breaks) else None
        if step.unit_price > 0:
            quantity = order_quantity(demand, order_cost, holding_rate * step.unit_price)
            if quantity >= step.minimum_quantity and (after is None or quantity < after.minimum_quantity):
                found.append(quantity)
        if step.minimum_quantity > 0:
            found.append(step.minimum_quantity)
        if after and after.unit_price > step.unit_price and after.minimum_quantity - 1 > step.minimum_quantity:
            found.append(after.minimum_quantity - 1)
    return found or _needs_price()


def _incremental(
    demand: Decimal, order_cost: Decimal, holding_rate: Decimal, breaks: Sequence[PriceBreak]
) -> list[Decimal]:
    """The best lot of each range where it lies in it, and each break after which the price rises."""
    found = []
    for index, step in enumerate(breaks):
        lower = step.minimum_quantity if index else Decimal(0)
        upper = breaks[index + 1].minimum_quantity if index + 1 < len(breaks) else None
        if index and step.unit_price > breaks[index - 1].unit_price:
            found.append(lower)
        fixed = order_cost + goods_cost(lower, breaks, "incremental") - lower * step.unit_price
        if step.unit_price <= 0 or fixed <= 0:
            continue
        quantity = (2 * fixed * demand / (holding_rate * step.unit_price)).sqrt()
        if quantity >= lower and (upper is None or quantity <= upper):
            found.append(quantity)
    return found or [step.minimum_quantity for step in breaks if step.minimum_quantity > 0] or _needs_price()


def _needs_price() -> list[Decimal]:
    raise Invalid("needs a price above 0 for an economic order quantity", field="unit_price")


def _check(yearly_demand: Decimal, order_cost: Decimal) -> None:
    positive("yearly_demand", yearly_demand, LARGEST_AMOUNT)
    positive("order_cost", order_cost, LARGEST_AMOUNT)


def _round(number: Decimal) -> str:
    return plain(Decimal(f"{number:.4f}"))
