"""Vehicles of which only the VIN is known: decoded once, then matched like the others."""

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
from streamer.messages.recalls import VehicleAppointment, VehicleDecoded

VIN_KEPT_MS = 400 * DAY_MS


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
    if checked.error is not None:
        return _tell(settings, row, order, checked.error)
    if settings is None or settings.decode_account is None:
        return _tell(settings, row, order, "no decode_account is set, so its VIN cannot be decoded")
    if row.asked:
        return ()
    row.asked = True
    return [
        FetchCommand(
            command_id=command_id("fetch", "vin", checked.vin, "1"),
            account=settings.decode_account,
            object=f"vin/{checked.vin}",
            cause=order,
            resource="vin",
            ids=(checked.vin,),
            requested_for=order,
        )
    ]


def decoded(rows: Rows, event: VehicleDecoded) -> Outcome:
    """The appointments that waited go on to their class of vehicles."""
    key = vin_key(event.vin)
    known = rows.read(key)
    not_quarantined(known)
    if not (event.make and event.model and event.year):
        if not isinstance(known, VinRow) or known.make is not None:
            return ()
        waiting = [order for order in known.waiting if order not in known.told]
        row = edit_or_new(rows, key, VinRow) if waiting else known
        settings = settings_of(rows)
        return [note for order in waiting for note in _tell(settings, row, order, "its VIN could not be decoded")]
    if isinstance(known, VinRow) and (known.make, known.model, known.year) == (event.make, event.model, event.year):
        return ()
    row = edit_or_new(rows, key, VinRow)
    row.make, row.model, row.year = event.make, event.model, event.year
    row.due_ms = rows.now_ms + VIN_KEPT_MS
    waiting_now, row.waiting = row.waiting, {}
    return [_with_class(VehicleAppointment.from_json(bytes(body)), row) for body in waiting_now.values()]


def _with_class(event: VehicleAppointment, row: VinRow) -> VehicleAppointment:
    vehicle = event.vehicle.model_copy(update={"make": row.make, "model": row.model, "year": row.year})
    return event.model_copy(update={"vehicle": vehicle})


def _tell(settings: SettingsApplied | None, row: VinRow, order: str, why: str) -> list[Message]:
    if order in row.told:
        return []
    row.told.append(order)
    text = f"Order {order}: recalls of its vehicle cannot be looked for, {why}."
    return list(notice(settings, ("vin", order, why), "A vehicle is not known", text))
