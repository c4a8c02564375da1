"""Back-fills: a person has records of an account read again, by dates or ids. Each kind of record is one poll."""

from __future__ import annotations

from streamer.domain.acts import notice
from streamer.domain.dispatch_rows import PollRow, Rows, poll_key
from streamer.domain.effects import Bounds, StartPoll
from streamer.domain.times import DAY_MS
from streamer.domain.view import Effect, Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.base import Message
from streamer.messages.records import Backfill, RecordKind
from streamer.messages.status import AuditEntry

MOST_IDS = 2_000
TRIES = 10
PAUSE_MS = 60_000
LOST_AFTER_MS = 600_000
KEPT_MS = 40 * DAY_MS


def name_of(event: Backfill, kind: RecordKind | None = None) -> str:
    """The name of the poll's row."""
    return f"{kind or next(iter(event.kinds), 'nothing')}!{event.act_id}"


def ask(rows: Rows, event: Backfill) -> Outcome:
    """Begins to read. The same act twice is one. Raises Refused where the account cannot, or nothing bounds it."""
    if not event.kinds:
        raise Refused("kinds: names no kind of record")
    if rows.read(poll_key(event.account, name_of(event))) is not None:
        return ()
    settings = settings_of(rows)
    facts = settings.accounts.get(event.account) if settings is not None else None
    if settings is None or facts is None:
        raise Refused(f"accounts.{event.account} is not in the settings")
    if event.since is None and not event.ids:
        raise Refused("since, or ids: a back-fill needs bounds")
    if event.since is not None and event.until is not None and event.until <= event.since:
        raise Refused("until: is not after since")
    if len(event.ids) > MOST_IDS:
        raise Refused(f"ids: {len(event.ids)} are more than {MOST_IDS}")
    if event.route is not None and all(route.name != event.route for route in settings.routes):
        raise Refused(f"route: there is no route {event.route}")
    said: list[Message | Effect] = []
    for kind in event.kinds:
        resource = facts.backfills.get(kind)
        if resource is None:
            can = ", ".join(sorted(facts.backfills)) or "nothing"
            raise Refused(f"kinds: {facts.platform} cannot read {kind} records again; it can {can}")
        bounds = Bounds(
            resource=resource,
            act_id=event.act_id,
            since=event.since.isoformat() if event.since is not None else None,
            until=event.until.isoformat() if event.until is not None else None,
            ids=event.ids,
            route=event.route,
            dry_run=event.dry_run,
        )
        row = PollRow(account=event.account, resource=name_of(event, kind), bounds=bounds)
        rows.put(poll_key(event.account, row.resource), row)
        said.append(look(row, rows.now_ms))
    entry = AuditEntry(
        actor=event.actor,
        act="record.backfill",
        subject=event.account,
        after={
            "kinds": ", ".join(event.kinds),
            "since": event.since.isoformat() if event.since is not None else "",
            "until": event.until.isoformat() if event.until is not None else "",
            "ids": str(len(event.ids)),
            "route": event.route or "",
            "dry_run": str(event.dry_run).lower(),
        },
        act_id=event.act_id,
        at=event.at,
    )
    return [*said, entry]


def look(row: PollRow, now_ms: int) -> StartPoll:
    """Reads on from where the last look got to; also when its answer never came."""
    assert row.bounds is not None
    row.sequence += 1
    row.started_ms = now_ms
    row.due_ms = now_ms + LOST_AFTER_MS
    return StartPoll(row.account, row.resource, row.sequence, dict(row.cursor), row.bounds)


def ended(rows: Rows, row: PollRow) -> Outcome:
    """After a look: done, tried again a minute later, or given up."""
    if row.error is None:
        row.due_ms = rows.now_ms + KEPT_MS
        return ()
    row.tries += 1
    if row.tries < TRIES:
        row.due_ms = rows.now_ms + PAUSE_MS
        return ()
    row.due_ms = rows.now_ms + KEPT_MS
    assert row.bounds is not None
    return notice(
        settings_of(rows),
        ("backfill", row.account, row.resource),
        "A back-fill came to nothing",
        f"Account {row.account}, {row.bounds.resource}: {row.error}",
        link="/records",
    )


def over(row: PollRow) -> bool:
    """Whether the back-fill is done with, so that its row may go."""
    return row.ended_ms is not None and row.started_ms is None and (row.error is None or row.tries >= TRIES)
