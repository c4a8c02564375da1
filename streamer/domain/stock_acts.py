"""What a person does about reordering one SKU at one location: leave it for a while, or order now."""

from __future__ import annotations

from streamer.domain.stock_memory import finish
from streamer.domain.stock_rows import StockRow
from streamer.domain.stock_settling import Rows, refuse_in_quarantine, remembering_ms, settle
from streamer.domain.units import ZERO, day_of
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.base import Message
from streamer.messages.ids import stock_key
from streamer.messages.purchasing import Need
from streamer.messages.status import AuditEntry
from streamer.messages.stock import ReorderAct


def take_act(rows: Rows, event: ReorderAct) -> Outcome:
    """Raises Refused for a row that nobody knows or that is in quarantine, Malformed for a day that is none."""
    key = stock_key(event.location, event.sku)
    row = rows.edit(key)
    if not isinstance(row, StockRow):
        raise Refused(f"nothing is known of {event.sku} at {event.location}")
    refuse_in_quarantine(row)
    mark = f"act:{event.act_id}"
    if mark in row.finished:
        return ()
    settings = settings_of(rows)
    finish(rows, row, mark, 0, ZERO, remembering_ms(settings))
    before = {"snoozed_until": row.snoozed_until or ""}
    said: list[Message] = []
    if event.act == "snooze":
        if day_of(event.until) is None:
            raise Malformed("must be the day until which nothing is ordered", field="until")
        row.snoozed_until = event.until
    else:
        row.snoozed_until = None
        row.no_need_before_ms = 0
        if row.policy is not None:
            row.policy.nothing_at = None
            row.policy.snoozed_until = None
        said = settle(rows, key, row, {}, settings, f"ordered now by {event.actor}", closely=True)
    ordered = [f"{need.quantity} {need.unit} from {need.supplier}" for need in said if isinstance(need, Need)]
    after = {"snoozed_until": row.snoozed_until or ""}
    if event.act == "order_now":
        after["ordered"] = ", ".join(ordered) or "nothing is missing"
    entry = AuditEntry(
        actor=event.actor,
        act=f"reorder.{event.act}",
        subject=f"stock/{key}",
        before=before,
        after=after,
        reason=event.reason,
        act_id=event.act_id,
        at=event.at,
    )
    return [*said, entry]
