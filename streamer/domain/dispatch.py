"""The fold `dispatch`: the ledger of everything that we want accounts to do (log `commands`, key: account)."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from streamer.domain import dispatch_polls
from streamer.domain.acts import notice, released
from streamer.domain.dispatch_ledger import Ledger
from streamer.domain.dispatch_reports import EXTERNAL_KEPT_MS, for_purchasing
from streamer.domain.dispatch_rows import (
    Attempt,
    ExternalRow,
    LedgerRow,
    PollRow,
    QueueRow,
    Rows,
    command_key,
    due_ms,
    empty_row,
    external_key,
    poll_key,
    queue_key,
    read_row,
    write_row,
)
from streamer.domain.dispatch_rules import RULES, rule_of
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
    PollMoved,
)
from streamer.messages.purchasing import SupplierStatus
from streamer.messages.status import AuditEntry
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "dispatch"
MOST_PARKED = 50
ACTS_KEPT = 50
_OPEN = ("sending", "looking_up", "unknown", "human")
_OURS = re.compile(r"(?i)(?<![a-z0-9])([a-z2-7]{26})(?=[.@])")  # our id in a Message-ID that we made


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
            return dispatch_polls.start(row, rows.now_ms)
        case ExternalRow():
            rows.delete(key)
            return _give_up(rows, key, row) if row.parked else ()
        case QueueRow():
            rows.delete(key)
            return ()
        case _:
            return ()


def row_key(event: Message) -> str:
    """The row that the event is mainly about."""
    match event:
        case AttemptOutcome() | CommandStatus() | OperatorAct() | Command():
            return command_key(event.account, event.command_id)
        case PollMoved():
            return poll_key(event.account, event.resource)
        case SupplierStatus():
            return external_key(event.account, event.external_reference or event.source_id)
        case RowRelease():
            return event.row_key
        case _:
            return SETTINGS_KEY


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row keeps what it knows and starts nothing any more."""
    if key == SETTINGS_KEY:
        return
    row = rows.edit(key)
    if row is None or isinstance(row, SettingsApplied):
        row = empty_row(key)
        rows.put(key, row)
    row.quarantined = reason


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
    known = _known(rows, event.account, event.command_id)
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
        _not_quarantined(known)
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
    known = _known(rows, event.account, event.command_id)
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


def _operator(rows: Rows, event: OperatorAct) -> Outcome:
    known = _known(rows, event.account, event.command_id)
    if event.act_id in known.acts:
        return ()
    _not_quarantined(known)
    _may_act(rows, known, event)
    ledger = Ledger(rows, event.account)
    row = ledger.edit(event.command_id)
    assert row is not None
    before = row.state
    row.acts = [*row.acts[1 - ACTS_KEPT :], event.act_id]
    match event.act:
        case "confirm":
            ledger.confirm(event.command_id, row, event.external_reference)
        case "reject":
            ledger.reject(event.command_id, row, event.reason)
        case "send_again":
            _send_again(ledger, event.command_id, row)
    entry = AuditEntry(
        actor=event.actor,
        act=f"command.{event.act}",
        subject=event.command_id,
        before={"state": before},
        after={"state": row.state, "attempt": str(row.attempt)},
        reason=event.reason,
        act_id=event.act_id,
        at=event.at,
    )
    return [*ledger.out, entry]


def _may_act(rows: Rows, row: LedgerRow, event: OperatorAct) -> None:
    """Raises Refused where the act would contradict what is known."""
    if event.act != "send_again":
        if row.state in ("confirmed", "rejected"):
            raise Refused(f"command {event.command_id} is {row.state} already")
        return
    if row.state in ("sending", "looking_up"):
        raise Refused(f"command {event.command_id} is under way: attempt {row.attempt}")
    queue = rows.read(queue_key(event.account, row.object)) if rule_of(row.kind).queued else None
    if isinstance(queue, QueueRow):
        if not rule_of(row.kind).blocks and queue.latest != event.command_id:
            raise Refused(f"command {queue.latest} for the same object is newer")
        if row.state == "intended" and queue.waiting[:1] != [event.command_id]:
            raise Refused(f"command {queue.waiting[0]} for the same object comes first")
    if row.kind == "reorder" and row.state == "rejected":
        raise Refused("the order was refused and its needs are open again: approve the order that covers them now")


