"""Rows of recalls, by the keys of the log: `vehicle/MAKE/MODEL/YEAR`, `vin/<VIN>`, `part/<number>`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from streamer.domain.view import SETTINGS_KEY, View
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied


class Remedy(msgspec.Struct, omit_defaults=True):
    """A part that mends the vehicle; without a quantity the settings say how many."""

    sku: str
    quantity: Decimal | None = None


class Campaign(msgspec.Struct, omit_defaults=True):
    """What a recall says about this class of vehicles."""

    version: str
    remedies: list[Remedy] = []
    ranges: list[tuple[str | None, str | None]] = []  # of VINs; none: all of the class
    component: str | None = None
    remedy: str | None = None
    urgent: bool = False  # do not drive, or park outside


class Visit(msgspec.Struct, omit_defaults=True):
    """An appointment of a vehicle of this class, and what was done for it."""

    account: str
    order_id: str
    revision: int
    location: str
    booked: bool
    vehicle: dict[str, Any] = {}
    scheduled_at: str | None = None  # RFC 3339
    added: list[tuple[str, str, str]] = []  # campaign, SKU, quantity of lines that are on the order now
    ordered: list[tuple[str, str]] = []  # campaign, SKU of replacements that were commanded
    told: list[str] = []  # campaigns that people were told of
    forget_ms: int = 0


class VehicleRow(msgspec.Struct, tag="vehicle", omit_defaults=True):
    """A class of vehicles: open campaigns, and who comes when."""

    campaigns: dict[str, Campaign] = {}
    visits: dict[str, Visit] = {}  # account/order id -> appointment
    quarantined: str | None = None


class VinRow(msgspec.Struct, tag="vin", omit_defaults=True):
    """One vehicle of which only the VIN is known: what it was decoded to, and which appointments wait for that."""

    asked: bool = False
    make: str | None = None
    model: str | None = None
    year: int | None = None
    waiting: dict[str, msgspec.Raw] = {}  # account/order id -> appointment
    revisions: dict[str, int] = {}
    told: list[str] = []
    due_ms: int | None = None
    quarantined: str | None = None


class PartRow(msgspec.Struct, tag="part", omit_defaults=True):
    """A recalled part number, and where it lies."""

    campaigns: list[str] = []
    holdings: list[tuple[str, str]] = []  # location, SKU
    quarantined: str | None = None


Row = VehicleRow | VinRow | PartRow
Rows = View[Row | SettingsApplied]
Kind = TypeVar("Kind", VehicleRow, VinRow, PartRow)

_DECODER: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder()
_KINDS: dict[str, type[Row]] = {"vehicle": VehicleRow, "vin": VinRow, "part": PartRow}


def empty_row(key: str) -> Row:
    """A row of the kind that belongs to `key`, with nothing in it."""
    return _KINDS.get(key.split("/", 1)[0], VehicleRow)()


def read_row(key: str, value: bytes) -> Row | SettingsApplied:
    """Raises msgspec.DecodeError or pydantic's ValidationError."""
    return SettingsApplied.from_json(value) if key == SETTINGS_KEY else _DECODER.decode(value)


def write_row(row: Row | SettingsApplied) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _ENCODER.encode(row)


def due_ms(row: Row | SettingsApplied) -> int | None:
    """Past appointments are forgotten, and VINs that nobody asked about for long."""
    if isinstance(row, VehicleRow) and row.quarantined is None:
        return min((visit.forget_ms for visit in row.visits.values()), default=None)
    return row.due_ms if isinstance(row, VinRow) and row.quarantined is None else None


def not_quarantined(row: Row | SettingsApplied | None) -> None:
    """Raises Refused."""
    if row is not None and not isinstance(row, SettingsApplied) and row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")


def edit_or_new(rows: Rows, key: str, kind: type[Kind]) -> Kind:
    """The row, or a new one of this kind."""
    row = rows.edit(key)
    if isinstance(row, kind):
        return row
    new = kind()
    rows.put(key, new)
    return new
