"""What an order asks of stock rows, and what their answers mean for a line and for the whole order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal

from streamer.domain.making import maker
from streamer.domain.order_rows import Ask, Line, OrderRow
from streamer.domain.units import ZERO, utc
from streamer.messages.base import LARGEST_QUANTITY, Message
from streamer.messages.orders import DecisionState, LineDecision
from streamer.messages.stock import LineRelease, LineRequest, LineShipped

ONE = Decimal(1)
_PLAIN = frozenset(("approved", "partly_approved", "waitlisted", "rejected"))

DEEPEST = 8
"""So many times a stock row may name another SKU instead; more is a loop."""
_STEP = Decimal("0.000001")

_make_request = maker(LineRequest)


def account_of(order_key: str) -> str:
    return order_key.partition("/")[0]


def request(order_key: str, row: OrderRow, line: Line, line_key: str, ask: Ask) -> LineRequest:
    """The next revision of what the line asks of one stock row.

    The platform set aside what it sold: neither the parts of our kits nor what we added ourselves.
    """
    sold_there = not ask.each and line.cause is None
    row.asked += 1
    ask.revision, ask.answered = row.asked, 0
    ask.state, ask.released, ask.referred = "pending", False, False
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
        partial_allowed=not row.all_or_nothing,
        back_order_allowed=row.back_order,
        service=line.service and not ask.each,
        placed_at=utc(row.placed_ms) if sold_there and row.placed_ms is not None else None,
        changed_at=None if line.changed_ms is None else utc(line.changed_ms),
        needed_by=line.needed_by,
        reserve_from=row.reserve_from if line.purpose != "sale" else None,
        because=line.because,
        service_type=line.service_type,
    )


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
        if not ask.released and not ask.referred:
            yield release(order_key, row, line_key, ask, reason)


def ask_stock(order_key: str, row: OrderRow, line_id: str, line: Line) -> LineRequest:
    """The line's own request; what was asked for it before is forgotten."""
    assert line.sku is not None
    assert line.location is not None
    line_key = f"{order_key}/{line_id}"
    ask = Ask(line.sku, line.location, line.here)
    line.asks = {line_key: ask}
    return request(order_key, row, line, line_key, ask)


def change_quantity(order_key: str, row: OrderRow, line: Line) -> Iterator[Message]:
    """The line asks every stock row that serves it for its new quantity."""
    for line_key, ask in line.asks.items():
        if ask.referred or ask.released:
            continue
        ask.quantity = component_quantity(line, ask)
        yield request(order_key, row, line, line_key, ask)


def component_quantity(line: Line, ask: Ask) -> Decimal:
    if not ask.each:
        return line.here
    return min((line.here * ask.each).quantize(_STEP).normalize() + ZERO, LARGEST_QUANTITY)


def shipped(order_key: str, line: Line, at_ms: int) -> Iterator[Message]:
    """Tells every stock row that serves the line how many have left in all."""
    for line_key, ask in line.asks.items():
        if ask.referred or ask.released:
            continue
        left = line.shipped - line.elsewhere
        quantity = left * ask.each if ask.each else left
        yield LineShipped(
            order_key=order_key,
            line_key=line_key,
            revision=ask.revision,
            sku=ask.sku,
            location=ask.location,
            quantity=quantity.quantize(_STEP).normalize() + ZERO if ask.each else quantity,
            at=utc(at_ms),
        )


def find(order_key: str, row: OrderRow, line_key: str) -> tuple[str, Line, Ask] | None:
    """The line and the ask that an answer is about; a line's own id may hold slashes too."""
    line_id = line_key[len(order_key) + 1 :]
    while line_id:
        line = row.lines.get(line_id)
        if line is not None and line_key in line.asks:
            return line_id, line, line.asks[line_key]
        line_id = line_id.rpartition("/")[0]
    return None


