"""The fields of a record that may be copied: which are usual, which a path names, which hold personal data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from streamer.messages.orders import CustomerRecord, Order, OrderLine
from streamer.messages.records import RecordKind

ORDER_FIELDS = (
    "kind", "number", "occurred_at", "order_date", "state", "currency", "customer", "customer_reference", "ship_to",
    "bill_to", "due_date", "total", "comment", "location", "lines", "extra", "appointment",
)  # fmt: skip
CUSTOMER_FIELDS = ("kind", "occurred_at", "customer")
LINE_FIELDS = (
    "line_id", "sku", "item_id", "quantity", "unit_price", "location", "description", "unit", "supplier_sku",
    "due_date", "vin",
)  # fmt: skip
"""Not what became of a line: that a line was shipped is no change of the order."""
FREE_TEXT = ("comment", "extra", "customer_reference", "description")  # people may have written anything into it


def usual_fields(kind: RecordKind) -> tuple[str, ...]:
    """What goes over where the route names nothing; also all that it may name."""
    return CUSTOMER_FIELDS if kind in ("customer", "lead") else ORDER_FIELDS


def model_of(kind: RecordKind) -> type[BaseModel]:
    return CustomerRecord if kind in ("customer", "lead") else Order


def is_canonical(model: type[BaseModel], path: str) -> bool:
    """Whether a dotted path names a single value of our own form of the record; `lines.sku` one of each line."""
    name, _, rest = path.partition(".")
    field = model.model_fields.get(name)
    if field is None:
        return False
    if name == "extra":
        return bool(rest)
    inner = list(_models_in(field.annotation))
    return any(is_canonical(one, rest) for one in inner) if rest else not inner


def is_line_field(name: str) -> bool:
    return is_canonical(OrderLine, name)


def is_personal(path: str) -> bool:
    """Whether the value at a path must not be shown or kept as it is."""
    parts = path.split(".")
    return parts[-1] in PERSONAL or any(part in FREE_TEXT for part in parts)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind
        elif kind is not annotation:
            yield from _models_in(kind)


def _marked(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        properties: Mapping[str, Any] = part.get("properties", {})
        for name, field in properties.items():
            if any(one.get("x-personal") for one in (field, *field.get("anyOf", ()))):
                yield name


PERSONAL = frozenset(_marked(Order)) | frozenset(_marked(CustomerRecord)) | {"vin"}
"""Names of fields that hold personal data, by the mark in their models."""
