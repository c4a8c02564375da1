"""What a purchase order says to others: the command that sends it, its public status, what each need may expect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from streamer.domain.order_standing import Standing, standing, state_of
from streamer.domain.purchasing_rows import CoveredNeed, OrderedLine, OrderRow
from streamer.domain.times import utc
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SupplierFacts
from streamer.messages.base import plain
from streamer.messages.commands import CancelOrderCommand, ChangeOrderCommand, ReorderCommand, ReorderLine
from streamer.messages.ids import command_id
from streamer.messages.purchasing import Need, Why
from streamer.messages.status import PurchaseOrderLineStatus, PurchaseOrderStatus
from streamer.messages.stock import Incoming, IncomingState

ZERO = Decimal(0)
MOST_NEEDS = 100  # in one order; more go into the next, so that rows and commands stay small


def add_need(row: OrderRow, need: Need) -> None:
    """The need joins the line of its SKU, or makes one; the newest offer's price and names hold for the line."""
    why = need.why.model_dump(mode="json", exclude_none=True)
    covered = CoveredNeed(need.need_id, need.quantity, need.lead_time_days, need.needed_by, why, need.units_each)
    line = next((line for line in row.lines if line.sku == need.sku and line.unit == need.unit), None)
    if line is None:
        line = OrderedLine(str(len(row.lines) + 1), need.sku, need.location, ZERO, need.unit_price, need.unit)
        row.lines.append(line)
    line.quantity += need.quantity
    line.unit_price = need.unit_price
    line.supplier_sku = need.supplier_sku or line.supplier_sku
    line.description = need.description or line.description
    line.needs.append(covered)


def fits(row: OrderRow, need: Need) -> bool:
    """Whether the line of its SKU stays within the supplier's largest lot; else the need goes into another order."""
    if need.maximum_lot is None:
        return True
    ordered = sum((line.quantity for line in row.lines if line.sku == need.sku and line.unit == need.unit), ZERO)
    return not ordered or ordered + need.quantity <= need.maximum_lot


def count_needs(row: OrderRow) -> int:
    return sum(len(line.needs) for line in row.lines)


def changed_lines(row: OrderRow, quantities: Mapping[str, Decimal]) -> list[OrderedLine]:
    """The lines with a person's quantities; a line of 0 is gone. Raises Malformed for a line that is not there."""
    known = {line.line for line in row.lines}
    for line in quantities:
        if line not in known:
            raise Malformed("is no line of this order", field=f"quantities.{line}")
    kept = [
        msgspec.structs.replace(line, quantity=quantities.get(line.line, line.quantity))
        for line in row.lines
        if quantities.get(line.line, line.quantity) > 0
    ]
    if not kept:
        raise Refused("nothing would be left of the order: reject it instead")
    return kept


def amended_lines(row: OrderRow, quantities: Mapping[str, Decimal]) -> list[OrderedLine]:
    """The lines of a sent order with a person's quantities; a line of 0 stays, since the supplier may speak of it.

    Raises Malformed for a line that is not there, Refused where nothing changes or nothing is left.
    """
    known = {line.line: line.quantity for line in row.lines}
    for line in quantities:
        if line not in known:
            raise Malformed("is no line of this order", field=f"quantities.{line}")
    if all(known[line] == quantity for line, quantity in quantities.items()):
        raise Refused("no quantity is another than before")
    lines = [msgspec.structs.replace(line, quantity=quantities.get(line.line, line.quantity)) for line in row.lines]
    if not any(line.quantity > 0 for line in lines):
        raise Refused("nothing would be left of the order: cancel it instead")
    return lines


def amended(
    row: OrderRow, supplier: SupplierFacts, quantities: Mapping[str, Decimal], reason: str
) -> ChangeOrderCommand:
    """The command that asks for the change; `amendments` counts it already, so each wish has an id of its own."""
    wished = msgspec.structs.replace(row, lines=amended_lines(row, quantities), version=row.version + 1)
    order = reorder(wished, supplier).model_copy(
        update={"command_id": row.command_id, "reply_token": row.reply_token, "account": row.account}
    )
    return ChangeOrderCommand(
        command_id=command_id("change-order", row.reference, str(row.amendments)),
        account=order.account,
        object=f"order/{row.reference}",
        cause=reason,
        supplier=row.supplier,
        reference=row.reference,
        external_reference=row.facts.made_as,
        replaces=order.command_id,
        order=order,
        reason=reason,
    )


def reorder(row: OrderRow, supplier: SupplierFacts) -> ReorderCommand:
    """The command that places the order: the same for one reference and version, whenever it is made."""
    order_id = command_id("reorder", row.reference, str(row.version))
    return ReorderCommand(
        command_id=order_id,
        account=supplier.account,
        object=f"order/{row.reference}",
        cause=f"{row.reference} version {row.version}",
        supplier=row.supplier,
        supplier_name=supplier.name,
        address=supplier.address,
        contact=supplier.contact,
        reference=row.reference,
        version=row.version,
        order_date=row.order_date,
        needed_by=min((by for line in row.lines if (by := line.needed_by())), default=None),
        ship_to=row.location,
        currency=row.currency,
        lines=tuple(_reorder_line(line) for line in row.lines if line.quantity > 0),
        reply_token=reply_token(row.reference, order_id),
    )


