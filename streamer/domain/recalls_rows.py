"""Rows of recalls, by the keys of the log: `vehicle/MAKE/MODEL/YEAR`, `vin/<VIN>`, `part/<number>`, `campaign/<no>`."""

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
    do_not_drive: bool = False
    as_of_ms: int = 0
    bulletin: bool = False  # of the maker to its dealers, and no recall
    told_known: str | None = None  # what people were told of vehicles that have no appointment: no remedy, or remedy


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
    changes: int = 0  # sequence of what was said about lines since `revision`

    @property
    def vin(self) -> str | None:
        number = self.vehicle.get("vin")
        return str(number).strip().upper() if number else None


class Seen(msgspec.Struct, array_like=True):
    """A vehicle that was here, or has an appointment: the order of its last visit, and which campaigns were done."""

    order: str
    forget_ms: int
    done: list[str] = []


class VehicleRow(msgspec.Struct, tag="vehicle", omit_defaults=True):
    """A class of vehicles: open campaigns, and who comes when."""

    campaigns: dict[str, Campaign] = {}
    visits: dict[str, Visit] = {}  # account/order id -> appointment
    seen: dict[str, Seen] = {}  # VIN -> what is known of that vehicle
    ended: dict[str, int] = {}  # campaign -> time of the word that it no longer concerns this class
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
    engine: str | None = None
    orders: list[str] = []  # keys of the orders that asked what the VIN stands for
    asked_ms: int = 0
    tries: int = 0
    failed: str | None = None  # why the decoder does not know it
    quarantined: str | None = None


class PartRow(msgspec.Struct, tag="part", omit_defaults=True):
    """A recalled part number, and where it lies."""

    campaigns: list[str] = []
    holdings: list[tuple[str, str]] = []  # location, SKU
    quarantined: str | None = None
    as_of_ms: dict[str, int] = {}  # campaign -> time of the word that it names the part, or no longer does


class CampaignRow(msgspec.Struct, tag="campaign", omit_defaults=True):
    """A campaign as a whole: what it is about, and the keys of the classes and parts that it names."""

    name: str
    keys: list[str] = []
    as_of_ms: int = 0
    component: str | None = None
    remedy: str | None = None
    remedies: list[str] = []  # SKUs
    urgent: bool = False
    bulletin: bool = False
    withdrawn: bool = False
    quarantined: str | None = None


Row = VehicleRow | VinRow | PartRow | CampaignRow
Rows = View[Row | SettingsApplied]
Kind = TypeVar("Kind", VehicleRow, VinRow, PartRow)

_DECODER: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder()
_KINDS: dict[str, type[VehicleRow | VinRow | PartRow]] = {"vehicle": VehicleRow, "vin": VinRow, "part": PartRow}


def empty_row(key: str) -> Row:
    """A row of the kind that belongs to `key`, with nothing in it."""
    kind, _, rest = key.partition("/")
    return CampaignRow(rest) if kind == "campaign" else _KINDS.get(kind, VehicleRow)()


def read_row(key: str, value: bytes) -> Row | SettingsApplied:
    """Raises msgspec.DecodeError or pydantic's ValidationError."""
    return SettingsApplied.from_json(value) if key == SETTINGS_KEY else _DECODER.decode(value)


def write_row(row: Row | SettingsApplied) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _ENCODER.encode(row)


def due_ms(row: Row | SettingsApplied) -> int | None:
    """Past appointments are forgotten, and VINs that nobody asked about for long."""
    if isinstance(row, VehicleRow) and row.quarantined is None:
        known = [visit.forget_ms for visit in row.visits.values()]
        return min([*known, *(seen.forget_ms for seen in row.seen.values())], default=None)
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
