"""Numbers, money and times as the reader writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup

from streamer.messages.base import plain

ZONE_COOKIE = "tz"
NOTHING = Markup('<span class="nothing" aria-label="none">–</span>')  # noqa: RUF001


class Formats:
    """For one reader: a locale and a time zone, and the time at which the page is made."""

    def __init__(self, locale: str, zone: str, now: datetime) -> None:
        self.locale = locale
        self.zone = _zone(zone)
        self.now = now

    def number(self, value: float | Decimal | str | None) -> str | Markup:
        """A quantity: grouped, with no more decimals than it has."""
        if value is None or value == "":
            return NOTHING
        try:
            number = value if isinstance(value, Decimal) else Decimal(str(value))
        except InvalidOperation:
            return str(value)
        return _grouped(number, self.locale)

    def plain(self, value: Decimal) -> str:
        """A number for a field of a form: no grouping, no exponent."""
        return plain(value)

    def money(self, value: float | Decimal | str | None, currency: str | None) -> str | Markup:
        if value is None or value == "":
            return NOTHING
        number = value if isinstance(value, Decimal) else Decimal(str(value))
        if not currency:
            return self.number(number)
        return format_currency(number, currency, locale=self.locale)

    def when(self, at_ms: int | None) -> Markup:
        """How long ago, with the time itself on hover."""
        if not at_ms:
            return NOTHING
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return self._time(at, self.age(at))

    def moment(self, at_ms: int | None) -> Markup:
        """The time itself, with its age on hover."""
        if not at_ms:
            return NOTHING
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return self._time(at, self.absolute(at), self.age(at))

    def absolute(self, at: datetime) -> str:
        return format_datetime(at, "medium", tzinfo=self.zone, locale=self.locale)

    def day(self, text: str | date | None) -> str | Markup:
        """A day without a time, such as a promised date."""
        if not text:
            return NOTHING
        try:
            found = date.fromisoformat(text[:10]) if isinstance(text, str) else text
        except ValueError:
            return str(text)
        return format_date(found, "medium", locale=self.locale)

    def age(self, at: datetime) -> str:
        """`3 h`, `12 d`; `in 3 h` for what is to come."""
        seconds = (self.now - at).total_seconds()
        text = _span(abs(seconds))
        return f"in {text}" if seconds < -30 else text

    def span(self, seconds: float) -> str:
        """A length of time: `5 min`."""
        return _span(seconds)

    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def _time(self, at: datetime, text: str, title: str | None = None) -> Markup:
        stamp = at.isoformat(timespec="seconds")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, title or self.absolute(at), text)


def formats_of(request: web.Request, default_zone: str, now: datetime) -> Formats:
    """By what the browser says: its languages, and the zone that our script put into a cookie."""
    zone = request.cookies.get(ZONE_COOKIE, "").replace("%2F", "/")
    return Formats(_locale(request.headers.get("Accept-Language", "")), zone if _is_zone(zone) else default_zone, now)


@lru_cache(maxsize=8_192)
def _grouped(number: Decimal, locale: str) -> str:
    return format_decimal(number, format="#,##0.######", locale=locale)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@lru_cache(maxsize=256)
def _locale(accepted: str) -> str:
    for part in accepted[:200].split(","):
        tag = part.split(";")[0].strip()
        if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}", tag):
            continue
        try:
            return str(Locale.parse(tag, sep="-"))
        except (ValueError, UnknownLocaleError):
            continue
    return "en"


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", name) or ".." in name or name.startswith("/"):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def cell_text(value: object) -> str:
    """A value for CSV. What a spreadsheet would take for a formula gets an apostrophe before it."""
    text = "" if value is None else str(value)
    if isinstance(value, int | float | Decimal):
        return text
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
