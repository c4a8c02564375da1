"""What people decide about purchase orders: each decision is somebody's, about the version that they saw, audited."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from streamer.domain.approval_rules import HIGHEST_TIER, may_not, may_not_approve, person_of, uncovered
from streamer.domain.order_standing import standing
from streamer.domain.purchase_orders import changed_lines
from streamer.domain.purchasing_amendments import amend, amendment_agreed, amendment_refused, may_amend
from streamer.domain.purchasing_asking import bought_of, given_of, needed, shown_lines
from streamer.domain.purchasing_rows import GivenApproval, OrderRow, Rows
from streamer.domain.purchasing_turn import Turn, edit_order, order_of
from streamer.domain.supplier_answers import Facts, join
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.applied import PersonFacts
from streamer.messages.base import plain
from streamer.messages.purchasing import Approval, Decision
from streamer.messages.status import AuditEntry

ACTS_KEPT = 50
BEFORE_IT_IS_SENT = ("approve", "change", "reject")
OVER = ("received", "rejected", "cancelled")


def approval(rows: Rows, event: Approval) -> Outcome:
    """Raises Refused for a person who may not, for what was not on the screen, and for what comes too late."""
    known = order_of(rows, event.supplier, event.reference)
    if event.act_id in known.acts:
        return ()
    if known.quarantined is not None:
        raise Refused(f"row is in quarantine: {known.quarantined}")
    _may_be_decided(known, event)
    name, person = _who(rows, known, event)
    if event.decision == "change":
        changed_lines(known, event.quantities)  # refused before anything is changed
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    row = turn.row
    before = _stand(row)
    row.acts = [*row.acts[1 - ACTS_KEPT :], event.act_id]
    _DECISIONS[event.decision](turn, event, name, person)
    after = _stand(row)
    if row.approvals and not row.sent():
        after["approved by"] = ", ".join(one.person for one in row.approvals)
    turn.out.append(
        AuditEntry(
            actor=name,
            act=f"purchase-order.{event.decision.replace('_', '-')}",
            subject=event.reference,
            before=before,
            after=after,
            reason=event.reason,
            act_id=event.act_id,
            at=event.at,
        )
    )
    return turn.done()


def _who(rows: Rows, known: OrderRow, event: Approval) -> tuple[str, PersonFacts]:
    """The person behind the act, who may do it. Raises Refused."""
    settings = settings_of(rows)
    if settings is None or settings.supplier(event.supplier) is None:
        if event.decision != "reject":
            raise Refused(f"suppliers.{event.supplier} is not in the settings")
        if settings is None:
            return event.actor, PersonFacts(tier=HIGHEST_TIER)
    name, person = person_of(settings, event)
    bought = bought_of(known, settings, rows.now_ms)
    if event.decision == "approve":
        needs = needed(rows, known)
        no = (
            may_not_approve(name, person, settings, bought, needs, given_of(known), known.changed_by)
            if needs is not None
            else may_not(person, bought, settings)
        )
    elif event.decision == "amend":
        no = may_amend(rows, known, event, settings, person)
    else:
        no = may_not(person, bought, settings, amount=False)
    if no is not None:
        raise Refused(f"{name} may not {event.decision.replace('_', ' ')} {known.reference}: {no}")
    return name, person


# -- the decisions


def _approve(turn: Turn, event: Approval, name: str, person: PersonFacts) -> None:
    row = turn.row
    turn.leave_drafts()
    needs = needed(turn.rows, row)
    row.approvals = [*row.approvals, GivenApproval(name, person.tier, turn.rows.now_ms, event.channel)]
    if needs is not None and uncovered(needs, given_of(row)):
        turn.approve_or_ask()
    else:
        turn.send()


def _change(turn: Turn, event: Approval, name: str, _person: PersonFacts) -> None:
    """Another version, which nobody has approved; what a person made of an order goes out by a person's word."""
    row = turn.row
    turn.leave_drafts()
    row.shown = shown_lines(row)
    row.lines, row.version = changed_lines(row, event.quantities), row.version + 1
    row.approvals, row.asked, row.changed_by, row.automatic = [], [], name, False
    turn.approve_or_ask()


def _reject(turn: Turn, event: Approval, _name: str, _person: PersonFacts) -> None:
    row = turn.row
    turn.leave_drafts()
    row.state, row.reason, row.deadline_ms, row.because = "cancelled", event.reason, None, None
    turn.ask_next_time()


def _cancel(turn: Turn, event: Approval, name: str, _person: PersonFacts) -> None:
    turn.cancel(event.reason or f"cancelled by {name}")


def _amend(turn: Turn, event: Approval, name: str, _person: PersonFacts) -> None:
    amend(turn, event, name)


def _agreed(turn: Turn, _event: Approval, _name: str, _person: PersonFacts) -> None:
    amendment_agreed(turn)


def _not_agreed(turn: Turn, event: Approval, _name: str, _person: PersonFacts) -> None:
    amendment_refused(turn, event.reason or "the supplier did not agree")


def _close(turn: Turn, event: Approval, _name: str, _person: PersonFacts) -> None:
    row = turn.row
    row.facts = join(row.facts, Facts(closed=True))
    row.reason = event.reason or row.reason


_DECISIONS: dict[Decision, Callable[[Turn, Approval, str, PersonFacts], None]] = {
    "approve": _approve,
    "change": _change,
    "reject": _reject,
    "cancel": _cancel,
    "amend": _amend,
    "amend_agreed": _agreed,
    "amend_refused": _not_agreed,
    "close": _close,
}


# -- what must hold before


def _may_be_decided(known: OrderRow, event: Approval) -> None:
    """Raises Refused where the decision comes too late, too early, or is about something that was not on the screen."""
    reference = event.reference
    if event.decision in BEFORE_IT_IS_SENT:
        if known.sent():
            raise Refused(f"{reference} was sent already")
        if known.state not in ("draft", "awaiting_approval"):
            raise Refused(f"{reference} is {known.state} already")
    elif not known.sent():
        raise Refused(f"{reference} was not sent: reject it instead")
    elif event.decision == "cancel" and known.cancel_id is not None:
        raise Refused(f"{reference}: the supplier was asked to cancel it already")
    elif known.state in OVER or (event.decision == "cancel" and known.state == "shipped"):
        raise Refused(f"{reference} is {known.state} already")
    elif event.decision in ("amend_agreed", "amend_refused") and known.amendment is None:
        raise Refused(f"{reference}: no change waits for the supplier's word")
    if event.version != known.version:
        raise Refused(f"was changed since: version {known.version}")


def _stand(row: OrderRow) -> dict[str, str]:
    quantities = ", ".join(f"{line.line}: {plain(line.quantity)} {line.sku}" for line in row.lines)[:2000]
    stand = {
        "state": row.state,
        "version": str(row.version),
        "total": f"{plain(row.total())} {row.currency}",
        "lines": quantities,
    }
    if row.sent():
        received = sum((standing(row.facts, line.line, line.quantity).received for line in row.lines), Decimal(0))
        stand["received"] = plain(received)
    return stand
