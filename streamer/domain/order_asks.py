"""What an order asks of stock rows, and how their answers enter its row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from streamer.domain.making import maker
from streamer.domain.order_rows import Ask, Line, OrderRow, Part
from streamer.domain.stock_referrals import works_for
from streamer.domain.units import ZERO, utc
from streamer.messages.base import LARGEST_QUANTITY, Message
from streamer.messages.orders import LineDecision
from streamer.messages.stock import LineRelease, LineRequest

ONE = Decimal(1)
DEEPEST = 8
"""So many times a stock row may name another SKU; more is a loop."""
MOST = 64
"""So many stock rows serve one line at most."""
STEP = Decimal("0.000001")

_make_request = maker(LineRequest)


def account_of(order_key: str) -> str:
    return order_key.partition("/")[0]


def root_key(order_key: str, line_id: str, line: Line) -> str:
    """Key of what the line asks of its first location; what has left under older keys stays theirs."""
    return f"{order_key}/{line_id}/~{line.generation}" if line.generation else f"{order_key}/{line_id}"


def request(order_key: str, row: OrderRow, line: Line, line_key: str, ask: Ask) -> LineRequest:
    """The next revision of what the line asks of one stock row.

    The platform set aside what it sold: neither the parts of our kits nor what we added ourselves.
    """
    sold_there = not ask.each and line.cause is None
    row.asked += 1
    ask.revision, ask.answered = row.asked, 0
    ask.state, ask.released, ask.stale = "pending", False, False
    if not ask.kind:
        ask.referred = False
    return _make_request(
        order_key=order_key,
        line_key=line_key,
        revision=ask.revision,
        account=account_of(order_key),
        sku=ask.sku,
        location=ask.location,
        quantity=ask.quantity,
        purpose=line.purpose,
        priority=row.priority,
        partial_allowed=(line.partial and not row.all_or_nothing) or not ask.waits,
        back_order_allowed=may_wait(row, line) and ask.waits,
        service=line.service and not ask.each,
        placed_at=utc(row.placed_ms) if sold_there and row.placed_ms is not None else None,
        changed_at=None if line.changed_ms is None else utc(line.changed_ms),
        needed_by=line.needed_by,
        reserve_from=row.reserve_from if line.purpose != "sale" else None,
        because=line.because,
        service_type=line.service_type,
        expires_at=None if row.reserved_until_ms is None else utc(row.reserved_until_ms),
        confirmed=line.confirmed,
        probe=not ask.waits,
        cart_key=row.cart_key,
        follow=ask.follow,
        substitutes=row.substitutes and ask.follow == "all",
    )


def may_wait(row: OrderRow, line: Line) -> bool:
    """Whether both the order and the line let it wait."""
    return row.back_order and line.back_order


def release(order_key: str, row: OrderRow, line_key: str, ask: Ask, reason: str) -> LineRelease:
    row.asked += 1
    ask.revision, ask.answered = row.asked, 0
    ask.released = True
    return LineRelease(
        order_key=order_key, line_key=line_key, revision=ask.revision, sku=ask.sku, location=ask.location, reason=reason
    )


def release_all(order_key: str, row: OrderRow, line: Line, reason: str) -> Iterator[Message]:
    """Everything that the line holds anywhere is free again."""
    for line_key, ask in line.asks.items():
        if ask.revision and not ask.released and not ask.referred:
            yield release(order_key, row, line_key, ask, reason)


def restate(order_key: str, row: OrderRow, line: Line) -> Iterator[Message]:
    """Tells every stock row that serves the line its new terms: priority, expiry, confirmed."""
    for line_key, ask in line.asks.items():
        if ask.revision and not ask.released and not ask.referred:
            yield request(order_key, row, line, line_key, ask)


def quantity_of(units: Decimal, each: Decimal) -> Decimal:
    """How many of a SKU so many units of a line need; `each` 0 is the line's own."""
    if not each:
        return units
    return min((units * each).quantize(STEP).normalize() + ZERO, LARGEST_QUANTITY)


def find(order_key: str, row: OrderRow, line_key: str) -> tuple[str, Line, Ask] | None:
    """The line and the ask that an answer is about; a line's own id may hold slashes too, or be empty."""
    line_id = line_key[len(order_key) + 1 :]
    while True:
        line = row.lines.get(line_id)
        if line is not None and line_key in line.asks:
            return line_id, line, line.asks[line_key]
        if not line_id:
            return None
        line_id = line_id.rpartition("/")[0]


def hear(order_key: str, row: OrderRow, line: Line, ask: Ask, event: LineDecision) -> list[Message]:
    """Takes an answer in; gives back what is asked of SKUs that the row no longer names."""
    ask.answered = event.decision_revision
    ask.state, ask.reason, ask.promised = event.state, event.reason, event.promised_date
    ask.approved, ask.waitlisted, ask.rejected = event.approved, event.waitlisted, event.rejected
    if not event.refer_to:
        if ask.kind:
            own = ask.kind in ("newer", "alternatives")
            ask.referred = not (own and (ask.approved or ask.waitlisted))
        _note_end(ask)
        return []
    named = [Part(part.sku, part.quantity_each) for part in event.refer_to]
    before = _above(line, event.line_key)
    if event.refer_kind in ("older", "alternatives"):
        named = [part for part in named if part.sku != ask.sku and part.sku not in before]
    looped = any(part.sku == ask.sku or part.sku in before for part in named)
    if looped or not named or len(line.asks) + len(named) > MOST or len(before) > DEEPEST:
        ask.state, ask.rejected = "rejected", ask.quantity - ask.approved
        ask.kind, ask.parts, ask.referred = None, [], False
        ask.reason = f"{event.reason}: leads back to itself"
        return []
    said: list[Message] = []
    if ask.kind and (ask.kind != event.refer_kind or ask.parts != named):
        for line_key in [key for key in line.asks if key.startswith(f"{event.line_key}/")]:
            other = line.asks.pop(line_key)
            if other.revision and not other.released and not other.referred:
                said.append(release(order_key, row, line_key, other, "another SKU is named now"))
    ask.kind, ask.parts, ask.waits = event.refer_kind, named, False
    ask.referred = not ask.approved
    _note_end(ask)
    return said


def _note_end(ask: Ask) -> None:
    """A row that gave less than it was asked for, and keeps nobody waiting, is not asked for more at every step."""
    if ask.kind in (None, "newer", "alternatives") and not ask.waits and ask.approved < ask.quantity:
        ask.cap = works_for(ask.approved, ask.each)


def _above(line: Line, line_key: str) -> list[str]:
    """SKUs that led to this ask."""
    return [ask.sku for key, ask in line.asks.items() if line_key.startswith(f"{key}/")]
