"""The fold of the log `orders`: one row for each order. Which stock to ask, and what to tell the platform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamer.domain import record_answers, records
from streamer.domain.appointments import appointment_day
from streamer.domain.order_answers import conclude, no_visit, visit
from streamer.domain.order_appointments import (
    decoded_of,
    give_up,
    hear_vehicle,
    move_added,
    resolve,
    schedule,
    tell_unnamed,
    unresolved,
)
from streamer.domain.order_asks import find, hear, release_all
from streamer.domain.order_echo import is_supply, our_reference, status_of
from streamer.domain.order_lines import Change, begin, cover
from streamer.domain.order_rows import TIME, AnyRow, CustomerRow, Line, OrderRow, TimeRow, read_row, write_row
from streamer.domain.order_services import NO_SHOW, NOT_CONFIRMED, NOT_IN_THE_SET, no_show
from streamer.domain.order_terms import place_of, recheck, recheck_at, set_terms
from streamer.domain.record_rows import CopyRow
from streamer.domain.units import DAY_MS, ZERO, ms
from streamer.domain.versions import newer, time_of
from streamer.domain.view import SETTINGS_KEY, Disregarded, Effect, Outcome, View, settings_of
from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.ids import order_key
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
REMEMBER_DAYS = 40  # until settings say otherwise
ECHO_DAYS = 730
"""So long we remember what we made ourselves: once forgotten, its next change would look like a new order."""
FINISHED = ("cancelled", "closed")

Rows = View[Any]


def row_key(event: Message) -> str:
    """The row that an event is about."""
    if isinstance(event, SettingsApplied):
        return SETTINGS_KEY
    return event.row_key if isinstance(event, RowRelease) else event.places()[0].key


def due_ms(row: AnyRow) -> int | None:
    if isinstance(row, OrderRow):
        return row.due
    if isinstance(row, CopyRow):
        return row.due if row.quarantined is None else None
    return row.forget_ms if isinstance(row, CustomerRow) else None


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The order decides nothing any more until an operator releases it; answers of stock rows still enter."""
    if not key or key.startswith("~"):
        return
    row = rows.edit(key)
    if row is None:
        rows.put(key, OrderRow(quarantined=reason))
    else:
        row.quarantined = reason


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Malformed or Refused for a bad event, Ignored for one that means nothing here."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} does not belong on the log {NAME}", field="ce_type")
    return handler(rows, event)


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
    remember_ms = ECHO_DAYS * DAY_MS if row.echo else _remember_ms(settings_of(rows))
    forget_ms = row.finished_ms + remember_ms
    if rows.now_ms >= forget_ms:
        if row.echo or _cannot_come_again(rows, key, row):
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
    _finish(row, rows.now_ms, settings)
    return said


def _remember_ms(settings: SettingsApplied | None) -> int:
    return (settings.remember_days if settings is not None else REMEMBER_DAYS) * DAY_MS


def _oldest_ms(rows: Rows, account: str, settings: SettingsApplied | None) -> int:
    """What is unknown and older than this is refused, never new; counted by the platform's own time."""
    time = rows.read(TIME + account)
    return time.latest_ms - _remember_ms(settings) if isinstance(time, TimeRow) else 0


def _advance(rows: Rows, account: str, at_ms: int) -> None:
    """The account's own time moves on; a time from the future does not count."""
    at_ms = min(at_ms, rows.now_ms)
    time = rows.read(TIME + account)
    if not isinstance(time, TimeRow):
        rows.put(TIME + account, TimeRow(at_ms))
    elif at_ms > time.latest_ms:
        moved = rows.edit(TIME + account)
        assert isinstance(moved, TimeRow)
        moved.latest_ms = at_ms


def _cannot_come_again(rows: Rows, key: str, row: OrderRow) -> bool:
    """Whether a late delivery of the order would be refused as old once the row is gone."""
    told = time_of(row.version)
    if told is None:
        return True
    return ms(told) < _oldest_ms(rows, key.partition("/")[0], settings_of(rows))


def _order_and_copies(rows: Rows, event: Order) -> Outcome:
    said = _order(rows, event)
    copies = records.offered(rows, event)
    return [*said, *copies] if copies else said


