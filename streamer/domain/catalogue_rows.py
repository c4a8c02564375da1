"""The row of one item of a platform: which SKU it is, and what waits for the answer."""

from __future__ import annotations

import msgspec

from streamer.domain.view import SETTINGS_KEY
from streamer.messages.applied import SettingsApplied


class WaitingLevel(msgspec.Struct, array_like=True):
    """The latest level of one location that came before the SKU was known, as it came."""

    as_of_ms: int
    level: str  # JSON of the StockLevel


class ItemRow(msgspec.Struct, omit_defaults=True):
    """`known` once the platform has answered; an item may be known and have no SKU."""

    known: bool = False
    sku: str | None = None
    version: str = ""
    description: str | None = None
    superseded_by: str | None = None
    superseded_from: str | None = None  # ISO date; until then the supersession is not passed on
    kit: list[tuple[str, str]] = []  # SKU and quantity of each part
    told: str | None = None  # the facts that stock rows know
    places: list[str] = []  # locations that gave levels
    levels: dict[str, WaitingLevel] = {}
    orders: list[str] = []  # keys of the orders that wait
    asked: int = 0  # sequence of the last fetch
    first_asked_ms: int | None = None  # of the tries that are under way
    gave_up_ms: int | None = None
    unresolved: int = 0  # levels that could not be passed on
    due: int | None = None
    quarantined: str | None = None


AnyRow = ItemRow | SettingsApplied

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ItemRow).decode


def read_row(key: str, value: bytes) -> AnyRow:
    """Raises msgspec's DecodeError (or pydantic's ValidationError for the settings)."""
    return SettingsApplied.from_json(value) if key == SETTINGS_KEY else _decode(value)


def write_row(row: AnyRow) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _encode(row)
