"""What an order that is an appointment does beside its lines: its days, its vehicle, those who never come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from streamer.domain import vin
from streamer.domain.acts import notice
from streamer.domain.appointments import appointment_day, ready_by, reserve_from, workshop_of
from streamer.domain.order_asks import release_all, restate
from streamer.domain.order_beginning import begin
from streamer.domain.order_rows import Decoded, Line, OrderRow
from streamer.domain.order_services import NO_SHOW, plan_for
from streamer.domain.times import in_ms
from streamer.domain.units import DAY_MS, ZERO, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.orders import Order, VehicleKnown
from streamer.messages.people import Vehicle
from streamer.messages.recalls import ResolveVehicle

WAIT_SECONDS = 120.0  # until settings say otherwise


def schedule(row: OrderRow, event: Order, settings: SettingsApplied | None, now_ms: int) -> bool:
    """Notes the days of the appointment; whether those of its parts have changed.

    Who tells of it now still expects the vehicle, also after its day: shops postpone, and they sync late.
    """
    before = (row.needed_by, row.reserve_from)
    workshop = workshop_of(settings, row.location)
    day = appointment_day(event.appointment, settings, row.location)
    row.comes_on = row.needed_by = row.reserve_from = row.expected_until_ms = None
    if day is not None:
        needed = ready_by(day, workshop)
        start = reserve_from(needed, workshop)
        row.comes_on, row.needed_by = day.isoformat(), needed.isoformat()
        row.reserve_from = start.isoformat() if start is not None else None
        if event.kind == "service_appointment" and workshop.no_show_days and event.state in ("open", "held"):
            last = day + timedelta(days=workshop.no_show_days + 1)
            after_its_day = in_ms(utc(0).replace(year=last.year, month=last.month, day=last.day))
            row.expected_until_ms = max(after_its_day, now_ms + workshop.no_show_days * DAY_MS)
    return (row.needed_by, row.reserve_from) != before


def move_added(key: str, row: OrderRow) -> Iterator[Message]:
    """The lines that recalls have added go with the appointment to its new day."""
    for line in row.lines.values():
        if line.cause is not None and line.needed_by != row.needed_by:
            line.needed_by = row.needed_by
            yield from restate(key, row, line)


def resolve(
    key: str, row: OrderRow, vehicle: Vehicle | None, now_ms: int, settings: SettingsApplied | None
) -> Iterator[Message]:
    """Asks the recalls, who decode VINs, what the vehicle of a waiting line is; once for each VIN."""
    waits = any(line.waits_for is not None and line.fulfilment != "cancelled" for line in row.lines.values())
    if vehicle is None or not vehicle.vin or not waits:
        row.resolve_until_ms = None
        return
    number = vin.normalised(vehicle.vin)
    if row.resolving != number:
        row.resolving, row.decoded = number, None
        row.resolve_until_ms = now_ms + int((settings.item_wait_seconds if settings else WAIT_SECONDS) * 1000)
        yield ResolveVehicle(vin=number, order_key=key)
    elif row.resolve_until_ms is None:
        unresolved(row)


def decoded_of(event: VehicleKnown) -> Decoded:
    return Decoded(event.vin, event.make, event.model, event.year, event.engine)


def hear_vehicle(
    key: str, row: OrderRow, event: VehicleKnown, now_ms: int, settings: SettingsApplied | None
) -> list[Message]:
    """The lines that waited, and those that were refused in the meantime, ask for the parts of this vehicle."""
    row.resolve_until_ms, row.decoded = None, decoded_of(event)
    known = row.visit
    vehicle = Vehicle(
        vin=event.vin,
        make=(known.make if known is not None else None) or event.make,
        model=(known.model if known is not None else None) or event.model,
        year=(known.year if known is not None else None) or event.year,
        engine=(known.engine if known is not None else None) or event.engine,
    )
    services = {service.name: service for service in settings.services} if settings is not None else {}
    said: list[Message] = []
    for line_id, line in row.lines.items():
        service = services.get(line.service_type or "")
        if line.fulfilment == "cancelled" or service is None or not (line.waits_for or line.refused) or line.kit:
            continue
        plan = plan_for(service, vehicle)
        line.waits_for = line.refused = None
        if plan.kit is None:
            line.refused = f"{plan.reason}: {event.reason}" if event.reason else plan.reason
        elif plan.kit:
            line.because, line.kit = plan.reason, [(part.sku, part.quantity_each) for part in plan.kit]
            said += begin(key, row, line_id, line, now_ms, old=False)
        else:
            line.needs_nothing, line.because = True, plan.reason
    return said


def unresolved(row: OrderRow) -> None:
    """Nobody has said in time what the vehicle is; should it be said later, the line asks all the same."""
    for line in row.lines.values():
        if line.waits_for is not None and line.fulfilment != "cancelled":
            line.refused = f"the vehicle's {line.waits_for} is not known: nobody has said what its VIN stands for"
            line.waits_for = None


def give_up(key: str, row: OrderRow, settings: SettingsApplied | None) -> list[Message]:
    """Nothing was heard of the appointment since its day: its parts are given back, and people are told."""
    row.given_up = row.comes_on
    said: list[Message] = []
    for line in row.lines.values():
        if line.fulfilment in ("cancelled", "shipped") or line.shipped >= line.quantity > 0:
            continue
        said += release_all(key, row, line, NO_SHOW)
        line.asks, line.refused, line.waits_for = {}, None, None
        line.decision, line.fulfilment, line.reason = "released", "cancelled", NO_SHOW
        line.approved = line.waitlisted = line.rejected = ZERO
    if said:
        said += notice(
            settings,
            ("no-show", key, row.comes_on or ""),
            "An appointment counts as a no-show",
            f"{key}: nothing was heard of it since its day, {row.comes_on}. Its parts are free again; "
            "a new date brings them back.",
            link=f"/orders/{key}",
        )
    return said


def tell_unnamed(key: str, row: OrderRow, settings: SettingsApplied | None) -> list[Message]:
    """A line of work whose parts nobody can name goes to people, once for each reason."""
    said: list[Message] = []
    for line_id, line in row.lines.items():
        if _needs_a_person(line) and line.refused != line.asked_people:
            line.asked_people = line.refused
            said += notice(
                settings,
                ("service", key, line_id, line.refused or ""),
                "A service appointment needs a person",
                f"{key}, line {line_id}: {line.refused}. Nothing was reserved or ordered for it.",
                link=f"/orders/{key}",
            )
    return said


def _needs_a_person(line: Line) -> bool:
    return (
        line.refused is not None and line.fulfilment != "cancelled" and line.because is not None and line.cause is None
    )
