"""The settings of one account: a part that all platforms share, and what the adapter adds in a subclass.

Secrets are `SecretStr` fields. They come from the environment (`STREAMER_<ACCOUNT>_<FIELD>`, dashes as underscores) or
from a file that `<field>_file` names, never from the settings file itself.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from urllib.parse import quote
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from streamer.errors import Misconfigured
from streamer.messages.base import LocationId

SettingsT = TypeVar("SettingsT", bound="AccountSettings")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone such as Europe/Berlin")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class AccountSettings(BaseModel):
    """One configured connection to a platform; an adapter subclasses it with what it needs besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    name: str = "example"
    platform: str = ""
    base_url: str | None = None  # where the platform is reached when it is not at its usual address
    allow_private_addresses: bool = False  # http and addresses of a private network: for servers beside us
    webhook_secret: SecretStr | None = None
    webhook_secret_previous: SecretStr | None = None  # also accepted while a secret is being changed
    locations: dict[str, LocationId] = {}  # their place -> our location; when empty their ids are ours
    default_location: LocationId | None = None  # where the event names no place
    authority: tuple[LocationId, ...] = ()  # locations whose levels this account may set
    purchase_orders: Literal["demand", "supply"] = "demand"
    counts: Literal["on_hand", "available"] | None = None  # None: what the adapter says
    time_zone: TimeZone = "UTC"
    field_map: dict[str, Any] = {}
    defaults: dict[str, str] = {}
    realms: tuple[str, ...] = ()  # companies behind one address that this account stands for; empty: all
    write_back: bool = False
    polls: dict[str, float] = {}  # resource -> seconds, instead of the adapter's; 0 turns it off
    request_timeout_seconds: float = Field(default=20.0, gt=0, le=300)
    calls_per_second: float | None = Field(default=None, gt=0)  # None: the adapter's

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def secrets(self) -> Iterator[str]:
        """Each secret text, and how it looks in the usual encodings, for masking."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr) and (text := value.get_secret_value()):
                yield from spellings(text)


def spellings(secret: str) -> Iterator[str]:
    """A secret as it may stand in a log: plain, in a query, in base64."""
    yield secret
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()


def secret_fields(settings_type: type[AccountSettings]) -> tuple[str, ...]:
    """The fields that never stand in the settings file."""
    return tuple(name for name, info in settings_type.model_fields.items() if _holds(info.annotation, SecretStr))


def environment_name(account: str, field: str) -> str:
    """The environment variable of a secret."""
    return f"STREAMER_{account}_{field}".upper().replace("-", "_")


def load_settings(
    settings_type: type[SettingsT], name: str, table: Mapping[str, Any], environ: Mapping[str, str]
) -> SettingsT:
    """The settings of account `name` from its table and the environment; raises Misconfigured naming the setting."""
    values: dict[str, Any] = {**table, "name": name}
    for field in secret_fields(settings_type):
        setting, variable = f"accounts.{name}.{field}", environment_name(name, field)
        if field in values:
            raise Misconfigured(
                setting, f"a secret does not belong in the settings file; set {variable} or {field}_file"
            )
        file = values.pop(f"{field}_file", None) or environ.get(f"{variable}_FILE")
        if variable in environ:
            values[field] = environ[variable]
        elif file:
            try:
                values[field] = Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise Misconfigured(f"{setting}_file", f"cannot be read: {error.strerror}") from error
    try:
        return settings_type.model_validate(values)
    except ValidationError as error:
        raise _misconfigured(name, settings_type, error) from error


def example_settings(settings_type: type[SettingsT], given: Mapping[str, Any]) -> SettingsT:
    """Settings to try with: what is given, the defaults, and a made-up value for what must be there."""
    values = {name: _example(name, info) for name, info in settings_type.model_fields.items() if info.is_required()}
    values.update(given)
    try:
        return settings_type.model_validate(values)
    except ValidationError as error:
        raise _misconfigured("example", settings_type, error) from error


def _misconfigured(name: str, settings_type: type[AccountSettings], error: ValidationError) -> Misconfigured:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"]))
    reason = first["msg"]
    if first["type"] == "missing" and first["loc"][0] in secret_fields(settings_type):
        reason = f"is missing; set {environment_name(name, field)} or {field}_file"
    return Misconfigured(f"accounts.{name}.{field}", reason)


def _example(name: str, info: FieldInfo) -> Any:
    if info.default is not PydanticUndefined:
        return info.default
    if _holds(info.annotation, int) or _holds(info.annotation, float):
        return 1
    return f"example-{name.replace('_', '-')}"


def _holds(annotation: Any, wanted: type) -> bool:
    if annotation is wanted:
        return True
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_holds(inner, wanted) for inner in get_args(annotation))
    return False