def _send_again(ledger: Ledger, command_id: str, row: LedgerRow) -> None:
    """A new attempt of the same body, on a person's word: the machine's limits begin anew."""
    left_queue = row.state == "human" and not rule_of(row.kind).blocks
    in_queue = row.state in ("unknown", "human", "intended") and not left_queue
    row.sent_again = row.sent_again or row.state in ("unknown", "human", "confirmed")
    row.state, row.reason, row.closed_ms = "intended", None, None
    row.unclear, row.pauses, row.retry_since_ms, row.first_sent_ms = 0, 0, None, None
    if in_queue:
        ledger.begin(command_id, row)
    else:
        ledger.enqueue(command_id, row)


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


# -- statuses of objects that carry no reference of ours


def _supplier_status(rows: Rows, event: SupplierStatus) -> Outcome:
    reference = _reference_of(rows, event)
    if reference is not None:
        return [for_purchasing(event, reference)]
    if event.external_reference is None:
        raise Refused("names no order: neither a reference of ours nor an id that we know")
    key = external_key(event.account, event.external_reference)
    known = rows.read(key)
    body = event.to_json()
    if isinstance(known, ExternalRow):
        _not_quarantined(known)
        if any(bytes(parked) == body for parked in known.parked):
            return ()
        if len(known.parked) >= MOST_PARKED:
            raise Refused(f"{MOST_PARKED} statuses wait for {event.external_reference} already")
    row = rows.edit(key)
    if not isinstance(row, ExternalRow):
        settings = settings_of(rows)
        row = ExternalRow(due_ms=rows.now_ms + (settings.remember_days if settings else 40) * DAY_MS)
        rows.put(key, row)
    row.parked.append(msgspec.Raw(body))
    return ()


def _reference_of(rows: Rows, event: SupplierStatus) -> str | None:
    """Our reference, by an id of theirs that the ledger knows or by the Message-ID that we made."""
    for named in (event.external_reference, event.in_reply_to, event.original_message_id, event.envelope_id):
        if named is None:
            continue
        known = rows.read(external_key(event.account, named))
        if isinstance(known, ExternalRow) and known.reference is not None:
            if known.due_ms is not None and known.due_ms < rows.now_ms + EXTERNAL_KEPT_MS - 30 * DAY_MS:
                rows.edit(external_key(event.account, named))
                known.due_ms = rows.now_ms + EXTERNAL_KEPT_MS
            return known.reference
        for made in _OURS.findall(named):
            row = rows.read(command_key(event.account, made.upper()))
            if isinstance(row, LedgerRow) and row.kind == "reorder":
                reference: str | None = getattr(row.command(), "reference", None)
                return reference
    return None


def _give_up(rows: Rows, key: str, row: ExternalRow) -> Outcome:
    account, _, external_reference = key.split("/", 2)
    return notice(
        settings_of(rows),
        ("parked", account, external_reference, str(row.due_ms)),
        "Statuses of an unknown order",
        f"{len(row.parked)} statuses of {external_reference} came at account {account}: no order of ours has that id",
    )


# -- settings, polls, releases


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    if before is not None and event.revision <= before.revision:
        return ()
    rows.put(SETTINGS_KEY, event)
    dispatch_polls.plan(rows, before, event)
    return ()


def _release(rows: Rows, event: RowRelease) -> Outcome:
    known = rows.read(event.row_key)
    if known is None or isinstance(known, SettingsApplied):
        raise Refused(f"row {event.row_key} is not known")
    if known.quarantined is None:
        return ()
    entry = released(event, known.quarantined, rows.now_ms)
    if (isinstance(known, LedgerRow) and not known.kind) or (isinstance(known, PollRow) and not known.account):
        rows.delete(event.row_key)
        return [entry]
    row = rows.edit(event.row_key)
    assert row is not None and not isinstance(row, SettingsApplied)
    row.quarantined = None
    if isinstance(row, LedgerRow) and row.state in ("sending", "looking_up", "unknown") and row.due_ms is None:
        row.due_ms = rows.now_ms
    return [entry]


def _known(rows: Rows, account: str, command_id: str) -> LedgerRow:
    row = rows.read(command_key(account, command_id))
    if not isinstance(row, LedgerRow) or not row.kind:
        raise Refused(f"command {command_id} of account {account} is not known")
    return row


def _not_quarantined(row: LedgerRow | ExternalRow) -> None:
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")


_HANDLERS: dict[type[Message], Callable[..., Outcome]] = {
    AttemptOutcome: _outcome,
    CommandStatus: _status,
    OperatorAct: _operator,
    SupplierStatus: _supplier_status,
    PollMoved: dispatch_polls.moved,
    RowRelease: _release,
    SettingsApplied: _settings,
}
