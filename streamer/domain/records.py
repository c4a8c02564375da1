"""Copies of records (log `orders`): which record goes over which route, when, and what became of it.

A record has one row on each route. One revision of it is under way at a time; what changes meanwhile is kept, and only
the newest content follows. The ledger (`dispatch_records`) sees to it that a customer is there before its order.
"""

from __future__ import annotations

from streamer.domain import record_sending
from streamer.domain.acts import notice
from streamer.domain.order_echo import carries_our_reference
from streamer.domain.order_rows import CustomerRow, OrderRow
from streamer.domain.record_mapping import Content, Unmappable, content_of, difference, digest, flat
from streamer.domain.record_rows import FAILED, CopyRow, copy_key, split_key
from streamer.domain.times import DAY_MS
from streamer.domain.versions import newer, time_of
from streamer.domain.view import Outcome, View, settings_of
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.records import RecordKind, RouteFacts

ECHO_MS = 60_000
"""So long a record waits that may be an echo: the news that we made it ourselves can come later than its notice."""
KEPT_MS = 730 * DAY_MS  # a row that nothing happened to; the ledger knows the other system's id for longer
WAITING_KEPT_MS = 40 * DAY_MS  # of content that nobody wanted: it is personal data
ACTS_KEPT = 20

Rows = View[object]


def kind_of(event: Order | CustomerRecord) -> RecordKind:
    if isinstance(event, CustomerRecord):
        return event.kind
    return "deal" if event.kind == "deal" else "order"


def offered(rows: Rows, event: Order | CustomerRecord) -> list[Message]:
    """What follows for the record's copies from what its platform tells. Older versions change nothing."""
    settings = settings_of(rows)
    if settings is None or not settings.routes:
        return []
    order_key = event.places()[0].key
    if _is_late(rows, order_key, event):
        return []
    said: list[Message] = []
    for route in settings.routes:
        if route.source != event.account or kind_of(event) not in route.kinds:
            continue
        if event.asked is not None and event.asked.route not in (None, route.name):
            continue
        if _is_echo(rows, order_key, event, settings):
            forget_echo(rows, route, order_key)
            continue
        said += _offered_to(rows, route, order_key, event, settings)
    return said


def _is_late(rows: Rows, order_key: str, event: Order | CustomerRecord) -> bool:
    """Whether the record's own row has a newer version, which need not have been copied."""
    known = rows.read(order_key)
    return isinstance(known, OrderRow | CustomerRow) and known.version not in ("", event.version)


def _is_echo(rows: Rows, order_key: str, event: Order | CustomerRecord, settings: SettingsApplied) -> bool:
    known = rows.read(order_key)
    if isinstance(known, OrderRow) and known.echo:
        return True
    numbers = [text for text in (*event.references, getattr(event, "number", None)) if text]
    return any(carries_our_reference(text, event.account, settings) for text in numbers)


def forget_echo(rows: Rows, route: RouteFacts, order_key: str) -> None:
    """What waited to be copied turned out to be ours."""
    known = rows.read(copy_key(route.name, order_key))
    if isinstance(known, CopyRow) and not known.there and known.state != "under_way":
        rows.delete(copy_key(route.name, order_key))


def _offered_to(
    rows: Rows, route: RouteFacts, order_key: str, event: Order | CustomerRecord, settings: SettingsApplied
) -> list[Message]:
    key = copy_key(route.name, order_key)
    known = rows.read(key)
    assert known is None or isinstance(known, CopyRow)
    cancels = isinstance(event, Order) and event.state == "cancelled"
    if known is None:
        if cancels or not (event.asked or _since_cut_off(event, route)):
            return []
    elif known.quarantined is not None or not _says_more(event, known):
        return []
    try:
        content = content_of(route, kind_of(event), event)
        record_sending.identify(route, kind_of(event), content)
    except Unmappable as problem:
        return _cannot(rows, key, route, event, str(problem), settings)
    row = _row(rows, key, route, event)
    row.version, row.changed_ms = event.version, rows.now_ms
    row.number = getattr(content.record, "number", None)
    if event.asked is not None and not row.revision:
        row.asked_by = event.asked.act_id
    return _take(rows, key, row, route, event, content, cancels=cancels)


def _since_cut_off(event: Order | CustomerRecord, route: RouteFacts) -> bool:
    """Orders count by when they were placed, customers by when they changed last. Without any time: history."""
    placed = event.occurred_at if isinstance(event, Order) else None
    told = placed or time_of(event.version) or event.occurred_at
    if told is None and isinstance(event, Order) and event.order_date:
        told = time_of(f"{event.order_date} 00:00")
        return told is not None and told.date() >= route.since.date()
    return told is not None and told >= route.since


def _says_more(event: Order | CustomerRecord, known: CopyRow) -> bool:
    """Whether it is newer; or the same, and somebody asked for it again."""
    if event.version == known.version:
        return event.asked is not None and event.asked.act_id not in known.acts
    return newer(event.version, known.version)


