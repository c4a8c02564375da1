"""What a person does about an account's polls: have it looked at now, stop them for a while, take them up again.

Only asking stops. What was asked already is answered, webhooks are taken, and commands go out as before.
"""

from __future__ import annotations

from streamer.domain.dispatch_polls import resources_of
from streamer.domain.dispatch_rows import PollRow, Rows, poll_key
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.commands import PollAct
from streamer.messages.status import AuditEntry

ACTS_KEPT = 20


def take(rows: Rows, event: PollAct) -> Outcome:
    """The act, and its entry in the audit trail. The same act twice is one. Raises Refused."""
    found = {name: rows.read(poll_key(event.account, name)) for name in _names(rows, event)}
    polls = {name: row for name, row in found.items() if isinstance(row, PollRow) and row.quarantined is None}
    if any(event.act_id in row.acts for row in polls.values()):
        return ()
    _may_act(event, polls)
    before, after = {}, {}
    for name in polls:
        row = rows.edit(poll_key(event.account, name))
        assert isinstance(row, PollRow)
        before[name] = _standing(row)
        _act(row, event, rows.now_ms)
        row.acts = [*row.acts[1 - ACTS_KEPT :], event.act_id]
        after[name] = "asked now" if event.act == "look_now" and row.started_ms is None else _standing(row)
    return [
        AuditEntry(
            actor=event.actor,
            act=f"poll.{event.act}",
            subject=f"account/{event.account}",
            before=before,
            after=after,
            reason=event.reason,
            act_id=event.act_id,
            at=event.at,
        )
    ]


def _names(rows: Rows, event: PollAct) -> list[str]:
    """Raises Refused."""
    settings = settings_of(rows)
    if settings is None or event.account not in settings.accounts:
        raise Refused(f"accounts.{event.account} is not in the settings")
    names = resources_of(rows, settings, event.account)
    if event.resource is not None:
        names = [name for name in names if name == event.resource]
    if not names:
        raise Refused(f"accounts.{event.account}.polls: no poll {event.resource or ''} comes round")
    return names


def _may_act(event: PollAct, polls: dict[str, PollRow]) -> None:
    """Raises Refused where nothing could come of the act."""
    if not polls:
        raise Refused(f"no poll of {event.account} decides: each is in quarantine, or was not begun yet")
    stopped = [row.paused_by for row in polls.values() if row.paused_by is not None]
    if event.act == "look_now" and len(stopped) == len(polls):
        raise Refused(f"the polls of {event.account} are stopped by {stopped[0]}: resume them first")


def _act(row: PollRow, event: PollAct, now_ms: int) -> None:
    match event.act:
        case "pause":
            row.paused_by = row.paused_by or event.actor
        case "resume":
            row.paused_by = None
        case "look_now":
            if row.started_ms is None:
                row.due_ms = now_ms


def _standing(row: PollRow) -> str:
    if row.paused_by is not None:
        return f"stopped by {row.paused_by}"
    return "under way" if row.started_ms is not None else "waits for its turn"
