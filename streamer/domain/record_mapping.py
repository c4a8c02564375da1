"""What a route lets through of a record, with its fields mapped; and how two contents of it differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.people import Address
from streamer.messages.record_fields import LINE_FIELDS, is_canonical, is_line_field, is_personal, usual_fields
from streamer.messages.records import FieldRule, Match, RecordKind, RouteFacts, identity

ALWAYS = ("account", "platform", "kind", "source_id", "version")
SHOWN = 80  # characters of a value that a difference shows


class Unmappable(Exception):
    """The record cannot go over this route; `str()` names the field and holds nothing personal."""


class Content(NamedTuple):
    """A record as it goes over: canonical fields, and those of the other system by its own names."""

    record: Order | CustomerRecord
    fields: dict[str, str]
    line_fields: dict[str, dict[str, str]]
    personal: frozenset[str]  # names in `fields` that hold personal data

    def to_json(self) -> str:
        return json.dumps(
            {
                "record": json.loads(self.record.to_json()),
                "fields": self.fields,
                "line_fields": self.line_fields,
                "personal": sorted(self.personal),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, value: str) -> Content:
        read = json.loads(value)
        kind = CustomerRecord if read["record"]["kind"] in ("customer", "lead") else Order
        return cls(
            kind.from_json(json.dumps(read["record"])),
            read["fields"],
            read["line_fields"],
            frozenset(read["personal"]),
        )


def content_of(route: RouteFacts, kind: RecordKind, event: Order | CustomerRecord) -> Content:
    """Raises Unmappable."""
    whole: dict[str, Any] = json.loads(event.to_json())
    whole.pop("asked", None)
    chosen = route.fields.get(kind) or usual_fields(kind)
    kept = {name: whole[name] for name in (*ALWAYS, *chosen) if name in whole}
    if isinstance(event, CustomerRecord):
        kept.setdefault("customer", {})
    if "lines" in kept:
        kept["lines"] = [{name: line[name] for name in LINE_FIELDS if name in line} for line in whole["lines"]]
    fields: dict[str, str] = {}
    line_fields: dict[str, dict[str, str]] = {}
    personal: set[str] = set()
    for target, rule in route.rules.get(kind, {}).items():
        if target.startswith("lines."):
            _apply_to_lines(target[6:], rule, whole, kept, line_fields)
            continue
        value = _value(rule, target, whole)
        if is_canonical(type(event), target):
            _put(kept, target, value)
        elif value is not None:
            fields[target] = value
            if rule.source is not None and is_personal(rule.source):
                personal.add(target)
    try:
        record = type(event).from_json(json.dumps(kept))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise Unmappable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return Content(record, fields, line_fields, frozenset(personal))


def _apply_to_lines(
    name: str, rule: FieldRule, whole: dict[str, Any], kept: dict[str, Any], line_fields: dict[str, dict[str, str]]
) -> None:
    for before, line in zip(whole.get("lines", ()), kept.get("lines", ()), strict=False):
        inside = rule.source is not None and rule.source.startswith("lines.")
        value = _value(rule, f"lines.{name}", {"lines": before} if inside else whole)
        if is_line_field(name):
            _put(line, name, value)
        elif value is not None:
            line_fields.setdefault(str(line["line_id"]), {})[name] = value


def _value(rule: FieldRule, target: str, whole: Mapping[str, Any]) -> str | None:
    found: Any = rule.constant
    if rule.source is not None:
        found = whole
        for part in rule.source.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    text = None if found is None or found == "" or isinstance(found, Mapping | list) else _text(found)
    if text is not None:
        text = rule.values.get(text, text)
    text = text if text is not None else rule.default
    if text is None and rule.required:
        raise Unmappable(f"{target}: is needed, and {rule.source or 'nothing'} has no value")
    return text


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _put(tree: dict[str, Any], path: str, value: str | None) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            return
        tree = below
    if value is None:
        tree.pop(name, None)
    else:
        tree[name] = value


# -- match keys


def matches_of(route: RouteFacts, record: Order | CustomerRecord) -> tuple[Match, ...]:
    """By what the other system may know the customer, in the route's order."""
    customer = record.customer
    if customer is None:
        return ()
    values = {"email": customer.email, "tax_id": customer.tax_id, "number": customer.number}
    return tuple(Match(by=by, value=value.strip()) for by in route.match if (value := values[by]) and value.strip())


def identities_of(record: Order | CustomerRecord, matches: tuple[Match, ...]) -> tuple[str, ...]:
    """Hashes under which the ledger knows the customer; its own id at the source first, so that it may be renamed."""
    own = record.source_id if isinstance(record, CustomerRecord) else None
    if own is None and record.customer is not None:
        own = record.customer.id
    found = [identity("source", f"{record.account}/{own}")] if own else []
    return tuple(dict.fromkeys([*found, *(identity(match.by, match.value) for match in matches)]))


def addresses_of(record: Order) -> tuple[Address, ...]:
    """The addresses of an order, each once."""
    found = [address for address in (record.ship_to, record.bill_to) if address is not None]
    return tuple({address.model_dump_json(): address for address in found}.values())


# -- differences


def flat(content: Content) -> dict[str, str]:
    """Field -> value, a hash of a personal one: what may be kept to say later what differs."""
    record = content.record
    told = json.loads(record.to_json())
    for name in ("account", "platform", "source_id", "version", "occurred_at"):
        told.pop(name, None)
    if isinstance(record, Order):
        told["lines"] = {line["line_id"]: line for line in told.get("lines", ())}
    found = dict(_leaves(told, ""))
    for name, value in content.fields.items():
        found[name] = _hidden(value) if name in content.personal else value[:SHOWN]
    for line_id, more in content.line_fields.items():
        found |= {f"lines.{line_id}.{name}": value[:SHOWN] for name, value in more.items()}
    return found


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        for name, below in tree.items():
            yield from _leaves(below, f"{path}.{name}" if path else str(name))
    elif tree is not None and tree not in ("", []):
        text = _text(tree)
        yield path, _hidden(text) if is_personal(path) else text[:SHOWN]


def _hidden(value: str) -> str:
    return "#" + hashlib.blake2b(value.encode(), digest_size=4).hexdigest()


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Field, what is there, what would be; only where the two differ, sorted."""
    return [
        (name, before.get(name, ""), after.get(name, ""))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def digest(content: Content, *, cancels: bool) -> str:
    """The same for the same content, whatever the source's version says."""
    told = json.loads(content.to_json())
    told["record"].pop("version", None)
    words = json.dumps([told, cancels], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(words.encode(), digest_size=12).hexdigest()
