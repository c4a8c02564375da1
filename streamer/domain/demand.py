"""Demand of one item at one location: a year of days in a small row, jobs already booked, phase-in and phase-out."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from streamer.domain.checks import ZERO, Invalid, finite, not_negative

LONGEST_DAYS = 366
_LARGEST = 2**28 - 1  # four bytes of seven bits for a day: 366 of them are 1,952 characters at most
_MOST_PLACES = 3


class History(msgspec.Struct, frozen=True, array_like=True):
    """Daily demand of the last year at most, as a row of its own; the oldest day first.

    `days` are numbers in 10^-`places` units, seven bits to a byte, lowest first, as base64: a year stays below 2 kB
    whatever was sold. Quantities keep three decimals as long as they fit, fewer above 268,435.
    """

    start: str = ""  # ISO date of the first day; empty for no day at all
    days: str = ""
    places: int = 0

    def series(self) -> tuple[Decimal, ...]:
        """One quantity for each day from `start` on. Raises Invalid for a row that is no history."""
        return tuple(Decimal(number).scaleb(-self.places) for number in _unpack(self.days))

    @property
    def first(self) -> date | None:
        return date.fromisoformat(self.start) if self.start else None


def history(start: date, quantities: Sequence[Decimal]) -> History:
    """The row of the last 366 of `quantities`, which are one for each day from `start` on."""
    for index, quantity in enumerate(quantities):
        not_negative(f"history.{index}", quantity)
    kept = quantities[-LONGEST_DAYS:]
    if not kept:
        return History()
    first = start + timedelta(days=len(quantities) - len(kept))
    places = next(
        (places for places in range(_MOST_PLACES + 1) if all(_fits_exactly(each, places) for each in kept)),
        _MOST_PLACES,
    )
    while places and any(each.scaleb(places) > _LARGEST for each in kept):
        places -= 1
    return History(first.isoformat(), _pack(_whole(each, places) for each in kept), places)


def with_demand(row: History, day: date, quantity: Decimal) -> History:
    """The row with `quantity` added on `day`: once a day, or late. Days between are 0; older than a year is left out.

    A negative quantity (a return, a cancelled line) lowers its day, not below 0.
    """
    finite("quantity", quantity)
    first = row.first
    if first is None:
        return history(day, (max(quantity, ZERO),))
    series = list(row.series())
    index = (day - first).days
    if index < 0:
        if len(series) - index > LONGEST_DAYS:
            return row
        series = [ZERO] * -index + series
        first, index = day, 0
    series.extend([ZERO] * (index + 1 - len(series)))
    series[index] = max(ZERO, series[index] + quantity)
    return history(first, series)


def daily(row: History, until: date) -> tuple[Decimal, ...]:
    """The series up to `until` (not included); days after the last one recorded are 0, which is demand too."""
    first = row.first
    if first is None or until <= first:
        return ()
    series = row.series()
    length = min((until - first).days, len(series) + LONGEST_DAYS)
    return (*series[:length], *(ZERO,) * (length - len(series)))[-LONGEST_DAYS:]


def merged(rows: Iterable[History]) -> History:
    """One history for a chain of supersession: what was asked of the old SKU was asked of the new one."""
    total = History()
    known = [row for row in rows if row.start]
    if not known:
        return total
    first = min(row.start for row in known)
    start = date.fromisoformat(first)
    length = max((date.fromisoformat(row.start) - start).days + len(row.series()) for row in known)
    sums = [ZERO] * length
    for row in known:
        offset = (date.fromisoformat(row.start) - start).days
        for index, quantity in enumerate(row.series()):
            sums[offset + index] += quantity
    return history(start, sums)


class Booked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job in the calendar that will take parts: how many, and how many of them the stock row has reserved already."""

    day: date
    quantity: Decimal
    reserved: Decimal = ZERO  # these, and those on its waitlist, are in the stock's own numbers

    def __post_init__(self) -> None:
        not_negative("quantity", self.quantity)
        not_negative("reserved", self.reserved)
        if self.reserved > self.quantity:
            raise Invalid(f"must not be above quantity {self.quantity}", field="reserved")

    @property
    def open(self) -> Decimal:
        return self.quantity - self.reserved


