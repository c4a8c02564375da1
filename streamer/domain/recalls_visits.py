"""Appointments of one class of vehicles: which vehicle comes when, and which were here before."""

from __future__ import annotations

from streamer.domain import vin
from streamer.domain.acts import notice
from streamer.domain.recalls_matching import needed, serve_others, take_away
from streamer.domain.recalls_rows import Rows, Seen, VehicleRow, Visit, edit_or_new, not_quarantined
from streamer.domain.recalls_vins import appointment_by_vin
from streamer.domain.times import DAY_MS, in_ms
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.ids import campaign_number
from streamer.messages.recalls import VehicleAppointment

PAST_AFTER_MS = 2 * DAY_MS  # so long after its day, and after it was last told, an appointment needs no part any more
MOST_VISITS = 600  # of one class of vehicles at one time: keeps the row small
MOST_SEEN = 1200  # vehicles of one class; beyond it those that were here longest ago are forgotten first


def appointment(rows: Rows, event: VehicleAppointment) -> Outcome:
    """A vehicle comes, comes another day, does not come, or has left."""
    (place,) = event.places()
    if place.key.startswith("vin/"):
        return appointment_by_vin(rows, event, place.key)
    known = rows.read(place.key)
    order = f"{event.account}/{event.order_id}"
    before = known.visits.get(order) if isinstance(known, VehicleRow) else None
    if before is not None and event.revision <= before.revision:
        return ()
    settings = settings_of(rows)
    forget_ms = _forget_ms(rows, settings, event)
    not_quarantined(known)
    if isinstance(known, VehicleRow) and before is None and len(known.visits) >= MOST_VISITS:
        raise Refused(f"{MOST_VISITS} appointments are open for {place.key} already")
    row = edit_or_new(rows, place.key, VehicleRow)
    visit = row.visits.get(order)
    if visit is None:
        visit = row.visits[order] = Visit(event.account, event.order_id, 0, event.location, booked=False)
    visit.revision, visit.location, visit.booked = event.revision, event.location, event.state == "booked"
    visit.vehicle = event.vehicle.model_dump(mode="json", exclude_none=True)
    visit.scheduled_at = event.scheduled_at.isoformat() if event.scheduled_at else None
    visit.forget_ms, visit.changes = forget_ms, 0
    _see(rows, row, visit, order, settings, event)
    if event.state == "done":
        visit.added = []  # the order has taken them
        return list(serve_others(settings, row, visit.vin))
    if not visit.booked:
        return [*take_away(visit), *serve_others(settings, row, visit.vin)]
    out: list[Message] = _check_vin(settings, visit, order)
    for name in row.campaigns:
        out += needed(settings, row, name, visit)
    return out


def _see(
    rows: Rows, row: VehicleRow, visit: Visit, order: str, settings: SettingsApplied | None, event: VehicleAppointment
) -> None:
    """The vehicle is known from now on, and what was done on it."""
    kept_days = settings.vehicles_kept_days if settings is not None else 0
    if not kept_days or visit.vin is None or vin.check(visit.vin).error is not None:
        return
    before = row.seen.pop(visit.vin, None)
    done = before.done if before is not None else []
    done = list(dict.fromkeys([*done, *map(campaign_number, event.campaigns_done)]))
    row.seen[visit.vin] = Seen(order, max(visit.forget_ms, rows.now_ms) + kept_days * DAY_MS, done)
    while len(row.seen) > MOST_SEEN:
        del row.seen[next(iter(row.seen))]


def _check_vin(settings: SettingsApplied | None, visit: Visit, order: str) -> list[Message]:
    """A mistyped VIN is told: by it recalls would be missed, or the wrong vehicle remembered."""
    if visit.vin is None or "vin" in visit.told:
        return []
    wrong = vin.check(visit.vin).error
    if wrong is None:
        return []
    visit.told.append("vin")
    text = f"Order {order}: {wrong}. Recalls are looked for by make, model and year only."
    return list(notice(settings, ("vin", order, wrong), "A VIN is mistyped", text, link=f"/orders/{order}"))


def _forget_ms(rows: Rows, settings: SettingsApplied | None, event: VehicleAppointment) -> int:
    if event.scheduled_at is not None:
        # Who tells of it now still expects the vehicle, whatever the day: shops reopen, postpone and sync late.
        return max(in_ms(event.scheduled_at), rows.now_ms) + PAST_AFTER_MS
    return rows.now_ms + (settings.remember_days if settings else 40) * DAY_MS
