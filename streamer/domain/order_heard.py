"""What other folds answer to an order: decisions of stock rows, SKUs of items, vehicles, what the ledger made."""

from __future__ import annotations

from streamer.domain import record_answers, records
from streamer.domain.order_answers import answer_id, conclude
from streamer.domain.order_appointments import decoded_of, hear_vehicle, tell_unnamed
from streamer.domain.order_asks import find, hear, release_all
from streamer.domain.order_beginning import begin
from streamer.domain.order_memory import Rows, finish
from streamer.domain.order_rows import CustomerRow, Line, OrderRow
from streamer.domain.units import DAY_MS
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.base import Message
from streamer.messages.ids import order_key
from streamer.messages.orders import ItemResolved, LineDecision, ObjectKnown, VehicleKnown, WriteBackDone


def take_decision(rows: Rows, event: LineDecision) -> Outcome:
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
    finish(row, rows.now_ms, settings_of(rows))
    return said


def take_item(rows: Rows, event: ItemResolved) -> Outcome:
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
    finish(row, rows.now_ms, settings_of(rows))
    return said


def _waits_for(line: Line, item_id: str) -> bool:
    return line.item_id == item_id and line.sku is None and line.refused is None and line.fulfilment != "cancelled"


def take_vehicle(rows: Rows, event: VehicleKnown) -> Outcome:
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
    finish(row, rows.now_ms, settings_of(rows))
    return said


def take_known(rows: Rows, event: ObjectKnown) -> Outcome:
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


def take_written(rows: Rows, event: WriteBackDone) -> Outcome:
    if event.route is not None:
        return record_answers.done(rows, event)
    row = rows.read(event.order_key)
    if not isinstance(row, OrderRow):
        return ()
    if event.command_id != answer_id(event.order_key, row):
        return ()  # of an earlier answer: the latest is still on its way
    row = rows.edit(event.order_key)
    assert isinstance(row, OrderRow)
    row.answer_state, row.answer_reason = event.state, event.reason
    return ()
