"""What an installation is told: `streamer.toml`; the environment goes first (`STREAMER_KAFKA__PARTITIONS`).

Secrets never stand in the TOML; each account's adapter reads them from the environment or from files.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections import Counter
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from streamer.domain.checks import Invalid
from streamer.domain.schedule import check_cron
from streamer.errors import Misconfigured
from streamer.messages.base import AccountId, Currency, LocationId, Quantity, Sku, SupplierCode
from streamer.settings.allocation import Allocation, check_allocation
from streamer.settings.items import Item, PatternPolicy, check_items
from streamer.settings.routes import Route, check_routes
from streamer.settings.sections import Section
from streamer.settings.services import ServiceSetting, WorkshopSetting, check_services

RULES = 1
"""Number of the rules in force that this code knows (DECISIONS.md, "Behaviour is data")."""

ENVIRONMENT = "STREAMER_"

Role = Literal["viewer", "buyer", "manager", "operator"]
PersonId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class Company(Section):
    """Whose orders these are."""

    name: str
    currency: Currency
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone of the IANA list") from error
        return name


class Kafka(Section):
    """Which broker, and how the topics are laid out. Without `bootstrap_servers` a local Kafka is started."""

    bootstrap_servers: str | None = None
    partitions: Annotated[int, Field(ge=1, le=256)] = 4
    replication_factor: Annotated[int, Field(ge=1, le=5)] = 1
    min_insync_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    app_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")] = "streamer"


class Worker(Section):
    """One worker process."""

    tick_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    session_timeout_seconds: Annotated[float, Field(ge=6, le=60)] = 10.0
    view_port: int = 0  # 0: the system chooses; loopback only
    deadline_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0


class Web(Section):
    """The web process: gateway and console."""

    host: str = "127.0.0.1"
    port: int = 8080
    session_hours: float = 12.0
    max_body_bytes: int = 1_048_576
    public_origin: str | None = None  # https://… where a proxy stands in front


class SupplierCalendar(Section):
    """When a supplier takes and ships orders, or a location receives goods.

    Days of the week, public holidays, days of their own, and a supplier's cut-off.
    """

    weekdays: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    country: str | None = None  # ISO 3166
    subdivision: str | None = None
    closed: tuple[date, ...] = ()
    open: tuple[date, ...] = ()
    cut_off: time | None = None  # local; an order at or after it counts for the next open day
    time_zone: str = "UTC"


class Person(Section):
    """Somebody who may approve purchase orders: how they are known, and what they may approve."""

    name: str
    console: str | None = None  # login
    roles: tuple[Role, ...] = ("manager",)  # of that login
    email: str | None = None
    slack: str | None = None  # user id, such as U024BE7LH
    tier: Annotated[int, Field(ge=1, le=9)] = 1
    limit: Annotated[Decimal, Field(ge=0)] | None = None  # in the company's currency; none: any amount
    suppliers: tuple[SupplierCode, ...] = ()  # none: all
    sku_classes: tuple[str, ...] = ()  # none: all


class Rule(Section):
    """Which purchase orders need whom."""

    name: str
    above: Annotated[Decimal, Field(ge=0)] = Decimal(0)  # in the company's currency
    suppliers: tuple[SupplierCode, ...] = ()
    sku_classes: tuple[str, ...] = ()
    tier: Annotated[int, Field(ge=1, le=9)] = 1
    four_eyes: bool = False
    even_automatic: bool = False
    deadline_seconds: Annotated[float, Field(gt=0)] | None = None


class Approval(Section):
    """How people are asked whether a purchase order may go out."""

    accounts: tuple[AccountId, ...] = ()  # which ask, and whose answers count; the console needs none
    deadline_seconds: Annotated[float, Field(gt=0)] = 86_400.0
    link_seconds: Annotated[float, Field(gt=0)] = 604_800.0
    rules: tuple[Rule, ...] = ()


class ExchangeRate(Section):
    """From `day` on one unit of `currency` is `rate` units of the company's."""

    currency: Currency
    day: date
    rate: Annotated[Decimal, Field(gt=0)]