def cancellation(
    row: OrderRow, supplier: SupplierFacts, account: str, replaces: str, reason: str
) -> CancelOrderCommand:
    """The command that cancels a sent order; it waits its turn behind the order itself."""
    return CancelOrderCommand(
        command_id=command_id(
            "cancel-order", row.reference, str(row.version), *([str(row.cancels)] if row.cancels else [])
        ),
        account=account,
        object=f"order/{row.reference}",
        cause=reason,
        supplier=row.supplier,
        address=supplier.address,
        reference=row.reference,
        external_reference=row.facts.made_as,
        replaces=replaces,
        reason=reason,
        reply_token=row.reply_token,
    )


def reply_token(reference: str, order_id: str) -> str:
    """What an answer by mail carries beside the reference, so that a guessed order number alone is not enough."""
    return hashlib.sha256(f"reply|{reference}|{order_id}".encode()).hexdigest()[:8]


def _reorder_line(line: OrderedLine) -> ReorderLine:
    return ReorderLine(
        line=line.line,
        sku=line.sku,
        supplier_sku=line.supplier_sku,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        location=line.location,
        needed_by=line.needed_by(),
        need_ids=tuple(need.need_id for need in line.needs),
        why=tuple(Why.model_validate(need.why, strict=False) for need in line.needs if need.why is not None),
    )


def ordered(row: OrderRow) -> dict[str, Decimal]:
    return {line.line: line.quantity for line in row.lines}


def settle_state(row: OrderRow) -> None:
    """Reads the state of a sent order from what is known of it."""
    if row.sent():
        row.state = state_of(row.facts, ordered(row))


def public_status(row: OrderRow, now_ms: int) -> PurchaseOrderStatus:
    """How the order stands, for everybody."""
    external = row.facts.external[2] if row.facts.external else row.facts.made_as
    return PurchaseOrderStatus(
        supplier=row.supplier,
        reference=row.reference,
        external_reference=external,
        command_id=row.command_id,
        state=row.state,
        conflict=row.conflict,
        currency=row.currency,
        total=row.total(),
        lines=tuple(_line_status(row, line) for line in row.lines),
        revision=row.revision,
        at=utc(now_ms),
        waits_for=row.waits_for or (row.because if row.state == "awaiting_approval" else None),
        waits_until=utc(row.waits_until_ms) if row.waits_until_ms is not None else None,
    )


def _line_status(row: OrderRow, line: OrderedLine) -> PurchaseOrderLineStatus:
    now = standing(row.facts, line.line, line.quantity)
    said = row.facts.lines.get(line.line)
    return PurchaseOrderLineStatus(
        line=line.line,
        sku=line.sku,
        location=line.location,
        quantity=line.quantity,
        confirmed=now.confirmed,
        received=now.received,
        promised_date=now.promised_date,
        status=said.status[2] if said and said.status else None,
    )


Share = tuple[IncomingState, Decimal, Decimal, str | None]
"""What a need may expect: state, still to come, received, date."""


def shares(row: OrderRow) -> dict[tuple[str, str], Share]:
    """What every need may expect, by (line, need id): the needs of a line are served in the order they came in."""
    found: dict[tuple[str, str], Share] = {}
    for line in row.lines:
        now = standing(row.facts, line.line, line.quantity)
        expected, received = now.expected, now.received
        for number, need in enumerate(line.needs):
            last = number == len(line.needs) - 1
            mine = expected if last else min(need.quantity, expected)
            arrived = received if last else min(mine, received)
            expected, received = expected - mine, received - arrived
            found[line.line, need.need_id] = _share(row, now, need, mine, arrived)
    return found


def _share(row: OrderRow, now: Standing, need: CoveredNeed, mine: Decimal, arrived: Decimal) -> Share:
    expected_date = now.promised_date or planned_date(row, need.lead_time_days)
    coming = max(mine - arrived, ZERO)
    if row.state in ("rejected", "cancelled"):
        return ("cancelled", ZERO, arrived, None)
    if row.state == "received" or (coming == 0 and arrived > 0):
        return ("received", ZERO, arrived, None)
    if coming == 0:
        return ("cancelled", ZERO, ZERO, None)
    answered = row.state in ("confirmed", "partly_shipped", "shipped")
    return ("confirmed" if answered else "ordered", coming, arrived, expected_date)


def planned_date(row: OrderRow, lead_time_days: int) -> str | None:
    """When it should arrive as long as the supplier has promised nothing."""
    if not row.order_date:
        return None
    return (date.fromisoformat(row.order_date) + timedelta(days=lead_time_days)).isoformat()


def incomings(
    row: OrderRow, before: Mapping[tuple[str, str], Share], before_lines: list[OrderedLine]
) -> list[Incoming]:
    """What the stock rows must know of a change: one message for each need whose share is another than before."""
    after = shares(row)
    lines = {line.line: line for line in [*before_lines, *row.lines]}
    units = {need.need_id: need.units_each for line in lines.values() for need in line.needs}
    told = []
    for key in dict.fromkeys([*before, *after]):
        share = after.get(key, ("cancelled", ZERO, ZERO, None))
        if before.get(key) == share:
            continue
        state, coming, arrived, expected_date = share
        line = lines[key[0]]
        told.append(
            Incoming(
                location=line.location,
                sku=line.sku,
                need_id=key[1],
                reference=row.reference,
                supplier=row.supplier,
                revision=row.revision,
                state=state,
                quantity=coming,
                received=arrived,
                expected_date=expected_date,
                units_each=units[key[1]],
            )
        )
    return told


def in_words(row: OrderRow) -> str:
    """Reference and total, for notices."""
    return f"{row.reference}: {len(row.lines)} lines, {plain(row.total())} {row.currency}"
