"""What every value of the planning mathematics is checked for when it is loaded: finite, in range, in order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import isfinite

from streamer.errors import Malformed
from streamer.messages.base import LARGEST_QUANTITY

LARGEST_AMOUNT = Decimal(1_000_000_000_000)
LARGEST_STATISTIC = 1e9
SMALLEST = Decimal("0.000001")
"""Between these, no quotient of two numbers leaves the 28 digits that Decimal works with."""
ZERO = Decimal(0)


class Invalid(Malformed, ValueError):
    """A policy, offer, kit, calendar or scenario that cannot be used; `field` says where.

    It is a ValueError too, so that msgspec adds the path of the surrounding object.
    """


def finite(field: str, value: Decimal, largest: Decimal = LARGEST_QUANTITY) -> None:
    """Refuses NaN, infinity, and numbers that no shop has: too large, or a speck that is not 0."""
    if not value.is_finite():
        raise Invalid(f"{value} is not a number", field=field)
    if abs(value) > largest:
        raise Invalid(f"must be at most {largest} in size", field=field)
    if value and abs(value) < SMALLEST:
        raise Invalid(f"must be 0 or at least {SMALLEST} in size", field=field)


def not_negative(field: str, value: Decimal, largest: Decimal = LARGEST_QUANTITY) -> None:
    finite(field, value, largest)
    if value < 0:
        raise Invalid(f"must not be negative, is {value}", field=field)


def positive(field: str, value: Decimal, largest: Decimal = LARGEST_QUANTITY) -> None:
    finite(field, value, largest)
    if value <= 0:
        raise Invalid(f"must be above 0, is {value}", field=field)


def days(field: str, value: int, *, least: int = 0) -> None:
    """A number of days that fits a plan: at most ten years."""
    if not least <= value <= 3660:
        raise Invalid(f"must be {least} to 3660 days, is {value}", field=field)


def share(field: str, value: float) -> None:
    """A probability or service level strictly between 0 and 1."""
    if not isfinite(value) or not 0 < value < 1:
        raise Invalid(f"must lie between 0 and 1 (0.95 for 95 %), is {value}", field=field)


def statistic(field: str, value: float, *, positive: bool = False) -> None:
    """A mean, deviation or cost that statistics may use: finite and not negative."""
    if not isfinite(value):
        raise Invalid(f"{value} is not a number", field=field)
    if value > LARGEST_STATISTIC:
        raise Invalid(f"must be at most {LARGEST_STATISTIC:.0f}", field=field)
    if value < 0 or (positive and value == 0):
        raise Invalid(f"must {'be above 0' if positive else 'not be negative'}, is {value}", field=field)


def plausible(field: str, day: date) -> None:
    """A day with which a plan can reckon ten years ahead."""
    if not 2000 <= day.year <= 2200:
        raise Invalid(f"must lie between the years 2000 and 2200, is {day}", field=field)


def not_past(field: str, value: date, today: date) -> None:
    if value < today:
        raise Invalid(f"{value} lies in the past (today is {today})", field=field)
