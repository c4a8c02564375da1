"""What an installation is told: `streamer.toml`; the environment goes first (`STREAMER_KAFKA__PARTITIONS`).

Secrets never stand in the TOML; each account's adapter reads them from the environment or from files.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from streamer.errors import Misconfigured
from streamer.messages.base import AccountId, Currency, LocationId, Quantity, Sku, SupplierCode
from streamer.messages.stock import RoundingMode, TriggerMode

RULES = 1
"""Number of the rules in force that this code knows (DECISIONS.md, "Behaviour is data")."""

ENVIRONMENT = "STREAMER_"


class Section(BaseModel):
    """A table of the TOML; a key that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Offer(Section):
    """What one supplier asks for an item; the first of an item is its primary."""

    supplier: SupplierCode
    supplier_sku: str | None = None
    unit_price: Decimal
    currency: Currency | None = None  # the supplier's, unless said
    unit: str = "EA"
    minimum_quantity: Quantity = Decimal(0)
    order_multiple: Quantity = Decimal(1)
    lead_time_days: Annotated[int, Field(ge=0)] = 0


class KitEntry(Section):
    """So many of a part for one unit of the kit."""

    sku: Sku
    quantity: Quantity = Decimal(1)


class Item(Section):
    """A SKU at some or all locations: when and how much to reorder, who offers it, what it stands for."""

    sku: Sku
    description: str | None = None
    locations: tuple[LocationId, ...] = ()  # none: every location
    reorder_point: Quantity | None = None
    order_up_to: Quantity | None = None
    trigger: TriggerMode = "below"
    rounding: RoundingMode = "up"
    safety: Quantity = Decimal(0)
    automatic: bool = False
    superseded_by: Sku | None = None
    alternatives: tuple[Sku, ...] = ()
    part_number: str | None = None
    kit: tuple[KitEntry, ...] = ()
    offers: tuple[Offer, ...] = ()

    @model_validator(mode="after")
    def _whole_policy(self) -> Item:
        if (self.reorder_point is None) != (self.order_up_to is None):
            raise ValueError("reorder_point and order_up_to belong together")
        return self


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
    items: tuple[Item, ...] = ()
    remedy_quantities: dict[Sku, Quantity] = {}
    decode_account: AccountId | None = None
    notify_account: AccountId | None = None
    remember_days: Annotated[int, Field(ge=1, le=400)] = 40
    item_wait_seconds: Annotated[float, Field(gt=0)] = 120.0

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
        for sku, times in Counter(item.sku for item in self.items).items():
            if times > 1:
                raise ValueError(f"items: {sku} stands there {times} times")
        for item in self.items:
            for location in item.locations:
                _known(f"items.{item.sku}.locations", location, self.locations, "locations")
            for offer in item.offers:
                _known(f"items.{item.sku}.offers.supplier", offer.supplier, self.suppliers, "suppliers")
            _no_cycle(item, {other.sku: other for other in self.items})
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
    try:
        return Settings(**table)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(place or str(path), first["msg"].removeprefix("Value error, ")) from None


def digest(settings: Settings) -> str:
    """Hash of all that decides: what differs only between processes (ports, folders) and every secret is left out."""
    decides = settings.model_dump(mode="json", exclude={"kafka", "worker", "web", "data_dir"})
    decides["partitions"] = settings.kafka.partitions
    decides["rules"] = RULES
    return hashlib.sha256(orjson.dumps(decides, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