def _order(rows: Rows, event: Order) -> Outcome:
    if event.test:
        raise Ignored("a test order")
    key = event.key
    settings = settings_of(rows)
    known = rows.read(key)
    if known is not None and not _is_news(key, known, event):
        return ()
    version_time = time_of(event.version) or event.occurred_at
    at_ms = ms(version_time) if version_time is not None else rows.now_ms
    before_ms = _oldest_ms(rows, event.account, settings)
    reference = our_reference(event, settings) or (known.reference if known is not None else None)
    ours = reference is not None or (known is not None and known.echo)
    if known is None and not ours:
        if is_supply(event, settings):
            raise Ignored("a purchase order to a supplier that was not made here")
        if at_ms < before_ms:
            if event.asked is not None:
                return ()  # history that somebody wants copied is no demand
            raise Refused("the order is unknown and older than ids are remembered (remember_days)")
    _advance(rows, event.account, at_ms)
    row = rows.edit(key)
    if row is None:
        row = OrderRow()
        rows.put(key, row)
    if ours or is_supply(event, settings):
        return _as_echo(key, row, event, reference, rows.now_ms)
    fresh = not row.version
    nobody_came = _nobody_came(row, event, settings)
    if nobody_came:
        event = event.model_copy(update={"state": "cancelled"})
    row.version, row.kind, row.number, row.status = event.version, event.kind, event.number, event.status
    terms = set_terms(row, event, settings, rows.now_ms)
    row.placed_ms = ms(event.occurred_at) if event.occurred_at is not None else row.placed_ms
    row.location, row.state = place_of(event, None, settings), event.state
    old = fresh and row.placed_ms is not None and row.placed_ms < before_ms
    change = Change(key, row, event, settings, at_ms, old=old, terms=terms)
    moved = schedule(row, event, settings, rows.now_ms)
    said: list[Message | Effect] = list(
        _change_lines(key, row, change, fresh=fresh, why=NO_SHOW if nobody_came else None)
    )
    if not change.in_the_set:
        said.append(Disregarded(NOT_IN_THE_SET))
    if moved and row.state not in FINISHED:
        said += move_added(key, row)
    said += resolve(key, row, change.vehicle, rows.now_ms, settings)
    said += conclude(key, row, settings, rows.now_ms)
    said += visit(key, row, event, row.location)
    said += tell_unnamed(key, row, settings)
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _nobody_came(row: OrderRow, event: Order, settings: SettingsApplied | None) -> bool:
    """Whether the appointment's day counts as a no-show; another day is another chance."""
    day = appointment_day(event.appointment, settings, place_of(event, None, settings))
    told = day.isoformat() if day is not None else None
    missed = no_show(event, row, told)
    if missed:
        row.given_up = told or row.given_up
    elif told is not None and row.given_up != told:
        row.given_up = None
    return missed


def _is_news(key: str, row: AnyRow, event: Order) -> bool:
    """Whether the version is newer than the row's; a row in quarantine refuses it."""
    if not isinstance(row, OrderRow):
        raise Malformed(f"{key} is a customer", field="source_id")
    if row.version and not newer(event.version, row.version):
        return False
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
    return True


def _change_lines(key: str, row: OrderRow, change: Change, *, fresh: bool, why: str | None) -> list[Message]:
    if row.kind == "deal" or (row.state == "closed" and fresh):
        return []  # no demand yet; or history: nothing was promised, and levels have long counted what left
    if row.state == "cancelled":
        return _cancel(key, row, change, fresh=fresh, why=why or "the order was cancelled")
    if not change.in_the_set:
        return _set_aside(key, row, change, NOT_IN_THE_SET)
    if row.state == "held" and row.kind == "service_appointment":
        return _set_aside(key, row, change, NOT_CONFIRMED)
    said = list(change.apply())
    if row.state == "closed":
        said += change.ship_added()
        said += _close(key, row)
    return said


def _set_aside(key: str, row: OrderRow, change: Change, reason: str) -> list[Message]:
    """An appointment that asks for nothing (yet): what it held is free again; what recalls have added stays."""
    said: list[Message] = []
    for line in row.lines.values():
        if line.cause is None:
            said += release_all(key, row, line, reason)
    told = {name: line.told for name, line in row.lines.items()}
    added = {name: line for name, line in row.lines.items() if line.cause is not None}
    row.lines = {**change.unasked(reason, decision="released"), **added}
    for name, line in row.lines.items():
        line.told = told.get(name, line.told)
    return said


def _close(key: str, row: OrderRow) -> list[Message]:
    """What has not left by now will not leave any more."""
    said: list[Message] = []
    for line in row.lines.values():
        if line.shipped >= line.quantity > 0 or line.fulfilment == "cancelled":
            continue
        said += release_all(key, row, line, "the order was closed")
        line.asks, line.refused = {}, None
        line.fulfilment = "cancelled"
        if line.decision == "pending":
            line.decision, line.reason = "released", "the order was closed"
    return said


