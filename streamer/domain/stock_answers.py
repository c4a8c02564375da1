"""What a stock row tells a line."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.making import maker
from streamer.domain.stock_rows import Line
from streamer.domain.units import ZERO, utc
from streamer.messages.orders import DecisionState, KitPart, LineDecision, ReferKind

_make_decision = maker(LineDecision)


def order_key_of(line_key: str, line: Line) -> str:
    return line_key[: line.order_length] if line.order_length else line_key.rpartition("/")[0]


def decision(
    order_key: str, line_key: str, key: str, revision: int, number: int, state: DecisionState, now_ms: int,
    *, approved: Decimal = ZERO, waitlisted: Decimal = ZERO, rejected: Decimal = ZERO, reason: str | None = None,
    promised_date: str | None = None, refer_to: tuple[KitPart, ...] = (), refer_kind: ReferKind = "parts",
) -> LineDecision:  # fmt: skip
    """The answer for a line."""
    location, _, sku = key.partition("/")
    return _make_decision(
        order_key=order_key, line_key=line_key, sku=sku, location=location, revision=revision, decision_revision=number,
        state=state, approved=approved, waitlisted=waitlisted, rejected=rejected, reason=reason,
        promised_date=promised_date, refer_to=refer_to, refer_kind=refer_kind, at=utc(now_ms),
    )  # fmt: skip


def answer(key: str, line_key: str, line: Line, reason: str | None, now_ms: int) -> LineDecision:
    """What stands for the line now, as its next decision."""
    line.decision += 1
    granted, waits = line.granted, line.waiting if line.reserve_from is None else line.short
    rejected = line.short - waits
    state: DecisionState
    if not line.short:
        state, reason = "approved", None
    elif granted:
        state = "partly_approved"
    else:
        state = "waitlisted" if waits else "rejected"
    return decision(
        order_key_of(line_key, line), line_key, key, line.revision, line.decision, state, now_ms,
        approved=granted, waitlisted=waits, rejected=rejected, reason=reason, promised_date=line.promised,
    )  # fmt: skip
