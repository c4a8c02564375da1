"""One JSON Schema (2020-12) for each message, as `schemas/<ce_type>.json`."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic.json_schema import GenerateJsonSchema

from streamer.messages.base import Message

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Wire(GenerateJsonSchema):
    """Quantities and amounts travel as decimal text, so that no reader rounds them."""

    schema_dialect = DIALECT

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        bounds = {name: str(schema[name]) for name in ("ge", "le", "gt", "lt") if schema.get(name) is not None}
        rendered: dict[str, Any] = {
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$",
            "format": "decimal",
        }
        if bounds:
            rendered["x-bounds"] = bounds
        return rendered


def schema_of(message: type[Message]) -> dict[str, Any]:
    """The schema of what a message's value looks like on Kafka."""
    schema = message.model_json_schema(schema_generator=_Wire, mode="serialization")
    # A field with a default may be absent: an older writer did not know it, and empty ones are left out.
    _only_what_must_be_there(schema, message.model_json_schema(mode="validation"))
    return {
        "$schema": DIALECT,
        "$id": f"streamer:{message.ce_type}",
        "title": message.ce_type,
        "description": " ".join((message.__doc__ or "").split()),
        **{name: value for name, value in schema.items() if name not in ("title", "description", "$schema")},
    }


def _only_what_must_be_there(schema: dict[str, Any], validation: dict[str, Any]) -> None:
    def narrow(one: dict[str, Any], other: dict[str, Any]) -> None:
        if "required" in other:
            one["required"] = other["required"]
        else:
            one.pop("required", None)

    narrow(schema, validation)
    for name, definition in schema.get("$defs", {}).items():
        narrow(definition, validation.get("$defs", {}).get(name, {}))


def rendered(schema: dict[str, Any]) -> bytes:
    """The bytes of the file."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