def _as_echo(key: str, row: OrderRow, event: Order, reference: str | None, now_ms: int) -> list[Message]:
    """Status of what we made; what had been asked for before we knew is given back."""
    said: list[Message] = []
    for line in row.lines.values():
        said += release_all(key, row, line, "an echo of our own object")
    row.lines = {}
    row.echo, row.version, row.kind, row.number, row.state = True, event.version, event.kind, event.number, event.state
    row.finished_ms, row.due = now_ms, now_ms + DAY_MS
    if reference is not None and event.kind == "purchase_order":
        said.append(status_of(event, reference))
    return said


def _cancel(key: str, row: OrderRow, change: Change, *, fresh: bool, why: str) -> list[Message]:
    """Everything is free again; an order that was cancelled before we saw it asks for nothing."""
    said: list[Message] = []
    if fresh:
        row.lines = change.unasked("cancelled before it was seen")
        return said
    for line in row.lines.values():
        said += release_all(key, row, line, why)
        line.asks, line.refused, line.waits_for, line.covered = {}, None, None, False
        if not line.shipped >= line.quantity > 0:
            line.decision, line.fulfilment, line.reason = "released", "cancelled", why
            line.approved = line.waitlisted = line.rejected = ZERO
            line.promised = None
    return said


def _finish(row: OrderRow, now_ms: int, settings: SettingsApplied | None) -> None:
    """A finished order is looked at again a day later; one that goes on is not."""
    done = row.state in FINISHED or (
        bool(row.lines) and all(line.fulfilment in ("shipped", "invoiced", "cancelled") for line in row.lines.values())
    )
    if not done:
        row.finished_ms = None
        row.recheck_ms = recheck_at(row, now_ms, settings)
        times = (row.resolve_until_ms, row.expected_until_ms, row.recheck_ms)
        row.due = min((at_ms for at_ms in times if at_ms is not None), default=None)
    elif row.finished_ms is None:
        row.finished_ms, row.due = now_ms, now_ms + DAY_MS


def _decision(rows: Rows, event: LineDecision) -> Outcome:
    key = event.order_key
    row = rows.read(key)
    if not isinstance(row, OrderRow):
        return ()
    found = find(key, row, event.line_key)
    if found is None or found[2].released or found[2].sku != event.sku or found[2].location != event.location:
        return ()
    if event.revision != found[2].revision or event.decision_revision <= found[2].answered:
        return ()
    row = rows.edit(key)
    assert isinstance(row, OrderRow)
    line_id, line, ask = find(key, row, event.line_key) or found
    settings = settings_of(rows)
    said = hear(key, row, line, ask, event)
    said += conclude(key, row, settings, rows.now_ms, only=line_id)
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _resolved(rows: Rows, event: ItemResolved) -> Outcome:
    key = event.order_key
    row = rows.read(key)
    if not isinstance(row, OrderRow) or not any(_waits_for(line, event.item_id) for line in row.lines.values()):
        return ()
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
    row = rows.edit(key)
    assert isinstance(row, OrderRow)
    said: list[Message] = []
    for line_id, line in row.lines.items():
        if not _waits_for(line, event.item_id):
            continue
        if event.sku is None:
            line.refused = event.reason or "unknown SKU"
        else:
            line.sku = event.sku
            said += begin(key, row, line_id, line, rows.now_ms, old=False)
    said += conclude(key, row, settings_of(rows), rows.now_ms)
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _waits_for(line: Line, item_id: str) -> bool:
    return line.item_id == item_id and line.sku is None and line.refused is None and line.fulfilment != "cancelled"


def _vehicle_known(rows: Rows, event: VehicleKnown) -> Outcome:
    row = rows.read(event.order_key)
    if not isinstance(row, OrderRow) or row.resolving != event.vin or row.decoded == decoded_of(event):
        return ()
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
    row = rows.edit(event.order_key)
    assert isinstance(row, OrderRow)
    return _after_vehicle(
        rows, event.order_key, row, hear_vehicle(event.order_key, row, event, rows.now_ms, settings_of(rows))
    )


