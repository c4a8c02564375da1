"""Small conversions that every fold needs: times as whole milliseconds, quantities as Decimal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

ZERO = Decimal(0)
DAY_MS = 86_400_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def utc(time_ms: int) -> datetime:
    """Milliseconds since 1970 as an aware time."""
    return _EPOCH + time_ms * _MS


def ms(time: datetime) -> int:
    """An aware time as milliseconds since 1970."""
    return (time - _EPOCH) // _MS


@lru_cache(maxsize=1024)
def iso_date(time_ms: int) -> str:
    """The UTC day of a time, as `2026-03-02`."""
    return utc(time_ms).date().isoformat()


def day_of(text: str | None) -> date | None:
    """The day that an ISO date (or date-time) names, or None when it names none."""
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
