"""Numbers that platforms keep as binary fractions, as people wrote them: 0.30000000000000004 is 0.3."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from streamer.messages.base import plain

DIGITS = 6
SMALLEST = Decimal(1).scaleb(-DIGITS)


def written(value: Any) -> Any:
    """A float as a decimal with six digits behind the point at most; anything else as it is."""
    if not isinstance(value, float) or not -1e18 < value < 1e18:
        return value
    if value.is_integer():
        return Decimal(int(value))
    text = repr(value)
    if "e" not in text and len(text) - text.index(".") <= DIGITS + 1:
        return Decimal(text)
    return Decimal(plain(Decimal(repr(value)).quantize(SMALLEST)))


def number(value: Decimal) -> int | float:
    """A decimal as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


Double = Annotated[Decimal, BeforeValidator(written)]
"""A field of a foreign record that holds a binary fraction."""