def _after_vehicle(rows: Rows, key: str, row: OrderRow, said: list[Message]) -> list[Message]:
    said += conclude(key, row, settings_of(rows), rows.now_ms)
    said += tell_unnamed(key, row, settings_of(rows))
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _add_line(rows: Rows, event: AddLine) -> Outcome:
    key = order_key(event.account, event.order_id)
    row = rows.read(key)
    if not isinstance(row, OrderRow):
        raise Refused(f"order {key} is not known")
    line = row.lines.get(event.line_id)
    if line is not None and line.cause is None:
        raise Refused(f"{key} has a line {event.line_id} of its own")
    there = line is not None and line.fulfilment != "cancelled"
    newest = line.added if line is not None else (0, 0)
    if (event.revision, event.sequence) < newest or (row.state in FINISHED and not event.withdrawn):
        return ()
    if event.withdrawn != there:
        if line is not None and (event.revision, event.sequence) > newest:
            known = rows.edit(key)
            assert isinstance(known, OrderRow)
            known.lines[event.line_id].added = (event.revision, event.sequence)
        return ()
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
    row = rows.edit(key)
    assert isinstance(row, OrderRow)
    said: list[Message] = []
    if event.withdrawn:
        line = row.lines[event.line_id]
        line.added = (event.revision, event.sequence)
        said += release_all(key, row, line, f"recall {event.cause} no longer needs it")
        line.asks, line.refused = {}, None
        line.decision, line.fulfilment, line.reason = "released", "cancelled", f"recall {event.cause} was withdrawn"
        line.approved = line.waitlisted = line.rejected = ZERO
    else:
        said += _add(key, row, event, line.told if line is not None else None, rows.now_ms)
        said += cover(key, row, rows.now_ms)
    said += conclude(key, row, settings_of(rows), rows.now_ms)
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _add(key: str, row: OrderRow, event: AddLine, told: str | None, now_ms: int) -> list[Message]:
    line = Line(event.quantity, sku=event.sku, location=row.location, purpose="recall", cause=event.cause, told=told)
    line.needed_by = row.needed_by or next((known.needed_by for known in row.lines.values() if known.needed_by), None)
    line.because, line.added = f"recall {event.cause}", (event.revision, event.sequence)
    row.lines[event.line_id] = line
    if line.location is None:
        line.refused = "no location: the appointment names none"
        return []
    if not line.quantity:
        line.refused = "the quantity is zero"
        return []
    return list(begin(key, row, event.line_id, line, now_ms, old=False))


def _known(rows: Rows, event: ObjectKnown) -> Outcome:
    """From now on events about the object are echoes; demand that it had made before is given back."""
    key = order_key(event.account, event.source_id)
    row = rows.edit(key)
    if row is None:
        row = OrderRow()
        rows.put(key, row)
    if isinstance(row, CustomerRow):
        row = OrderRow()
        rows.put(key, row)
    if not isinstance(row, OrderRow) or (row.echo and (event.reference is None or row.reference == event.reference)):
        return ()
    said: list[Message] = []
    settings = settings_of(rows)
    for route in settings.routes if settings is not None else ():
        if route.source == event.account:
            records.forget_echo(rows, route, key)
    for line in row.lines.values():
        said += release_all(key, row, line, "an echo of our own object")
    row.lines = {}
    row.echo, row.reference = True, event.reference or row.reference
    row.finished_ms, row.due = rows.now_ms, rows.now_ms + DAY_MS
    return said


def _written(rows: Rows, event: WriteBackDone) -> Outcome:
    if event.route is not None:
        return record_answers.done(rows, event)
    row = rows.edit(event.order_key)
    if isinstance(row, OrderRow):
        row.answer_state, row.answer_reason = event.state, event.reason
    return ()


def _customer(rows: Rows, event: CustomerRecord) -> Outcome:
    key = event.places()[0].key
    row = rows.edit(key)
    if isinstance(row, OrderRow) and not row.echo:
        raise Malformed(f"{key} is an order", field="source_id")
    if row is None or (isinstance(row, CustomerRow) and newer(event.version, row.version)):
        rows.put(key, CustomerRow(event.version, rows.now_ms + _remember_ms(settings_of(rows))))
    return records.offered(rows, event)


def _row_release(rows: Rows, event: RowRelease) -> Outcome:
    row = rows.edit(event.row_key)
    if row is None or isinstance(row, SettingsApplied):
        return ()
    row.quarantined = None
    if not isinstance(row, OrderRow):
        return ()
    said = list(conclude(event.row_key, row, settings_of(rows), rows.now_ms))
    _finish(row, rows.now_ms, settings_of(rows))
    return said


def _apply(rows: Rows, event: SettingsApplied) -> Outcome:
    known = settings_of(rows)
    if known is None or event.revision > known.revision:
        rows.put(SETTINGS_KEY, event)
    return ()


_HANDLERS: dict[type[Message], Callable[[Rows, Any], Outcome]] = {
    Order: _order_and_copies,
    LineDecision: _decision,
    ItemResolved: _resolved,
    AddLine: _add_line,
    ObjectKnown: _known,
    WriteBackDone: _written,
    RecordAct: record_answers.act,
    CustomerRecord: _customer,
    VehicleKnown: _vehicle_known,
    RowRelease: _row_release,
    SettingsApplied: _apply,
}
