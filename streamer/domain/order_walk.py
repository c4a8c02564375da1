"""Who serves a line: locations in turn, parts of kits, older, newer and other SKUs. One step at a time, by answers.

A walk looks at all that was asked and answered for a line and asks for what is missing next; nothing is asked from two
rows at once for the same unit, and what is not used is given back. It may be repeated at any time: where nothing has
changed it asks nothing. Parts of a kit are asked in the order of their SKUs, each only for as many kits as the parts
before it are there for, so that two kits never wait for each other.
"""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.order_asks import may_wait, quantity_of, request, root_key
from streamer.domain.order_options import (
    NOTHING,
    Got,
    Option,
    child_of,
    held,
    options_of,
    site_key,
    units_of,
    waits_there,
)
from streamer.domain.order_rows import Ask, Line, OrderRow, Part
from streamer.domain.stock_referrals import works_for
from streamer.domain.units import ZERO
from streamer.messages.base import Message


class Walk:
    """One walk over one line; `said` are the requests that it makes."""

    __slots__ = ("key", "line", "row", "said")

    def __init__(self, key: str, row: OrderRow, line: Line) -> None:
        self.key = key
        self.row = row
        self.line = line
        self.said: list[Message] = []

    def go(self, line_id: str) -> Got | None:
        """What the line has; None while answers are on their way."""
        root = root_key(self.key, line_id, self.line)
        assert self.line.location is not None
        sites = self.line.sites or [self.line.location]
        if len(sites) == 1:
            return self._aim(root, self._root(root, sites[0], first=True), self.line.here, waits=True)
        options = []
        for place, site in enumerate(sites):
            key = site_key(root, site)
            options.append(Option(key, self._root(key, site, first=not place)))
        return self._sites(options)

    def collect(self, line_id: str) -> dict[str, Decimal] | None:
        """What each location could give of the whole line, and holds until a choice is made; None while some answer."""
        root = root_key(self.key, line_id, self.line)
        found: dict[str, Decimal] = {}
        for place, site in enumerate(self.line.sites):
            key = site_key(root, site)
            got = self._aim(key, self._root(key, site, first=not place), self.line.here, waits=False)
            if got is not None:
                found[site] = got.approved
        return found if len(found) == len(self.line.sites) else None

    def _root(self, key: str, site: str, *, first: bool) -> Ask:
        ask = self.line.asks.get(key)
        if ask is None:
            assert self.line.sku is not None
            left = max(ZERO, self.line.shipped - self.line.elsewhere) if first else ZERO
            ask = Ask(self.line.sku, site, ZERO, waits=not self.line.sites, left=left)
            if self.line.kit:  # the order knows the parts itself
                ask.kind, ask.parts, ask.referred = "parts", [Part(sku, each) for sku, each in self.line.kit], True
            self.line.asks[key] = ask
        return ask

    def _sites(self, sites: list[Option]) -> Got | None:
        """What is there from each location in turn; the rest waits at the first that lets it."""
        here, whole = self.line.here, self.row.all_or_nothing or not self.line.partial
        waiting = next((site for site in sites if waits_there(self.line, site)), None) if whole else None
        if waiting is None or self.line.recheck:
            found = self._in_turn(sites, here)
            if found is None:
                return None
        else:
            found = [here if site is waiting else ZERO for site in sites]
            got = self._aim(waiting.key, waiting.ask, here, waits=True)
            if got is None or got.reach >= here:
                return got
        if sum(found, ZERO) < here:
            self.line.recheck = False  # not all is there: it goes on waiting, and must not be asked for once more
        return self._wait(sites, found, whole=whole)

    def _in_turn(self, sites: list[Option], units: Decimal) -> list[Decimal] | None:
        """Those from which nothing is wanted any more are told at once."""
        found = []
        pending = False
        for site in sites:
            got = self._aim(site.key, site.ask, units, waits=False)
            if got is None:
                if units > 0:
                    return None
                pending = True
                continue
            found.append(got.approved)
            units -= got.approved
        return None if pending else found

    def _wait(self, sites: list[Option], found: list[Decimal], *, whole: bool) -> Got | None:
        left = self.line.here - sum(found, ZERO)
        waits = may_wait(self.row, self.line)
        if whole and waits and left > 0:
            found, left = [ZERO for _ in sites], self.line.here  # nothing is held in several places meanwhile
        approved = reach = ZERO
        for site, mine in zip(sites, found, strict=True):
            got = self._aim(site.key, site.ask, mine + (left if waits else ZERO), waits=waits and left > 0)
            if got is None:
                return None
            left -= max(ZERO, got.reach - mine)
            approved += got.approved
            reach += got.reach
        return Got(approved, reach)

    def _aim(self, key: str, ask: Ask, units: Decimal, *, waits: bool) -> Got | None:
        """So many units of the line from this row and what it names."""
        if ask.kind is None:
            return self._leaf(key, ask, units, waits=waits)
        if ask.kind == "parts":
            return self._kit(key, ask, units, waits=waits)
        return self._options(key, ask, units, waits=waits)

    def _leaf(self, key: str, ask: Ask, units: Decimal, *, waits: bool) -> Got | None:
        if ask.cap is not None and not waits:
            units = min(units, ask.cap)
        need = quantity_of(max(units, ask.left), ask.each)
        if not ask.revision or ask.released:
            if need <= 0:
                return NOTHING
            self._ask(key, ask, need, waits=waits)
            return None
        if ask.answered == 0:
            return None
        if ask.state == "released":  # it has expired
            gone = works_for(ask.approved, ask.each)
            return Got(gone, gone)
        held = ask.approved + ask.waitlisted
        if (
            (held > need and ask.quantity != need)
            or (need > ask.quantity and (waits or not ask.waits))
            or (waits and not ask.waits and held < need)
            or (ask.stale and not ask.waits and held < need)
        ):
            self._ask(key, ask, need, waits=waits or ask.waits)
            return None
        return Got(units_of(ask.approved, need, units, ask.each), units_of(held, need, units, ask.each))

    def _ask(self, key: str, ask: Ask, need: Decimal, *, waits: bool) -> None:
        if ask.kind == "alternatives" and waits:
            ask.follow = "none"  # they have been asked
        ask.quantity, ask.waits = need, waits
        if waits:
            ask.cap = None
        self.said.append(request(self.key, self.row, self.line, key, ask))

    def _kit(self, key: str, ask: Ask, units: Decimal, *, waits: bool) -> Got | None:
        if waits and not ask.waits:
            ask.cap, ask.waits = None, True
        if ask.cap is not None:
            units = min(units, ask.cap)
        have = reach = units
        together = self.line.purpose != "sale"  # a job needs them all on its day: each row must know of it, to order it
        pending = False
        children = []
        for part in sorted(ask.parts, key=lambda part: part.sku):
            child_key = f"{key}/{part.sku}"
            child = child_of(self.line, key, ask, part.sku, part.each, "all")
            wanted = units if together else have
            if wanted <= 0 and not child.revision:
                continue
            got = self._aim(child_key, child, wanted, waits=waits)
            if got is None:
                if not together:
                    return None
                pending = True
                continue
            children.append(Option(child_key, child))
            if got.reach < wanted:
                reach = min(reach, got.reach)
            have = min(have, got.approved)
        if pending:
            return None
        if (waits or not ask.waits) and not self._give_back(ask, children, units, reach, waits=waits):
            return None
        return Got(min(have, reach), reach)

    def _give_back(self, ask: Ask, parts: list[Option], units: Decimal, reach: Decimal, *, waits: bool) -> bool:
        """What is held of one part for kits of which another is missing; whether nothing had to be told."""
        if reach < units:
            ask.cap = reach
        return all(self._fits(option, reach, waits=waits) for option in parts)

    def _fits(self, option: Option, units: Decimal, *, waits: bool) -> bool:
        """Whether a part holds no more than for so many kits; else it is told to give back what is left over."""
        ask = option.ask
        if ask.kind is None:
            over = not ask.released and ask.approved + ask.waitlisted > quantity_of(max(units, ask.left), ask.each)
        else:
            over = held(self.line, option.key, ask).reach > units
        return not over or self._aim(option.key, ask, units, waits=waits) is not None

    def _options(self, key: str, ask: Ask, units: Decimal, *, waits: bool) -> Got | None:
        options = options_of(self.line, key, ask)
        waiter = options[0] if ask.kind == "alternatives" else options[-1]
        approved = reach = ZERO
        kept = ZERO
        for option in options:
            got = self._one(option, units - approved, waits=waits and option is options[-1] and option is waiter)
            if got is None:
                return None
            if option is waiter:
                kept = got.approved
            approved += got.approved
            reach += got.reach
        if waiter is not options[-1]:
            left = max(ZERO, units - approved)
            if (waits and left) or not left:
                got = self._one(waiter, kept + left, waits=waits and left > 0)
                if got is None:
                    return None
                reach = approved - kept + got.reach
        return Got(approved, reach)

    def _one(self, option: Option, units: Decimal, *, waits: bool) -> Got | None:
        units = max(ZERO, units)
        if option.own:
            return self._leaf(option.key, option.ask, units, waits=waits)
        return self._aim(option.key, option.ask, units, waits=waits)


def reconsider(line: Line) -> None:
    """Rows that had nothing more to give are asked again at the next walk."""
    for ask in line.asks.values():
        ask.cap = None
        if not ask.waits:
            ask.stale = True
