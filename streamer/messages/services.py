"""Service types with the parts they need, and the workshops that carry them out, as the settings say."""

from __future__ import annotations

from typing import Literal

from streamer.messages.base import Text, Value
from streamer.messages.orders import KitPart

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ServiceVariant(Value):
    """The parts of a service for some vehicles; what is left out may be anything."""

    make: Text | None = None
    model: Text | None = None
    year_from: int | None = None
    year_to: int | None = None
    engine: Text | None = None
    kit: tuple[KitPart, ...] = ()


class ServiceType(Value):
    """One entry of the configured set. Without variants `kit` serves every vehicle, else those that no variant names.

    A type is recognised by a code (of an account or a platform), else a name, else a regular expression that is found
    in the text; case, and whether words are parted by spaces, dashes or underscores, make no difference to the first
    two.
    """

    name: Text
    names: tuple[Text, ...] = ()
    patterns: tuple[Text, ...] = ()
    codes: dict[Text, tuple[Text, ...]] = {}
    kit: tuple[KitPart, ...] = ()
    variants: tuple[ServiceVariant, ...] = ()


class Workshop(Value):
    """Which days a location works, and how long before an appointment its parts must be there."""

    time_zone: Text | None = None  # the company's, unless said
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    country: Text | None = None
    subdivision: Text | None = None
    closed: tuple[Text, ...] = ()  # ISO dates
    open: tuple[Text, ...] = ()
    parts_ready_days: int = 1  # working days before the appointment; 0: on its day
    reserve_days: int | None = None  # so many days before the parts are needed they are reserved; None: at once
    no_show_days: int = 7  # after the appointment, when nothing is heard of it; 0: never
    raise_reorder_points: bool = True  # by the pattern of services per week
