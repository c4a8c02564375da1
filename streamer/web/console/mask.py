"""Bytes of a dead letter for the eye: what may be about people is covered until somebody asks to see it.

Everything is covered but what is known to be harmless: a list of dangerous names would always lack one.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from streamer.messages.base import Message
from streamer.messages.registry import MESSAGES

LONGEST = 64_000  # characters shown
COVER = "•"

_PLAIN = re.compile(
    r"(^|_)(id|ids|sku|skus|code|type|kind|state|status|currency|quantity|quantities|qty|version|revision|available|level|levels|"
    r"line|lines|items|location|locations|warehouse|unit|topic|event|action|resource|sequence|token|total|price|amount|weight|tax|"
    r"taxable|created|updated|at|date|time|timestamp|campaign|make|model|year|vendor|product|variant|fulfillment|financial|gateway|"
    r"test|source)($|_)"
)
_NEVER = re.compile(
    r"name|mail|phone|mobile|fax|address|street|city|zip|postal|contact|customer|person|user|birth|ip$|token|secret|password|iban|note"
    r"|comment|vin|plate|registration|latitude|longitude|first|last|tax_id|vat"
)


def shown(value: bytes, *, revealed: bool) -> str:
    """The bytes as text: JSON indented, anything else as it stands; covered unless `revealed`."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return (text if revealed else cover(text))[:LONGEST]
    try:
        return json.dumps(tree if revealed else _covered(tree, plain=False), indent=2, ensure_ascii=False)[:LONGEST]
    except RecursionError:
        return (text if revealed else cover(text))[:LONGEST]


def shown_message(kind: str, value: bytes) -> str:
    """A message of ours: covered is what its type marks as personal."""
    personal = personal_fields(MESSAGES[kind]) if kind in MESSAGES else None
    if personal is None:
        return shown(value, revealed=False)
    return json.dumps(_without(json.loads(value), personal), indent=2, ensure_ascii=False)[:LONGEST]


@cache
def personal_fields(kind: type[Message]) -> frozenset[str]:
    """Names of the fields, at any depth, that carry the mark."""
    found: set[str] = set()

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            for name, field in schema.get("properties", {}).items():
                if "x-personal" in json.dumps(field):
                    found.add(name)
            for part in schema.values():
                walk(part)
        elif isinstance(schema, list):
            for part in schema:
                walk(part)

    walk(kind.model_json_schema())
    return frozenset(found)


def _without(tree: Any, personal: frozenset[str]) -> Any:
    if isinstance(tree, dict):
        return {
            name: cover(str(one)) if name in personal and one else _without(one, personal) for name, one in tree.items()
        }
    return [_without(one, personal) for one in tree] if isinstance(tree, list) else tree


def cover(text: str) -> str:
    """Letters and digits become dots; the shape stays. Names of XML elements stay, too."""
    pieces = re.split(r"(</?[A-Za-z][\w:.-]*)", text)
    return "".join(piece if at % 2 else re.sub(r"\w", COVER, piece) for at, piece in enumerate(pieces))


def _covered(tree: Any, *, plain: bool) -> Any:
    if isinstance(tree, dict):
        return {name: _covered(value, plain=_is_plain(name)) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_covered(one, plain=plain) for one in tree]
    if isinstance(tree, bool) or tree is None or plain:
        return tree
    return re.sub(r"\w", COVER, str(tree))


def _is_plain(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(" ", "_")
    return bool(_PLAIN.search(words)) and not _NEVER.search(words)