def hear(order_key: str, row: OrderRow, line: Line, ask: Ask, event: LineDecision) -> list[Message]:
    """Takes an answer in; where the stock row names other SKUs, they are asked."""
    ask.answered = event.decision_revision
    ask.state, ask.reason, ask.promised = event.state, event.reason, event.promised_date
    ask.approved, ask.waitlisted, ask.rejected = event.approved, event.waitlisted, event.rejected
    if not event.refer_to:
        return []
    path = event.line_key[len(order_key) + 1 :].split("/")
    named = [part.sku for part in event.refer_to]
    if len(line.asks) > DEEPEST * 8 or len(path) > DEEPEST or any(sku == ask.sku or sku in path for sku in named):
        ask.state, ask.rejected = "rejected", ask.quantity
        ask.reason = f"{event.reason}: leads back to itself"
        return []
    ask.referred = True
    said: list[Message] = []
    for part in event.refer_to:
        line_key = f"{event.line_key}/{part.sku}"
        component = Ask(part.sku, ask.location, ZERO, each=(ask.each or ONE) * part.quantity_each)
        component.quantity = component_quantity(line, component)
        line.asks[line_key] = component
        said.append(request(order_key, row, line, line_key, component))
    return said


def judge(line: Line) -> None:
    """The line's decision from those of the asks that serve it. Of a kit only whole ones count."""
    if line.refused is not None:
        line.decision, line.reason, line.promised = "rejected", line.refused, None
        line.approved = line.waitlisted = ZERO
        line.rejected = line.quantity
        return
    if line.needs_nothing or ZERO < line.quantity <= line.shipped:  # whatever was decided: it has left
        line.decision, line.reason, line.approved = "approved", None, line.quantity
        line.waitlisted = line.rejected = ZERO
        return
    if len(line.asks) == 1:
        (only,) = line.asks.values()
        if only.state in _PLAIN and not only.referred and not only.each and not line.elsewhere:
            line.decision, line.reason, line.promised = only.state, only.reason, only.promised
            line.approved, line.waitlisted, line.rejected = only.approved, only.waitlisted, only.rejected
            return
    leaves = [ask for ask in line.asks.values() if not ask.referred]
    if not leaves or any(ask.state == "pending" for ask in leaves):
        line.decision = "pending"
        return
    if all(ask.state == "released" for ask in leaves):
        line.decision, line.reason, line.promised = "released", leaves[0].reason, None
        line.approved = line.waitlisted = line.rejected = ZERO
        return
    line.approved = line.elsewhere + min(_whole(line, ask, ask.approved) for ask in leaves)
    reachable = line.elsewhere + min(_whole(line, ask, ask.approved + ask.waitlisted) for ask in leaves)
    line.waitlisted = reachable - line.approved
    line.rejected = max(ZERO, line.quantity - reachable)
    line.decision = _state(line.quantity, line.approved, line.waitlisted)
    reasons = (ask.reason for ask in leaves if ask.reason and ask.state != "approved")
    line.reason = next(reasons, leaves[0].reason if line.decision == "approved" else None)
    line.promised = max((ask.promised for ask in leaves if ask.promised), default=None) if line.waitlisted else None
    if any(ask.waitlisted and not ask.promised for ask in leaves):
        line.promised = None


def _whole(line: Line, ask: Ask, quantity: Decimal) -> Decimal:
    """How many units of the line so many of the component make."""
    if not ask.each or quantity >= ask.quantity:
        return min(quantity, line.here) if not ask.each else line.here
    return min(line.here, (quantity / ask.each).to_integral_value(ROUND_FLOOR))


def _state(quantity: Decimal, approved: Decimal, waitlisted: Decimal) -> DecisionState:
    if approved >= quantity:
        return "approved"
    if approved > 0:
        return "partly_approved"
    return "waitlisted" if waitlisted > 0 else "rejected"


def judge_all(row: OrderRow) -> DecisionState:
    """The decision of the whole order."""
    states = {line.decision for line in row.lines.values()}
    if not states or "pending" in states:
        return "pending"
    if len(states) == 1:
        return next(iter(states))
    states.discard("released")
    if len(states) == 1:
        return next(iter(states))
    if states & {"approved", "partly_approved"}:
        return "partly_approved"
    return "waitlisted"
