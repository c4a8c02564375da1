"""What is known of a sent purchase order: the join of all statements about it, in any order and however often.

Every statement becomes `Facts`; `join` is commutative, associative and idempotent, so a status that comes late, twice
or before an older one changes nothing that is known. What the facts mean (the state, what still comes, what contradicts
what) is read from the joined facts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol, TypeVar

import msgspec

from streamer.messages.purchasing import GoodsReceipt, PurchaseOrderOutcome, SupplierLine, SupplierStatus

Amount = tuple[str, int, Decimal]
"""A number with the time (ISO) and the sequence of its statement; the latest counts, of two at once the larger."""
Word = tuple[str, int, str]

LedgerWord = Literal["sending", "unknown", "human", "sent", "confirmed"]
LEDGER_RANK: tuple[LedgerWord, ...] = ("sending", "unknown", "human", "sent", "confirmed")
ZERO = Decimal(0)
SHIPMENT, DELIVERY, RECEIPT = "shipped:", "delivered:", "counted:"  # kinds of documents that add up; the last is ours


class LineFacts(msgspec.Struct, omit_defaults=True, frozen=True):
    """What the supplier said about one line of ours."""

    confirmed: Amount | None = None
    back_order: Amount | None = None
    price: Amount | None = None
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    promised: Word | None = None
    status: Word | None = None
    documents: dict[str, Decimal] = {}  # quantities that add up: kind and id of the document -> how many

    def sum_of(self, kind: str) -> Decimal:
        """What the documents of one kind come to."""
        return sum((number for name, number in self.documents.items() if name.startswith(kind)), ZERO)


class Facts(msgspec.Struct, omit_defaults=True, frozen=True):
    """The join of all statements. Flags only ever rise."""

    ledger: LedgerWord = "sending"
    refused: bool = False  # by the ledger: the call was refused for good
    seen: bool = False  # the supplier gave a sign of life
    accepted: bool = False
    rejected: bool = False
    cancelled: bool = False
    bounced: bool = False
    some_shipped: bool = False
    all_shipped: bool = False
    some_received: bool = False
    all_received: bool = False
    closed: bool = False  # a person expects no more
    external: Word | None = None  # the supplier's own number
    made_as: str | None = None  # the id that the ledger learnt
    lines: dict[str, LineFacts] = {}
    strange_lines: tuple[str, ...] = ()  # spoken of, but not ordered


class Ordered(Protocol):
    """A line as we ordered it."""

    @property
    def line(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def supplier_sku(self) -> str | None: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def unit_price(self) -> Decimal: ...


T = TypeVar("T", Amount, Word)


def _later(one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _join_lines(one: LineFacts, other: LineFacts) -> LineFacts:
    return LineFacts(
        confirmed=_later(one.confirmed, other.confirmed),
        back_order=_later(one.back_order, other.back_order),
        price=_later(one.price, other.price),
        shipped=max(one.shipped, other.shipped),
        received=max(one.received, other.received),
        promised=_later(one.promised, other.promised),
        status=_later(one.status, other.status),
        documents=_join_documents(one.documents, other.documents),
    )


def _join_documents(one: dict[str, Decimal], other: dict[str, Decimal]) -> dict[str, Decimal]:
    """Each document once. Sorted, so that the same facts are the same bytes."""
    return {name: max(one.get(name, ZERO), other.get(name, ZERO)) for name in sorted({*one, *other})}


def join(one: Facts, other: Facts) -> Facts:
    """All that either knows."""
    lines = dict(one.lines)
    for line, facts in other.lines.items():
        lines[line] = _join_lines(lines[line], facts) if line in lines else facts
    return Facts(
        ledger=max(one.ledger, other.ledger, key=LEDGER_RANK.index),
        refused=one.refused or other.refused,
        seen=one.seen or other.seen,
        accepted=one.accepted or other.accepted,
        rejected=one.rejected or other.rejected,
        cancelled=one.cancelled or other.cancelled,
        bounced=one.bounced or other.bounced,
        some_shipped=one.some_shipped or other.some_shipped,
        all_shipped=one.all_shipped or other.all_shipped,
        some_received=one.some_received or other.some_received,
        all_received=one.all_received or other.all_received,
        closed=one.closed or other.closed,
        external=_later(one.external, other.external),
        made_as=max(filter(None, (one.made_as, other.made_as)), default=None),
        lines=lines,
        strange_lines=tuple(sorted({*one.strange_lines, *other.strange_lines}))[:20],
    )


def facts_of_outcome(event: PurchaseOrderOutcome) -> Facts:
    """What the ledger says."""
    if event.state == "rejected":
        return Facts(refused=True)
    if event.state == "cancelled":
        return Facts(cancelled=True)
    word = next((word for word in LEDGER_RANK if word == event.state), None)
    return Facts(ledger=word, made_as=event.external_reference) if word is not None else Facts()


def facts_of_status(event: SupplierStatus, ordered: Sequence[Ordered]) -> Facts:
    """What a trustworthy answer says. Several entries for one line of ours (a split) are added up."""
    when = event.occurred_at.isoformat() if event.occurred_at else (event.occurred_date or "")
    number = event.sequence or 0
    state = event.state
    lines: dict[str, LineFacts] = {}
    strange: list[str] = []
    for said in (part for line in event.lines for part in _split(line)):
        mine = matching(said, ordered)
        if mine is None:
            strange.append(said.sku or said.supplier_sku or said.line or "?")
            continue
        facts = _line_facts(said, mine, state, when, number)
        lines[mine.line] = _add(lines.get(mine.line), facts)
    if event.adds_up:
        lines = {line: _as_document(facts, f"{event.account}/{event.source_id}") for line, facts in lines.items()}
    whole = not lines
    return Facts(
        seen=True,
        accepted=state in ("accepted", "accepted_with_changes", "invoiced"),
        rejected=state == "rejected",
        cancelled=state == "cancelled",
        some_shipped=state in ("partly_shipped", "shipped"),
        all_shipped=state == "shipped" and whole,
        some_received=state in ("partly_delivered", "delivered"),
        all_received=state == "delivered" and whole,
        external=(when, number, event.external_reference) if event.external_reference else None,
        lines=lines,
        strange_lines=tuple(sorted(set(strange)))[:20],
    )


def _split(line: SupplierLine) -> Sequence[SupplierLine]:
    """Each part of a line as a line."""
    return [
        line.model_copy(
            update={
                "quantity": part.quantity,
                "status": part.status or line.status,
                "promised_date": part.promised_date or line.promised_date,
                "parts": (),
            }
        )
        for part in line.parts
    ] or [line]


def _as_document(facts: LineFacts, name: str) -> LineFacts:
    """The figures of one delivery of several, under its own name."""
    moved = {SHIPMENT + name: facts.shipped, DELIVERY + name: facts.received}
    return msgspec.structs.replace(
        facts, shipped=ZERO, received=ZERO, documents={key: number for key, number in moved.items() if number}
    )


def facts_of_receipt(event: GoodsReceipt) -> Facts:
    """What was counted at our door."""
    lines: dict[str, LineFacts] = {}
    name = RECEIPT + event.receipt_id
    for counted in event.lines:
        before = lines.get(counted.line, LineFacts()).documents.get(name, ZERO)
        lines[counted.line] = LineFacts(documents={name: before + counted.quantity})
    return Facts(some_received=any(counted.quantity > 0 for counted in event.lines), lines=lines)


def matching(said: SupplierLine, ordered: Sequence[Ordered]) -> Ordered | None:
    """Our line by our SKU, else by the supplier's, else by its id (some count lines in their own way)."""
    by_sku = next((mine for mine in ordered if said.sku is not None and mine.sku == said.sku), None)
    if by_sku is not None:
        return by_sku
    by_line = next((mine for mine in ordered if said.line is not None and mine.line == said.line), None)
    by_theirs = next(
        (
            mine
            for mine in ordered
            if said.supplier_sku is not None and said.supplier_sku in (mine.supplier_sku, mine.sku)
        ),
        None,
    )
    return by_theirs or by_line


