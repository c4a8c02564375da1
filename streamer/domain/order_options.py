"""What serves a line besides the row that it asks: what rows have named, in turn, and how much each of them holds."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from streamer.domain.order_asks import ONE
from streamer.domain.order_rows import Ask, Line
from streamer.domain.stock_referrals import works_for
from streamer.domain.units import ZERO
from streamer.messages.stock import Follow

SELF = "="
"""Last part of the key of a row that is asked after the older SKUs which it named."""


class Got(NamedTuple):
    """In units of the line: what is reserved, and what is reserved or waits."""

    approved: Decimal
    reach: Decimal


NOTHING = Got(ZERO, ZERO)


class Option(NamedTuple):
    """One of several that serve the same units."""

    key: str
    ask: Ask
    own: bool = False  # what the row itself gives, beside what it names


def site_key(root: str, location: str) -> str:
    """Key of what a line with several locations asks of one of them."""
    return f"{root}/@{location}"


def options_of(line: Line, key: str, ask: Ask) -> list[Option]:
    """What serves a row that named others, in turn; those not asked yet are made."""
    options = []
    if ask.kind in ("newer", "alternatives"):
        options.append(Option(key, ask, own=True))
    follow: Follow = "newer" if ask.kind == "newer" else "none"
    for part in ask.parts:
        options.append(Option(f"{key}/{part.sku}", child_of(line, key, ask, part.sku, part.each, follow)))
    if ask.kind == "older":
        options.append(Option(f"{key}/{SELF}", child_of(line, key, ask, SELF, ONE, "newer")))
    return options


def child_of(line: Line, key: str, ask: Ask, name: str, each: Decimal, follow: Follow) -> Ask:
    child_key = f"{key}/{name}"
    child = line.asks.get(child_key)
    if child is None:
        sku = ask.sku if name == SELF else name
        child = Ask(sku, ask.location, ZERO, each=(ask.each or ONE) * each, follow=follow, waits=False)
        line.asks[child_key] = child
    return child


def waits_there(line: Line, option: Option) -> bool:
    """Whether something waits there, or is asked to."""
    return any(
        ask.waits and ask.quantity > 0 and ask.revision and not ask.released and not ask.referred
        for key, ask in line.asks.items()
        if key == option.key or key.startswith(f"{option.key}/")
    )


def units_of(quantity: Decimal, need: Decimal, units: Decimal, each: Decimal) -> Decimal:
    return units if quantity >= need else min(units, works_for(quantity, each))


def held(line: Line, key: str, ask: Ask) -> Got:
    """What serves the line at this row and all that it names, as far as the answers say."""
    own = Got(works_for(ask.approved, ask.each), works_for(ask.approved + ask.waitlisted, ask.each))
    if ask.released or not (ask.revision or ask.kind):
        return NOTHING
    if ask.kind is None:
        return own
    if ask.kind == "parts":
        parts = [held(line, f"{key}/{part.sku}", line.asks[f"{key}/{part.sku}"]) for part in ask.parts
                 if f"{key}/{part.sku}" in line.asks]  # fmt: skip
        if len(parts) < len(ask.parts):
            return NOTHING
        return Got(min(part.approved for part in parts), min(part.reach for part in parts))
    total = Got(ZERO, ZERO)
    for option in options_of(line, key, ask):
        got = own if option.own else held(line, option.key, option.ask)
        total = Got(total.approved + got.approved, total.reach + got.reach)
    return total
