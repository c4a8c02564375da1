"""The fold `purchasing`: needs become orders, people approve, suppliers answer (log `purchasing`, key: supplier)."""

from __future__ import annotations

from functools import partial

from streamer.domain.folding import by_type, release, set_aside, take_settings
from streamer.domain.purchasing_answers import goods_receipt, outcome, supplier_status
from streamer.domain.purchasing_approvals import approval
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
from streamer.domain.purchasing_turn import Turn
from streamer.domain.view import SETTINGS_KEY, Outcome
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.purchasing import Approval, GoodsReceipt, Need, PurchaseOrderOutcome, SupplierStatus
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "purchasing"


def wake(rows: Rows, key: str) -> Outcome:
    """A draft's window is over, nobody approved in time, a sent order is late, or a finished one may be forgotten."""
    row = rows.edit(key)
    if not isinstance(row, OrderRow):
        return ()
    if row.forget_ms is not None and row.forget_ms <= rows.now_ms:
        rows.delete(key)
        return ()
    turn = Turn(rows, row)
    if row.state == "draft":
        turn.close_draft()
    elif row.state == "awaiting_approval":
        turn.escalate()
    else:
        turn.look_whether_late()
    return turn.done()


def row_key(event: Message) -> str:
    """The row that the event is mainly about."""
    match event:
        case Need():
            return need_row_key(event.supplier, event.location, event.sku)
        case Approval() | GoodsReceipt() | PurchaseOrderOutcome():
            return order_row_key(event.supplier, event.reference)
        case SupplierStatus():
            return order_row_key(event.places()[0].key, event.reference or "")
        case RowRelease():
            return event.row_key
        case _:
            return SETTINGS_KEY


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row orders nothing any more until a person releases it; what suppliers say is still noted."""
    set_aside(rows, key, reason, partial(empty_row, key))


def _release(rows: Rows, event: RowRelease) -> Outcome:
    return release(rows, event, blank=lambda row: isinstance(row, OrderRow) and not row.lines)


fold = by_type(
    NAME,
    {
        Need: need,
        Approval: approval,
        GoodsReceipt: goods_receipt,
        PurchaseOrderOutcome: outcome,
        SupplierStatus: supplier_status,
        RowRelease: _release,
        SettingsApplied: take_settings,
    },
)
