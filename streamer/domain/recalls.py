"""The fold `recalls`: which vehicles with an appointment, and which stock, a campaign concerns (log `recalls`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from streamer.domain import vin
from streamer.domain.acts import notice, released
from streamer.domain.partitions import partition_of
from streamer.domain.recalls_matching import campaign_of, needed, withdrawn
from streamer.domain.recalls_rows import (
    PartRow,
    Row,
    Rows,
    VehicleRow,
    VinRow,
    Visit,
    due_ms,
    empty_row,
    read_row,
    write_row,
)
from streamer.domain.times import DAY_MS, in_ms
from streamer.domain.view import SETTINGS_KEY, Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand
from streamer.messages.ids import command_id, part_key, vehicle_key, vin_key
from streamer.messages.recalls import PartHolding, Recall, VehicleAppointment, VehicleClass, VehicleDecoded
from streamer.messages.stock import Hold, RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "recalls"
Kind = TypeVar("Kind", VehicleRow, VinRow, PartRow)
PAST_AFTER_MS = 2 * DAY_MS  # an appointment so long ago needs no part any more
VIN_KEPT_MS = 400 * DAY_MS
MOST_VISITS = 600  # of one class of vehicles at one time: keeps the row small
MOST_CAMPAIGNS = 200


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Refused and Malformed for what cannot be used; the rows are then as they were."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} is no message for recalls", field="ce_type")
    return handler(rows, event)


def wake(rows: Rows, key: str) -> Outcome:
    """Past appointments go."""
    row = rows.edit(key)
    if isinstance(row, VinRow):
        rows.delete(key)
    elif isinstance(row, VehicleRow):
        row.visits = {order: visit for order, visit in row.visits.items() if visit.forget_ms > rows.now_ms}
        if not row.visits and not row.campaigns:
            rows.delete(key)
    return ()


def row_key(event: Message) -> str:
    """The row that the event is mainly about; of a recall the first of several."""
    if isinstance(event, RowRelease):
        return event.row_key
    places = event.places()
    return places[0].key if places else SETTINGS_KEY


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row orders and holds nothing any more until a person releases it."""
    if key == SETTINGS_KEY:
        return
    row = rows.edit(key)
    if row is None or isinstance(row, SettingsApplied):
        row = empty_row(key)
        rows.put(key, row)
    row.quarantined = reason


# -- campaigns


def _recall(rows: Rows, event: Recall) -> Outcome:
    """A campaign names many keys; here are those of this partition."""
    settings = settings_of(rows)
    by_key: dict[str, list[VehicleClass]] = {}
    for named in event.vehicles:
        by_key.setdefault(vehicle_key(named.make, named.model, named.year), []).append(named)
    mine = {key: classes for key, classes in by_key.items() if _is_mine(rows, settings, key)}
    parts = [key for key in dict.fromkeys(map(part_key, event.parts)) if _is_mine(rows, settings, key)]
    for key in [*mine, *parts]:
        _not_quarantined(rows.read(key))
    out: list[Message] = []
    for key, classes in mine.items():
        out += _recall_class(rows, settings, key, event, classes)
    for key in parts:
        out += _recall_part(rows, key, event.campaign)
    return out


def _is_mine(rows: Rows, settings: SettingsApplied | None, key: str) -> bool:
    if settings is None or settings.partitions < 1:
        return True
    return partition_of(key, settings.partitions) == rows.partition


def _recall_class(
    rows: Rows, settings: SettingsApplied | None, key: str, event: Recall, classes: list[VehicleClass]
) -> list[Message]:
    known = rows.read(key)
    campaign = campaign_of(event, classes)
    if isinstance(known, VehicleRow):
        if known.campaigns.get(event.campaign) == campaign:
            return []
        if event.campaign not in known.campaigns and len(known.campaigns) >= MOST_CAMPAIGNS:
            raise Refused(f"{MOST_CAMPAIGNS} campaigns are open for {key} already")
    row = _edit(rows, key, VehicleRow)
    row.campaigns[event.campaign] = campaign
    out: list[Message] = []
    for visit in row.visits.values():
        if visit.forget_ms > rows.now_ms:
            out += needed(settings, event.campaign, campaign, visit)
    return out


def _recall_part(rows: Rows, key: str, campaign: str) -> list[Message]:
    known = rows.read(key)
    if isinstance(known, PartRow) and campaign in known.campaigns:
        return []
    row = _edit(rows, key, PartRow)
    row.campaigns.append(campaign)
    return [_hold(location, sku, campaign) for location, sku in row.holdings]


def _holding(rows: Rows, event: PartHolding) -> Outcome:
    key = part_key(event.part_number)
    known = rows.read(key)
    _not_quarantined(known)
    if isinstance(known, PartRow) and (event.location, event.sku) in known.holdings:
        return ()
    row = _edit(rows, key, PartRow)
    row.holdings.append((event.location, event.sku))
    return [_hold(event.location, event.sku, campaign) for campaign in row.campaigns]


