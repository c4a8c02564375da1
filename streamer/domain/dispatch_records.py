"""Copied records in the ledger: a customer is there before its order, and is made once, whoever asks for it.

All commands for one account are in one partition, so what it knows is known to all: which object there a match key
means (`MatchRow`, from the moment at which the first command names it), and the id that the other system gave the
object (`KnownRow`). What needs an id that is not known yet waits in the object's row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streamer.domain.dispatch_rows import (
    KnownRow,
    LedgerRow,
    MatchRow,
    QueueRow,
    Rows,
    command_key,
    known_key,
    match_key,
    queue_key,
)
from streamer.domain.times import DAY_MS
from streamer.domain.view import Outcome
from streamer.messages.commands import RecordCommand

if TYPE_CHECKING:
    from streamer.domain.dispatch_ledger import Ledger

ORDER_KEPT_MS = 730 * DAY_MS
"""So long their id of an order is kept; that of a customer stays, since he may come back at any time."""
AT_ONCE = 4  # commands that one event lets go; the rest follow by ticks, so that a turn stays small
MOST_WAITING = 5_000


def arrive(ledger: Ledger, command_id: str, row: LedgerRow, command: RecordCommand) -> bool:
    """Finds which object the command is about; whether it takes its place in the object's queue now."""
    if command.identities:
        row.object = _object_of(ledger.rows, ledger.account, command.entity, command.identities, command.object)
    _replace_unsent(ledger, row, command)
    if command.operation in ("ensure", "find") and command.entity == "customer":
        queue = ledger.rows.read(queue_key(ledger.account, row.object))
        known = ledger.rows.read(known_key(ledger.account, row.object))
        if not _has_id(known) and isinstance(queue, QueueRow) and queue.waiting:
            return not _wait(ledger, command_id, row, row.object)
    return True


def _object_of(rows: Rows, account: str, entity: str, identities: Iterable[str], otherwise: str) -> str:
    """The object of the first identity that is known; all identities that are not known yet mean it from now on."""
    names = tuple(identities)
    found = None
    for name in names:
        known = rows.read(match_key(account, entity, name))
        if isinstance(known, MatchRow):
            found = known.object
            break
    found = found or otherwise
    for name in names:
        if not isinstance(rows.read(match_key(account, entity, name)), MatchRow):
            rows.put(match_key(account, entity, name), MatchRow(found))
    return found


def _replace_unsent(ledger: Ledger, row: LedgerRow, command: RecordCommand) -> None:
    """An older revision of the same record that still waits for its customer gives way to the newer content."""
    queue = ledger.rows.read(queue_key(ledger.account, row.object))
    if not isinstance(queue, QueueRow):
        return
    for waiting in reversed(queue.waiting):
        older = ledger.rows.read(command_key(ledger.account, waiting))
        if not isinstance(older, LedgerRow) or older.state != "intended" or older.attempt or older.kind != "record":
            continue
        body = older.command()
        if isinstance(body, RecordCommand) and (body.route, body.record_key, body.entity) == (
            command.route, command.record_key, command.entity,
        ):  # fmt: skip
            given_up = ledger.edit(waiting)
            assert given_up is not None
            ledger.reject(waiting, given_up, f"replaced by revision {command.revision}", notice_people=False)


def must_wait(ledger: Ledger, command_id: str, row: LedgerRow, command: RecordCommand) -> bool:
    """Whether the command waits for its customer's id, or has nothing to do any more."""
    if command.operation in ("ensure", "find"):
        known = ledger.rows.read(known_key(ledger.account, row.object))
        if isinstance(known, KnownRow) and known.external_reference is not None:
            ledger.confirm(command_id, row, known.external_reference)
            return True
    if not command.customer_identities or command.operation == "cancel" or command.customer_reference is not None:
        return False
    customer = _customer_of(ledger.rows, ledger.account, command)
    if _has_id(ledger.rows.read(known_key(ledger.account, customer))):
        return False
    return _wait(ledger, command_id, row, customer)


def _customer_of(rows: Rows, account: str, command: RecordCommand) -> str:
    names = command.customer_identities
    return _object_of(rows, account, "customer", names, f"customer/{names[0]}")


