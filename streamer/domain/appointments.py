"""Days of an appointment in its workshop: when the vehicle comes, and by when its parts must be there."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from streamer.domain.calendars import Calendar, is_open
from streamer.domain.times import in_ms, local_date
from streamer.domain.units import day_of
from streamer.messages.applied import SettingsApplied
from streamer.messages.orders import Order
from streamer.messages.people import Appointment
from streamer.messages.services import Workshop

NO_WORKSHOP = Workshop(weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), parts_ready_days=0)
"""Where no calendar is set: parts are needed on the day of the appointment, whatever day that is."""
_MOST_DAYS = 366


def workshop_of(settings: SettingsApplied | None, location: str | None) -> Workshop:
    if settings is None or location is None:
        return NO_WORKSHOP
    return settings.workshops.get(location, NO_WORKSHOP)


def appointment_day(
    appointment: Appointment | None, settings: SettingsApplied | None, location: str | None
) -> date | None:
    """The day on which the vehicle comes, on the workshop's own clock."""
    if appointment is None:
        return None
    if appointment.scheduled_at is None:
        return day_of(appointment.scheduled_date)
    zone = workshop_of(settings, location).time_zone or (settings.time_zone if settings is not None else "UTC")
    return local_date(in_ms(appointment.scheduled_at), zone)


def ready_by(day: date, workshop: Workshop) -> date:
    """The day by whose end the parts must lie in the workshop: so many of its working days before `day`."""
    calendar = _calendar(workshop)
    left, found = workshop.parts_ready_days, day
    for _ in range(_MOST_DAYS):
        if left <= 0:
            break
        found -= timedelta(days=1)
        if is_open(calendar, found):
            left -= 1
    return found


def needed_day(event: Order, settings: SettingsApplied | None, location: str | None) -> date | None:
    """By when an appointment's parts must be there; None where it names no day."""
    day = appointment_day(event.appointment, settings, location)
    return ready_by(day, workshop_of(settings, location)) if day is not None else None


def reserve_from(needed: date, workshop: Workshop) -> date | None:
    """The day from which the parts are reserved, None for at once."""
    return None if workshop.reserve_days is None else needed - timedelta(days=workshop.reserve_days)


@lru_cache(maxsize=512)
def _calendar(workshop: Workshop) -> Calendar:
    return Calendar(
        weekdays=workshop.weekdays,
        country=workshop.country,
        subdivision=workshop.subdivision,
        closed=tuple(map(date.fromisoformat, workshop.closed)),
        open=tuple(map(date.fromisoformat, workshop.open)),
    )
