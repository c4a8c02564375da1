"""What an order tells others: the status of its lines, the answer to its platform, and the recalls' appointment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from streamer.domain.making import maker
from streamer.domain.order_asks import account_of
from streamer.domain.order_collecting import collect
from streamer.domain.order_judging import judge, judge_all, judge_whole, sources_of, whole_lines
from streamer.domain.order_rows import Line, OrderRow, Visit
from streamer.domain.order_services import vehicle_of
from streamer.domain.units import ms, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import WriteBackCommand, WriteBackLine
from streamer.messages.ids import command_id
from streamer.messages.orders import Fulfilment, Order
from streamer.messages.people import Vehicle
from streamer.messages.recalls import VehicleAppointment
from streamer.messages.status import LineState, OrderLineStatus

_make_status = maker(OrderLineStatus)


def conclude(
    key: str, row: OrderRow, settings: SettingsApplied | None, now_ms: int, only: str | None = None
) -> Iterator[Message]:
    """What follows when lines may have changed: all or nothing, statuses, the answer.

    `only` names the line that has changed, where no other has.
    """
    changed = row.lines if only is None else {only: row.lines[only]}
    if any(line.collect for line in row.lines.values()):
        yield from collect(key, row, settings)
        changed = row.lines
    whole = row.all_or_nothing and row.state in ("open", "held")
    if whole:
        changed = row.lines
        yield from judge_whole(key, row)
    for line_id, line in changed.items():
        if line.fulfilment != "cancelled" and (not whole or line.cause is not None):
            yield from judge(key, row, line_id, line)
    for line_id, line in changed.items():
        if line.fulfilment != "cancelled":
            line.fulfilment = _fulfilment(line)
        yield from _tell(key, row, line_id, line, now_ms)
    row.decision = judge_all(row)
    if row.state in ("open", "held"):
        yield from _write_back(key, row, settings)


def _fulfilment(line: Line) -> Fulfilment:
    """How far the line is: what the platform says beside what has left and what waits."""
    if line.said == "invoiced":
        return "invoiced"
    if line.said == "shipped" or (line.shipped and line.shipped >= line.quantity):
        return "shipped"
    if line.said == "picked":
        return "picked"
    return "back_order" if line.waitlisted or line.said == "back_order" else "open"


def line_state(line: Line) -> LineState:
    """Decision and fulfilment in one word."""
    return "fulfilled" if line.fulfilment in ("shipped", "invoiced") else line.decision


def _tell(key: str, row: OrderRow, line_id: str, line: Line, now_ms: int) -> Iterator[Message]:
    if line.decision == "pending":
        return
    words = (
        f"{line.decision}|{line.fulfilment}|{plain(line.quantity)}|{plain(line.approved)}|{plain(line.waitlisted)}"
        f"|{plain(line.rejected)}|{line.promised or ''}|{line.sku or ''}|{line.reason or ''}"
    )
    if line.purpose != "sale":
        words += f"|{line.needed_by or ''}|{line.because or ''}"
    sources = tuple(sources_of(line)) if len(line.asks) > 1 else ()
    if sources:
        words += "|" + "|".join(f"{each.location}/{each.sku}={plain(each.quantity)}" for each in sources)
    state = _digest(words)
    if state == line.told:
        return
    line.told = state
    row.told += 1
    yield _make_status(
        account=account_of(key),
        order_id=key.partition("/")[2],
        number=row.number,
        kind=row.kind,
        line_id=line_id,
        sku=line.sku,
        location=line.location,
        quantity=line.quantity,
        decision=line.decision,
        fulfilment=line.fulfilment,
        state=line_state(line),
        approved=line.approved,
        waitlisted=line.waitlisted,
        rejected=line.rejected,
        reason=line.reason,
        promised_date=line.promised,
        needed_by=line.needed_by if line.purpose != "sale" else None,
        because=line.because,
        sources=sources,
        revision=row.told,
        at=utc(now_ms),
    )


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def answer_id(key: str, row: OrderRow) -> str:
    """Id of the command that tells the platform the latest answer."""
    return command_id("write-back", key, str(row.answer_revision))


def _write_back(key: str, row: OrderRow, settings: SettingsApplied | None) -> Iterator[Message]:
    """Once all lines are decided, and again when the result has changed."""
    account, _, order_id = key.partition("/")
    facts = settings.accounts.get(account) if settings is not None else None
    if facts is None or not facts.write_back or row.echo or row.quarantined is not None:
        return
    ours = whole_lines(row)
    if not ours or any(line.decision == "pending" for line in ours.values()):
        return
    lines = tuple(
        WriteBackLine(
            line_id=line_id,
            sku=line.sku,
            decision=line.decision,
            approved=line.approved,
            waitlisted=line.waitlisted,
            rejected=line.rejected,
            reason=line.reason,
            promised_date=line.promised,
        )
        for line_id, line in ours.items()
    )
    answer = _digest("\n".join(line.model_dump_json() for line in lines))
    if answer == row.answer:
        return
    row.answer = answer
    row.answer_revision += 1
    row.answer_state = row.answer_reason = None
    yield WriteBackCommand(
        command_id=answer_id(key, row),
        account=account,
        object=f"order/{order_id}",
        cause=f"decision {row.answer_revision} of {key}",
        order_id=order_id,
        number=row.number,
        revision=row.answer_revision,
        decision=judge_all(OrderRow(lines=ours)),
        lines=lines,
    )


def visit(key: str, row: OrderRow, event: Order, place: str | None) -> Iterator[Message]:
    """Tells the recalls which vehicle comes when, and again when that changes."""
    vehicle = vehicle_of(event)  # as the platform says: the recalls know themselves what a VIN stands for
    known = row.visit
    new = None
    if vehicle is not None and (vehicle.class_known or vehicle.vin) and place is not None:
        scheduled = event.appointment.scheduled_at if event.appointment is not None else None
        new = Visit(
            known.revision if known is not None else 0, place, vehicle.vin, vehicle.make, vehicle.model, vehicle.year,
            ms(scheduled) if scheduled is not None else None, event.state in ("cancelled", "closed"),
            vehicle.engine, _done(row, event),
        )  # fmt: skip
    if new == known or (known is None and (new is None or new.cancelled)):
        return
    if known is not None and not known.cancelled and (new is None or _vehicle(new) != _vehicle(known)):
        known.revision += 1
        known.cancelled = True
        yield _appointment(key, known)
    if new is None or (known is not None and known.cancelled and new.cancelled and known.done == new.done):
        return
    new.revision = known.revision + 1 if known is not None else 1
    row.visit = new
    yield _appointment(key, new)


def no_visit(key: str, row: OrderRow) -> Iterator[Message]:
    """The vehicle does not come; a later version of the order may bring it back."""
    if row.visit is not None and not row.visit.cancelled:
        row.visit.revision += 1
        row.visit.cancelled = True
        yield _appointment(key, row.visit)


def _done(row: OrderRow, event: Order) -> list[str]:
    """The campaigns that were carried out: those whose parts have all gone into the vehicle, and the job's own."""
    if event.state != "closed":
        return []
    parts: dict[str, bool] = {}
    for line in row.lines.values():
        if line.cause is not None and not (line.decision == "released" and not line.covered):
            parts[line.cause] = parts.get(line.cause, True) and (line.covered or line.shipped >= line.quantity > 0)
    named = event.appointment.campaign if event.appointment is not None else None
    return sorted({name for name, all_there in parts.items() if all_there} | ({named} if named else set()))


def _vehicle(visit: Visit) -> tuple[str | None, str | None, str | None, int | None]:
    return visit.vin, visit.make, visit.model, visit.year


def _appointment(key: str, visit: Visit) -> VehicleAppointment:
    account, _, order_id = key.partition("/")
    return VehicleAppointment(
        account=account,
        order_id=order_id,
        revision=visit.revision,
        vehicle=Vehicle(vin=visit.vin, make=visit.make, model=visit.model, year=visit.year, engine=visit.engine),
        location=visit.location,
        scheduled_at=utc(visit.scheduled_ms) if visit.scheduled_ms is not None else None,
        state="done" if visit.done else "cancelled" if visit.cancelled else "booked",
        campaigns_done=tuple(visit.done),
    )
