"""Rows of a sheet, whether a script sent them as text or the poll read them as numbers, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import parse_date
from babel.numbers import NumberFormatError, parse_decimal

from streamer.errors import Malformed
from streamer.messages.base import LocationId
from streamer.messages.orders import Order, OrderLine
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.stock import StockLevel

Kind = Literal["service_appointment", "inventory_level"]
DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001 - in the spreadsheet's zone, which is set afterwards
MOST_DIGITS = 15
PART = re.compile(r"^(?P<sku>.+?)\s*[x*\u00d7]\s*(?P<quantity>\d+(?:[.,]\d+)?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row by our names of the columns."""

    cells: Mapping[str, Any]
    zone: ZoneInfo
    locale: Locale
    as_of: datetime | None

    def text(self, name: str) -> str:
        """Raises Malformed for an error cell, and for a number that has lost digits."""
        cell = self.cells.get(name)
        if cell is None or isinstance(cell, bool):
            return "" if cell is None else str(cell).upper()
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        if isinstance(cell, int) and len(str(abs(cell))) > MOST_DIGITS:
            raise Malformed(
                "is kept as a number of more digits than a sheet holds; make the column plain text", field=name
            )
        found = str(cell).strip()
        if found.startswith("#") and found.endswith(("!", "?", "A")):
            raise Malformed(f"is an error cell: {found[:20]}", field=name)
        return found

    def number(self, name: str) -> Decimal | None:
        """A JSON number, or text in the sheet's locale; None for a blank. Raises Malformed."""
        cell = self.cells.get(name)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return Decimal(str(cell))
        told = self.text(name)
        if not told:
            return None
        try:
            return parse_decimal(told, locale=self.locale, strict=True)
        except NumberFormatError as error:
            raise Malformed("is no number in the sheet's locale", field=name) from error

    def day(self, name: str) -> date | None:
        """Raises Malformed."""
        found = self.time(name)
        return found.astimezone(self.zone).date() if found is not None else None

    def time(self, name: str) -> datetime | None:
        """A serial number, ISO text, or a day (and time) as the locale writes it. Raises Malformed."""
        cell = self.cells.get(name)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return serial(float(cell), self.zone)
        told = self.text(name)
        if not told:
            return None
        try:
            found = datetime.fromisoformat(told)
        except ValueError:
            day, _, rest = told.partition(" ")
            try:
                found = datetime.combine(_day(day, str(self.locale)), _clock(rest))
            except (ValueError, IndexError) as error:
                raise Malformed("is no day as the sheet's locale writes it", field=name) from error
        return (found if found.tzinfo else found.replace(tzinfo=self.zone)).astimezone(UTC)


@lru_cache(maxsize=64)
def _spoken(name: str) -> Locale:
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError) as error:
        raise Malformed("is no locale", field="spreadsheetLocale") from error


@lru_cache(maxsize=4096)  # days of rows repeat, and babel reads its rules for each
def _day(told: str, locale: str) -> date:
    return parse_date(told, locale=locale)


def _clock(told: str) -> time:
    """`9:05`, `09:05:00`, `9:05 PM`; nothing is midnight."""
    if not told:
        return time()
    clock, _, half = told.partition(" ")
    hour, minute, second, *_ = [*(int(part) for part in clock.split(":")), 0, 0]
    if half.strip().upper() in ("AM", "PM"):
        hour = hour % 12 + (12 if half.strip().upper() == "PM" else 0)
    return time(hour, minute, second)


def serial(days: float, zone: ZoneInfo) -> datetime:
    """Days since 1899-12-30 in the spreadsheet's zone, to the second. Raises Malformed."""
    try:
        local = DAY_ZERO + timedelta(seconds=round(days * 86_400))
    except OverflowError as error:
        raise Malformed("is no day") from error
    return local.replace(tzinfo=zone).astimezone(UTC)


def rows_of(told: Mapping[str, Any], columns: Mapping[str, str], *, zone: ZoneInfo, locale: str) -> Iterator[Row]:
    """The rows of a script's message, or the one that the poll read. Raises Malformed."""
    if name := told.get("spreadsheetTimeZone"):
        try:
            zone = ZoneInfo(str(name))
        except (ValueError, OSError, KeyError) as error:
            raise Malformed("is no time zone", field="spreadsheetTimeZone") from error
    spoken = _spoken(str(told.get("spreadsheetLocale") or locale))
    as_of = _moment(told.get("sentAt") or told.get("as_of"))
    for named in _named(told):
        cells = {ours: named[heading] for ours, heading in columns.items() if heading in named}
        yield Row(cells, zone, spoken, as_of)


