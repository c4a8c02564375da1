"""The fold of the log `orders`: one row for each order. Which stock to ask, and what to tell the platform."""

from __future__ import annotations

from streamer.domain import record_answers, records
from streamer.domain.folding import by_type, main_row, set_aside, take_settings
from streamer.domain.order_added import take_added
from streamer.domain.order_answers import conclude, no_visit
from streamer.domain.order_appointments import give_up, tell_unnamed, unresolved
from streamer.domain.order_heard import take_decision, take_item, take_known, take_vehicle, take_written
from streamer.domain.order_memory import ECHO_DAYS, Rows, cannot_come_again, finish, remember_ms
from streamer.domain.order_rows import AnyRow, CustomerRow, OrderRow, read_row, write_row
from streamer.domain.order_terms import recheck
from streamer.domain.order_versions import take_order
from streamer.domain.record_rows import CopyRow
from streamer.domain.units import DAY_MS, ZERO
from streamer.domain.versions import newer
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Malformed
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.orders import (
    AddLine,
    CustomerRecord,
    ItemResolved,
    LineDecision,
    ObjectKnown,
    Order,
    VehicleKnown,
    WriteBackDone,
)
from streamer.messages.records import RecordAct
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "orders"
row_key = main_row


def due_ms(row: AnyRow) -> int | None:
    if isinstance(row, OrderRow):
        return row.due
    if isinstance(row, CopyRow):
        return row.due if row.quarantined is None else None
    return row.forget_ms if isinstance(row, CustomerRow) else None


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The order decides nothing any more until an operator releases it; answers of stock rows still enter."""
    set_aside(rows, key, reason, OrderRow)


def wake(rows: Rows, key: str) -> Outcome:
    """A day after its end an order becomes a small row; when nothing about it can come again, it goes."""
    row = rows.edit(key)
    if isinstance(row, CopyRow):
        return records.wake(rows, key, row)
    if not isinstance(row, OrderRow):
        rows.delete(key)
        return ()
    if row.finished_ms is None:
        return _wake_open(rows, key, row)
    kept_ms = ECHO_DAYS * DAY_MS if row.echo else remember_ms(settings_of(rows))
    forget_ms = row.finished_ms + kept_ms
    if rows.now_ms >= forget_ms:
        if row.echo or cannot_come_again(rows, key, row):
            rows.delete(key)
        else:
            row.due = rows.now_ms + DAY_MS
        return ()
    for line in row.lines.values():
        if line.shipped in (ZERO, line.quantity):
            line.asks = {}
    row.due = forget_ms
    return ()


def _wake_open(rows: Rows, key: str, row: OrderRow) -> list[Message]:
    """Other locations are asked again for what waits at one. A vehicle that nobody could name in time, or that did not
    come and of which nothing was heard since."""
    settings = settings_of(rows)
    said: list[Message] = []
    if row.quarantined is not None:
        row.due = rows.now_ms + DAY_MS
        return said
    if row.resolve_until_ms is not None and row.resolve_until_ms <= rows.now_ms:
        row.resolve_until_ms = None
        unresolved(row)
    if row.expected_until_ms is not None and row.expected_until_ms <= rows.now_ms:
        row.expected_until_ms = None
        said += give_up(key, row, settings)
        said += no_visit(key, row)
    if row.recheck_ms is not None and row.recheck_ms <= rows.now_ms:
        row.recheck_ms = None
        recheck(row)
    said += conclude(key, row, settings, rows.now_ms)
    said += tell_unnamed(key, row, settings)
    finish(row, rows.now_ms, settings)
    return said


def _customer(rows: Rows, event: CustomerRecord) -> Outcome:
    key = event.places()[0].key
    row = rows.edit(key)
    if isinstance(row, OrderRow) and not row.echo:
        raise Malformed(f"{key} is an order", field="source_id")
    if row is None or (isinstance(row, CustomerRow) and newer(event.version, row.version)):
        rows.put(key, CustomerRow(event.version, rows.now_ms + remember_ms(settings_of(rows))))
    return records.offered(rows, event)


def _row_release(rows: Rows, event: RowRelease) -> Outcome:
    row = rows.edit(event.row_key)
    if row is None or isinstance(row, SettingsApplied):
        return ()
    row.quarantined = None
    if not isinstance(row, OrderRow):
        return ()
    said = list(conclude(event.row_key, row, settings_of(rows), rows.now_ms))
    finish(row, rows.now_ms, settings_of(rows))
    return said


fold = by_type(
    NAME,
    {
        Order: take_order,
        LineDecision: take_decision,
        ItemResolved: take_item,
        AddLine: take_added,
        ObjectKnown: take_known,
        WriteBackDone: take_written,
        RecordAct: record_answers.act,
        CustomerRecord: _customer,
        VehicleKnown: take_vehicle,
        RowRelease: _row_release,
        SettingsApplied: take_settings,
    },
)
