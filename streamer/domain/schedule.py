"""When the next look is due by a cron expression: a pure function of the time, so that a replay gives the same."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from streamer.domain.checks import Invalid
from streamer.domain.times import in_ms, utc

_MINUTE_MS = 60_000


def check_cron(field: str, expression: str) -> None:
    """Raises Invalid for what is no cron expression (five fields), or none that ever comes."""
    try:
        next(CronSim(expression, utc(0)))
    except (CronSimError, StopIteration) as error:
        raise Invalid(f"{expression!r} is no cron expression of five fields that ever comes", field=field) from error


def next_time_ms(expression: str, zone: str, after_ms: int) -> int:
    """The first moment after `after_ms` that the expression names in the zone."""
    return _next(expression, zone, after_ms // _MINUTE_MS)


@lru_cache(maxsize=4096)
def _next(expression: str, zone: str, minute: int) -> int:
    return in_ms(next(CronSim(expression, utc(minute * _MINUTE_MS).astimezone(ZoneInfo(zone)))))
