"""What the other folds are told about commands."""

from __future__ import annotations

from streamer.domain.dispatch_rows import ExternalRow, LedgerRow, LedgerState, Rows, external_key
from streamer.domain.times import DAY_MS, utc
from streamer.domain.view import Outcome
from streamer.messages.applied import AccountFacts
from streamer.messages.base import Message
from streamer.messages.commands import (
    CancelOrderCommand,
    ChangeOrderCommand,
    RecordCommand,
    ReorderCommand,
    WriteBackCommand,
)
from streamer.messages.ids import order_key
from streamer.messages.orders import ObjectKnown, WriteBackDone
from streamer.messages.purchasing import PurchaseOrderOutcome, SupplierStatus

EXTERNAL_KEPT_MS = 400 * DAY_MS  # a supplier may speak of an order by his own number for a year


def report(row: LedgerRow, facts: AccountFacts | None, now_ms: int, *, tell_purchasing: bool = True) -> list[Message]:
    """Who must know of the state that the row has now."""
    command = row.command()
    state = row.state
    if isinstance(command, ReorderCommand):
        told: list[Message] = []
        if tell_purchasing and state in ("confirmed", "rejected", "unknown", "human"):
            told.append(_purchase_order(row, command, now_ms, mailed=_mailed(facts)))
        return told + _object_known(row, command.account, command.command_id, command.reference, facts)
    if isinstance(command, CancelOrderCommand | ChangeOrderCommand):
        word = _AFTERWARDS[command.ce_type, _mailed(facts)].get(state)
        return [_afterwards(row, command, word, now_ms)] if word is not None else []
    if isinstance(command, WriteBackCommand) and state in ("confirmed", "rejected", "human"):
        return [_done(row, order_key(command.account, command.order_id), command.command_id, now_ms)]
    if isinstance(command, RecordCommand) and state in ("confirmed", "rejected", "human"):
        return [
            _done(row, _copied_from(command), command.command_id, now_ms, record=command),
            *_object_known(row, command.account, command.command_id, command.reference, facts, entity=command.entity),
        ]
    return []


def _purchase_order(row: LedgerRow, command: ReorderCommand, now_ms: int, *, mailed: bool) -> PurchaseOrderOutcome:
    # That a mail was taken says nothing about the order.
    state = "sent" if mailed and row.state == "confirmed" else row.state
    return PurchaseOrderOutcome.model_validate(
        {
            "supplier": command.supplier,
            "reference": command.reference,
            "command_id": command.command_id,
            "state": state,
            "external_reference": row.external_reference,
            "reason": row.reason,
            "evidence": dict(row.evidence),
            "revision": row.reports,
            "at": utc(now_ms),
        }
    )


def _mailed(facts: AccountFacts | None) -> bool:
    """Whether success means only that a letter was taken."""
    return facts is None or facts.sink_class in (None, "C")


_AFTERWARDS: dict[tuple[str, bool], dict[LedgerState, str]] = {
    ("cancel-order", False): {"confirmed": "cancelled", "rejected": "cancel_refused"},
    ("cancel-order", True): {"rejected": "cancel_refused"},  # a letter asks; only the supplier cancels
    ("change-order", False): {"confirmed": "changed", "rejected": "change_refused"},
    ("change-order", True): {"confirmed": "change_sent", "rejected": "change_refused"},
}
"""What the end of a command about a sent order means, by its kind and whether it went as a letter."""


def _afterwards(
    row: LedgerRow, command: CancelOrderCommand | ChangeOrderCommand, word: str, now_ms: int
) -> PurchaseOrderOutcome:
    return PurchaseOrderOutcome.model_validate(
        {
            "supplier": command.supplier,
            "reference": command.reference,
            "command_id": command.command_id,
            "state": word,
            "reason": row.reason,
            "evidence": dict(row.evidence),
            "revision": row.reports,
            "at": utc(now_ms),
        }
    )


def _done(
    row: LedgerRow, key: str, command_id: str, now_ms: int, *, record: RecordCommand | None = None
) -> WriteBackDone:
    return WriteBackDone.model_validate(
        {
            "order_key": key,
            "command_id": command_id,
            "state": row.state,
            "reason": row.reason,
            "revision": row.reports,
            "route": record.route if record is not None else None,
            "entity": record.entity if record is not None else None,
            "external_reference": row.external_reference if record is not None else None,
            "at": utc(now_ms),
        }
    )


def _copied_from(command: RecordCommand) -> str:
    """The row of the fold `orders` that wanted the copy."""
    if command.record_key is not None:
        return command.record_key
    if command.order is not None:
        return command.order.key
    if command.customer is not None:
        return command.customer.places()[0].key
    raise ValueError("a record command carries an order or a customer")


def _object_known(
    row: LedgerRow, account: str, command_id: str, reference: str, facts: AccountFacts | None, *, entity: str = "order"
) -> list[Message]:
    if row.state != "confirmed" or row.external_reference is None or facts is None:
        return []
    if entity == "order" and row.kind == "reorder" and _mailed(facts):
        return []  # a Message-ID is no object that an event could be about
    if entity == "address":
        return []  # no platform tells of addresses alone
    source_id = row.external_reference if entity in ("order", "deal") else f"{entity}:{row.external_reference}"
    return [ObjectKnown(account=account, source_id=source_id, command_id=command_id, reference=reference)]


def learn_external(rows: Rows, account: str, row: LedgerRow, now_ms: int) -> Outcome:
    """Remembers whose order the other side's id means, and passes on the statuses that came before we knew."""
    command = row.command()
    if row.external_reference is None or not isinstance(command, ReorderCommand):
        return ()
    key = external_key(account, row.external_reference)
    known = rows.read(key)
    if isinstance(known, ExternalRow) and known.command_id is not None:
        return ()
    parked = known.parked if isinstance(known, ExternalRow) else []
    rows.put(
        key,
        ExternalRow(command_id=command.command_id, reference=command.reference, due_ms=now_ms + EXTERNAL_KEPT_MS),
    )
    return [for_purchasing(SupplierStatus.from_json(bytes(status)), command.reference) for status in parked]


def for_purchasing(status: SupplierStatus, reference: str) -> SupplierStatus:
    """The status with our reference, by which it finds the supplier's row."""
    return status.model_copy(update={"reference": reference})
