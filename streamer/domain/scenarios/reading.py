"""From JSON to a scenario. What cannot be is refused with the name of its field and, for a closed set, its members."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import msgspec

from streamer.domain.calendars import LeadTimeUnit, Weekday
from streamer.domain.checks import Invalid
from streamer.domain.economic import PriceScheme
from streamer.domain.forecasting.choice import METHOD_CHOICES
from streamer.domain.lots import TECHNIQUES
from streamer.domain.policies import AnyPolicy, TriggerMode
from streamer.domain.rounding import RoundingMode
from streamer.domain.safety import SafetyRule
from streamer.domain.scenarios.allocation import Allocation
from streamer.domain.scenarios.forecast import Forecasting
from streamer.domain.scenarios.lots import LotSizing
from streamer.domain.scenarios.parameters import Parameters
from streamer.domain.scenarios.replenishment import Replenishment
from streamer.domain.supersession import Interchange
from streamer.domain.supplier_choice import SupplierChoice
from streamer.messages.applied import SourcingRule

Scenario = Replenishment | LotSizing | Forecasting | Allocation | Parameters


def _tags(union: Any) -> tuple[str, ...]:
    return tuple(str(each.__struct_config__.tag) for each in get_args(union))


MEMBERS: dict[str, tuple[str, ...]] = {
    "kind": _tags(Scenario),
    "policy.kind": _tags(AnyPolicy),
    "safety_stock.kind": _tags(SafetyRule),
    "calculate.kind": ("economic_order_quantity", "reorder_point", "newsvendor"),
    "trigger": get_args(TriggerMode),
    "rounding": get_args(RoundingMode),
    "method": METHOD_CHOICES,
    "technique": TECHNIQUES,
    "rule": get_args(SourcingRule),
    "supplier_choice": get_args(SupplierChoice),
    "price_scheme": get_args(PriceScheme),
    "interchange": get_args(Interchange),
    "lead_time_unit": get_args(LeadTimeUnit),
    "weekdays": get_args(Weekday),
    "distribution": ("normal", "poisson", "empirical"),
}
"""What may be written in each field that is a closed set; docs and error messages are made from it."""

_AT = re.compile(r"^(?P<reason>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<problem>missing required|contains unknown) field `(?P<name>.*)`$")


def read(text: bytes) -> Scenario:
    """Raises Invalid for what is no JSON, no scenario, or a scenario that cannot be."""
    try:
        scenario: Scenario = msgspec.json.decode(text, type=Scenario)
    except msgspec.ValidationError as error:
        raise _explained(error, text) from error
    except msgspec.DecodeError as error:
        raise _malformed(error, text) from error
    return scenario


def _explained(error: msgspec.ValidationError, text: bytes) -> Invalid:
    match = _AT.match(str(error))
    assert match
    reason, path = match["reason"], match["path"] or ""
    if "[...]" in path:
        path = _with_key(path, text)
    places = [each for each in re.split(r"[.\[\]]+", path) if each]
    cause = error.__cause__
    if isinstance(cause, Invalid):
        return Invalid(cause.reason, field=".".join([*places, *([cause.field] if cause.field else [])]))
    if named := _NAMED.match(reason):
        places.append(named["name"])
        reason = "is missing" if named["problem"].startswith("missing") else "is no field of this object"
    members = _members(places)
    if members and not reason.startswith("is no field"):
        reason = f"{reason}; one of {', '.join(members)}"
    return Invalid(reason, field=".".join(places) or None)


def _members(places: list[str]) -> tuple[str, ...]:
    names = [each for each in places if not each.isdigit()]
    if not names:
        return ()
    return MEMBERS.get(".".join(names[-2:])) or (MEMBERS.get(names[-1], ()) if names[-1] != "kind" else MEMBERS["kind"])


def _with_key(path: str, text: bytes) -> str:
    """msgspec does not say which key of an object was wrong: the one that still fails when it is there alone."""
    before, _, after = path.partition("[...]")
    document = json.loads(text)
    parent = document
    places = [each for each in re.split(r"[.\[\]]+", before) if each]
    for place in places[:-1]:
        parent = parent[int(place)] if isinstance(parent, list) else parent[place]
    whole = parent[places[-1]]
    for key, value in whole.items():
        parent[places[-1]] = {key: value}
        try:
            msgspec.convert(document, Scenario)
        except msgspec.ValidationError:
            return f"{before}.{key}{after}"
    return path


def _malformed(error: msgspec.DecodeError, text: bytes) -> Invalid:
    """JSON knows no NaN, but many programs write it: then say where it stands."""
    found: list[object] = []

    class NotANumber(float):
        pass

    def note(name: str) -> float:
        found.append(name)
        return NotANumber(name)

    try:
        document = json.loads(text, parse_constant=note)
    except (ValueError, RecursionError):
        return Invalid(f"the file is not JSON ({error})")
    place = _place(document, NotANumber)
    return Invalid(f"{found[0] if found else error} is not a number", field=place)


def _place(value: object, wanted: type) -> str | None:
    """Where in a document the first value of a type stands, in dotted form; None where there is none."""
    items: list[tuple[str, object]] = []
    if isinstance(value, dict):
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list):
        items = [(str(index), each) for index, each in enumerate(value)]
    for key, each in items:
        if isinstance(each, wanted):
            return key
        below = _place(each, wanted)
        if below is not None:
            return f"{key}.{below}"
    return None
