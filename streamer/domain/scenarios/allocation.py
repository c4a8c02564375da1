"""From which shelves would this order come, and what is decided about each line? The folds of the stream say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from streamer.domain.checks import ZERO, Invalid, plausible
from streamer.domain.scenarios.answers import Answer, as_json
from streamer.domain.scenarios.shop import Shop
from streamer.domain.shelves import OrderedLine, Site
from streamer.domain.supersession import Chains, Supersession
from streamer.messages.applied import SourcingRule
from streamer.messages.base import plain
from streamer.messages.status import LineSource, OrderLineStatus

A_DAY = date(2026, 1, 1)
"""Of an order for which no day matters."""


class Allocation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="allocation"
):
    """An order, and the locations with what is there, reserved, and waited for. `on` is needed beside supersessions."""

    lines: tuple[OrderedLine, ...]
    locations: tuple[Site, ...]
    rule: SourcingRule = "rank"
    all_or_nothing: bool = False
    supersessions: tuple[Supersession, ...] = ()
    on: date | None = None

    def answer(self) -> Answer:
        """Raises Invalid, naming the field."""
        self._check()
        chains = Chains(self.supersessions)
        on = self.on or A_DAY
        shop = Shop(self.ordered(), self.lines, on, chains, self.supersessions)
        told = shop.decided(self.rule, all_or_nothing=self.all_or_nothing)
        lines = [_answer(line, told[line.line], chains, on) for line in self.lines]
        used = {pick["location"] for line in lines for pick in line["picks"]}
        in_turn = shop.asked_in_turn()
        used_in_turn = [name for name in in_turn if name in used]
        return {
            "kind": "allocation",
            "order": _overall([line["decision"] for line in lines]),
            "lines": lines,
            "locations_used": used_in_turn,
            "why": {"rule": self.rule, "asked_in_turn": used_in_turn if self.rule == "fewest_splits" else in_turn},
        }

    def ordered(self) -> tuple[Site, ...]:
        """The locations by rank, or by the way to the customer."""
        by_rank = sorted(self.locations, key=lambda site: (site.rank, site.location))
        if self.rule == "nearest":
            by_rank.sort(key=lambda site: site.distance_km or ZERO)
        return tuple(by_rank)

    def _check(self) -> None:
        if self.on is not None:
            plausible("on", self.on)
        elif self.supersessions:
            raise Invalid("is needed beside supersessions: the day of the order", field="on")
        for field, names in (
            ("lines", [line.line for line in self.lines]),
            ("locations", [site.location for site in self.locations]),
        ):
            if not names:
                raise Invalid("must not be empty", field=field)
            if len(set(names)) < len(names):
                raise Invalid(f"names a {field.removesuffix('s')} twice", field=field)
        if self.rule == "nearest":
            for index, site in enumerate(self.locations):
                if site.distance_km is None:
                    raise Invalid("is needed to choose the nearest", field=f"locations.{index}.distance_km")
        self._check_parts()

    def _check_parts(self) -> None:
        for index, link in enumerate(self.supersessions):
            if link.interchange == "both" and link.quantity_each != 1:
                raise Invalid(
                    "must be 1 where either part serves for the other", field=f"supersessions.{index}.quantity_each"
                )
        known: dict[str, OrderedLine] = {}
        for index, line in enumerate(self.lines):
            if any(part.sku == line.sku for part in line.kit):
                raise Invalid(f"{line.sku} is a part of itself", field=f"lines.{index}.kit")
            if known.setdefault(line.sku, line).kit != line.kit:
                raise Invalid(f"{line.sku} has other parts in another line", field=f"lines.{index}.kit")


def _answer(line: OrderedLine, told: OrderLineStatus, chains: Chains, on: date) -> Answer:
    picks = _picks(line, told, chains, on)
    return {
        "line": line.line,
        "sku": line.sku,
        "decision": told.decision,
        "ordered": as_json(line.quantity),
        "approved": as_json(told.approved),
        "waitlisted": as_json(told.waitlisted),
        "picks": [
            {
                "location": pick.location,
                "sku": pick.sku,
                "quantity": as_json(pick.quantity),
                "hops": list(pick.hops),
            }
            for pick in picks
        ],
        "why": _why(line, told, picks),
    }


def _picks(line: OrderedLine, told: OrderLineStatus, chains: Chains, on: date) -> Sequence[LineSource]:
    """What is taken from where, without what is only held for units that still wait."""
    if not told.approved:
        return ()
    if not line.kit:
        assert told.location is not None
        sources = told.sources or (LineSource(location=told.location, sku=line.sku, quantity=told.approved),)
        each = {source.sku: source.quantity_each for source in chains.sources(line.sku, on)}
        return [
            _pick(source, source.quantity // many * many if (many := each.get(source.sku, Decimal(1))) != 1
                  else source.quantity, source.hops or (source.sku,))
            for source in told.sources or sources
        ]  # fmt: skip
    parts = {part.sku: part.quantity_each for part in line.kit}
    kits: dict[str, Decimal] = {}
    for source in told.sources:
        if source.sku in parts:
            many = source.quantity // parts[source.sku]
            kits[source.location] = min(kits.get(source.location, many), many)
    whole = sum(kits.values(), ZERO) == told.approved
    return [
        _pick(source, kits[source.location] * parts[source.sku] if whole and source.sku in parts else source.quantity,
              source.hops[1:] if len(source.hops) > 2 else ())
        for source in told.sources
    ]  # fmt: skip


def _pick(source: LineSource, quantity: Decimal, hops: tuple[str, ...]) -> LineSource:
    return LineSource(location=source.location, sku=source.sku, quantity=quantity, hops=hops)


def _why(line: OrderedLine, told: OrderLineStatus, picks: Sequence[LineSource]) -> str:
    where = ", ".join(sorted({pick.location for pick in picks}))
    if told.approved == line.quantity:
        return f"all from {where}"
    if told.approved:
        rest = "wait for stock" if told.waitlisted else "are refused"
        return f"{plain(told.approved)} from {where}; {plain(line.quantity - told.approved)} {rest}"
    return told.reason or "not enough stock"


def _overall(decisions: list[str]) -> str:
    """One word for the order: that of all its lines, or partly approved where they differ and something is given."""
    if len(set(decisions)) == 1:
        return decisions[0]
    return "partly_approved" if {"approved", "partly_approved"} & set(decisions) else "waitlisted"
