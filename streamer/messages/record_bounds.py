"""Bounds of a back-fill as people write them: days, times, ids and ranges of ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from streamer.errors import Malformed

LONGEST_RANGE = 2_000


def time_of(text: str, zone: str, field: str, *, whole_day: bool = False) -> datetime:
    """A day or time, in `zone` unless it names its own; with `whole_day` the end of a day. Raises Malformed."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{text[:40]!r} is no day and no time: 2026-05-01 or 2026-05-01T08:00", field=field) from error
    if whole_day and len(text) == 10:
        time += timedelta(days=1)
    return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def ids_of(text: str, field: str) -> tuple[str, ...]:
    """`1,5-7` as 1, 5, 6, 7. Raises Malformed for a range that is no range, or too long."""
    found: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not (dash and first.isdecimal() and last.isdecimal()):
            found.append(part[:200])
            continue
        if not 0 <= int(last) - int(first) < LONGEST_RANGE:
            raise Malformed(f"{part[:40]}: a range goes up, by at most {LONGEST_RANGE} ids", field=field)
        found += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return tuple(dict.fromkeys(found))
