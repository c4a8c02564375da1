"""Which locations serve an order best, from what each of them could give of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

from streamer.domain.units import ZERO
from streamer.messages.applied import SourcingRule

LARGEST_EXACT = 12
"""Up to so many locations all combinations are tried for the fewest splits; beyond, the best next one is added."""

Offers = dict[str, dict[str, Decimal]]
"""By location, in the order of their rank, and SKU: how much of what is wanted could come from there."""


class Wanted(NamedTuple):
    """So much is asked for. Lines with one SKU take from the same offers."""

    sku: str
    quantity: Decimal


def best_first(wanted: Sequence[Wanted], offers: Offers, rule: SourcingRule) -> tuple[str, ...]:
    """The locations to take from, in turn; those that are left out are not needed."""
    if rule == "most_stock":
        return tuple(sorted(offers, key=lambda site: -given(wanted, offers, (site,))))
    if rule == "fewest_splits":
        return _fewest(wanted, offers)
    return tuple(offers)


def given(wanted: Sequence[Wanted], offers: Offers, sites: Sequence[str]) -> Decimal:
    """How much of what is wanted these locations give together."""
    total = ZERO
    asked: dict[str, Decimal] = {}
    for each in wanted:
        asked[each.sku] = asked.get(each.sku, ZERO) + each.quantity
    for sku, quantity in asked.items():
        total += min(quantity, sum((offers[site].get(sku, ZERO) for site in sites), ZERO))
    return total


def _fewest(wanted: Sequence[Wanted], offers: Offers) -> tuple[str, ...]:
    """The fewest locations that give as much as all together, and of these the ones of the best rank."""
    sites = tuple(offers)
    whole = given(wanted, offers, sites)
    if len(sites) <= LARGEST_EXACT:
        for count in range(len(sites)):
            for chosen in combinations(sites, count):
                if given(wanted, offers, chosen) >= whole:
                    return chosen
        return sites
    chosen_sites: list[str] = []
    left = list(sites)
    while left and given(wanted, offers, chosen_sites) < whole:
        best = max(left, key=lambda site: given(wanted, offers, [*chosen_sites, site]))
        chosen_sites.append(best)
        left.remove(best)
    return tuple(chosen_sites)
