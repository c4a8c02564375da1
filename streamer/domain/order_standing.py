"""What the joined answers mean for an order: its state, what still comes, what contradicts what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from streamer.domain.supplier_answers import DELIVERY, RECEIPT, SHIPMENT, Facts, LineFacts, Ordered
from streamer.messages.base import plain
from streamer.messages.status import PurchaseOrderState

ZERO = Decimal(0)


class Standing(NamedTuple):
    """How one line stands, as far as known."""

    expected: Decimal  # that come in all: confirmed and on back order, else what was ordered
    shipped: Decimal
    received: Decimal
    confirmed: Decimal | None
    promised_date: str | None


def standing(facts: Facts, line: str, quantity: Decimal) -> Standing:
    """What the joined facts mean for a line of `quantity`."""
    said = facts.lines.get(line, _NOTHING)
    back_order = said.back_order[2] if said.back_order else ZERO
    confirmed = said.confirmed[2] if said.confirmed else None
    expected = quantity if confirmed is None else confirmed + back_order
    shipped, received = max(said.shipped, said.sum_of(SHIPMENT)), arrived(said)
    if facts.closed:
        expected = min(expected, received)
    return Standing(
        expected=expected,
        shipped=max(shipped, expected) if facts.all_shipped else shipped,
        received=max(received, expected) if facts.all_received else received,
        confirmed=confirmed,
        promised_date=said.promised[2] if said.promised else None,
    )


def arrived(said: LineFacts) -> Decimal:
    """How many arrived: the figure so far, or the sum of single documents, of the supplier or ours; none is added to
    another, since all of them count the same goods.
    """
    return max(said.received, said.sum_of(DELIVERY), said.sum_of(RECEIPT))


_NOTHING = LineFacts()


def state_of(facts: Facts, ordered: Mapping[str, Decimal]) -> PurchaseOrderState:
    """The state of a sent order: goods count more than words, the supplier's words more than the ledger's guess."""
    lines = [standing(facts, line, quantity) for line, quantity in ordered.items()]
    moved = _moved(facts, lines)
    if moved is not None:
        return moved
    if facts.rejected:
        return "rejected"
    if facts.cancelled or facts.closed:
        return "cancelled"
    if facts.seen or facts.ledger == "confirmed":
        return "confirmed"
    if facts.refused:
        return "rejected"
    return "human" if facts.bounced else facts.ledger


def _moved(facts: Facts, lines: Sequence[Standing]) -> PurchaseOrderState | None:
    if not (facts.some_shipped or facts.some_received or any(line.shipped or line.received for line in lines)):
        return None
    if all(line.received >= line.expected for line in lines):
        return "received"
    if all(max(line.shipped, line.received) >= line.expected for line in lines):
        return "shipped"
    return "partly_shipped"


def shortages(facts: Facts, ordered: Sequence[Ordered]) -> list[str]:
    """Lines of which less comes than was ordered, in words; what is only not there yet is none."""
    found = []
    for mine in ordered:
        now = standing(facts, mine.line, mine.quantity)
        if not facts.closed and now.expected < mine.quantity:
            found.append(f"line {mine.line}: {plain(now.expected)} of {plain(mine.quantity)} {mine.sku}")
    return found


def contradictions(facts: Facts, ordered: Sequence[Ordered], tolerance_percent: Decimal = ZERO) -> list[str]:
    """What a person must look at, in words; a price may differ by `tolerance_percent` of ours."""
    found = []
    moving = facts.some_shipped or facts.some_received
    if moving and facts.rejected:
        found.append("rejected, and yet shipped")
    if moving and facts.cancelled:
        found.append("cancelled, and yet shipped")
    if facts.rejected and facts.accepted:
        found.append("accepted and rejected")
    if facts.refused and (facts.seen or facts.ledger in ("sent", "confirmed")):
        found.append("refused when it was sent, and yet taken")
    for mine in ordered:
        found += _line_contradictions(mine, facts, tolerance_percent)
    if facts.strange_lines:
        found.append("not ordered: " + ", ".join(facts.strange_lines))
    return found


def _line_contradictions(mine: Ordered, facts: Facts, tolerance_percent: Decimal) -> list[str]:
    now = standing(facts, mine.line, mine.quantity)
    said = facts.lines.get(mine.line, _NOTHING)
    ordered = plain(mine.quantity)
    found = []
    if now.expected > mine.quantity:
        found.append(f"line {mine.line}: {plain(now.expected)} confirmed of {ordered} ordered")
    if max(now.shipped, now.received) > mine.quantity:
        found.append(f"line {mine.line}: {plain(max(now.shipped, now.received))} shipped of {ordered} ordered")
    counted, claimed = said.sum_of(RECEIPT), max(said.received, said.sum_of(DELIVERY))
    if ZERO < counted < claimed:
        found.append(f"line {mine.line}: {plain(claimed)} delivered by their word, {plain(counted)} counted")
    if said.price is not None and abs(said.price[2] - mine.unit_price) * 100 > mine.unit_price * tolerance_percent:
        found.append(f"line {mine.line}: price {plain(said.price[2])} instead of {plain(mine.unit_price)}")
    return found
