"""What the ledger and the suppliers say about orders that were sent."""

from __future__ import annotations

import re

from streamer.domain.purchasing_amendments import amendment_agreed, amendment_refused
from streamer.domain.purchasing_rows import OrderRow, Rows
from streamer.domain.purchasing_turn import NOTICES_KEPT, Turn, edit_order, order_of
from streamer.domain.supplier_answers import Facts, facts_of_outcome, facts_of_receipt, facts_of_status, join
from streamer.domain.times import utc
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SupplierFacts
from streamer.messages.base import plain
from streamer.messages.commands import CommandStatus
from streamer.messages.ids import supplier_of
from streamer.messages.purchasing import GoodsReceipt, PurchaseOrderOutcome, SupplierStatus
from streamer.messages.status import AuditEntry

MOST_REMARKS = 20
MOST_DOCUMENTS = 60  # deliveries of one line, so that a row stays small
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")


def outcome(rows: Rows, event: PurchaseOrderOutcome) -> Outcome:
    """The ledger's word: sent, taken, refused, or not known."""
    known = order_of(rows, event.supplier, event.reference)
    if event.state in ("changed", "change_sent", "change_refused"):
        return _of_amendment(rows, known, event)
    if event.state == "cancel_refused":
        return _cancel_refused(rows, known, event)
    if event.command_id != (known.cancel_id if event.state == "cancelled" else known.command_id):
        raise Refused(f"{event.reference} was not sent by command {event.command_id}")
    facts = join(known.facts, facts_of_outcome(event))
    evidence = known.evidence | event.evidence
    if facts == known.facts and evidence == known.evidence and event.reason in (None, known.reason):
        return ()
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    turn.row.facts, turn.row.evidence = facts, evidence
    turn.row.reason = event.reason or turn.row.reason
    return turn.done()


def _of_amendment(rows: Rows, known: OrderRow, event: PurchaseOrderOutcome) -> Outcome:
    """What became of a change that was asked for; said of another one, it came before and is known."""
    amendment = known.amendment
    if amendment is None or amendment.command_id != event.command_id:
        return ()
    if event.state == "change_sent" and amendment.sent:
        return ()
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    assert turn.row.amendment is not None
    if event.state == "changed":
        amendment_agreed(turn)
    elif event.state == "change_sent":
        turn.row.amendment.sent = True
    else:
        amendment_refused(turn, event.reason or "no reason given")
    return turn.done()


def _cancel_refused(rows: Rows, known: OrderRow, event: PurchaseOrderOutcome) -> Outcome:
    """The order stays; a person may ask again, or speak to the supplier."""
    if known.cancel_id is None or known.cancel_id != event.command_id:
        return ()
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    turn.row.cancel_id = None
    turn.row.cancels += 1
    turn.tell(
        "Purchase order was not cancelled",
        f"{event.reference}: {event.reason or 'no reason given'}. It stays ordered.",
        severity="urgent",
        about=f"cancel {turn.row.cancels}",
    )
    return turn.done()


def goods_receipt(rows: Rows, event: GoodsReceipt) -> Outcome:
    """Goods were counted at our door. The same receipt twice counts once. Raises Refused and Malformed."""
    known = order_of(rows, event.supplier, event.reference)
    if not known.sent():
        raise Refused(f"{event.reference} was not sent yet")
    lines = {line.line: line for line in known.lines}
    said = facts_of_receipt(event)
    for line in said.lines:
        if line not in lines:
            raise Malformed("is no line of this order", field=f"lines.{line}")
        documents = known.facts.lines[line].documents if line in known.facts.lines else {}
        if len(documents) >= MOST_DOCUMENTS and not said.lines[line].documents.keys() <= documents.keys():
            raise Refused(f"line {line} of {event.reference} has {MOST_DOCUMENTS} receipts already")
    facts = join(known.facts, said)
    if facts == known.facts:
        return ()
    turn = Turn(rows, edit_order(rows, event.supplier, event.reference))
    turn.row.facts = facts
    _sign_of_life(turn)
    turn.out.append(
        AuditEntry(
            actor=event.actor,
            act="purchase-order.receive",
            subject=event.reference,
            after={f"line {one.line}": plain(one.quantity) for one in event.lines},
            act_id=f"{event.reference}:{event.receipt_id}",
            at=event.at,
        )
    )
    return turn.done()


