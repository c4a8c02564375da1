"""Changes of purchase orders that were sent: asked of the supplier, and in force once he has agreed."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from streamer.domain.approval_rules import demand, may_not
from streamer.domain.purchase_orders import amended, amended_lines
from streamer.domain.purchasing_asking import bought_of
from streamer.domain.purchasing_rows import Amendment, OrderRow, Rows
from streamer.domain.purchasing_turn import Turn
from streamer.domain.supplier_answers import Facts, LineFacts, join
from streamer.domain.times import utc
from streamer.errors import Refused
from streamer.messages.applied import PersonFacts, SettingsApplied
from streamer.messages.purchasing import Approval

ZERO = Decimal(0)


def may_amend(
    rows: Rows, known: OrderRow, event: Approval, settings: SettingsApplied, person: PersonFacts
) -> str | None:
    """Why this person may not have the order changed so, or None: what makes it larger they must be able to approve
    alone. Raises Refused and Malformed for a change that cannot be.
    """
    if known.amendment is not None:
        raise Refused(f"{known.reference}: a change waits for the supplier's word already")
    if known.cancel_id is not None:
        raise Refused(f"{known.reference}: the supplier was asked to cancel it")
    facts = settings.accounts.get(known.account or "")
    if facts is None or not facts.changes_orders:
        raise Refused(f"account {known.account} takes no changes of orders: cancel it, or order the rest anew")
    wished = msgspec.structs.replace(known, lines=amended_lines(known, event.quantities))
    if wished.total() <= known.total():
        return may_not(person, bought_of(wished, settings, rows.now_ms), settings, amount=False)
    bought = bought_of(wished, settings, rows.now_ms)
    if (no := may_not(person, bought, settings)) is not None:
        return no
    needs = demand(settings, bought, ["changed by a person"])
    if needs is not None and needs.four_eyes:
        return "so large an order needs two people: order the rest in a new one"
    if needs is not None and person.tier < needs.tiers[-1]:
        return f"it needs somebody of tier {needs.tiers[-1]}, they have tier {person.tier}"
    return None


def amend(turn: Turn, event: Approval, name: str) -> None:
    """Asks the supplier; the order stays what it is until he, or his system, agrees."""
    row, supplier = turn.row, turn.supplier
    if supplier is None or row.account is None or row.command_id is None:
        raise Refused(f"suppliers.{row.supplier} is not in the settings")
    row.amendments += 1
    command = amended(row, supplier, event.quantities, event.reason or f"changed by {name}")
    row.amendment = Amendment(command.command_id, dict(event.quantities), name)
    turn.out.append(command)


def amendment_agreed(turn: Turn) -> None:
    """The new quantities are those ordered, and what the supplier confirmed before is overtaken by his agreement."""
    row = turn.row
    assert row.amendment is not None
    quantities, when = row.amendment.quantities, utc(turn.rows.now_ms).isoformat()
    row.lines = amended_lines(row, quantities)
    row.version += 1
    row.changed_by, row.amendment = row.amendment.actor, None
    spoken_of = {
        line: LineFacts(confirmed=(when, 0, quantity), back_order=(when, 0, ZERO))
        for line, quantity in quantities.items()
        if line in row.facts.lines and (row.facts.lines[line].confirmed or row.facts.lines[line].back_order)
    }
    row.facts = join(row.facts, Facts(lines=spoken_of))


def amendment_refused(turn: Turn, reason: str) -> None:
    """The order stays what it was."""
    row = turn.row
    row.amendment = None
    turn.tell(
        "Change of a purchase order refused",
        f"{row.reference} stays as it is: {reason}",
        about=f"amendment {row.amendments}",
    )