def _wait(ledger: Ledger, command_id: str, row: LedgerRow, name: str) -> bool:
    """Waits for the id of an object. Whether it does: too many ask a person instead."""
    key = known_key(ledger.account, name)
    known = ledger.rows.edit(key)
    if not isinstance(known, KnownRow):
        known = KnownRow()
        ledger.rows.put(key, known)
    if command_id not in known.waiting:
        if len(known.waiting) >= MOST_WAITING:
            ledger.ask_person(command_id, row, f"{MOST_WAITING} commands wait for {name} already")
            return True
        known.waiting.append(command_id)
    row.due_ms, row.reason = None, f"waits for {name}"
    return True


def _has_id(row: object) -> bool:
    return isinstance(row, KnownRow) and row.external_reference is not None


def enriched(rows: Rows, account: str, row: LedgerRow, command: RecordCommand) -> RecordCommand:
    """The command with the ids that are known now; its body in the ledger stays as it came."""
    more: dict[str, str] = {}
    known = rows.read(known_key(account, row.object))
    if isinstance(known, KnownRow) and known.external_reference is not None:
        more["external_reference"] = known.external_reference
    if command.customer_identities and command.customer_reference is None:
        customer = rows.read(known_key(account, _known_customer(rows, account, command)))
        if isinstance(customer, KnownRow) and customer.external_reference is not None:
            more["customer_reference"] = customer.external_reference
    return command.model_copy(update=more) if more else command


def _known_customer(rows: Rows, account: str, command: RecordCommand) -> str:
    for name in command.customer_identities:
        known = rows.read(match_key(account, "customer", name))
        if isinstance(known, MatchRow):
            return known.object
    return f"customer/{command.customer_identities[0]}"


def learned(ledger: Ledger, row: LedgerRow, external_reference: str | None) -> None:
    """The id that the other system gave the object; what waited for it begins."""
    key = known_key(ledger.account, row.object)
    known = ledger.rows.edit(key)
    if external_reference is None:
        return
    if not isinstance(known, KnownRow):
        known = KnownRow()
        ledger.rows.put(key, known)
    known.external_reference = external_reference
    release(ledger, known)
    if known.due_ms is None and not row.object.startswith(("customer/", "lead/")):
        known.due_ms = ledger.now_ms + ORDER_KEPT_MS


def release(ledger: Ledger, known: KnownRow) -> None:
    """Lets the first of those go that wait for the id."""
    going, known.waiting = known.waiting[:AT_ONCE], known.waiting[AT_ONCE:]
    known.due_ms = ledger.now_ms + 1 if known.waiting else None
    for command_id in going:
        row = ledger.edit(command_id)
        if row is None or row.state != "intended" or row.quarantined is not None:
            continue
        row.reason = None
        queue = ledger.rows.read(queue_key(ledger.account, row.object))
        if isinstance(queue, QueueRow) and command_id in queue.waiting:
            if queue.waiting[0] == command_id:
                ledger.begin(command_id, row)
        else:
            ledger.begin(command_id, row)  # an `ensure` beside the queue: confirmed without a call


def failed(ledger: Ledger, row: LedgerRow) -> None:
    """The customer could not be made: another command that would make it takes its turn."""
    known = ledger.rows.read(known_key(ledger.account, row.object))
    queue = ledger.rows.read(queue_key(ledger.account, row.object))
    if not isinstance(known, KnownRow) or (isinstance(queue, QueueRow) and queue.waiting):
        return
    for waiting in known.waiting:
        other = ledger.rows.read(command_key(ledger.account, waiting))
        if isinstance(other, LedgerRow) and other.object == row.object and other.state == "intended":
            kept = ledger.rows.edit(known_key(ledger.account, row.object))
            assert isinstance(kept, KnownRow)
            kept.waiting.remove(waiting)
            next_row = ledger.edit(waiting)
            assert next_row is not None
            next_row.reason = None
            ledger.take_place(waiting, next_row)
            return


def wake(ledger: Ledger, key: str, known: KnownRow) -> Outcome:
    """More of those that wait may go; or nothing was heard of an order for so long that its id may."""
    if known.waiting:
        release(ledger, known)
    else:
        ledger.rows.delete(key)
    return ledger.out