def _row(rows: Rows, key: str, route: RouteFacts, event: Order | CustomerRecord) -> CopyRow:
    row = rows.edit(key)
    if not isinstance(row, CopyRow):
        kind = kind_of(event)
        row = CopyRow(
            kind=kind,
            entity=route.becomes.get(kind, kind),
            state="waiting",
            version=event.version,
            reference=record_sending.reference_of(route, event),
        )
        rows.put(key, row)
    if event.asked is not None:
        row.acts = [*row.acts[1 - ACTS_KEPT :], event.asked.act_id]
    return row


def _cannot(
    rows: Rows, key: str, route: RouteFacts, event: Order | CustomerRecord, reason: str, settings: SettingsApplied
) -> list[Message]:
    """This record alone waits until it, or the route, is mended; what is under way goes on."""
    row = _row(rows, key, route, event)
    row.version, row.changed_ms, row.reason = event.version, rows.now_ms, reason
    row.wanted, row.wanted_hash = None, None
    if row.state != "under_way":
        row.state, row.due = "failed", rows.now_ms + KEPT_MS
    return _tell(settings, route, key, row, reason)


def _tell(settings: SettingsApplied | None, route: RouteFacts, key: str, row: CopyRow, reason: str) -> list[Message]:
    return list(
        notice(
            settings,
            ("record", key, row.version, reason),
            f"{row.kind} not copied",
            f"{row.kind} {split_key(key)[1]} cannot go over the route {route.name}: {reason}",
            link=f"/records/{split_key(key)[0]}/{split_key(key)[1]}",
        )
    )


def _take(
    rows: Rows,
    key: str,
    row: CopyRow,
    route: RouteFacts,
    event: Order | CustomerRecord,
    content: Content,
    *,
    cancels: bool,
) -> list[Message]:
    """The newest content: nothing to do, to be sent now or later, or only shown."""
    new_hash = digest(content, cancels=cancels)
    if cancels and not row.there and row.state != "under_way":
        row.state, row.reason, row.due = "dropped", "cancelled before it was copied", rows.now_ms + KEPT_MS
        row.wanted, row.wanted_hash, row.content = None, None, None
        return []
    again = event.asked is not None and row.state in FAILED
    if new_hash == row.sent_hash and not again:
        row.wanted, row.wanted_hash = None, None  # what changed meanwhile was changed back
        if row.state in ("waiting", "held", "dry_run"):
            row.state, row.difference, row.due = "confirmed", [], rows.now_ms + KEPT_MS
        return []
    if new_hash == row.wanted_hash and row.state in ("waiting", "held"):
        return []
    row.wanted, row.wanted_hash, row.wanted_cancels = content.to_json(), new_hash, cancels
    if route.dry_run or (event.asked is not None and event.asked.dry_run):
        if row.state != "under_way":
            row.state, row.due = "dry_run", rows.now_ms + WAITING_KEPT_MS
        row.difference = difference(row.known, flat(content))
        return []
    if row.state == "under_way":
        return []
    return follow(rows, key, row, route)


def follow(rows: Rows, key: str, row: CopyRow, route: RouteFacts) -> list[Message]:
    """Sends what is wanted, or says what it waits for, by the route's mode."""
    row.difference = []
    if route.mode == "manual":
        row.state, row.due = "held", rows.now_ms + WAITING_KEPT_MS
        row.difference = difference(row.known, flat(Content.from_json(row.wanted or "")))
        return []
    if route.mode == "batch":
        every_ms = int(route.batch_seconds * 1000)
        row.state, row.due = "waiting", (rows.now_ms // every_ms + 1) * every_ms
        return []
    settings = settings_of(rows)
    assert settings is not None
    if not row.there and any(other.target == route.source for other in settings.routes):
        row.state, row.due = "waiting", rows.now_ms + ECHO_MS
        return []
    return record_sending.send(rows, key, row, route)


def wake(rows: Rows, key: str, row: CopyRow) -> Outcome:
    """The batch is due, or nothing happened for so long that the content, or the row, may go."""
    route = route_of(settings_of(rows), key)
    if row.state == "waiting" and row.wanted is not None:
        if route is None or route.dry_run:
            row.state, row.due = "held", rows.now_ms + WAITING_KEPT_MS
            row.reason = "the route is gone" if route is None else "the route is a dry run now"
            return ()
        return record_sending.send(rows, key, row, route)
    if row.wanted is not None or row.content is not None:
        row.wanted = row.content = row.wanted_hash = None
        row.reason = row.reason or "it waited too long; back-fill it to copy it"
        row.due = rows.now_ms + KEPT_MS
        return ()
    if row.state == "under_way":
        row.due = None
        return ()
    rows.delete(key)
    return ()


def route_of(settings: SettingsApplied | None, key: str) -> RouteFacts | None:
    name = split_key(key)[0]
    return next((route for route in settings.routes if route.name == name), None) if settings is not None else None