def _hold(location: str, sku: str, campaign: str) -> Hold:
    return Hold(location=location, sku=sku, cause=f"recall {campaign}", held=True)


# -- appointments


def _appointment(rows: Rows, event: VehicleAppointment) -> Outcome:
    (place,) = event.places()
    if place.key.startswith("vin/"):
        return _appointment_by_vin(rows, event, place.key)
    known = rows.read(place.key)
    order = f"{event.account}/{event.order_id}"
    seen = known.visits.get(order) if isinstance(known, VehicleRow) else None
    if seen is not None and event.revision <= seen.revision:
        return ()
    settings = settings_of(rows)
    forget_ms = _forget_ms(rows, settings, event)
    if seen is None and forget_ms <= rows.now_ms:
        return ()
    _not_quarantined(known)
    if isinstance(known, VehicleRow) and seen is None and len(known.visits) >= MOST_VISITS:
        raise Refused(f"{MOST_VISITS} appointments are open for {place.key} already")
    row = _edit(rows, place.key, VehicleRow)
    visit = row.visits.get(order)
    if visit is None:
        visit = row.visits[order] = Visit(event.account, event.order_id, 0, event.location, booked=False)
    visit.revision, visit.location, visit.booked = event.revision, event.location, event.state == "booked"
    visit.vehicle = event.vehicle.model_dump(mode="json", exclude_none=True)
    visit.scheduled_at = event.scheduled_at.isoformat() if event.scheduled_at else None
    visit.forget_ms = forget_ms
    if not visit.booked:
        return withdrawn(visit)
    out: list[Message] = []
    for name, campaign in row.campaigns.items():
        out += needed(settings, name, campaign, visit)
    return out


def _forget_ms(rows: Rows, settings: SettingsApplied | None, event: VehicleAppointment) -> int:
    if event.scheduled_at is not None:
        return in_ms(event.scheduled_at) + PAST_AFTER_MS
    return rows.now_ms + (settings.remember_days if settings else 40) * DAY_MS


def _appointment_by_vin(rows: Rows, event: VehicleAppointment, key: str) -> Outcome:
    """Only the VIN is known: it is decoded once, and the appointment goes on to its class of vehicles."""
    known = rows.read(key)
    _not_quarantined(known)
    if not event.vehicle.vin:
        raise Refused("names no vehicle: neither make, model and year nor a VIN")
    order = f"{event.account}/{event.order_id}"
    if isinstance(known, VinRow) and event.revision <= known.revisions.get(order, -1):
        return ()
    settings = settings_of(rows)
    row = _edit(rows, key, VinRow)
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


def _decoded(rows: Rows, event: VehicleDecoded) -> Outcome:
    key = vin_key(event.vin)
    known = rows.read(key)
    _not_quarantined(known)
    if not (event.make and event.model and event.year):
        if not isinstance(known, VinRow) or known.make is not None:
            return ()
        waiting = [order for order in known.waiting if order not in known.told]
        row = _edit(rows, key, VinRow) if waiting else known
        settings = settings_of(rows)
        return [note for order in waiting for note in _tell(settings, row, order, "its VIN could not be decoded")]
    if isinstance(known, VinRow) and (known.make, known.model, known.year) == (event.make, event.model, event.year):
        return ()
    row = _edit(rows, key, VinRow)
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


# -- settings and releases


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    if before is None or event.revision > before.revision:
        rows.put(SETTINGS_KEY, event)
    return ()


def _release(rows: Rows, event: RowRelease) -> Outcome:
    known = rows.read(event.row_key)
    if known is None or isinstance(known, SettingsApplied):
        raise Refused(f"row {event.row_key} is not known")
    if known.quarantined is None:
        return ()
    entry = released(event, known.quarantined, rows.now_ms)
    row = rows.edit(event.row_key)
    assert row is not None and not isinstance(row, SettingsApplied)
    row.quarantined = None
    return [entry]


def _not_quarantined(row: Row | SettingsApplied | None) -> None:
    if row is not None and not isinstance(row, SettingsApplied) and row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")


def _edit(rows: Rows, key: str, kind: type[Kind]) -> Kind:
    """The row, or a new one of this kind."""
    row = rows.edit(key)
    if isinstance(row, kind):
        return row
    new = kind()
    rows.put(key, new)
    return new


_HANDLERS: dict[type[Message], Callable[..., Outcome]] = {
    Recall: _recall,
    PartHolding: _holding,
    VehicleAppointment: _appointment,
    VehicleDecoded: _decoded,
    RowRelease: _release,
    SettingsApplied: _settings,
}
