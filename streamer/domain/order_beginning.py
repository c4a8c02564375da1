"""A line begins to ask, asks for another quantity, or follows another thing that it was: what has left stays known."""

from __future__ import annotations

from collections.abc import Iterator

from streamer.domain.order_asks import quantity_of, release_all, request, root_key
from streamer.domain.order_options import site_key
from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.order_walk import reconsider
from streamer.domain.units import ZERO, utc
from streamer.messages.base import Message
from streamer.messages.ids import stock_key
from streamer.messages.stock import LineShipped

_SEVERAL = "/"  # no stock row: what has left came from several
COVERED = "the order has a line of its own for this part"


def begin(key: str, row: OrderRow, line_id: str, line: Line, at_ms: int, *, old: bool) -> Iterator[Message]:
    """A line whose SKU and location are known: stock is asked for it when the order is concluded.

    What had left before we heard of the line is not asked for. The stock row learns of that first; but not of what left
    from an `old` order, which its levels have long counted.
    """
    assert line.sku is not None
    assert line.location is not None
    if line.came_from is not None:
        line.elsewhere = ZERO if line.came_from == stock_key(line.location, line.sku) else line.left_there
    if line.kit:
        if not old:
            yield from _parts_left(key, row, line_id, line, at_ms)
        return
    if line.shipped > line.elsewhere and not old:
        row.asked += 1
        root = root_key(key, line_id, line)
        yield LineShipped(
            order_key=key,
            line_key=site_key(root, line.sites[0]) if line.sites else root,
            revision=row.asked,
            sku=line.sku,
            location=line.location,
            quantity=line.shipped - line.elsewhere,
            at=utc(at_ms),
        )


def _parts_left(key: str, row: OrderRow, line_id: str, line: Line, at_ms: int) -> Iterator[Message]:
    """What had left of the parts of a line of work before we heard of it."""
    left = line.shipped - line.elsewhere
    if left <= 0 or line.location is None:
        return
    for sku, each in line.kit:
        row.asked += 1
        yield LineShipped(
            order_key=key, line_key=f"{root_key(key, line_id, line)}/{sku}", revision=row.asked, sku=sku,
            location=line.location, quantity=quantity_of(left, each), at=utc(at_ms),
        )  # fmt: skip


def change_quantity(key: str, row: OrderRow, line_id: str, line: Line) -> Iterator[Message]:
    """A line that one row serves asks it at once for its new quantity; what more rows serve is walked through again."""
    line.recheck = False
    reconsider(line)
    ask = line.asks.get(root_key(key, line_id, line))
    if ask is not None and ask.revision and not ask.released and len(line.asks) == 1:
        ask.quantity = line.here
        yield request(key, row, line, next(iter(line.asks)), ask)


def follow(line: Line, before: Line) -> None:
    """What has left does not come back; where it had left from is known for as long as that is one stock row."""
    line.shipped, line.generation, line.elsewhere = before.shipped, before.generation, before.elsewhere
    if not before.shipped:
        return
    known = before.sku is not None and before.location is not None
    own = stock_key(before.location or "", before.sku or "") if known else None
    several = before.sites or len(before.asks) > 1 or line.sites
    if before.came_from is None and not before.elsewhere and not several:
        line.came_from, line.left_there = own, before.shipped
    elif before.came_from is not None and before.shipped <= before.left_there:
        line.came_from, line.left_there = before.came_from, before.left_there  # nothing left from where it was since
    elif before.came_from is not None and before.came_from == own and not several:
        line.came_from, line.left_there = own, before.shipped
    else:
        line.generation += 1  # rows that gave something keep it under the older keys
        line.came_from, line.left_there = _SEVERAL, before.shipped


def cover(key: str, row: OrderRow, at_ms: int) -> Iterator[Message]:
    """A part that we added and that the workshop has put on the order itself is asked for once, by the order's line."""
    own = {line.sku for line in row.lines.values() if line.cause is None and line.fulfilment != "cancelled"}
    for line_id, line in row.lines.items():
        if line.cause is None:
            continue
        if line.sku in own and not line.covered and line.fulfilment != "cancelled":
            yield from release_all(key, row, line, COVERED)
            line.asks, line.covered = {}, True
            line.decision, line.fulfilment, line.reason = "released", "cancelled", COVERED
            line.approved = line.waitlisted = line.rejected = ZERO
        elif line.covered and line.sku not in own:
            line.covered, line.fulfilment, line.decision, line.reason = False, "open", "pending", None
            if line.location is not None and line.quantity:
                yield from begin(key, row, line_id, line, at_ms, old=False)
