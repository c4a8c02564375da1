"""The fold `dispatch`: the ledger of everything that we want accounts to do (log `commands`, key: account)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from streamer.domain import dispatch_backfills, dispatch_poll_acts, dispatch_polls, dispatch_records, dispatch_secrets
from streamer.domain.dispatch_external import give_up, supplier_status
from streamer.domain.dispatch_ledger import Ledger
from streamer.domain.dispatch_people import operator
from streamer.domain.dispatch_rows import (
    Attempt,
    ExternalRow,
    KnownRow,
    LedgerRow,
    PollRow,
    QueueRow,
    Rows,
    SecretRow,
    command_key,
    due_ms,
    empty_row,
    external_key,
    known_command,
    not_quarantined,
    poll_key,
    queue_key,
    read_row,
    secret_key,
    write_row,
)
from streamer.domain.dispatch_rules import RULES, rule_of
from streamer.domain.folding import keep_settings, release, set_aside
from streamer.domain.times import DAY_MS, in_ms
from streamer.domain.view import SETTINGS_KEY, Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import (
    AttemptOutcome,
    Command,
    CommandStatus,
    OperatorAct,
    PollAct,
    PollMoved,
    SecretKept,
)
from streamer.messages.purchasing import SupplierStatus
from streamer.messages.records import Backfill
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "dispatch"
_OPEN = ("sending", "looking_up", "unknown", "human")


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Refused and Malformed for what cannot be used; the rows are then as they were."""
    if isinstance(event, Command):
        return _command(rows, event)
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} is no message for the ledger", field="ce_type")
    return handler(rows, event)


def wake(rows: Rows, key: str) -> Outcome:
    """A row is due: a pause is over, an answer did not come, or it may be forgotten."""
    row = rows.edit(key)
    account = key.split("/", 1)[0]
    match row:
        case LedgerRow():
            return _wake_command(rows, key, row, account)
        case PollRow():
            return dispatch_polls.wake(rows, key, row)
        case KnownRow():
            return dispatch_records.wake(Ledger(rows, account), key, row)
        case ExternalRow():
            rows.delete(key)
            return give_up(rows, key, row) if row.parked else ()
        case QueueRow() | SecretRow():
            rows.delete(key)
            return ()
        case _:
            return ()


