"""`[[routes]]` of `streamer.toml`: which records are copied from which account to which, and how their fields map."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from streamer.messages.base import AccountId
from streamer.messages.record_fields import is_canonical, model_of, usual_fields
from streamer.messages.records import ItemMatch, MatchBy, RecordKind, RouteMode
from streamer.settings.sections import Section


class MapRule(Section):
    """Where one field's value comes from: `{ from = "customer.company", default = "private" }`, or a constant."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str | None = Field(default=None, alias="from")
    constant: str | None = None
    default: str | None = None
    values: dict[str, str] = {}
    required: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> MapRule:
        if (self.source is None) == (self.constant is None):
            raise ValueError("needs either from or constant")
        if self.constant is not None and (self.default or self.values or self.required):
            raise ValueError("default, values and required belong to from, not to constant")
        return self


class Route(Section):
    """One way of records. A record belongs to the side it comes from: there is no way back for the same kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")]
    source: AccountId = Field(alias="from")
    target: AccountId = Field(alias="to")
    kinds: Annotated[tuple[RecordKind, ...], Field(min_length=1)]
    becomes: dict[RecordKind, RecordKind] = {}
    mode: RouteMode = "real_time"
    batch_minutes: Annotated[float, Field(gt=0, le=1440)] = 10.0
    since: datetime  # without an offset: in the company's time zone
    dry_run: bool = False
    match: Annotated[tuple[MatchBy, ...], Field(min_length=1)] = ("email",)
    match_items: ItemMatch = "sku"
    reference_prefix: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,9}$")] | None = None
    guest: str | None = None
    fields: dict[RecordKind, tuple[str, ...]] = {}
    map: dict[RecordKind, dict[str, MapRule]] = {}
    reconcile_minutes: Annotated[float, Field(ge=0)] | None = None  # None: hourly, where the platform can
    overlap_minutes: Annotated[float, Field(gt=0, le=60 * 24 * 31)] = 120.0

    @field_validator("match", mode="before")
    @classmethod
    def _never_the_name(cls, given: Any) -> Any:
        if isinstance(given, list | tuple) and {"name", "company"} & set(given):
            raise ValueError("a name alone never matches, since two may share it: take email, tax_id or number")
        return given

    @field_validator("map", mode="before")
    @classmethod
    def _short_rules(cls, given: Any) -> Any:
        """A text stands for `{ from = text }`."""
        if not isinstance(given, dict):
            return given
        return {
            kind: {target: {"from": rule} if isinstance(rule, str) else rule for target, rule in rules.items()}
            if isinstance(rules, dict)
            else rules
            for kind, rules in given.items()
        }

    @model_validator(mode="after")
    def _whole(self) -> Route:
        if self.source == self.target:
            raise ValueError(f"to: {self.target} is where the records come from")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("kinds: a kind stands there twice")
        if "address" in self.kinds and not {"order", "deal"} & set(self.kinds):
            raise ValueError("kinds: addresses come with orders or deals; a customer carries its own")
        for table, kinds in (("becomes", self.becomes), ("fields", self.fields), ("map", self.map)):
            for kind in kinds:
                if kind not in self.kinds:
                    raise ValueError(f"{table}.{kind}: the route does not carry {kind} records")
        return self

    @model_validator(mode="after")
    def _fields_exist(self) -> Route:
        for kind, names in self.fields.items():
            for name in names:
                if name not in usual_fields(kind):
                    raise ValueError(f"fields.{kind}: {name!r} is none of {', '.join(usual_fields(kind))}")
        for kind, rules in self.map.items():
            for target, rule in rules.items():
                _check_rule(f"map.{kind}.{target}", kind, target, rule.source)
        return self


def _check_rule(place: str, kind: RecordKind, target: str, source: str | None) -> None:
    if target in ("account", "platform", "source_id", "version", "kind", "asked", "test", "lines.line_id"):
        raise ValueError(f"{place}: says where the record comes from and cannot be mapped")
    if source is None:
        return
    if not is_canonical(model_of(kind), source):
        raise ValueError(f"{place}.from: {kind} records have no field {source!r}")
    if source.startswith("lines.") and not target.startswith("lines."):
        raise ValueError(f"{place}.from: a line's field can only become a line's field")


def check_routes(routes: Sequence[Route], accounts: Collection[str], suppliers: Collection[str]) -> None:
    """What one route alone cannot know. Raises ValueError that names the field."""
    names = [route.name for route in routes]
    for route in routes:
        place = f"routes.{route.name}"
        if names.count(route.name) > 1:
            raise ValueError(f"{place}.name: two routes have it")
        for field, account in (("from", route.source), ("to", route.target)):
            if account not in accounts:
                raise ValueError(f"{place}.{field}: {account!r} is not in [accounts]")
        for other in routes:
            if other is not route and (other.source, other.target) == (route.source, route.target):
                for kind in set(other.kinds) & set(route.kinds):
                    raise ValueError(f"{place}.kinds: {kind} goes that way by routes.{other.name} already")
        _check_prefix(route, routes, suppliers)
    for kind in ("customer", "order", "lead", "deal"):
        _no_circle(kind, [route for route in routes if kind in route.kinds])


def _check_prefix(route: Route, routes: Iterable[Route], suppliers: Collection[str]) -> None:
    """Two shops may both have an order 1001; their copies must not be taken for one another."""
    prefix = route.reference_prefix
    if prefix is None:
        return
    place = f"routes.{route.name}.reference_prefix"
    if prefix.rstrip("-") in suppliers:
        raise ValueError(f"{place}: {prefix.rstrip('-')} is a supplier's code, whose orders look like that")
    for other in routes:
        if other is route or other.target != route.target or other.reference_prefix is None:
            continue
        if other.source != route.source and (
            other.reference_prefix.startswith(prefix) or prefix.startswith(other.reference_prefix)
        ):
            raise ValueError(f"{place}: cannot be told from that of routes.{other.name}")


def _no_circle(kind: str, routes: Sequence[Route]) -> None:
    ways: dict[str, list[Route]] = {}
    for route in routes:
        ways.setdefault(route.source, []).append(route)

    def follow(account: str, seen: tuple[str, ...]) -> None:
        for route in ways.get(account, ()):
            if route.target in seen:
                raise ValueError(
                    f"routes.{route.name}.to: {kind} records go in a circle: {' -> '.join([*seen, route.target])}"
                )
            follow(route.target, (*seen, route.target))

    for start in ways:
        follow(start, (start,))