def _named(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Heading -> cell, of each row."""
    if isinstance(named := told.get("namedValues"), Mapping):
        yield {
            str(name).strip(): value[0] if isinstance(value, list) and value else "" for name, value in named.items()
        }
        return
    head = told.get("head") or told.get("headers")
    listed = [told["cells"]] if "cells" in told else told.get("rows")
    if not isinstance(head, list) or not isinstance(listed, list):
        raise Malformed("holds neither namedValues nor headers with rows")
    for cells in listed:
        if not isinstance(cells, list):
            raise Malformed("is no list of cells", field="rows")
        yield dict(zip((str(name).strip() for name in head), cells, strict=False))


def _moment(told: Any) -> datetime | None:
    if not told:
        return None
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError as error:
        raise Malformed("is no time", field="sentAt") from error
    return found if found.tzinfo else None


def newest(
    rows: Sequence[Sequence[Any]], head: Sequence[Any], columns: Mapping[str, str], zone: ZoneInfo
) -> datetime | None:
    """The latest day of counting in a sheet: as old are rows that say nothing."""
    names = [str(name).strip() for name in head]
    heading = columns.get("counted_at")
    if heading not in names:
        return None
    at = names.index(heading)
    days = [row[at] for row in rows if at < len(row) and isinstance(row[at], int | float)]
    return serial(float(max(days)), zone) if days else None


def level(row: Row, account: str, platform: str, location: LocationId, received_at: datetime | None) -> StockLevel:
    """Raises Malformed for a row without SKU or count: unknown is not zero."""
    sku, on_hand = row.text("sku"), row.number("on_hand")
    available, reserved = row.number("available"), row.number("reserved")
    if not sku or (on_hand is None and available is None):
        raise Malformed("is blank, and unknown is not zero", field="sku" if not sku else "on_hand")
    as_of = row.time("counted_at") or row.as_of or received_at
    if as_of is None:
        raise Malformed("nobody says as of when the row holds", field="counted_at")
    if available is None and on_hand is not None:
        available = on_hand - (reserved or 0)
    counts_available = on_hand is None or "reserved" in row.cells or "available" in row.cells
    shown = available if counts_available else on_hand
    assert shown is not None
    return StockLevel(
        account=account,
        platform=platform,
        location=location,
        sku=sku,
        level=shown,
        counts="available" if counts_available else "on_hand",
        as_of=as_of,
        on_hand=on_hand,
        available=available,
        minimum=row.number("minimum"),
        restock_to=row.number("restock_to"),
        description=row.text("description") or None,
    )


def appointment(row: Row, account: str, platform: str, location: LocationId | None) -> Order:
    """Its version is made of what it says, since a sheet has none."""
    from streamer.platforms.base import content_hash

    record_id = row.text("record_id")
    if not record_id:
        raise Malformed("is blank", field="record_id")
    day, when = row.day("scheduled_date"), row.time("scheduled_at")
    year = row.text("year")
    parts = tuple(_parts(row.text("parts")))
    vehicle = Vehicle(
        vin=row.text("vin") or None,
        make=row.text("make") or None,
        model=row.text("model") or None,
        year=int(year) if year.isascii() and year.isdigit() else None,
        engine=row.text("engine") or None,
        registration=row.text("registration") or None,
    )
    person = Customer(
        name=row.text("customer") or None, email=row.text("email") or None, phone=row.text("phone") or None
    )
    service, state = row.text("service_type"), row.text("state")
    return Order(
        account=account,
        platform=platform,
        kind="service_appointment",
        source_id=record_id,
        version=content_hash(
            record_id,
            service,
            day,
            when,
            state,
            location,
            *vars(vehicle).values(),
            *(text for part in parts for text in (part.sku, part.quantity)),
        ),
        occurred_at=row.time("occurred_at"),
        state="cancelled" if state.lower() in ("cancelled", "canceled") else "open",
        status=state or None,
        customer=person if person != Customer() else None,
        location=location,
        appointment=Appointment(
            service_type=service or None,
            scheduled_at=when,
            scheduled_date=day.isoformat() if day else None,
            state=state or None,
            vehicle=vehicle,
        ),
        lines=parts,
    )


def _parts(told: str) -> Iterator[OrderLine]:
    """`BRK-PAD-220 x 1; BRK-DSC-220 x 2`; a part without a number is one."""
    for place, part in enumerate(filter(None, (piece.strip() for piece in re.split(r"[;\n]", told))), 1):
        found = PART.match(part)
        sku, quantity = (found["sku"], found["quantity"]) if found else (part, "1")
        yield OrderLine(line_id=str(place), sku=sku, quantity=Decimal(quantity.replace(",", ".")))
