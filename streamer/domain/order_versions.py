"""A new version of an order, as its platform tells it: new, changed, cancelled, closed, or an echo of what we made."""

from __future__ import annotations

from streamer.domain import records
from streamer.domain.appointments import appointment_day
from streamer.domain.order_answers import conclude, visit
from streamer.domain.order_appointments import move_added, resolve, schedule, tell_unnamed
from streamer.domain.order_asks import release_all
from streamer.domain.order_echo import is_supply, our_reference, status_of
from streamer.domain.order_lines import Change
from streamer.domain.order_memory import FINISHED, Rows, advance, finish, oldest_ms
from streamer.domain.order_rows import AnyRow, OrderRow
from streamer.domain.order_services import NO_SHOW, NOT_CONFIRMED, NOT_IN_THE_SET, no_show
from streamer.domain.order_terms import place_of, set_terms
from streamer.domain.units import DAY_MS, ZERO, ms
from streamer.domain.versions import newer, time_of
from streamer.domain.view import Disregarded, Effect, Outcome, settings_of
from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.orders import Order


def take_order(rows: Rows, event: Order) -> Outcome:
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
    before_ms = oldest_ms(rows, event.account, settings)
    reference = our_reference(event, settings) or (known.reference if known is not None else None)
    ours = reference is not None or (known is not None and known.echo)
    if known is None and not ours:
        if is_supply(event, settings):
            raise Ignored("a purchase order to a supplier that was not made here")
        if at_ms < before_ms:
            if event.asked is not None:
                return ()  # history that somebody wants copied is no demand
            raise Refused("the order is unknown and older than ids are remembered (remember_days)")
    advance(rows, event.account, at_ms)
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
    finish(row, rows.now_ms, settings_of(rows))
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
            line.approved = line.shipped  # no more is promised than what has left
            line.waitlisted = line.rejected = ZERO
            line.promised = None
    return said
