"""An order over several locations: where each line comes from, in whole kits, and what is decided about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Literal, NamedTuple

from streamer.domain.checks import ZERO, Invalid
from streamer.domain.shelves import OrderedLine, Site
from streamer.domain.supersession import Chains
from streamer.messages.applied import SourcingRule
from streamer.messages.base import plain

LineDecision = Literal["approved", "partly_approved", "waitlisted", "rejected"]
LARGEST_EXACT = 12
"""Up to so many locations all combinations are tried for the fewest splits; beyond, the best next one is added."""


class Pick(NamedTuple):
    """So many of a SKU from a location; `serves` counts units of the line (kits, superseded parts)."""

    location: str
    sku: str
    quantity: Decimal
    serves: Decimal
    hops: tuple[str, ...] = ()


class SourcedLine(NamedTuple):
    """What becomes of a line, and why."""

    line: str
    decision: LineDecision
    approved: Decimal
    waitlisted: Decimal
    picks: tuple[Pick, ...]
    reason: str


class Sourced(NamedTuple):
    """The whole order; `locations` in the order in which they were asked, of which `used` give something."""

    lines: tuple[SourcedLine, ...]
    locations: tuple[str, ...]
    used: tuple[str, ...]


class Terms(NamedTuple):
    """How the order is to be served."""

    rule: SourcingRule = "rank"
    all_or_nothing: bool = False
    chains: Chains | None = None
    on: date | None = None  # for supersessions


def allocate(lines: Sequence[OrderedLine], sites: Sequence[Site], terms: Terms = Terms()) -> Sourced:  # noqa: B008
    """Decide each line in turn; what one line takes is not there for the next.

    Raises Invalid, naming the field, for a rule that lacks its data, or a location or line named twice.
    """
    _check(lines, sites, terms)
    order = ordered(lines, sites, terms)
    taken = _take(lines, order, terms)
    short = [
        f"{line.sku} is short by {plain(line.quantity - _served(picks))}"
        for line, picks in zip(lines, taken, strict=True)
        if _served(picks) < line.quantity
    ]
    if terms.all_or_nothing and short:
        reason = f"all or nothing: {short[0]}"
        wait = all(line.back_order_allowed for line in lines)
        decided = tuple(_nothing(line, reason, wait=wait) for line in lines)
    else:
        decided = tuple(decide(line, picks) for line, picks in zip(lines, taken, strict=True))
    used = {pick.location for line in decided for pick in line.picks}
    names = tuple(site.location for site in order)
    return Sourced(decided, names, tuple(name for name in names if name in used))


def decide(line: OrderedLine, picks: Sequence[Pick]) -> SourcedLine:
    """The state of a line from what could be found for it."""
    approved = _served(picks)
    missing = line.quantity - approved
    where = ", ".join(sorted({pick.location for pick in picks}))
    if not missing:
        return SourcedLine(line.line, "approved", approved, ZERO, tuple(picks), f"all from {where}")
    if not approved:
        return _nothing(line, "not enough stock", wait=line.back_order_allowed)
    if not line.partial_allowed:
        reason = f"only {plain(approved)} of {plain(line.quantity)} are there, and the line must not be split"
        return _nothing(line, reason, wait=line.back_order_allowed)
    waits = missing if line.back_order_allowed else ZERO
    rest = "wait for stock" if line.back_order_allowed else "are refused"
    reason = f"{plain(approved)} from {where}; {plain(missing)} {rest}"
    return SourcedLine(line.line, "partly_approved", approved, waits, tuple(picks), reason)


def ordered(lines: Sequence[OrderedLine], sites: Sequence[Site], terms: Terms) -> tuple[Site, ...]:
    """The locations to ask, in turn."""
    by_rank = sorted(sites, key=lambda site: (site.rank, site.location))
    if terms.rule == "nearest":
        return tuple(sorted(by_rank, key=lambda site: site.distance_km or ZERO))
    if terms.rule == "most_stock":
        return tuple(sorted(by_rank, key=lambda site: -_coverage(_take(lines, (site,), terms))))
    if terms.rule == "fewest_splits":
        return _fewest(lines, by_rank, terms)
    return tuple(by_rank)


def _fewest(lines: Sequence[OrderedLine], sites: Sequence[Site], terms: Terms) -> tuple[Site, ...]:
    whole = _coverage(_take(lines, sites, terms))
    if len(sites) <= LARGEST_EXACT:
        for count in range(len(sites)):
            for chosen in combinations(sites, count):
                if _coverage(_take(lines, chosen, terms)) >= whole:
                    return chosen
        return tuple(sites)
    chosen_sites: list[Site] = []
    left = list(sites)
    while left and _coverage(_take(lines, chosen_sites, terms)) < whole:
        best = max(left, key=lambda site: _coverage(_take(lines, [*chosen_sites, site], terms)))
        chosen_sites.append(best)
        left.remove(best)
    return tuple(chosen_sites)


def _take(lines: Sequence[OrderedLine], sites: Sequence[Site], terms: Terms) -> list[list[Pick]]:
    """What each line gets, in turn, from the locations in turn."""
    free = {site.location: {sku: level.free for sku, level in site.stock.items()} for site in sites}
    result = []
    for line in lines:
        picks: list[Pick] = []
        left = line.quantity
        for site in sites:
            found = (
                _kit(line, left, site.location, free) if line.kit else _single(line, left, site.location, free, terms)
            )
            for pick in found:
                free[site.location][pick.sku] -= pick.quantity
            picks.extend(found)
            left -= _served(found)
            if not left:
                break
        result.append(picks)
    return result


def _kit(line: OrderedLine, left: Decimal, location: str, free: Mapping[str, Mapping[str, Decimal]]) -> list[Pick]:
    """Whole kits; the parts in the order of their SKUs, as they are reserved. The first part's pick serves the kits."""
    there = free[location]
    kits = min(left, *(there.get(part.sku, ZERO) // part.quantity_each for part in line.kit)) // 1
    if kits <= 0:
        return []
    parts = sorted(line.kit, key=lambda part: part.sku)
    return [
        Pick(location, part.sku, kits * part.quantity_each, ZERO if index else kits) for index, part in enumerate(parts)
    ]


def _single(
    line: OrderedLine, left: Decimal, location: str, free: Mapping[str, Mapping[str, Decimal]], terms: Terms
) -> list[Pick]:
    if terms.chains is not None and terms.on is not None:
        served = terms.chains.serve(line.sku, left, free[location], terms.on)
        return [Pick(location, each.sku, each.quantity, each.serves, each.hops) for each in served]
    quantity = min(left, free[location].get(line.sku, ZERO))
    return [Pick(location, line.sku, quantity, quantity)] if quantity > 0 else []


def _coverage(taken: Iterable[Sequence[Pick]]) -> Decimal:
    return sum((_served(picks) for picks in taken), ZERO)


def _served(picks: Iterable[Pick]) -> Decimal:
    return sum((pick.serves for pick in picks), ZERO)


def _nothing(line: OrderedLine, reason: str, *, wait: bool) -> SourcedLine:
    if wait:
        return SourcedLine(line.line, "waitlisted", ZERO, line.quantity, (), reason)
    return SourcedLine(line.line, "rejected", ZERO, ZERO, (), f"{reason}, and back orders are not allowed")


def _check(lines: Sequence[OrderedLine], sites: Sequence[Site], terms: Terms) -> None:
    if not lines:
        raise Invalid("must not be empty", field="lines")
    if not sites:
        raise Invalid("must not be empty", field="locations")
    if len({line.line for line in lines}) < len(lines):
        raise Invalid("names a line twice", field="lines")
    if len({site.location for site in sites}) < len(sites):
        raise Invalid("names a location twice", field="locations")
    if terms.rule == "nearest":
        for index, site in enumerate(sites):
            if site.distance_km is None:
                raise Invalid("is needed to choose the nearest", field=f"locations.{index}.distance_km")
    if terms.chains is not None and terms.on is None:
        raise Invalid("is needed to follow supersessions", field="on")
