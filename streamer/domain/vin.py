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


def years_of(number: str) -> tuple[int, ...]:
    """The model years of a VIN that is right where the law says what its tenth character means; none elsewhere."""
    checked = check(number)
    return model_years(checked.vin) if checked.error is None and north_american(checked.vin) else ()


class Facts(NamedTuple):
    """What a VIN says by itself: the maker's code (WMI), who and where that is, and which model years it may be."""

    wmi: str
    maker: str | None
    region: str | None
    years: tuple[int, ...]


def facts(number: str) -> Facts:
    """Of a VIN of the right form; a small maker's code has its second half in places 12 to 14 (ISO 3780)."""
    plain = normalised(number)
    wmi = plain[:3]
    maker = next((_MAKERS[wmi[:size]] for size in (3, 2) if wmi[:size] in _MAKERS), None)
    if wmi.endswith("9"):
        wmi, maker = wmi + plain[11:14], None
    region = next((name for letters, name in _REGIONS if plain[:1] and plain[0] in letters), None)
    return Facts(wmi, maker, region, model_years(plain))


def says(number: str) -> str | None:
    """The same in words for people, without the number itself; None of what has not the form of a VIN."""
    if not _FORM.match(normalised(number)):
        return None
    told = facts(number)
    years = " or ".join(map(str, told.years))
    return ", ".join(part for part in (told.maker, told.region, f"model year {years}" if years else None) if part)


_REGIONS = (
    ("ABCDEFGH", "Africa"),
    ("JKLMNPR", "Asia"),
    ("STUVWXYZ", "Europe"),
    ("12345", "North America"),
    ("67", "Oceania"),
    ("89", "South America"),
)
"""First character of a VIN by region (ISO 3780)."""

_MAKERS = {
    "1C": "Chrysler", "1FA": "Ford", "1FM": "Ford", "1FT": "Ford", "1G1": "Chevrolet", "1GC": "Chevrolet",
    "1HG": "Honda", "1J4": "Jeep", "1N4": "Nissan", "1N6": "Nissan", "1VW": "Volkswagen", "2FM": "Ford",
    "2HG": "Honda", "2T": "Toyota", "3FA": "Ford", "3VW": "Volkswagen", "4S3": "Subaru", "4T": "Toyota",
    "5FN": "Honda", "5N": "Hyundai", "5T": "Toyota", "5UX": "BMW", "5YJ": "Tesla", "7SA": "Tesla", "JF": "Subaru",
    "JHM": "Honda", "JM": "Mazda", "JN": "Nissan", "JS": "Suzuki", "JT": "Toyota", "KMH": "Hyundai", "KN": "Kia",
    "LRW": "Tesla", "SAJ": "Jaguar", "SAL": "Land Rover", "TMB": "Skoda", "TRU": "Audi", "UU1": "Dacia",
    "VF1": "Renault", "VF3": "Peugeot", "VF7": "Citroen", "VSS": "SEAT", "W0L": "Opel", "W0V": "Opel", "WAU": "Audi",
    "WBA": "BMW", "WBS": "BMW M", "WDB": "Mercedes-Benz", "WDD": "Mercedes-Benz", "WF0": "Ford", "WMW": "MINI",
    "WP0": "Porsche", "WP1": "Porsche", "WVW": "Volkswagen", "WV1": "Volkswagen", "WV2": "Volkswagen", "XP7": "Tesla",
    "YV1": "Volvo", "ZAR": "Alfa Romeo", "ZFA": "Fiat", "ZFF": "Ferrari",
}  # fmt: skip
"""World manufacturer identifiers of large makers, as the makers register them with SAE (ISO 3780); for people only."""
