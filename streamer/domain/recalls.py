"""The fold `recalls`: which vehicles with an appointment, and which stock, a campaign concerns (log `recalls`)."""

from __future__ import annotations

from collections.abc import Callable

from streamer.domain.acts import released
from streamer.domain.recalls_campaigns import campaign_ended, holding, part_map, recall
from streamer.domain.recalls_rows import Rows, VehicleRow, VinRow, due_ms, empty_row, read_row, write_row
from streamer.domain.recalls_vins import decoded, resolve
from streamer.domain.recalls_visits import appointment
from streamer.domain.view import SETTINGS_KEY, Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.recalls import (
    CampaignEnded,
    PartHolding,
    Recall,
    ResolveVehicle,
    VehicleAppointment,
    VehicleDecoded,
)
from streamer.messages.stock import RowRelease

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "recalls"


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Refused and Malformed for what cannot be used; the rows are then as they were."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} is no message for recalls", field="ce_type")
    return handler(rows, event)


def wake(rows: Rows, key: str) -> Outcome:
    """Past appointments go, and vehicles that were not here for long."""
    row = rows.edit(key)
    if isinstance(row, VinRow):
        rows.delete(key)
    elif isinstance(row, VehicleRow):
        row.visits = {order: visit for order, visit in row.visits.items() if visit.forget_ms > rows.now_ms}
        row.seen = {number: seen for number, seen in row.seen.items() if seen.forget_ms > rows.now_ms}
        if not row.visits and not row.campaigns and not row.seen:
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


# -- settings and releases


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    if before is not None and event.revision <= before.revision:
        return ()
    rows.put(SETTINGS_KEY, event)
    return part_map(rows, before, event)


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
    Recall: recall,
    CampaignEnded: campaign_ended,
    PartHolding: holding,
    VehicleAppointment: appointment,
    VehicleDecoded: decoded,
    ResolveVehicle: resolve,
    RowRelease: _release,
    SettingsApplied: _settings,
}
