"""Polls: questions to an account that come round again. Only the partition that owns the account's key asks them.

A reconciliation is a poll, too: it looks at what changed since a while before its last look, for what no notice told.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streamer.domain import dispatch_backfills
from streamer.domain.dispatch_rows import PollRow, Rows, poll_key
from streamer.domain.effects import Bounds, StartPoll
from streamer.domain.partitions import partition_of
from streamer.domain.times import utc
from streamer.domain.view import Outcome
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.commands import PollMoved

LOST_AFTER_MS = 600_000  # a poll that gave no answer for so long is asked again under the next sequence
AT_LEAST_BETWEEN_MS = 1_000
FAILED_AGAIN_MS = 60_000  # what could not be asked is asked again so soon, or in its period where that is shorter


def plan(rows: Rows, before: SettingsApplied | None, applied: SettingsApplied) -> None:
    """Makes the poll rows those of the settings; the first look at a new one comes at the next tick."""
    if applied.partitions < 1:
        return
    old = _wanted(rows, before) if before else {}
    wanted = _wanted(rows, applied)
    for (account, resource), poll in wanted.items():
        key = poll_key(account, resource)
        known = rows.read(key)
        if not isinstance(known, PollRow):
            rows.put(key, PollRow(account, resource, poll.every_ms, due_ms=rows.now_ms, bounds=poll.bounds,
                                  overlap_ms=poll.overlap_ms))  # fmt: skip
        elif known.due_ms is None or (known.every_ms, known.bounds, known.overlap_ms) != poll:
            row = _edit(rows, key)
            row.every_ms, row.bounds, row.overlap_ms = poll
            if row.started_ms is None:
                row.due_ms = min(row.due_ms if row.due_ms is not None else rows.now_ms, rows.now_ms + poll.every_ms)
    for account, resource in old:
        if (account, resource) not in wanted and isinstance(rows.read(poll_key(account, resource)), PollRow):
            row = _edit(rows, poll_key(account, resource))
            row.due_ms = row.started_ms = None  # the cursor stays, for when it is wanted again


class Poll(NamedTuple):
    """What the settings want of one poll."""

    every_ms: int
    bounds: Bounds | None = None
    overlap_ms: int = 0


def _wanted(rows: Rows, applied: SettingsApplied) -> dict[tuple[str, str], Poll]:
    if not applied.partitions:
        return {}
    wanted = {
        (account, resource): Poll(max(AT_LEAST_BETWEEN_MS, int(seconds * 1000)))
        for account, facts in applied.accounts.items()
        if facts.polls and partition_of(account, applied.partitions) == rows.partition
        for resource, seconds in facts.polls.items()
    }
    for route in applied.routes:
        facts = applied.accounts.get(route.source)
        if not route.reconcile_seconds or facts is None:
            continue
        if partition_of(route.source, applied.partitions) != rows.partition:
            continue
        for kind in route.kinds:
            if resource := facts.backfills.get(kind):
                bounds = Bounds(resource, f"reconcile:{route.name}", route=route.name)
                name = (route.source, f"{kind}!reconcile:{route.name}")
                wanted[name] = Poll(int(route.reconcile_seconds * 1000), bounds, int(route.overlap_seconds * 1000))
    return wanted


def resources_of(rows: Rows, applied: SettingsApplied, account: str) -> list[str]:
    """Names of the polls of an account that come round, by the settings."""
    return [resource for one, resource in _wanted(rows, applied) if one == account]


def _edit(rows: Rows, key: str) -> PollRow:
    row = rows.edit(key)
    assert isinstance(row, PollRow)
    return row


def wake(rows: Rows, key: str, row: PollRow) -> Outcome:
    """Asks now; also when the poll before never came back. A back-fill that is over goes."""
    if _is_backfill(row):
        if dispatch_backfills.over(row):
            rows.delete(key)
            return ()
        return [dispatch_backfills.look(row, rows.now_ms)]
    row.sequence += 1
    row.started_ms = rows.now_ms
    row.due_ms = rows.now_ms + LOST_AFTER_MS
    return [StartPoll(row.account, row.resource, row.sequence, dict(row.cursor), _bounds(row, rows.now_ms))]


def _is_backfill(row: PollRow) -> bool:
    return row.bounds is not None and not row.every_ms


def _bounds(row: PollRow, now_ms: int) -> Bounds | None:
    """Of a reconciliation: from a while before its last look that went well, until now."""
    if row.bounds is None:
        return None
    since_ms = (row.reached_ms if row.reached_ms is not None else now_ms) - row.overlap_ms
    return msgspec.structs.replace(row.bounds, since=utc(since_ms).isoformat(), until=utc(now_ms).isoformat())


def moved(rows: Rows, event: PollMoved) -> Outcome:
    """The pages are on the raw topic, so the cursor may follow. What an older sequence says changes nothing."""
    key = poll_key(event.account, event.resource)
    known = rows.read(key)
    if not isinstance(known, PollRow) or event.sequence > known.sequence:
        raise Refused(f"poll {event.sequence} of {event.account}/{event.resource} was never started")
    if known.quarantined is not None:
        raise Refused(f"row is in quarantine: {known.quarantined}")
    if event.sequence < known.sequence or known.started_ms is None:
        return ()
    row = _edit(rows, key)
    started_ms = known.started_ms
    row.cursor = dict(event.cursor) if event.error is None or event.cursor else row.cursor
    row.records, row.error, row.ended_ms, row.started_ms = event.records, event.error, rows.now_ms, None
    if _is_backfill(row):
        return dispatch_backfills.ended(rows, row)
    if row.bounds is not None:
        row.cursor = {}  # each look begins anew, within its bounds
        if event.error is None:
            row.reached_ms = started_ms
    due_ms = started_ms + row.every_ms
    if event.error is not None:
        due_ms = min(due_ms, rows.now_ms + FAILED_AGAIN_MS)
    row.due_ms = max(rows.now_ms + AT_LEAST_BETWEEN_MS, due_ms)
    return ()
