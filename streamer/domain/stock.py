"""The fold of the log `stock`: one row for each SKU at each location."""

from __future__ import annotations

from streamer.domain.allocation import Touched
from streamer.domain.folding import by_type, main_row, set_aside, take_settings
from streamer.domain.stock_acts import take_act
from streamer.domain.stock_answers import decision, order_key_of
from streamer.domain.stock_demand import end_day, hand_over
from streamer.domain.stock_facts import (
    take_carried,
    take_facts,
    take_hold,
    take_incoming,
    take_level,
    take_movement,
    take_offer,
    take_policy,
)
from streamer.domain.stock_jobs import begin_booked, next_start_ms
from streamer.domain.stock_lines import give_back
from streamer.domain.stock_memory import finish, forgettable
from streamer.domain.stock_patterns import raise_point
from streamer.domain.stock_requests import take_release, take_request, take_shipped
from streamer.domain.stock_rows import (
    BESIDE,
    AnyRow,
    MovedRow,
    StockRow,
    read_row,
    write_row,
)
from streamer.domain.stock_settling import (
    Rows,
    plan_check,
    remembering_ms,
    settle,
    shortage,
)
from streamer.domain.units import DAY_MS
from streamer.domain.view import Outcome, settings_of
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.stock import (
    CarriedDemand,
    Hold,
    Incoming,
    ItemFacts,
    ItemPolicy,
    LineRelease,
    LineRequest,
    LineShipped,
    ReorderAct,
    RowRelease,
    StockLevel,
    StockMovement,
    SupplierOffer,
)

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "stock"
row_key = main_row
DAILY, SCHEDULED = "daily reconciliation", "scheduled reconciliation"


def due_ms(row: AnyRow) -> int | None:
    if isinstance(row, StockRow):
        return row.due
    return row.forget_ms if isinstance(row, MovedRow) else None


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row decides nothing any more until an operator releases it; facts still enter."""
    if not key.startswith(BESIDE):
        set_aside(rows, key, reason, StockRow)


def wake(rows: Rows, key: str) -> Outcome:
    """Releases expired reservations; once a day looks afresh at what to order and forgets what cannot come again."""
    row = rows.edit(key)
    if not isinstance(row, StockRow):
        rows.delete(key)
        return ()
    now_ms = rows.now_ms
    if row.quarantined is not None:
        row.due = now_ms + DAY_MS
        return ()
    settings = settings_of(rows)
    said: list[Message] = []
    touched: Touched = {}
    for name, line in list(row.lines.items()):
        if line.expires_ms is None or line.expires_ms > now_ms:
            continue
        give_back(row, name, line)
        finish(rows, row, name, line.revision, line.shipped, remembering_ms(settings))
        said.append(
            decision(
                order_key_of(name, line),
                name,
                key,
                line.revision,
                line.decision + 1,
                "released",
                now_ms,
                approved=line.shipped,
                reason="the reservation has expired",
            )
        )
    if row.booked:
        begin_booked(row, key, settings, now_ms, touched)
    looks = False
    if row.check_ms is not None and row.check_ms <= now_ms:
        before_ms = now_ms - remembering_ms(settings)
        row.finished = {name: entry for name, entry in row.finished.items() if not forgettable(rows, entry, before_ms)}
        row.arrived = [change for change in row.arrived if change.at_ms > now_ms - DAY_MS]
        row.check_ms = None
        looks = True
        end_day(rows, key, row, settings)
        said += hand_over(rows, key, row)
        raise_point(rows, key, row, settings)
    cause = SCHEDULED if settings is not None and settings.reconcile else DAILY
    said += settle(rows, key, row, touched, settings, cause, uncounted=True, closely=looks)
    row.due = min((line.expires_ms for line in row.lines.values() if line.expires_ms is not None), default=None)
    start_ms = next_start_ms(row, key, settings) if row.booked else None
    if start_ms is not None:
        row.due = start_ms if row.due is None else min(row.due, start_ms)
    plan_check(row, now_ms, settings, key)
    if row == StockRow():
        rows.delete(key)
    return said


def _row_release(rows: Rows, event: RowRelease) -> Outcome:
    row = rows.edit(event.row_key)
    if not isinstance(row, StockRow) or row.quarantined is None:
        return ()
    row.quarantined = None
    row.due = rows.now_ms  # what fell due meanwhile is done at the next tick
    settings = settings_of(rows)
    touched: Touched = {}
    said = shortage(event.row_key, row, settings, touched, f"released by {event.actor}")
    return said + settle(rows, event.row_key, row, touched, settings, f"released by {event.actor}")


fold = by_type(
    NAME,
    {
        LineRequest: take_request,
        LineRelease: take_release,
        LineShipped: take_shipped,
        StockLevel: take_level,
        StockMovement: take_movement,
        ItemFacts: take_facts,
        ItemPolicy: take_policy,
        SupplierOffer: take_offer,
        Incoming: take_incoming,
        Hold: take_hold,
        CarriedDemand: take_carried,
        ReorderAct: take_act,
        RowRelease: _row_release,
        SettingsApplied: take_settings,
    },
)