def supplier_status(rows: Rows, event: SupplierStatus) -> Outcome:
    """A supplier's answer. What nobody vouches for is shown to a person and changes nothing else."""
    code = supplier_of(event.reference) if event.reference else None
    if code is None or event.reference is None:
        raise Refused("carries no reference of ours")
    known = order_of(rows, code, event.reference)
    if not known.sent():
        raise Refused(f"{event.reference} was not sent yet")
    if event.state in ("delayed", "bounced"):
        return _mail_trouble(rows, code, known, event)
    doubt = _doubt(rows, code, known, event)
    if doubt is not None:
        return _doubted(rows, code, known, event, doubt)
    if event.state == "replied":
        return _for_people(rows, code, known, event, "Supplier wrote", "wrote: somebody must read it")
    facts = join(known.facts, facts_of_status(event, known.lines))
    if facts == known.facts:
        return ()
    turn = Turn(rows, edit_order(rows, code, event.reference))
    row = turn.row
    row.facts = facts
    if event.state == "rejected":
        row.reason = row.reason or event.status or "refused by the supplier"
    _agreed_to_change(turn)
    _sign_of_life(turn, event)
    if event.state == "accepted_with_changes":
        turn.tell("Supplier accepted with changes", f"{row.reference}: see its lines", about=event.source_id)
    return turn.done()


def _agreed_to_change(turn: Turn) -> None:
    """A supplier who was asked by letter confirms exactly the quantities that were asked for."""
    row = turn.row
    if row.amendment is None or not row.amendment.sent:
        return
    said = {line: facts.confirmed for line, facts in row.facts.lines.items()}
    if all(
        (confirmed := said.get(line)) is not None and confirmed[2] == quantity
        for line, quantity in row.amendment.quantities.items()
    ):
        amendment_agreed(turn)


def _sign_of_life(turn: Turn, event: SupplierStatus | None = None) -> None:
    """An order of unknown fate gave a sign of life."""
    row = turn.row
    if row.told_ledger or row.account is None or row.command_id is None:
        return
    if row.facts.ledger in ("sent", "confirmed"):
        return
    row.told_ledger = True
    turn.out.append(
        CommandStatus(
            account=row.account,
            command_id=row.command_id,
            state="rejected" if event is not None and event.state == "rejected" else "confirmed",
            external_reference=event.external_reference if event is not None and event.account == row.account else None,
            reason=event.status if event is not None else "goods were received",
            at=utc(turn.rows.now_ms),
        )
    )


def _mail_trouble(rows: Rows, code: str, known: OrderRow, event: SupplierStatus) -> Outcome:
    """A delay is no failure. What never arrived goes to a person; a machine sends nothing again."""
    if event.state == "delayed" or event.permanent is False:
        return ()
    if known.facts.bounced:
        return ()
    turn = Turn(rows, edit_order(rows, code, known.reference))
    turn.row.facts = join(known.facts, Facts(bounced=True))
    turn.tell(
        "Purchase order did not arrive",
        f"{known.reference}: the mail came back ({event.smtp_status or 'no code given'})",
        severity="urgent",
        about="bounced",
    )
    return turn.done()


def _doubt(rows: Rows, code: str, known: OrderRow, event: SupplierStatus) -> str | None:
    """Why nothing may follow from the answer by machine, or None."""
    if not event.verified:
        return event.unverified_reason or "its sender is not verified"
    settings = settings_of(rows)
    supplier = settings.supplier(code) if settings else None
    if supplier is None:
        return f"suppliers.{code} is not in the settings"
    if event.sender is not None and not may_answer(event.sender, supplier):
        return f"its sender is not in suppliers.{code}.senders"
    if event.recipient_token is not None and not _is_token_of(event.recipient_token, known):
        return "it answers with a token of another order"
    return None


def _is_token_of(given: str, known: OrderRow) -> bool:
    """Whether what stood behind the plus of the reply address (`NW-7.k7q2f03a`, or the token alone) is this order's."""
    reference, _, token = given.rpartition(".")
    return token.lower() == known.reply_token and reference.upper() in ("", known.reference)


def may_answer(sender: str, supplier: SupplierFacts) -> bool:
    """Whether an address is on the supplier's list: itself, or its whole domain (not one below it)."""
    address = sender.strip().lower()
    domain = address.rpartition("@")[2]
    for listed in supplier.senders:
        entry = listed.strip().lower()
        if address == entry or (domain and domain == entry.removeprefix("@")):
            return True
    return False


def _doubted(rows: Rows, code: str, known: OrderRow, event: SupplierStatus, doubt: str) -> Outcome:
    mark = f"unproven|{event.source_id}"
    if mark in known.noticed:
        return ()
    turn = Turn(rows, edit_order(rows, code, known.reference))
    row = turn.row
    row.noticed = [*row.noticed[1 - NOTICES_KEPT :], mark]
    # The remark becomes public with the order's status, so it names no address.
    remark = f"unproven answer ({event.state}): {_ADDRESS.sub('an address', doubt)}"
    if remark not in row.remarks and len(row.remarks) < MOST_REMARKS:
        row.remarks.append(remark)
    return turn.done()


def _for_people(rows: Rows, code: str, known: OrderRow, event: SupplierStatus, subject: str, what: str) -> Outcome:
    if f"{subject}|{event.source_id}" in known.noticed:
        return ()
    turn = Turn(rows, edit_order(rows, code, known.reference))
    turn.tell(subject, f"{known.reference}: the supplier {what}", about=event.source_id)
    return turn.out
