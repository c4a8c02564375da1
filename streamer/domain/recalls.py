"""The fold `recalls`: which vehicles with an appointment, and which stock, a campaign concerns (log `recalls`)."""

from __future__ import annotations

from collections.abc import Callable

from streamer.domain.acts import released
from streamer.domain.partitions import partition_of
from streamer.domain.recalls_matching import campaign_of, needed, withdrawn
from streamer.domain.recalls_rows import (
    PartRow,
    Rows,
    VehicleRow,
    VinRow,
    Visit,
    due_ms,
    edit_or_new,
    empty_row,
    not_quarantined,
    read_row,
    write_row,
)
from streamer.domain.recalls_vins import appointment_by_vin, decoded
from streamer.domain.times import DAY_MS, in_ms
from streamer.domain.view import SETTINGS_KEY, Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.ids import part_key, vehicle_key
from streamer.messages.recalls import PartHolding, Recall, VehicleAppointment, VehicleClass, VehicleDecoded
from streamer.messages.stock import Hold, RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "recalls"
PAST_AFTER_MS = 2 * DAY_MS  # so long after its day, and after it was last told, an appointment needs no part any more
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
        not_quarantined(rows.read(key))
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
    row = edit_or_new(rows, key, VehicleRow)
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
    row = edit_or_new(rows, key, PartRow)
    row.campaigns.append(campaign)
    return [_hold(location, sku, campaign) for location, sku in row.holdings]


def _holding(rows: Rows, event: PartHolding) -> Outcome:
    key = part_key(event.part_number)
    known = rows.read(key)
    not_quarantined(known)
    if isinstance(known, PartRow) and (event.location, event.sku) in known.holdings:
        return ()
    row = edit_or_new(rows, key, PartRow)
    row.holdings.append((event.location, event.sku))
    return [_hold(event.location, event.sku, campaign) for campaign in row.campaigns]


def _hold(location: str, sku: str, campaign: str) -> Hold:
    return Hold(location=location, sku=sku, cause=f"recall {campaign}", held=True)


# -- appointments


def _appointment(rows: Rows, event: VehicleAppointment) -> Outcome:
    (place,) = event.places()
    if place.key.startswith("vin/"):
        return appointment_by_vin(rows, event, place.key)
    known = rows.read(place.key)
    order = f"{event.account}/{event.order_id}"
    seen = known.visits.get(order) if isinstance(known, VehicleRow) else None
    if seen is not None and event.revision <= seen.revision:
        return ()
    settings = settings_of(rows)
    forget_ms = _forget_ms(rows, settings, event)
    not_quarantined(known)
    if isinstance(known, VehicleRow) and seen is None and len(known.visits) >= MOST_VISITS:
        raise Refused(f"{MOST_VISITS} appointments are open for {place.key} already")
    row = edit_or_new(rows, place.key, VehicleRow)
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
        # Who tells of it now still expects the vehicle, whatever the day: shops reopen, postpone and sync late.
        return max(in_ms(event.scheduled_at), rows.now_ms) + PAST_AFTER_MS
    return rows.now_ms + (settings.remember_days if settings else 40) * DAY_MS


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


_HANDLERS: dict[type[Message], Callable[..., Outcome]] = {
    Recall: _recall,
    PartHolding: _holding,
    VehicleAppointment: _appointment,
    VehicleDecoded: decoded,
    RowRelease: _release,
    SettingsApplied: _settings,
}
