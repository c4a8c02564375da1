"""The partition's time, in the forms that messages carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000


def utc(at_ms: int) -> datetime:
    """An aware UTC time from milliseconds since 1970."""
    return datetime.fromtimestamp(at_ms // 1000, UTC) + timedelta(milliseconds=at_ms % 1000)


def in_ms(time: datetime) -> int:
    """Milliseconds since 1970 of an aware time."""
    return int(time.timestamp() * 1000)


def local_date(at_ms: int, zone: str) -> date:
    """The calendar day in `zone` (IANA name). Raises zoneinfo.ZoneInfoNotFoundError."""
    return utc(at_ms).astimezone(_zone(zone)).date()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
