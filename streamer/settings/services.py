"""The settings of workshops: the set of service types with their kits, and each location's calendar."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import combinations
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from streamer.domain.calendars import Calendar
from streamer.domain.checks import Invalid
from streamer.domain.service_types import overlap, words_of
from streamer.messages.orders import KitPart
from streamer.messages.services import ServiceType, ServiceVariant, Weekday, Workshop
from streamer.settings.items import KitEntry
from streamer.settings.sections import Section

Year = Annotated[int, Field(ge=1900, le=2100)]


class VariantSetting(Section):
    """The parts of a service for some vehicles; what is left out may be anything."""

    make: str | None = None
    model: str | None = None
    year_from: Year | None = None
    year_to: Year | None = None
    engine: str | None = None
    kit: tuple[KitEntry, ...]

    @model_validator(mode="after")
    def _in_order(self) -> VariantSetting:
        if self.year_from is not None and self.year_to is not None and self.year_to < self.year_from:
            raise ValueError(f"year_to: {self.year_to} is before year_from {self.year_from}")
        if self.model is not None and self.make is None:
            raise ValueError("model: needs a make beside it")
        _each_once("kit", self.kit)
        return self

    def message(self) -> ServiceVariant:
        return ServiceVariant(**self.model_dump(exclude={"kit"}), kit=_parts(self.kit))


class ServiceSetting(Section):
    """A service type: how platforms name it, and which parts it needs."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    codes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    kit: tuple[KitEntry, ...] = ()
    variants: tuple[VariantSetting, ...] = ()

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> ServiceSetting:
        for number, pattern in enumerate(self.patterns):
            try:
                compiled = re.compile(pattern)
            except re.error as error:
                raise ValueError(f"patterns.{number}: {pattern!r} is no regular expression: {error}") from error
            if compiled.search(""):
                raise ValueError(f"patterns.{number}: {pattern!r} fits every text")
        _each_once("kit", self.kit)
        for (one, first), (other, second) in combinations(enumerate(self.variants), 2):
            if overlap(first.message(), second.message()):
                named = f"{words_of(first.message())} and {words_of(second.message())}"
                raise ValueError(f"variants.{other}: overlaps variants.{one} ({named}): which one is meant?")
        return self

    def message(self) -> ServiceType:
        return ServiceType(
            name=self.name,
            names=self.names,
            patterns=self.patterns,
            codes=self.codes,
            kit=_parts(self.kit),
            variants=tuple(variant.message() for variant in self.variants),
        )


class WorkshopSetting(Section):
    """When a location works, and how early its parts must be there."""

    time_zone: str | None = None
    weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    country: str | None = None
    subdivision: str | None = None
    closed: tuple[date, ...] = ()
    open: tuple[date, ...] = ()
    parts_ready_days: Annotated[int, Field(ge=0, le=60)] = 1
    reserve_days: Annotated[int, Field(ge=0, le=400)] | None = None
    no_show_days: Annotated[int, Field(ge=0, le=365)] = 7
    raise_reorder_points: bool = True

    @model_validator(mode="after")
    def _is_a_calendar(self) -> WorkshopSetting:
        try:
            ZoneInfo(self.time_zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"time_zone: {self.time_zone!r} is no time zone of the IANA list") from error
        try:
            Calendar(weekdays=self.weekdays, country=self.country, subdivision=self.subdivision)
        except Invalid as error:
            raise ValueError(str(error)) from error
        return self

    def message(self) -> Workshop:
        told = self.model_dump(exclude={"closed", "open"})
        return Workshop(
            **told,
            closed=tuple(day.isoformat() for day in self.closed),
            open=tuple(day.isoformat() for day in self.open),
        )


def check_services(services: Iterable[ServiceSetting], accounts: Mapping[str, Mapping[str, object]]) -> None:
    """Raises ValueError for a service, name or code that stands there twice, and for codes of nobody we know."""
    known: Collection[object] = {*accounts, *(account.get("platform") for account in accounts.values())}
    seen: dict[tuple[str, str], str] = {}
    for service in services:
        for owner, codes in service.codes.items():
            if owner not in known:
                raise ValueError(
                    f"services.{service.name}.codes.{owner}: is neither an account nor the platform of one"
                )
            for code in codes:
                _once(seen, (owner, code.casefold()), f"services.{service.name}.codes.{owner}", code, service.name)
        for name in dict.fromkeys((service.name, *service.names)):
            _once(seen, ("", name.casefold()), f"services.{service.name}.names", name, service.name)


def _once(seen: dict[tuple[str, str], str], key: tuple[str, str], setting: str, text: str, service: str) -> None:
    if seen.setdefault(key, service) != service:
        raise ValueError(f"{setting}: {text!r} means services.{seen[key]} already")


def _each_once(setting: str, kit: tuple[KitEntry, ...]) -> None:
    skus = [entry.sku for entry in kit]
    if len(set(skus)) < len(skus):
        raise ValueError(f"{setting}: names a part twice")
    for number, entry in enumerate(kit):
        if entry.quantity <= 0:
            raise ValueError(f"{setting}.{number}.quantity: must be above 0")


def _parts(kit: tuple[KitEntry, ...]) -> tuple[KitPart, ...]:
    return tuple(KitPart(sku=entry.sku, quantity_each=entry.quantity) for entry in kit)