def _line_facts(said: SupplierLine, mine: Ordered, state: str, when: str, number: int) -> LineFacts:
    quantity = said.quantity
    shipping = state in ("partly_shipped", "shipped")
    arriving = state in ("partly_delivered", "delivered")
    confirming = state in ("accepted", "accepted_with_changes")
    moved = quantity if quantity is not None else mine.quantity if state in ("shipped", "delivered") else ZERO
    return LineFacts(
        confirmed=(when, number, quantity) if confirming and quantity is not None else None,
        back_order=(when, number, said.back_order_quantity) if said.back_order_quantity is not None else None,
        price=(when, number, said.unit_price) if said.unit_price is not None else None,
        shipped=moved if shipping else ZERO,
        received=moved if arriving else ZERO,
        promised=(when, number, said.promised_date) if said.promised_date else None,
        status=(when, number, said.status) if said.status else None,
    )


def _add(one: LineFacts | None, other: LineFacts) -> LineFacts:
    """Two entries of one document for the same line."""
    if one is None:
        return other
    return LineFacts(
        confirmed=_sum(one.confirmed, other.confirmed),
        back_order=_sum(one.back_order, other.back_order),
        price=_later(one.price, other.price),
        shipped=one.shipped + other.shipped,
        received=one.received + other.received,
        promised=_later(one.promised, other.promised),
        status=_later(one.status, other.status),
    )


def _sum(one: Amount | None, other: Amount | None) -> Amount | None:
    if one is None or other is None:
        return other if one is None else one
    return (one[0], one[1], one[2] + other[2])
