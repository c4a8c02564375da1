"""Which service an appointment asks for, and which parts that means for its vehicle. Nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from streamer.messages.orders import KitPart
from streamer.messages.people import Vehicle
from streamer.messages.services import ServiceType, ServiceVariant

LONGEST_TEXT = 300  # so far a pattern looks into what people have written


class Kit(NamedTuple):
    """The parts for one vehicle, and why these."""

    parts: tuple[KitPart, ...]
    words: str


class NoKit(NamedTuple):
    """Why no parts can be named; `missing` is what must be known of the vehicle first, if that could help."""

    reason: str
    missing: str | None = None


def find(
    services: Sequence[ServiceType], owners: Iterable[str], codes: Iterable[str], texts: Iterable[str]
) -> list[ServiceType]:
    """The types that are meant: by code, else by name, else by pattern. More than one means that it is not clear which.

    `owners` are the account and its platform, `codes` what may be a code there, `texts` what people have written.
    """
    wanted = {_plain(code) for code in codes if code}
    owned = set(owners)
    found = [
        one for one in services if any(_plain(c) in wanted for o, all_ in one.codes.items() if o in owned for c in all_)
    ]
    if found:
        return found
    written = [text[:LONGEST_TEXT] for text in texts if text]
    wanted |= {_plain(text) for text in written}
    found = [one for one in services if any(_plain(name) in wanted for name in (one.name, *one.names))]
    if found:
        return found
    return [one for one in services if any(_compiled(p).search(text) for p in one.patterns for text in written)]


def choose(service: ServiceType, vehicle: Vehicle | None) -> Kit | NoKit:
    """The kit of the variant that fits the vehicle, or why none does."""
    if not service.variants:
        return Kit(service.kit, f"service {service.name}")
    vehicle = vehicle or Vehicle()
    judged = [(variant, fits(variant, vehicle)) for variant in service.variants]
    sure = [variant for variant, fit in judged if fit is True]
    if len(sure) == 1:
        return Kit(sure[0].kit, f"service {service.name} for {words_of(sure[0])}")
    if len(sure) > 1:
        both = " and ".join(words_of(variant) for variant in sure)
        return NoKit(f"service {service.name} has two variants for this vehicle: {both}")
    open_ = [variant for variant, fit in judged if fit is None]
    if open_:
        missing = next(name for name in _ASKED if any(_lacks(variant, vehicle, name) for variant in open_))
        return NoKit(f"the vehicle's {missing} must be known to choose the parts of service {service.name}", missing)
    if service.kit:
        return Kit(service.kit, f"service {service.name}, which has no variant of its own for this vehicle")
    known = " ".join(str(part) for part in (vehicle.make, vehicle.model, vehicle.year, vehicle.engine) if part)
    return NoKit(f"service {service.name} has no variant for {known or 'this vehicle'}")


_ASKED = ("make", "model", "year", "engine")


def fits(variant: ServiceVariant, vehicle: Vehicle) -> bool | None:
    """Whether the variant is for this vehicle; None where what is known of the vehicle cannot tell."""
    answers = [
        _same(variant.make, vehicle.make),
        _same(variant.model, vehicle.model),
        _in_years(variant, vehicle.year),
        _engine(variant.engine, vehicle.engine),
    ]
    if False in answers:
        return False
    return None if None in answers else True


def overlap(one: ServiceVariant, other: ServiceVariant) -> bool:
    """Whether there can be a vehicle that both are for."""
    for mine, its in ((one.make, other.make), (one.model, other.model)):
        if mine is not None and its is not None and _plain(mine) != _plain(its):
            return False
    if one.year_to is not None and other.year_from is not None and one.year_to < other.year_from:
        return False
    if other.year_to is not None and one.year_from is not None and other.year_to < one.year_from:
        return False
    if one.engine is None or other.engine is None:
        return True
    mine_words, its_words = _words(one.engine), _words(other.engine)
    return mine_words <= its_words or its_words <= mine_words


def words_of(variant: ServiceVariant) -> str:
    """`HONDA Accord 2003-2007 2.4`, or `any vehicle`."""
    years = None
    if variant.year_from is not None or variant.year_to is not None:
        first, last = (str(year) if year is not None else "" for year in (variant.year_from, variant.year_to))
        years = first if first == last else f"{first}-{last}"
    return " ".join(part for part in (variant.make, variant.model, years, variant.engine) if part) or "any vehicle"


def _same(wanted: str | None, known: str | None) -> bool | None:
    if wanted is None:
        return True
    return _plain(wanted) == _plain(known) if known else None


def _in_years(variant: ServiceVariant, year: int | None) -> bool | None:
    if variant.year_from is None and variant.year_to is None:
        return True
    if year is None:
        return None
    return (variant.year_from or year) <= year <= (variant.year_to or year)


def _engine(wanted: str | None, known: str | None) -> bool | None:
    """An engine is a set of words: `2.0 TDI` fits `2.0 TDI 110 kW`; of a vehicle with `2.0` alone nobody can tell."""
    if wanted is None:
        return True
    if not known:
        return None
    wanted_words, known_words = _words(wanted), _words(known)
    if wanted_words <= known_words:
        return True
    return None if known_words < wanted_words else False


def _lacks(variant: ServiceVariant, vehicle: Vehicle, name: str) -> bool:
    match name:
        case "make":
            return variant.make is not None and not vehicle.make
        case "model":
            return variant.model is not None and not vehicle.model
        case "year":
            return (variant.year_from, variant.year_to) != (None, None) and vehicle.year is None
        case _:
            return variant.engine is not None


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()


@lru_cache(maxsize=1024)
def _words(engine: str) -> frozenset[str]:
    """`2.4L` and `2,4 l` are both 2.4."""
    text = re.sub(r"(\d)[.,](\d)", r"\1.\2", engine.casefold())
    return frozenset(re.sub(r"(\d\.\d)\s*l(?:it(?:er|re)s?)?\b", r"\1", text).replace("-", " ").split())


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
