"""The fold `recalls`: which vehicles with an appointment, and which stock, a campaign concerns (log `recalls`)."""

from __future__ import annotations

from functools import partial

from streamer.domain.folding import by_type, keep_settings, main_row, release, set_aside
from streamer.domain.recalls_campaigns import campaign_ended, holding, part_map, recall
from streamer.domain.recalls_rows import Rows, VehicleRow, VinRow, due_ms, empty_row, read_row, write_row
from streamer.domain.recalls_vins import decoded, resolve
from streamer.domain.recalls_visits import appointment
from streamer.domain.view import Outcome, settings_of
from streamer.messages.applied import SettingsApplied
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
row_key = main_row


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


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row orders and holds nothing any more until a person releases it."""
    set_aside(rows, key, reason, partial(empty_row, key))


def _settings(rows: Rows, event: SettingsApplied) -> Outcome:
    before = settings_of(rows)
    return part_map(rows, before, event) if keep_settings(rows, event) else ()


fold = by_type(
    NAME,
    {
        Recall: recall,
        CampaignEnded: campaign_ended,
        PartHolding: holding,
        VehicleAppointment: appointment,
        VehicleDecoded: decoded,
        ResolveVehicle: resolve,
        RowRelease: release,
        SettingsApplied: _settings,
    },
)
