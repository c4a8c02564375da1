"""How many have left, told to every stock row that serves a line."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from streamer.domain.order_asks import quantity_of, root_key
from streamer.domain.order_options import Option, held, options_of, site_key
from streamer.domain.order_rows import Ask, Line
from streamer.domain.units import ZERO, utc
from streamer.messages.base import Message
from streamer.messages.stock import LineShipped


def shipped(order_key: str, line_id: str, line: Line, at_ms: int) -> Iterator[Message]:
    """So many units have left in all; of several rows that serve the line, the first ones gave theirs first."""
    root = root_key(order_key, line_id, line)
    left = line.shipped - line.elsewhere
    if line.sites:
        options = [Option(key, line.asks[key]) for site in line.sites if (key := site_key(root, site)) in line.asks]
        yield from _from_several(order_key, line, options, left, at_ms)
    elif root in line.asks:
        yield from _from_one(order_key, line, root, line.asks[root], left, at_ms)


def _from_one(order_key: str, line: Line, key: str, ask: Ask, units: Decimal, at_ms: int) -> Iterator[Message]:
    if ask.kind == "parts":
        ask.left = units
        for part in ask.parts:
            child = line.asks.get(f"{key}/{part.sku}")
            if child is not None:
                yield from _from_one(order_key, line, f"{key}/{part.sku}", child, units, at_ms)
        return
    if ask.kind is None:
        yield from _leave(order_key, key, ask, units, at_ms)
        return
    yield from _from_several(order_key, line, options_of(line, key, ask), units, at_ms)


def _from_several(order_key: str, line: Line, options: list[Option], units: Decimal, at_ms: int) -> Iterator[Message]:
    gone = [option.ask.left if option.own else left_of(line, option.key, option.ask) for option in options]
    more = units - sum(gone, ZERO)
    shares: list[Decimal] = []
    for option, left in zip(options, gone, strict=True):
        got = _own(option) if option.own else held(line, option.key, option.ask).approved
        shares.append(max(ZERO, min(more, got - left)))
        more -= shares[-1]
    if more > 0 and options:  # more than anybody had promised
        shares[0] += more
    for option, left, share in zip(options, gone, shares, strict=True):
        if share <= 0:
            continue
        if option.own:
            yield from _leave(order_key, option.key, option.ask, left + share, at_ms)
        else:
            yield from _from_one(order_key, line, option.key, option.ask, left + share, at_ms)


def left_of(line: Line, key: str, ask: Ask) -> Decimal:
    """Units of the line that have left from a row and all that it names."""
    if ask.kind in (None, "parts"):
        return ask.left
    options = options_of(line, key, ask)
    return sum((each.ask.left if each.own else left_of(line, each.key, each.ask) for each in options), ZERO)


def _own(option: Option) -> Decimal:
    ask = option.ask
    return ask.approved / ask.each if ask.each else ask.approved


def _leave(order_key: str, key: str, ask: Ask, units: Decimal, at_ms: int) -> Iterator[Message]:
    ask.left = units
    if ask.released:
        return
    yield LineShipped(
        order_key=order_key,
        line_key=key,
        revision=ask.revision,
        sku=ask.sku,
        location=ask.location,
        quantity=quantity_of(units, ask.each),
        at=utc(at_ms),
    )
