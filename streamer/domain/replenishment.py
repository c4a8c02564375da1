"""When to order, how much, and from whom: the min/max policy with every rounding step in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from streamer.domain.stock_rows import Offer
from streamer.domain.units import ZERO
from streamer.messages.base import plain

ONE = Decimal(1)
_WORDS = {
    "up": "up",
    "nearest": "to the nearest",
    "down": "down",
    "up_within_maximum": "down, to stay within the maximum,",
}


class Position(NamedTuple):
    """What the decision is made from; `incoming_later` arrives after today plus the lead time."""

    on_hand: Decimal
    reserved: Decimal
    waitlisted: Decimal
    incoming: Decimal
    incoming_later: Decimal
    safety: Decimal

    @property
    def projected(self) -> Decimal:
        """Available plus what arrives within the lead time."""
        return self.on_hand + self.incoming - self.reserved - self.waitlisted - self.safety

    @property
    def covered(self) -> Decimal:
        """Projected, and what this row has ordered and will get later: a late supplier is no reason to order twice."""
        return self.projected + self.incoming_later


def triggered(level: Decimal, reorder_point: Decimal, trigger: str) -> bool:
    """Whether a level calls for an order: strictly below the reorder point, or also at it."""
    return level < reorder_point or (trigger == "at_or_below" and level == reorder_point)


def rounded(
    wanted: Decimal, mode: str, minimum: Decimal, multiple: Decimal, *, urgent: bool
) -> tuple[Decimal, tuple[str, ...]]:
    """What to order for `wanted` > 0, and each step in words.

    First the order multiple by `mode`: `up`, `nearest` (a half goes up), `down`, `up_within_maximum` (up, unless that
    passes the order-up-to level, which is exactly `wanted` above the projection: then down). Then the supplier's
    minimum, in whole multiples; a supplier does not accept less, so it goes above the maximum if it must. Less than one
    multiple may come to nothing in the modes that round down, unless somebody waits for it (`urgent`).
    """
    steps = []
    count = wanted / multiple
    if mode == "up":
        count = count.to_integral_value(ROUND_CEILING)
    elif mode == "nearest":
        count = count.to_integral_value(ROUND_HALF_UP)
    else:
        count = count.to_integral_value(ROUND_FLOOR)
    quantity = count * multiple
    if quantity != wanted:
        steps.append(f"{plain(wanted)} rounded {_WORDS[mode]} to {plain(quantity)}, a multiple of {plain(multiple)}")
    if quantity == 0 and urgent:
        quantity = multiple
        steps.append(f"raised to one multiple of {plain(multiple)}, because somebody waits")
    if ZERO < quantity < minimum:
        quantity = (minimum / multiple).to_integral_value(ROUND_CEILING) * multiple
        steps.append(f"raised to {plain(quantity)} for the supplier's minimum of {plain(minimum)}")
    return quantity, tuple(steps)


class Choice(NamedTuple):
    """The supplier to order from, and the one that was not taken."""

    supplier: str
    offer: Offer
    alternative: str | None


def choose(offers: Mapping[str, Offer], known: Mapping[str, object]) -> Choice | None:
    """The offer of the lowest rank (1 is the primary supplier) among suppliers that the settings know; then by code."""
    ranked = sorted((offer.rank, code) for code, offer in offers.items() if not offer.withdrawn and code in known)
    if not ranked:
        return None
    alternative = None
    if len(ranked) > 1:
        rank, code = ranked[1]
        other = offers[code]
        alternative = (
            f"{code}: {plain(other.unit_price)} {other.currency}, {other.lead_time_days} days; "
            f"rank {rank} comes after rank {ranked[0][0]}"
        )
    return Choice(ranked[0][1], offers[ranked[0][1]], alternative)
