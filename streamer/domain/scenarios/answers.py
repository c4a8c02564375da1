"""How answers look: decimals as plain strings, days as ISO dates, statistics rounded to what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from streamer.messages.base import plain

Answer = dict[str, Any]


def as_json(value: object) -> Any:
    """`value` with nothing but what JSON knows; keys without an answer (None) are kept, since they say "none"."""
    if isinstance(value, Decimal):
        return plain(Decimal(f"{value:.6f}"))
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
