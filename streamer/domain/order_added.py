"""Lines that we add to an appointment ourselves: the remedy parts of a recall."""

from __future__ import annotations

from streamer.domain.order_answers import conclude
from streamer.domain.order_asks import release_all
from streamer.domain.order_beginning import begin, cover
from streamer.domain.order_memory import FINISHED, Rows, finish
from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.units import ZERO
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.base import Message
from streamer.messages.ids import order_key
from streamer.messages.orders import AddLine


def take_added(rows: Rows, event: AddLine) -> Outcome:
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
    finish(row, rows.now_ms, settings_of(rows))
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
