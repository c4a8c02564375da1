"""What the answers mean: the decision of a line, and of an order that wants all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from streamer.domain.order_asks import may_wait, release_all
from streamer.domain.order_options import Got
from streamer.domain.order_rows import Ask, Line, OrderRow
from streamer.domain.order_walk import Walk
from streamer.domain.units import ZERO
from streamer.messages.base import Message, plain
from streamer.messages.orders import DecisionState
from streamer.messages.status import LineSource

_PLAIN = frozenset(("approved", "partly_approved", "waitlisted", "rejected"))


def judge(key: str, row: OrderRow, line_id: str, line: Line) -> list[Message]:
    """The line's decision from what serves it; asks for what is missing next."""
    if line.refused is not None:
        line.decision, line.reason, line.promised = "rejected", line.refused, None
        line.approved = line.waitlisted = ZERO
        line.rejected = line.quantity
        return []
    if line.needs_nothing or ZERO < line.quantity <= line.shipped:  # whatever was decided: it has left
        line.decision, line.reason, line.approved = "approved", None, line.quantity
        line.waitlisted = line.rejected = ZERO
        line.promised = None
        return []
    if len(line.asks) == 1 and not line.elsewhere and not line.sites:
        (only,) = line.asks.values()
        if only.answered and only.state in _PLAIN and only.kind is None and only.quantity == line.quantity:
            line.decision, line.reason, line.promised = only.state, only.reason, only.promised
            line.approved, line.waitlisted, line.rejected = only.approved, only.waitlisted, only.rejected
            line.recheck = False
            return []
    if line.sku is None or line.location is None or line.waits_for is not None or line.collect:
        line.decision = "pending"
        return []
    if row.quarantined is not None:
        return []
    return _walk(key, row, line_id, line)


def _walk(key: str, row: OrderRow, line_id: str, line: Line) -> list[Message]:
    walk = Walk(key, row, line)
    got = walk.go(line_id)
    if got is not None:
        _decide(line, got)
        if not (line.partial or row.all_or_nothing or line.shipped) and line.approved < line.quantity:
            return walk.said + _whole_or_not(key, row, line)
    elif not line.recheck:
        line.decision = "pending"
    return walk.said


def _decide(line: Line, got: Got) -> None:
    line.recheck = False
    serving = [ask for ask in line.asks.values() if ask.revision and not ask.released and not ask.referred]
    expired = next((ask for ask in serving if ask.state == "released"), None)
    if expired is not None and got.approved < line.here:
        line.decision, line.reason, line.promised = "released", expired.reason, None
        line.approved = line.waitlisted = line.rejected = ZERO
        return
    line.approved = line.elsewhere + got.approved
    reachable = line.elsewhere + got.reach
    line.waitlisted = reachable - line.approved
    line.rejected = max(ZERO, line.quantity - reachable)
    line.decision = _state(line.quantity, line.approved, line.waitlisted)
    line.reason = _reason(line, serving)
    waiting = [ask for ask in serving if ask.waitlisted]
    line.promised = None
    if waiting and all(ask.promised for ask in waiting):
        line.promised = max(ask.promised for ask in waiting if ask.promised)


def _whole_or_not(key: str, row: OrderRow, line: Line) -> list[Message]:
    """A line that must not be split, and of which something is missing: it waits whole, or nothing of it is kept."""
    if line.decision == "released":
        return []
    if not line.rejected and may_wait(row, line):
        line.decision, line.approved, line.waitlisted = "waitlisted", ZERO, line.quantity
        return []
    reason = line.reason or "not enough stock"
    if line.approved:
        reason = f"not all {plain(line.quantity)} are there, and the line must not be split"
    said = list(release_all(key, row, line, reason))
    line.asks, line.refused = {}, reason
    judge(key, row, "", line)
    return said


