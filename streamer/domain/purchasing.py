"""The fold `purchasing`: needs become orders, people approve, suppliers answer (log `purchasing`, key: supplier)."""

from __future__ import annotations

from collections.abc import Callable

from streamer.domain.acts import released
from streamer.domain.purchase_orders import changed_lines
from streamer.domain.purchasing_answers import outcome, supplier_status
from streamer.domain.purchasing_needs import need
from streamer.domain.purchasing_rows import (
    OrderRow,
    Rows,
    due_ms,
    empty_row,
    need_row_key,
    order_row_key,
    read_row,
    write_row,
)
from streamer.domain.purchasing_turn import Turn, edit_order, order_of
from streamer.domain.view import SETTINGS_KEY, Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.purchasing import Approval, Need, PurchaseOrderOutcome, SupplierStatus
from streamer.messages.status import AuditEntry
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "purchasing"
ACTS_KEPT = 50


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Refused and Malformed for what cannot be used; the rows are then as they were."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} is no message for purchasing", field="ce_type")
    return handler(rows, event)


def wake(rows: Rows, key: str) -> Outcome:
    """The window of a draft is over, or a finished order may be forgotten."""
    row = rows.edit(key)
    if not isinstance(row, OrderRow):
        return ()
    if row.state != "draft":
        rows.delete(key)
        return ()
    turn = Turn(rows, row)
    turn.close_draft()
    return turn.done()


def row_key(event: Message) -> str:
    """The row that the event is mainly about."""
    match event:
        case Need():
            return need_row_key(event.supplier, event.location, event.sku)
        case Approval() | PurchaseOrderOutcome():
            return order_row_key(event.supplier, event.reference)
        case SupplierStatus():
            return order_row_key(event.places()[0].key, event.reference or "")
        case RowRelease():
            return event.row_key
        case _:
            return SETTINGS_KEY


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row orders nothing any more until a person releases it; what suppliers say is still noted."""
    if key == SETTINGS_KEY:
        return
    row = rows.edit(key)
    if row is None or isinstance(row, SettingsApplied):
        row = empty_row(key)
        rows.put(key, row)
    row.quarantined = reason


# -- approvals


def _approval(rows: Rows, event: Approval) -> Outcome:
    known = order_of(rows, event.supplier, event.reference)
    if event.act_id in known.acts:
        return ()
    if known.quarantined is not None:
        raise Refused(f"row is in quarantine: {known.quarantined}")
    _may_decide(known, event)
    lines = changed_lines(known, event.quantities) if event.decision == "change" else None
    if event.decision in ("approve", "cancel"):
        _must_know_supplier(rows, event.supplier)
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    row = turn.row
    before = _stand(row)
    turn.leave_drafts()
    row.acts = [*row.acts[1 - ACTS_KEPT :], event.act_id]
    match event.decision:
        case "approve":
            turn.send()
        case "change":
            assert lines is not None
            row.lines, row.version, row.state = lines, row.version + 1, "awaiting_approval"
        case "reject":
            row.state, row.reason = "cancelled", event.reason
            turn.ask_next_time()
        case "cancel":
            turn.cancel(event.reason or f"cancelled by {event.actor}")
    turn.out.append(
        AuditEntry(
            actor=event.actor,
            act=f"purchase-order.{event.decision}",
            subject=event.reference,
            before=before,
            after=_stand(row),
            reason=event.reason,
            act_id=event.act_id,
            at=event.at,
        )
    )
    return turn.done()


def _may_decide(known: OrderRow, event: Approval) -> None:
    """Raises Refused where the decision comes too late, too early, or is about something that was not on the screen."""
    if event.decision == "cancel":
        if not known.sent():
            raise Refused(f"{event.reference} was not sent: reject it instead")
        if known.cancel_id is not None:
            raise Refused(f"{event.reference}: the supplier was asked to cancel it already")
        if known.state in ("shipped", "received", "rejected", "cancelled"):
            raise Refused(f"{event.reference} is {known.state} already")
    else:
        if known.sent():
            raise Refused(f"{event.reference} was sent already")
        if known.state not in ("draft", "awaiting_approval"):
            raise Refused(f"{event.reference} is {known.state} already")
    if event.version != known.version:
        raise Refused(f"was changed since: version {known.version}")


def _must_know_supplier(rows: Rows, code: str) -> None:
    settings = settings_of(rows)
    if settings is None or settings.supplier(code) is None:
        raise Refused(f"suppliers.{code} is not in the settings")


def _stand(row: OrderRow) -> dict[str, str]:
    quantities = ", ".join(f"{line.line}: {plain(line.quantity)} {line.sku}" for line in row.lines)[:2000]
    return {
        "state": row.state,
        "version": str(row.version),
        "total": f"{plain(row.total())} {row.currency}",
        "lines": quantities,
    }


# -- settings and releases


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    if before is None or event.revision > before.revision:
        rows.put(SETTINGS_KEY, event)
    return ()


def _release(rows: Rows, event: RowRelease) -> Outcome:
    known = rows.read(event.row_key)
    if known is None or isinstance(known, SettingsApplied):
        raise Refused(f"row {event.row_key} is not known")
    if known.quarantined is None:
        return ()
    entry = released(event, known.quarantined, rows.now_ms)
    if isinstance(known, OrderRow) and not known.lines:
        rows.delete(event.row_key)  # it never was an order
        return [entry]
    row = rows.edit(event.row_key)
    assert row is not None and not isinstance(row, SettingsApplied)
    row.quarantined = None
    return [entry]


_HANDLERS: dict[type[Message], Callable[..., Outcome]] = {
    Need: need,
    Approval: _approval,
    PurchaseOrderOutcome: outcome,
    SupplierStatus: supplier_status,
    RowRelease: _release,
    SettingsApplied: _settings,
}
