"""Polls: questions to an account that come round again. Only the partition that owns the account's key asks them."""

from __future__ import annotations

from streamer.domain.dispatch_rows import PollRow, Rows, poll_key
from streamer.domain.effects import StartPoll
from streamer.domain.partitions import partition_of
from streamer.domain.view import Outcome
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.commands import PollMoved

LOST_AFTER_MS = 600_000  # a poll that gave no answer for so long is asked again under the next sequence
AT_LEAST_BETWEEN_MS = 1_000


def plan(rows: Rows, before: SettingsApplied | None, applied: SettingsApplied) -> None:
    """Makes the poll rows those of the settings; the first look at a new one comes at the next tick."""
    if applied.partitions < 1:
        return
    old = _wanted(rows, before) if before else {}
    wanted = _wanted(rows, applied)
    for (account, resource), every_ms in wanted.items():
        key = poll_key(account, resource)
        known = rows.read(key)
        if not isinstance(known, PollRow):
            rows.put(key, PollRow(account=account, resource=resource, every_ms=every_ms, due_ms=rows.now_ms))
        elif known.every_ms != every_ms or known.due_ms is None:
            row = _edit(rows, key)
            row.every_ms = every_ms
            if row.started_ms is None:
                row.due_ms = min(row.due_ms if row.due_ms is not None else rows.now_ms, rows.now_ms + every_ms)
    for account, resource in old:
        if (account, resource) not in wanted and isinstance(rows.read(poll_key(account, resource)), PollRow):
            row = _edit(rows, poll_key(account, resource))
            row.due_ms = row.started_ms = None  # the cursor stays, for when it is wanted again


def _wanted(rows: Rows, applied: SettingsApplied) -> dict[tuple[str, str], int]:
    return {
        (account, resource): max(AT_LEAST_BETWEEN_MS, int(seconds * 1000))
        for account, facts in applied.accounts.items()
        if facts.polls and applied.partitions and partition_of(account, applied.partitions) == rows.partition
        for resource, seconds in facts.polls.items()
    }


def _edit(rows: Rows, key: str) -> PollRow:
    row = rows.edit(key)
    assert isinstance(row, PollRow)
    return row


def start(row: PollRow, now_ms: int) -> Outcome:
    """Asks now; also when the poll before never came back."""
    row.sequence += 1
    row.started_ms = now_ms
    row.due_ms = now_ms + LOST_AFTER_MS
    return [StartPoll(row.account, row.resource, row.sequence, dict(row.cursor))]


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
    row.due_ms = max(rows.now_ms + AT_LEAST_BETWEEN_MS, started_ms + row.every_ms)
    return ()
