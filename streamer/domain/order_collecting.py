"""The rules that look at all stock at once: each location is asked for all, then the best of them keep theirs.

What is offered is reserved until the choice is made, a moment later, and what is not chosen is given back: so no offer
can be gone when it is taken, and nothing is promised twice. The choice is that of `streamer plan`.
"""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.order_terms import channel_of
from streamer.domain.order_walk import Walk
from streamer.domain.shelves import Level, OrderedLine, Site
from streamer.domain.sourcing import Terms, ordered
from streamer.domain.units import ZERO
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message


def collect(key: str, row: OrderRow, settings: SettingsApplied | None) -> list[Message]:
    """Asks all locations of all lines that are to be sourced together; once all have answered, puts them in order."""
    lines = {line_id: line for line_id, line in row.lines.items() if line.collect and _is_open(line)}
    if not lines or row.quarantined is not None or any(line.sku is None for line in lines.values()):
        return []
    said: list[Message] = []
    found: dict[str, dict[str, Decimal] | None] = {}
    for line_id, line in lines.items():
        walk = Walk(key, row, line)
        found[line_id] = walk.collect(line_id)
        said += walk.said
    offers = {line_id: offered for line_id, offered in found.items() if offered is not None}
    if len(offers) < len(found):
        return said
    _choose(lines, offers, Terms(channel_of(settings, key.partition("/")[0]).sourcing))
    return said


def _is_open(line: Line) -> bool:
    return line.refused is None and line.fulfilment != "cancelled" and line.shipped < line.quantity


def _choose(lines: dict[str, Line], offers: dict[str, dict[str, Decimal]], terms: Terms) -> None:
    ranked = list(dict.fromkeys(site for line in lines.values() for site in line.sites))
    sites = [
        Site(
            location=site,
            rank=rank,
            stock={line_id: Level(on_hand=offered.get(site, ZERO)) for line_id, offered in offers.items()},
        )
        for rank, site in enumerate(ranked)
    ]
    wanted = [OrderedLine(line=line_id, sku=line_id, quantity=line.here) for line_id, line in lines.items()]
    best = [site.location for site in ordered(wanted, sites, terms)]
    for line in lines.values():
        line.collect = False
        line.sites = [
            *(site for site in best if site in line.sites),
            *(site for site in line.sites if site not in best),
        ]
        line.location = line.sites[0]