def _reason(line: Line, serving: list[Ask]) -> str | None:
    """Why not all, from the row where it waits or that gave least; else where it comes from."""
    if line.decision != "approved":
        short = [ask for ask in serving if ask.reason and ask.state != "approved"]
        waits = next((ask.reason for ask in short if ask.waitlisted), None)
        return waits or next((ask.reason for ask in short), None) or _first_reason(line)
    sources = sources_of(line)
    if len({source.location for source in sources}) > 1 or any(source.hops for source in sources):
        return "; ".join(_words(source, line) for source in sources)
    return _first_reason(line)


def _first_reason(line: Line) -> str | None:
    return next((ask.reason for ask in line.asks.values() if ask.reason), None)


def _words(source: LineSource, line: Line) -> str:
    where = f" from {source.location}" if line.sites else ""
    instead = f" ({' > '.join(source.hops)})" if source.hops else ""
    return f"{plain(source.quantity)} {source.sku}{where}{instead}"


def sources_of(line: Line) -> list[LineSource]:
    """Which rows give how many; with each hop from the SKU that was ordered."""
    found = []
    for key, ask in line.asks.items():
        if ask.released or ask.approved <= 0:
            continue
        hops: list[str] = []
        for other_key, other in line.asks.items():
            if (key == other_key or key.startswith(f"{other_key}/")) and (not hops or hops[-1] != other.sku):
                hops.append(other.sku)
        found.append(
            LineSource(
                location=ask.location, sku=ask.sku, quantity=ask.approved, hops=tuple(hops) if len(hops) > 1 else ()
            )
        )
    return found


def _state(quantity: Decimal, approved: Decimal, waitlisted: Decimal) -> DecisionState:
    if approved >= quantity:
        return "approved"
    if approved > 0:
        return "partly_approved"
    return "waitlisted" if waitlisted > 0 else "rejected"


def judge_whole(key: str, row: OrderRow) -> list[Message]:
    """All or nothing: lines are asked for one after another in the order of their SKUs, so that no two orders wait for
    each other; while one waits all wait, and one that is rejected in part lets all others go."""
    ours = whole_lines(row)
    said: list[Message] = []
    missing: str | None = None
    for line_id, line in sorted(ours.items(), key=_turn):
        if missing is not None and not asks_now(line):
            continue
        said += judge(key, row, line_id, line)
        if line.decision != "pending" and line.rejected:
            return said + _let_go(key, row, line_id, ours)
        if line.decision == "pending" or line.approved < line.quantity:
            missing = missing or line_id
    if missing is None:
        return said
    pending = ours[missing].decision == "pending"
    if not pending and any(not may_wait(row, line) and line.shipped < line.quantity for line in ours.values()):
        return said + _let_go(key, row, missing, ours)
    for line_id, line in ours.items():
        if line.refused is not None:
            continue
        if pending:
            line.decision = "pending"
            continue
        reason = line.reason if line_id == missing else None
        line.decision, line.reason = "waitlisted", reason or f"all or nothing: line {missing} waits"
        line.approved = min(line.shipped, line.quantity)
        line.waitlisted, line.rejected = line.quantity - line.approved, ZERO
    return said


def asks_now(line: Line) -> bool:
    """Whether any stock row holds something for the line, or is asked to."""
    return any(ask.revision and not ask.released and not ask.referred for ask in line.asks.values())


def _turn(item: tuple[str, Line]) -> tuple[bool, str, str, str]:
    """What is rejected already, then by SKU."""
    line_id, line = item
    return line.refused is None, line.sku or "", line.location or "", line_id


def whole_lines(row: OrderRow) -> dict[str, Line]:
    """The platform's own lines that are not cancelled."""
    return {
        line_id: line for line_id, line in row.lines.items() if line.cause is None and line.fulfilment != "cancelled"
    }


def _let_go(key: str, row: OrderRow, failed: str, ours: Mapping[str, Line]) -> list[Message]:
    said: list[Message] = []
    for line_id, line in ours.items():
        if line.refused is None:
            reason = line.reason if line_id == failed and line.reason else f"all or nothing: line {failed} was rejected"
            said += release_all(key, row, line, reason)
            line.asks, line.refused = {}, reason
        judge(key, row, line_id, line)
    return said


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
