"""Terms of replenishment as they are told (by settings, by messages), read into the values that decide.

Everything is checked here, when it is loaded; what cannot be is refused with the name of its field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from streamer.domain.checks import Invalid, not_past
from streamer.domain.exchange import Rate, Rates
from streamer.domain.expectation import Demand
from streamer.domain.policies import AnyPolicy
from streamer.domain.safety import SafetyRule
from streamer.messages.applied import RateFacts, SettingsApplied
from streamer.messages.base import Value
from streamer.messages.terms import DemandRule, PolicyRule, SafetyStockRule

T = TypeVar("T")

_AT = re.compile(r"^(?P<reason>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<problem>missing required|contains unknown) field `(?P<name>.*)`$")
GIVEN_ELSEWHERE = ("history", "carried_over", "booked")
"""Fields of a demand that the stock row itself knows; settings may not give them."""


def read(value: object, kind: Any, field: str = "") -> Any:
    """`value` (from TOML or JSON) as a checked value of `kind`. Raises Invalid with the path of the field."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _explained(error, field) from error


def _explained(error: msgspec.ValidationError, field: str) -> Invalid:
    match = _AT.match(str(error))
    assert match
    places = [field, *re.split(r"[.\[\]]+", match["path"] or "")]
    reason, cause = match["reason"], error.__cause__
    if isinstance(cause, Invalid):
        reason = cause.reason
        places.append(cause.field or "")
    elif named := _NAMED.match(reason):
        places.append(named["name"])
        reason = "is missing" if named["problem"].startswith("missing") else "is no field of this object"
    return Invalid(reason, field=".".join(filter(None, places)) or None)


def read_policy(value: object, field: str = "policy") -> AnyPolicy:
    policy: AnyPolicy = read(value, AnyPolicy, field)
    return policy


def read_safety(value: object, field: str = "safety_stock") -> SafetyRule:
    rule: SafetyRule = read(value, SafetyRule, field)
    return rule


def read_demand(value: object, field: str = "demand") -> Demand:
    """How demand is expected; `spike_deviations` 0 leaves spikes in, since TOML has no word for nothing."""
    if isinstance(value, Mapping):
        for name in GIVEN_ELSEWHERE:
            if name in value:
                raise Invalid("is kept by the stock row itself", field=f"{field}.{name}".lstrip("."))
        if value.get("spike_deviations") == 0:
            value = {**value, "spike_deviations": None}
    demand: Demand = read(value, Demand, field)
    return demand


def told(value: msgspec.Struct, kind: type[Value]) -> Any:
    """A checked value as the part of a message."""
    document = msgspec.json.decode(msgspec.json.encode(value))
    if document.get("spike_deviations", 0) is None:
        document["spike_deviations"] = 0.0
    for name in GIVEN_ELSEWHERE:
        document.pop(name, None)
    return kind.model_validate_json(msgspec.json.encode(_without_nothing(document)))


def _without_nothing(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_nothing(value) for name, value in document.items() if value is not None}
    return [_without_nothing(value) for value in document] if isinstance(document, list) else document


def policy_of(rule: PolicyRule) -> AnyPolicy:
    """Raises Invalid, naming the field."""
    return read_policy(_builtins(rule), "rule")


def safety_of(rule: SafetyStockRule) -> SafetyRule:
    return read_safety(_builtins(rule), "safety_stock")


def demand_of(rule: DemandRule) -> Demand:
    return read_demand(_builtins(rule), "demand")


def _builtins(value: Value) -> dict[str, Any]:
    return value.model_dump(exclude_none=True)


def rates_of(settings: SettingsApplied) -> Rates:
    """The company's currency and its dated rates."""
    return _rates(settings.currency, settings.exchange_rates)


@lru_cache(maxsize=64)
def _rates(currency: str, told: tuple[RateFacts, ...]) -> Rates:
    return Rates(currency, [read(_builtins(each), Rate, f"exchange_rates.{index}") for index, each in enumerate(told)])


def check_today(policy: AnyPolicy | None, demand: Demand | None, snoozed_until: Any, today: Any) -> None:
    """What can be said only with today's date: dates in the past are refused when they are loaded."""
    for field, check in (
        ("policy", policy.check_today if policy is not None else None),
        ("demand", demand.check_today if demand is not None else None),
    ):
        if check is None:
            continue
        try:
            check(today)
        except Invalid as error:
            raise Invalid(error.reason, field=f"{field}.{error.field}") from error
    if snoozed_until is not None:
        not_past("snoozed_until", snoozed_until, today)