def row_key(event: Message) -> str:
    """The row that the event is mainly about."""
    match event:
        case AttemptOutcome() | CommandStatus() | OperatorAct() | Command():
            return command_key(event.account, event.command_id)
        case Backfill():
            return poll_key(event.account, dispatch_backfills.name_of(event))
        case PollMoved() | PollAct():
            return poll_key(event.account, event.resource or "all")
        case SupplierStatus():
            return external_key(event.account, event.external_reference or event.source_id)
        case SecretKept():
            return secret_key(event.account, event.name)
        case _:
            return event.row_key if isinstance(event, RowRelease) else SETTINGS_KEY


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row keeps what it knows and starts nothing any more."""
    set_aside(rows, key, reason, partial(empty_row, key))


# -- commands and what came of them


def _command(rows: Rows, event: Command) -> Outcome:
    if event.ce_type not in RULES:
        raise Malformed(f"{event.ce_type} is no command that the ledger knows", field="ce_type")
    key = command_key(event.account, event.command_id)
    known = rows.read(key)
    if isinstance(known, LedgerRow):
        if known.quarantined is not None and not known.kind:
            raise Refused(f"row is in quarantine: {known.quarantined}")
        if known.kind != event.ce_type or known.command() != event:
            raise Refused(f"command {event.command_id} is known with another body")
        return ()
    ledger = Ledger(rows, event.account)
    row = LedgerRow(
        kind=event.ce_type,
        body=msgspec.Raw(event.to_json()),
        object=event.object,
        created_ms=rows.now_ms,
        source=rows.source,
    )
    rows.put(key, row)
    ledger.enqueue(event.command_id, row)
    return ledger.out


def _outcome(rows: Rows, event: AttemptOutcome) -> Outcome:
    known = known_command(rows, event.account, event.command_id)
    if event.attempt > known.attempt:
        raise Refused(f"attempt {event.attempt} of command {event.command_id} was never started")
    good = event.result in ("confirmed", "found")
    noted = next((attempt for attempt in known.attempts if attempt.number == event.attempt), None)
    if event.result == "not_found" and noted is not None and noted.mode == "send":
        raise Malformed("answers a look-up; this attempt was a call", field="result")
    if noted is not None and noted.result not in (None, "unknown") and not good:
        return ()
    if noted is not None and noted.result == event.result and (not good or known.state == "confirmed"):
        news = event.external_reference not in (None, known.external_reference)
        if not (good and news):
            return ()
    if not good:
        not_quarantined(known)
    ledger = Ledger(rows, event.account)
    row = ledger.edit(event.command_id)
    assert row is not None
    if good:
        _note(row, event)
        row.evidence |= event.evidence
        ledger.confirm(event.command_id, row, event.external_reference)
    elif _note(row, event) and event.attempt == row.attempt and _may_go_on(row):
        row.reason = event.reason
        row.evidence |= event.evidence
        ledger.outcome(
            event.command_id,
            row,
            event.result,
            at_ms=in_ms(event.at),
            retry_after_seconds=event.retry_after_seconds,
        )
    return ledger.out


def _note(row: LedgerRow, event: AttemptOutcome) -> Attempt | None:
    """Writes down what the attempt came to; None when the row has forgotten that attempt."""
    for attempt in row.attempts:
        if attempt.number == event.attempt:
            attempt.result, attempt.reason = event.result, event.reason
            return attempt
    return None


def _may_go_on(row: LedgerRow) -> bool:
    """Whether a late outcome still decides: not once the command is closed, nor when its successors went on."""
    return row.state in _OPEN and (row.state != "human" or rule_of(row.kind).blocks)


def _status(rows: Rows, event: CommandStatus) -> Outcome:
    known = known_command(rows, event.account, event.command_id)
    if known.attempt == 0:
        raise Refused(f"command {event.command_id} was not sent yet")
    if known.state == "confirmed" and (
        event.state == "rejected" or event.external_reference in (None, known.external_reference)
    ):
        return ()
    if known.state == "rejected" and (event.state == "rejected" or known.conflict is not None):
        return ()
    ledger = Ledger(rows, event.account)
    row = ledger.edit(event.command_id)
    assert row is not None
    if event.state == "confirmed":
        ledger.confirm(event.command_id, row, event.external_reference, tell_purchasing=False)
    else:
        ledger.reject(event.command_id, row, event.reason or "refused by the supplier", tell_purchasing=False)
    return ledger.out


def _wake_command(rows: Rows, key: str, row: LedgerRow, account: str) -> Outcome:
    command_id = key.split("/", 1)[1]
    if row.closed_ms is not None or row.state == "human":
        if row.source is not None and not rows.passed(*row.source):
            row.due_ms = rows.now_ms + DAY_MS
        else:
            rows.delete(key)
        return ()
    ledger = Ledger(rows, account)
    if row.state in ("sending", "looking_up"):
        attempt = row.current()
        if attempt is not None:
            attempt.result = "unknown"
        row.reason = "no outcome was reported in time"
        ledger.outcome(command_id, row, "unknown", at_ms=rows.now_ms)
    else:
        ledger.begin(command_id, row)
    return ledger.out


# -- settings, polls, releases


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    if keep_settings(rows, event):
        dispatch_polls.plan(rows, before, event)
    return ()


def _release(rows: Rows, event: RowRelease) -> Outcome:
    said = release(rows, event, blank=_is_blank)
    row = rows.read(event.row_key)
    if said and isinstance(row, LedgerRow) and row.due_ms is None and _may_begin(rows, event.row_key, row):
        begun = rows.edit(event.row_key)
        assert isinstance(begun, LedgerRow)
        begun.due_ms = rows.now_ms
    return said


def _is_blank(row: object) -> bool:
    return (isinstance(row, LedgerRow) and not row.kind) or (isinstance(row, PollRow) and not row.account)


def _may_begin(rows: Rows, key: str, row: LedgerRow) -> bool:
    """Whether a released command is one that waits for nothing but the next tick."""
    if row.state != "intended" or not rule_of(row.kind).queued:
        return row.state in ("intended", "sending", "looking_up", "unknown")
    account, command_id = key.split("/", 1)
    queue = rows.read(queue_key(account, row.object))
    return isinstance(queue, QueueRow) and queue.waiting[:1] == [command_id]


_HANDLERS: dict[type[Message], Callable[..., Outcome]] = {
    AttemptOutcome: _outcome,
    CommandStatus: _status,
    OperatorAct: operator,
    SupplierStatus: supplier_status,
    PollAct: dispatch_poll_acts.take,
    PollMoved: dispatch_polls.moved,
    SecretKept: dispatch_secrets.kept,
    Backfill: dispatch_backfills.ask,
    RowRelease: _release,
    SettingsApplied: _settings,
}