def booked_until(jobs: Iterable[Booked], horizon: date) -> Decimal:
    """What jobs up to `horizon` (included) will take beyond what is reserved; overdue jobs count."""
    return sum((job.open for job in jobs if job.day <= horizon), ZERO)


def consumed(
    forecast: Sequence[Decimal], jobs: Iterable[Booked], start: date, bucket_days: int = 7
) -> tuple[Decimal, ...]:
    """Forecast and booked jobs as one demand for each day from `start` on, each job counted once.

    A booked job uses up the forecast of its bucket (its own day, the days before it, then those after), as a sales
    order does in material requirements planning; only what exceeds the bucket's forecast comes on top. What is already
    reserved uses up forecast too, but is left out itself, since the stock's own numbers hold it. Overdue jobs fall on
    `start`.
    """
    length = len(forecast)
    left = list(forecast)
    result = [ZERO] * length
    for job in jobs:
        index = max(0, (job.day - start).days)
        if index >= length:
            continue
        result[index] += job.open
        low = index - index % bucket_days
        bucket = range(low, min(low + bucket_days, length))
        _use_up(left, index, bucket, job.quantity)
    return tuple(booked + rest for booked, rest in zip(result, left, strict=True))


def _use_up(left: list[Decimal], index: int, bucket: range, quantity: Decimal) -> None:
    for each in (*range(index, bucket.start - 1, -1), *range(index + 1, bucket.stop)):
        used = min(left[each], quantity)
        left[each] -= used
        quantity -= used
        if not quantity:
            return


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new item's demand grows from nothing to its forecast, an old one's ends.

    `phase_in` is the first day with demand, full after `ramp_days`; `phase_out` is the first day without.
    """

    phase_in: date | None = None
    ramp_days: int = 0
    phase_out: date | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.ramp_days <= 3660:
            raise Invalid(f"must be 0 to 3660 days, is {self.ramp_days}", field="ramp_days")
        if self.phase_in and self.phase_out and self.phase_out <= self.phase_in:
            raise Invalid(f"{self.phase_out} is not after phase_in {self.phase_in}", field="phase_out")


def phased(forecast: Sequence[Decimal], start: date, phase: Phase) -> tuple[Decimal, ...]:
    """The forecast for each day from `start` on, as far as the item is on sale."""
    return tuple(quantity * _share(start + timedelta(days=index), phase) for index, quantity in enumerate(forecast))


def _share(day: date, phase: Phase) -> Decimal:
    if phase.phase_out and day >= phase.phase_out:
        return ZERO
    if phase.phase_in is None:
        return Decimal(1)
    age = (day - phase.phase_in).days
    if age < 0:
        return ZERO
    return Decimal(1) if age >= phase.ramp_days else Decimal(age + 1) / (phase.ramp_days + 1)


def _fits_exactly(quantity: Decimal, places: int) -> bool:
    scaled = quantity.scaleb(places)
    return scaled == scaled.to_integral_value()


def _whole(quantity: Decimal, places: int) -> int:
    return int(quantity.scaleb(places).to_integral_value(ROUND_HALF_UP))


def _pack(numbers: Iterable[int]) -> str:
    packed = bytearray()
    for number in numbers:
        rest = number
        while rest > 127:
            packed.append(rest & 127 | 128)
            rest >>= 7
        packed.append(rest)
    return base64.b64encode(packed).decode()


def _unpack(text: str) -> Iterable[int]:
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("is not base64", field="days") from error
    if packed and packed[-1] > 127:
        raise Invalid("ends in the middle of a day", field="days")
    number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        if byte > 127:
            shift += 7
            continue
        yield number
        number = shift = 0
