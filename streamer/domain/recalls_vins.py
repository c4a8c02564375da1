"""Vehicles of which only the VIN is known: decoded once, then matched like the others; orders may ask, too."""

from __future__ import annotations

import msgspec

from streamer.domain import vin
from streamer.domain.acts import notice
from streamer.domain.recalls_rows import Rows, VinRow, edit_or_new, not_quarantined
from streamer.domain.times import DAY_MS
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand
from streamer.messages.ids import command_id, vin_key
from streamer.messages.orders import VehicleKnown
from streamer.messages.recalls import ResolveVehicle, VehicleAppointment, VehicleDecoded

VIN_KEPT_MS = 400 * DAY_MS
TRY_AGAIN_MS = 3_600_000
"""An answer that has not come by then will not come: who asks later has it asked once more."""
NO_DECODER = "no decode_account is set, so its VIN cannot be decoded"
MOST_ORDERS = 200


def appointment_by_vin(rows: Rows, event: VehicleAppointment, key: str) -> Outcome:
    """Only the VIN is known: it is decoded once, and the appointment goes on to its class of vehicles."""
    known = rows.read(key)
    not_quarantined(known)
    if not event.vehicle.vin:
        raise Refused("names no vehicle: neither make, model and year nor a VIN")
    order = f"{event.account}/{event.order_id}"
    if isinstance(known, VinRow) and event.revision <= known.revisions.get(order, -1):
        return ()
    settings = settings_of(rows)
    row = edit_or_new(rows, key, VinRow)
    row.revisions[order] = event.revision
    row.due_ms = rows.now_ms + VIN_KEPT_MS
    if row.make is not None:
        return [_with_class(event, row)]
    row.waiting[order] = msgspec.Raw(event.to_json())
    checked = vin.check(event.vehicle.vin)
    reason = checked.error or (NO_DECODER if settings is None or settings.decode_account is None else row.failed)
    if reason is not None:
        return _tell(settings, row, order, reason, checked.vin)
    return _ask(rows, row, checked.vin, order, settings)


def resolve(rows: Rows, event: ResolveVehicle) -> Outcome:
    """An order asks what its VIN stands for; answered now, or when the decoder has said it."""
    key = vin_key(event.vin)
    known = rows.read(key)
    not_quarantined(known)
    if isinstance(known, VinRow) and event.order_key in known.orders:
        return ()
    settings = settings_of(rows)
    row = edit_or_new(rows, key, VinRow)
    row.orders = [*row.orders[-MOST_ORDERS:], event.order_key]
    row.due_ms = rows.now_ms + VIN_KEPT_MS
    if row.make is not None:
        return [_known(event.order_key, event.vin, row)]
    checked = vin.check(event.vin)
    reason = checked.error or (NO_DECODER if settings is None or settings.decode_account is None else row.failed)
    if reason is not None:
        return [_known(event.order_key, event.vin, row, _hint(reason, checked.vin))]
    return _ask(rows, row, checked.vin, event.order_key, settings)


def decoded(rows: Rows, event: VehicleDecoded) -> Outcome:
    """The appointments that waited go on to their class of vehicles, and the orders that asked are told."""
    key = vin_key(event.vin)
    known = rows.read(key)
    not_quarantined(known)
    if not (event.make and event.model and event.year):
        return _not_decoded(rows, key, event)
    now = (event.make, event.model, event.year, event.engine)
    if isinstance(known, VinRow) and (known.make, known.model, known.year, known.engine) == now:
        return ()
    row = edit_or_new(rows, key, VinRow)
    row.make, row.model, row.year, row.engine = now
    row.failed = None
    row.due_ms = rows.now_ms + VIN_KEPT_MS
    waiting, row.waiting = row.waiting, {}
    out: list[Message] = [_with_class(VehicleAppointment.from_json(bytes(body)), row) for body in waiting.values()]
    return out + [_known(order_key, vin.normalised(event.vin), row) for order_key in row.orders]


def _not_decoded(rows: Rows, key: str, event: VehicleDecoded) -> Outcome:
    known = rows.read(key)
    if not isinstance(known, VinRow) or known.make is not None or known.failed is not None:
        return ()
    row = edit_or_new(rows, key, VinRow)
    row.failed = "its VIN could not be decoded"
    settings, number = settings_of(rows), vin.normalised(event.vin)
    out: list[Message] = []
    for order in row.waiting:
        out += _tell(settings, row, order, row.failed, number)
    return out + [_known(order_key, number, row, _hint(row.failed, number)) for order_key in row.orders]


def _ask(rows: Rows, row: VinRow, number: str, cause: str, settings: SettingsApplied | None) -> list[Message]:
    assert settings is not None and settings.decode_account is not None
    if row.asked and (not row.asked_ms or rows.now_ms < row.asked_ms + TRY_AGAIN_MS):
        return []
    row.asked, row.asked_ms = True, rows.now_ms
    row.tries += 1
    return [
        FetchCommand(
            command_id=command_id("fetch", "vin", number, str(row.tries)),
            account=settings.decode_account,
            object=f"vin/{number}",
            cause=cause,
            resource="vin",
            ids=(number,),
            requested_for=cause,
            sequence=row.tries,
        )
    ]


def _known(order_key: str, number: str, row: VinRow, reason: str | None = None) -> VehicleKnown:
    return VehicleKnown(
        order_key=order_key, vin=number, make=row.make, model=row.model, year=row.year, engine=row.engine, reason=reason
    )


def _with_class(event: VehicleAppointment, row: VinRow) -> VehicleAppointment:
    told = {"make": row.make, "model": row.model, "year": row.year, "engine": event.vehicle.engine or row.engine}
    return event.model_copy(update={"vehicle": event.vehicle.model_copy(update=told)})


def _hint(reason: str, number: str) -> str:
    """The reason, with what the VIN itself says to a person who must choose."""
    says = vin.says(number)
    return f"{reason} (by itself it says: {says})" if says else reason


def _tell(settings: SettingsApplied | None, row: VinRow, order: str, why: str, number: str) -> list[Message]:
    if order in row.told:
        return []
    row.told.append(order)
    text = f"Order {order}: recalls of its vehicle cannot be looked for, {_hint(why, number)}."
    return list(notice(settings, ("vin", order, why), "A vehicle is not known", text))
