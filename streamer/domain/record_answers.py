"""What becomes of a copy: what the ledger says about it, and what people want done with it."""

from __future__ import annotations

from streamer.domain import record_sending
from streamer.domain.record_mapping import Content, flat
from streamer.domain.record_rows import CopyRow, copy_key
from streamer.domain.records import ACTS_KEPT, KEPT_MS, WAITING_KEPT_MS, Rows, follow, route_of
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.orders import WriteBackDone
from streamer.messages.records import RecordAct
from streamer.messages.status import AuditEntry


def done(rows: Rows, event: WriteBackDone) -> Outcome:
    """What the ledger says about a copy, or about the customer or address that must be there before it."""
    assert event.route is not None
    key = copy_key(event.route, event.order_key)
    known = rows.read(key)
    if not isinstance(known, CopyRow):
        return ()
    if event.command_id != known.command:
        return _companion_done(rows, key, known, event)
    if event.revision <= known.reported:
        return ()
    row = rows.edit(key)
    assert isinstance(row, CopyRow)
    row.reported, row.changed_ms, row.reason = event.revision, rows.now_ms, event.reason
    match event.state:
        case "confirmed":
            row.external_reference = event.external_reference or row.external_reference
            if row.content is not None:
                row.known = flat(Content.from_json(row.content))
            row.state, row.there, row.content = "confirmed", not row.cancels, None
        case "rejected":
            row.state = "failed"
        case "human":
            row.state, row.there = "human", True
    row.due = rows.now_ms + (KEPT_MS if row.state == "confirmed" else WAITING_KEPT_MS)
    route = route_of(settings_of(rows), key)
    if row.wanted is None or route is None or route.dry_run:
        return ()
    return follow(rows, key, row, route)


def _companion_done(rows: Rows, key: str, known: CopyRow, event: WriteBackDone) -> Outcome:
    identity = next((one for one, command in known.companions.items() if command == event.command_id), None)
    if identity is None or event.state == "confirmed":
        return ()
    row = rows.edit(key)
    assert isinstance(row, CopyRow)
    del row.companions[identity]  # the next revision sees to it again
    if row.state != "under_way" or event.entity != "customer":
        return ()  # an address is no hindrance to its order
    row.state, row.reason = "blocked", f"its {event.entity} was not copied: {event.reason or event.state}"
    row.due = None
    route = route_of(settings_of(rows), key)
    if row.wanted is None or route is None or route.dry_run:
        return ()
    return follow(rows, key, row, route)


def act(rows: Rows, event: RecordAct) -> Outcome:
    """Copies the record now. Raises Refused where there is nothing to copy, or it is under way."""
    key = copy_key(event.route, event.order_key)
    known = rows.read(key)
    if not isinstance(known, CopyRow):
        raise Refused(f"{event.order_key} was not seen on the route {event.route}: back-fill it")
    if event.act_id in known.acts:
        return ()
    route = route_of(settings_of(rows), key)
    if route is None:
        raise Refused(f"there is no route {event.route}")
    if route.dry_run:
        raise Refused(f"routes.{route.name}.dry_run: the route only shows what it would do")
    if known.quarantined is not None:
        raise Refused(f"row is in quarantine: {known.quarantined}")
    if known.state == "under_way":
        raise Refused(f"revision {known.revision} is under way already")
    if known.wanted is None and known.content is None:
        raise Refused("nothing of it waits to be copied: back-fill it to copy it again")
    row = rows.edit(key)
    assert isinstance(row, CopyRow)
    before = row.state
    if row.wanted is None:
        row.wanted, row.wanted_hash, row.wanted_cancels = row.content, row.sent_hash, row.cancels
    row.acts = [*row.acts[1 - ACTS_KEPT :], event.act_id]
    said = record_sending.send(rows, key, row, route)
    entry = AuditEntry(
        actor=event.actor,
        act=f"record.{event.act}",
        subject=f"{event.route}/{event.order_key}",
        before={"state": before},
        after={"state": row.state, "revision": str(row.revision)},
        reason=event.reason,
        act_id=event.act_id,
        at=event.at,
    )
    return [*said, entry]
