"""The rules that look at all stock at once: each location is asked for all, then the best of them keep theirs.

What is offered is reserved until the choice is made, a moment later, and what is not chosen is given back: so no offer
can be gone when it is taken, and nothing is promised twice. An order that wants all or nothing, and cannot have all of
it, gives everything back before it asks again in the order of its SKUs: so no two such orders wait for each other.
"""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.order_asks import release_all
from streamer.domain.order_judging import whole_lines
from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.order_terms import channel_of
from streamer.domain.order_walk import Walk, reconsider
from streamer.domain.sourcing import Offers, Wanted, best_first
from streamer.domain.units import ZERO
from streamer.messages.applied import SettingsApplied, SourcingRule
from streamer.messages.base import Message

NOT_ALL = "not all of the order is there"


def collect(key: str, row: OrderRow, settings: SettingsApplied | None) -> list[Message]:
    """Asks all locations of all lines that are to be sourced together; once all have answered, puts them in order."""
    lines = {line_id: line for line_id, line in row.lines.items() if line.collect and _is_open(line)}
    if not lines or row.quarantined is not None or any(line.sku is None for line in lines.values()):
        return []
    if row.all_or_nothing and any(_is_open(line) and not line.collect for line in whole_lines(row).values()):
        for line in lines.values():
            line.collect = False  # what is held already came in its turn: the others are asked in theirs, by rank
        return []
    said: list[Message] = []
    offers: dict[str, dict[str, Decimal]] = {}
    for line_id, line in lines.items():
        walk = Walk(key, row, line)
        offered = walk.collect(line_id)
        said += walk.said
        if offered is not None:
            offers[line_id] = offered
    if len(offers) < len(lines):
        return said
    _choose(lines, offers, channel_of(settings, key.partition("/")[0]).sourcing)
    short = [line for line_id, line in lines.items() if sum(offers[line_id].values(), ZERO) < line.here]
    for line in lines.values() if short and row.all_or_nothing else ():
        said += release_all(key, row, line, NOT_ALL)
    for line in short if len(lines) > 1 or row.all_or_nothing else ():
        reconsider(line)  # what another line of the order gives back may be what this one lacks
    return said


def _is_open(line: Line) -> bool:
    return line.refused is None and line.fulfilment != "cancelled" and line.shipped < line.quantity


def _choose(lines: dict[str, Line], offers: dict[str, dict[str, Decimal]], rule: SourcingRule) -> None:
    """Of one SKU that several lines want, what is offered to them is one stock."""
    stock: Offers = {}
    wanted = []
    for line_id, line in lines.items():
        name = line_id if line.kit else f"={line.sku}"
        wanted.append(Wanted(name, line.here))
        for site in line.sites:
            there = stock.setdefault(site, {})
            there[name] = there.get(name, ZERO) + offers[line_id].get(site, ZERO)
    best = best_first(wanted, stock, rule)
    for line in lines.values():
        line.collect = False
        line.sites = [
            *(site for site in best if site in line.sites),
            *(site for site in line.sites if site not in best),
        ]
        line.location = line.sites[0]
