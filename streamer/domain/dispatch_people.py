"""What people decide about commands that no machine can decide."""

from __future__ import annotations

from streamer.domain.dispatch_ledger import Ledger
from streamer.domain.dispatch_rows import LedgerRow, QueueRow, Rows, known_command, not_quarantined, queue_key
from streamer.domain.dispatch_rules import rule_of
from streamer.domain.view import Outcome
from streamer.errors import Refused
from streamer.messages.commands import OperatorAct
from streamer.messages.status import AuditEntry

ACTS_KEPT = 50


def operator(rows: Rows, event: OperatorAct) -> Outcome:
    """The act, and its entry in the audit trail. The same act twice counts once. Raises Refused."""
    known = known_command(rows, event.account, event.command_id)
    if event.act_id in known.acts:
        return ()
    not_quarantined(known)
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
