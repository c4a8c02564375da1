"""Vehicle identification numbers: form (ISO 3779), check digit and model year (49 CFR 565.15)."""

from __future__ import annotations

import re
from typing import NamedTuple

_FORM = re.compile(r"^[A-HJ-NPR-Z0-9]{17}$")
_VALUES = {**{str(digit): digit for digit in range(10)}}
_VALUES |= dict(zip("ABCDEFGH", range(1, 9), strict=True))
_VALUES |= {"J": 1, "K": 2, "L": 3, "M": 4, "N": 5, "P": 7, "R": 9}
_VALUES |= dict(zip("STUVWXYZ", range(2, 10), strict=True))
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"  # of 1980 and, 30 years later, of 2010


class Checked(NamedTuple):
    """A VIN as it is compared, and what is wrong with it: an error (do not use it) or a warning."""

    vin: str
    error: str | None = None
    warning: str | None = None


def normalised(text: str) -> str:
    """Without the spaces around it, in capitals."""
    return text.strip().upper()


def check(text: str) -> Checked:
    """A wrong check digit is an error where the law asks for a right one (North America), elsewhere a warning."""
    vin = normalised(text)
    if not _FORM.match(vin):
        return Checked(vin, error="a VIN has 17 characters: digits and capitals without I, O and Q")
    if check_digit(vin) != vin[8]:
        wrong = "the check digit is wrong: is the VIN mistyped?"
        return Checked(vin, error=wrong) if north_american(vin) else Checked(vin, warning=wrong)
    return Checked(vin)


def check_digit(vin: str) -> str:
    """What the ninth character should be, of a VIN of the right form."""
    rest = sum(_VALUES[letter] * weight for letter, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def north_american(vin: str) -> bool:
    """Whether the maker's code is one of North America (1 to 5)."""
    return vin[:1] in tuple("12345")


def model_years(vin: str) -> tuple[int, ...]:
    """Which years the tenth character may mean; for North America's light vehicles the seventh tells which."""
    position = _YEARS.find(vin[9:10]) if vin[9:10] else -1
    if position < 0:
        return ()
    if north_american(vin):
        return (2010 + position,) if vin[6].isalpha() else (1980 + position,)
    return (1980 + position, 2010 + position)


def in_range(vin: str, first: str | None, last: str | None) -> bool:
    """Whether the VIN lies between two bounds, which may be only the beginning of a VIN."""
    low, high = (bound.strip().upper() if bound else "" for bound in (first, last))
    return vin[: len(low)] >= low and (not high or vin[: len(high)] <= high)