class Supplier(Section):
    """Somebody we order from, by way of an account."""

    name: str
    account: AccountId
    address: str | None = None
    contact: str | None = None
    currency: Currency
    automatic: bool = False
    window_seconds: Annotated[float, Field(ge=0)] = 0.0
    approval_limit: Decimal | None = None
    senders: tuple[str, ...] = ()
    calendar: SupplierCalendar | None = None
    until_cut_off: bool = False
    before_cut_off_seconds: Annotated[float, Field(ge=0, le=43_200)] = 900.0
    minimum_order: Annotated[Decimal, Field(ge=0)] | None = None
    freight_free_from: Annotated[Decimal, Field(ge=0)] | None = None
    wait_seconds: Annotated[float, Field(ge=0)] = 0.0
    price_tolerance_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(0)
    answer_within_seconds: Annotated[float, Field(gt=0)] | None = None
    overdue_days: Annotated[int, Field(ge=0, le=365)] = 0
    lead_time_days: Annotated[int, Field(ge=0, le=3660)] | None = None  # where an offer has none of its own

    @model_validator(mode="after")
    def _cut_off_is_known(self) -> Supplier:
        if self.until_cut_off and (self.calendar is None or self.calendar.cut_off is None):
            raise ValueError("until_cut_off needs calendar.cut_off")
        return self


class Replenishment(Section):
    """What holds for all items."""

    lead_time_days: Annotated[int, Field(ge=0, le=3660)] = 0  # where neither the offer nor the supplier says
    enough_receipts: Annotated[int, Field(ge=2, le=12)] = 5  # so many receipts, and the lead time is measured
    reconcile: str | None = None  # cron, in the company's time zone; none: a day after the last look

    @field_validator("reconcile")
    @classmethod
    def _is_cron(cls, expression: str | None) -> str | None:
        if expression is not None:
            check_cron("reconcile", expression)
        return expression


