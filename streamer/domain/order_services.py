"""Lines of an appointment that stand for work: which parts they need, by the configured set of service types."""

from __future__ import annotations

from typing import NamedTuple

from streamer.domain import vin
from streamer.domain.order_rows import Decoded, OrderRow
from streamer.domain.service_types import Kit, NoKit, choose, find
from streamer.messages.applied import SettingsApplied
from streamer.messages.orders import KitPart, Order, OrderLine
from streamer.messages.people import Vehicle
from streamer.messages.services import ServiceType

NOT_IN_THE_SET = "the service type is not in the configured set ([[services]])"
NOT_CONFIRMED = "the appointment is not confirmed yet"
NO_SHOW = "no-show"
NO_SHOWS = frozenset(("noshow", "didnotshow", "notarrived", "missed", "absent"))


class Plan(NamedTuple):
    """What a line of work needs. `kit` None: no parts can be named, for `reason`; `missing`: yet, of the vehicle."""

    service: str
    kit: tuple[KitPart, ...] | None
    reason: str
    missing: str | None = None


def in_the_set(event: Order, lines: dict[str, OrderLine], settings: SettingsApplied | None) -> bool:
    """Whether the appointment asks for a service of the set. Without a set, or without a type, it is taken as it is."""
    if event.kind != "service_appointment" or settings is None or not settings.services:
        return True
    works = [line for line in lines.values() if line.service]
    if works:
        return any(_known(event, line, settings) for line in works)
    service_type = event.appointment.service_type if event.appointment is not None else None
    if not service_type or (event.appointment is not None and event.appointment.campaign):
        return True
    return service_type in settings.kits or bool(_found(event, (service_type,), (service_type,), settings))


def plan_of(event: Order, line: OrderLine, vehicle: Vehicle | None, settings: SettingsApplied | None) -> Plan | None:
    """The parts of a line of work; None where the line is taken as it is: goods, or work whose SKU has a kit."""
    if event.kind != "service_appointment" or not line.service or settings is None or not settings.services:
        return None
    found = _types(event, line, settings)
    if len(found) > 1:
        names = ", ".join(service.name for service in found)
        return Plan("", None, f"the service type may mean several services: {names}")
    if not found:
        return None
    return plan_for(found[0], vehicle)


def plan_for(service: ServiceType, vehicle: Vehicle | None) -> Plan:
    match choose(service, vehicle):
        case Kit(parts, words):
            return Plan(service.name, parts, words)
        case NoKit(reason, missing):
            can_be_asked = missing is not None and vehicle is not None and bool(vehicle.vin)
            return Plan(service.name, None, reason, missing if can_be_asked else None)


def _known(event: Order, line: OrderLine, settings: SettingsApplied) -> bool:
    return line.sku in settings.kits or bool(_types(event, line, settings))


def _types(event: Order, line: OrderLine, settings: SettingsApplied) -> list[ServiceType]:
    """What the line itself says goes before the word of the whole appointment."""
    codes = tuple(code for code in (line.sku, line.item_id) if code)
    found = _found(event, codes, tuple(text for text in (line.sku, line.description) if text), settings)
    if found or line.sku in settings.kits or len(event.lines) > 1:
        return found
    word = event.appointment.service_type if event.appointment is not None else None
    return _found(event, (word,), (word,), settings) if word else []


def _found(
    event: Order, codes: tuple[str, ...], texts: tuple[str, ...], settings: SettingsApplied
) -> list[ServiceType]:
    return find(settings.services, (event.account, event.platform), codes, texts)


def vehicle_of(event: Order, decoded: Decoded | None = None) -> Vehicle | None:
    """The vehicle that comes: the appointment's, else the one that a line names; with what its VIN stands for."""
    vehicle = event.appointment.vehicle if event.appointment is not None else None
    number = (vehicle.vin if vehicle is not None else None) or next(
        (line.vin for line in event.lines if line.vin), None
    )
    if vehicle is None and number is None:
        return None
    vehicle = (vehicle or Vehicle()).model_copy(update={"vin": number})
    if number is not None:
        number = vin.normalised(number)
        if decoded is not None and decoded.vin == number:
            told = {name: getattr(decoded, name) for name in ("make", "model", "year", "engine")}
            vehicle = vehicle.model_copy(
                update={name: value for name, value in told.items() if not getattr(vehicle, name) and value}
            )
        if vehicle.year is None and len(years := vin.years_of(number)) == 1:
            vehicle = vehicle.model_copy(update={"year": years[0]})
    return vehicle


def no_show(event: Order, row: OrderRow, day: str | None) -> bool:
    """Whether the platform says that nobody came, or we gave the parts back for this day already."""
    if event.kind != "service_appointment" or event.state not in ("open", "held"):
        return False
    words = (event.status, event.appointment.state if event.appointment is not None else None)
    if any("".join(filter(str.isalpha, word.casefold())) in NO_SHOWS for word in words if word):
        return True
    return row.given_up is not None and row.given_up == day
