"""What will be there when an order placed today arrives: projected stock, day by day, and net requirements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec

from streamer.domain.checks import ZERO, finite, not_negative
from streamer.domain.demand import Booked, booked_until


class Stock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one SKU at one location stands at. `waitlisted` are promised to people who wait; `safety` is never sold.

    `substitutes` is free stock of older parts that serve for this one and are used up first.
    """

    on_hand: Decimal
    reserved: Decimal = ZERO
    waitlisted: Decimal = ZERO
    safety: Decimal = ZERO
    substitutes: Decimal = ZERO

    def __post_init__(self) -> None:
        finite("on_hand", self.on_hand)
        for field in ("reserved", "waitlisted", "safety", "substitutes"):
            not_negative(field, getattr(self, field))


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something on its way: an order at a supplier, open or still a draft.

    Without a date it counts as if it came in time, since not counting it would order it again. So does an `own` order,
    one that this rule has raised, however late it is: a postponed receipt is no reason to order twice.
    """

    quantity: Decimal
    expected: date | None = None
    reference: str | None = None
    draft: bool = False
    own: bool = False

    def __post_init__(self) -> None:
        not_negative("quantity", self.quantity)

    def counts_until(self, horizon: date) -> bool:
        return self.own or self.expected is None or self.expected <= horizon


class Projection(NamedTuple):
    """The numbers of a reorder decision. `projected` = on hand + substitutes + incoming - reserved - ... - safety."""

    on_hand: Decimal
    substitutes: Decimal
    incoming: Decimal
    incoming_later: Decimal  # after the horizon: does not count
    reserved: Decimal
    waitlisted: Decimal
    booked: Decimal
    safety: Decimal
    projected: Decimal
    overdue: tuple[str, ...]  # receipts that should have come already, and those that come late and count all the same


def project(
    stock: Stock,
    receipts: Iterable[Receipt],
    today: date,
    horizon: date,
    jobs: Iterable[Booked] = (),
    safety: Decimal | None = None,
) -> Projection:
    """Projected stock on `horizon`, the day on which an order placed today arrives (included).

    `safety` replaces the stock's own buffer, where a rule has worked it out.
    """
    incoming = later = ZERO
    overdue = []
    for receipt in receipts:
        if not receipt.counts_until(horizon):
            later += receipt.quantity
            continue
        incoming += receipt.quantity
        if receipt.expected is not None and not today <= receipt.expected <= horizon:
            overdue.append(
                f"{receipt.reference or 'a receipt'} of {receipt.quantity:f}, due {receipt.expected}, counts"
            )
    buffer = stock.safety if safety is None else safety
    booked = booked_until(jobs, horizon)
    projected = stock.on_hand + stock.substitutes + incoming - stock.reserved - stock.waitlisted - booked - buffer
    return Projection(
        stock.on_hand,
        stock.substitutes,
        incoming,
        later,
        stock.reserved,
        stock.waitlisted,
        booked,
        buffer,
        projected,
        tuple(overdue),
    )


def receipts_by_day(receipts: Iterable[Receipt], today: date, days: int) -> tuple[Decimal, ...]:
    """Quantities for each day from `today` on; overdue and undated ones fall on `today`, later ones are left out."""
    by_day = [ZERO] * days
    for receipt in receipts:
        offset = 0 if receipt.expected is None else max(0, (receipt.expected - today).days)
        if offset < days:
            by_day[offset] += receipt.quantity
    return tuple(by_day)


def stock_by_day(opening: Decimal, receipts: Sequence[Decimal], demand: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Stock at the end of each day; below 0 where demand is not met and waits."""
    result, level = [], opening
    for arrived, needed in zip(receipts, demand, strict=True):
        level += arrived - needed
        result.append(level)
    return tuple(result)


def net_requirements(opening: Decimal, receipts: Sequence[Decimal], demand: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What is missing each day beyond what was missing before: the demand that new lots must cover.

    Material requirements planning: gross requirements less projected stock. A shortage that is there already (`opening`
    below 0) is missing on the first day.
    """
    result, level = [], opening
    for arrived, needed in zip(receipts, demand, strict=True):
        level += arrived - needed
        missing = max(ZERO, -level)
        level += missing
        result.append(missing)
    return tuple(result)


def run_out(by_day: Sequence[Decimal], today: date) -> date | None:
    """The first day that ends below 0, or None within the days given."""
    return next((today + timedelta(days=index) for index, level in enumerate(by_day) if level < 0), None)