class Settings(BaseSettings):
    """Everything. Read by `load`; frozen afterwards."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    company: Company
    locations: dict[LocationId, str] = {}  # id -> name for people
    kafka: Kafka = Kafka()
    worker: Worker = Worker()
    web: Web = Web()
    data_dir: Path = Path("var")
    accounts: dict[AccountId, dict[str, Any]] = {}
    suppliers: dict[SupplierCode, Supplier] = {}
    replenishment: Replenishment = Replenishment()
    allocation: Allocation = Allocation()
    receiving_calendars: dict[LocationId, SupplierCalendar] = {}  # when a location receives goods; none: every day
    policies: tuple[PatternPolicy, ...] = ()  # for items that have none of their own
    items: tuple[Item, ...] = ()
    routes: tuple[Route, ...] = ()
    services: tuple[ServiceSetting, ...] = ()
    workshops: dict[LocationId, WorkshopSetting] = {}
    remedy_quantities: dict[Sku, Quantity] = {}
    recalled_parts: dict[str, tuple[Sku, ...]] = {}  # maker's part number -> what it is called here
    vehicles_kept_days: Annotated[int, Field(ge=0, le=7300)] = 1095
    decode_account: AccountId | None = None
    notify_account: AccountId | None = None
    remember_days: Annotated[int, Field(ge=1, le=400)] = 40
    item_wait_seconds: Annotated[float, Field(gt=0)] = 120.0
    people: dict[PersonId, Person] = {}
    approval: Approval = Approval()
    exchange_rates: tuple[ExchangeRate, ...] = ()
    sku_classes: dict[str, tuple[str, ...]] = {}  # class -> patterns of SKUs (* and ?)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings calls this with all of them
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @model_validator(mode="after")
    def _names_exist(self) -> Settings:
        for code, supplier in self.suppliers.items():
            _known(f"suppliers.{code}.account", supplier.account, self.accounts, "accounts")
        for name in ("decode_account", "notify_account"):
            if (account := getattr(self, name)) is not None:
                _known(name, account, self.accounts, "accounts")
        for location in self.workshops:
            _known(f"workshops.{location}", location, self.locations, "locations")
        check_services(self.services, self.accounts)
        for sku, times in Counter(item.sku for item in self.items).items():
            if times > 1:
                raise ValueError(f"items: {sku} stands there {times} times")
        for item in self.items:
            for location in item.locations:
                _known(f"items.{item.sku}.locations", location, self.locations, "locations")
            for offer in item.offers:
                _known(f"items.{item.sku}.offers.supplier", offer.supplier, self.suppliers, "suppliers")
            _no_cycle(item, {other.sku: other for other in self.items})
        for location in self.receiving_calendars:
            _known(f"receiving_calendars.{location}", location, self.locations, "locations")
        currencies = {code: supplier.currency for code, supplier in self.suppliers.items()}
        check_items(self.items, currencies, {self.company.currency, *(rate.currency for rate in self.exchange_rates)})
        check_allocation(self.allocation, self.accounts, self.locations, self.items)
        check_routes(self.routes, self.accounts, self.suppliers)
        return self

    @model_validator(mode="after")
    def _approvals_are_possible(self) -> Settings:
        for index, account in enumerate(self.approval.accounts):
            _known(f"approval.accounts.{index}", account, self.accounts, "accounts")
        rules = {f"approval.rules.{index}": rule for index, rule in enumerate(self.approval.rules)}
        people = {f"people.{name}": person for name, person in self.people.items()}
        limited: dict[str, Person | Rule] = {**rules, **people}
        for place, limits in limited.items():
            for supplier in limits.suppliers:
                _known(f"{place}.suppliers", supplier, self.suppliers, "suppliers")
            for name in limits.sku_classes:
                _known(f"{place}.sku_classes", name, self.sku_classes, "sku_classes")
        for place, rule in rules.items():
            able = [person for person in self.people.values() if person.tier >= rule.tier]
            if len(able) < 1 or (rule.four_eyes and len(self.people) < 2):
                raise ValueError(f"{place}: nobody in [people] could satisfy it")
        for channel in ("console", "email", "slack"):
            ids = [person_id.casefold() for person in self.people.values() if (person_id := getattr(person, channel))]
            for person_id, times in Counter(ids).items():
                if times > 1:
                    raise ValueError(f"people: {channel} {person_id!r} belongs to {times} people")
        return self


def _known(setting: str, name: str, among: dict[Any, Any], table: str) -> None:
    if name not in among:
        raise ValueError(f"{setting}: {name!r} is not in [{table}]")


def _no_cycle(item: Item, items: dict[str, Item]) -> None:
    """Neither a chain of supersessions nor of kits may come back to where it began."""
    seen = [item.sku]
    successor = item.superseded_by
    while successor is not None:
        if successor in seen:
            raise ValueError(f"items.{item.sku}.superseded_by: goes in a circle: {' -> '.join([*seen, successor])}")
        seen.append(successor)
        successor = items[successor].superseded_by if successor in items else None
    for part in item.kit:
        if part.sku in items and items[part.sku].kit:
            raise ValueError(f"items.{item.sku}.kit: {part.sku} is a kit itself")


def load(path: Path | None = None) -> Settings:
    """The settings of `path`, else of the file that STREAMER_SETTINGS names, else of `streamer.toml` here.

    Raises Misconfigured with the name of the setting.
    """
    path = path or Path(os.environ.get("STREAMER_SETTINGS", "streamer.toml"))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misconfigured("STREAMER_SETTINGS", f"there is no file {path}; copy streamer.example.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(str(path), f"is not TOML: {error}") from error
    for name in list(os.environ):
        if name.startswith(ENVIRONMENT + "ACCOUNTS__"):
            raise Misconfigured(name, "accounts come from the TOML, their secrets from STREAMER_<ACCOUNT>_<FIELD>")
    return settings_of_table(table, str(path))


def settings_of_table(table: dict[str, Any], source: str) -> Settings:
    """Raises Misconfigured with the name of the setting, or that of the `source` where all of it is meant."""
    try:
        return Settings(**table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, Invalid):  # it knows the field more exactly, and the sentence without it
            place = ".".join([*map(str, first["loc"]), *([cause.field] if cause.field else [])])
            raise Misconfigured(place or source, cause.reason) from None
        place = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(place or source, first["msg"].removeprefix("Value error, ")) from None


def digest(settings: Settings) -> str:
    """Hash of all that decides: what differs only between processes (ports, folders) and every secret is left out."""
    decides = settings.model_dump(mode="json", exclude={"kafka", "worker", "web", "data_dir"})
    decides["partitions"] = settings.kafka.partitions
    decides["rules"] = RULES
    return hashlib.sha256(orjson.dumps(decides, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
