"""Reads messages quicker than validation does: what is plainly right is accepted, everything else is left to pydantic.

A message is read by msgspec into a twin with the same fields, types and lengths. Texts that pydantic checks by more
than their length (account, location, quantity) are accepted only if it accepted the same text before. Whatever the
twin does not take, unknown fields and numbers written in another way included, is validated as ever, so both ways give
the same messages and refuse the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from streamer.messages.base import (
    AccountId,
    Amount,
    CommandId,
    Currency,
    LocationId,
    Message,
    Name,
    Quantity,
    Reference,
    SignedQuantity,
    Sku,
    SupplierCode,
    Text,
    Utc,
)

T = TypeVar("T", bound=Message)

LONGEST_TIME = len("2026-03-02T08:00:00.000000Z")  # msgspec rounds what is finer, pydantic cuts it
KNOWN_TEXTS = 10_000
"""Of each field; then they are forgotten and learnt again."""

_PLAIN: dict[Any, Any] = {
    bool: bool,
    int: int,
    str: str,
    Text: Annotated[str, msgspec.Meta(max_length=4000)],
    Name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)],
    Sku: Annotated[str, msgspec.Meta(min_length=1, max_length=100)],
    Reference: Annotated[str, msgspec.Meta(min_length=1, max_length=21)],
    CommandId: Annotated[str, msgspec.Meta(min_length=26, max_length=26)],
}
_CHECKED = (AccountId, LocationId, SupplierCode, Currency, Quantity, SignedQuantity, Amount)

_read_time = msgspec.json.Decoder(datetime).decode
_set_fields, _set_names, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def assembler(model: type[T]) -> Callable[[dict[str, Any]], T]:
    """Makes a message of `model` out of all its fields, which must be what validation would have given."""
    names = set(model.model_fields)
    new: Callable[[type[T]], T] = object.__new__

    def assemble(fields: dict[str, Any]) -> T:
        made = new(model)
        _set_fields(made, fields)
        _set_names(made, names)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return assemble


class _Twin:
    """The fields of a message as msgspec reads them, and which of them are looked at afterwards."""

    def __init__(self) -> None:
        self.fields: list[Any] = []
        self.checked: list[tuple[str, dict[str, Any]]] = []  # name, and what each known text means
        self.times: list[str] = []

    def add(self, name: str, annotation: Any, field: FieldInfo) -> bool:
        """False if a message with this field cannot be read quickly."""
        options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        kinds = [option for option in options if option is not NoneType]
        read = self._read(name, kinds[0], field) if len(kinds) == 1 else None
        if read is None:
            return False
        if len(options) > len(kinds):
            read = read | None
        self.fields.append((name, read) if field.is_required() else (name, read, field.default))
        return True

    def _read(self, name: str, kind: Any, field: FieldInfo) -> Any:
        if kind in _PLAIN or get_origin(kind) is Literal:
            return _PLAIN.get(kind, kind)
        if kind in _CHECKED:
            self.checked.append((name, {}))
            return str
        if kind == Utc:
            self.times.append(name)
            return Annotated[str, msgspec.Meta(max_length=LONGEST_TIME)]
        if field.default == ():
            return Annotated[tuple[int, ...], msgspec.Meta(max_length=0)]
        if field.default == {}:
            return Annotated[dict[str, int], msgspec.Meta(max_length=0)]
        return None


def quick_reader(model: type[T]) -> Callable[[bytes], T]:
    """A function that does what `model.from_json` does; that one itself where a field is not of a simple kind.

    The function raises pydantic's ValidationError.
    """
    validate = cast("Callable[[bytes], T]", model.__pydantic_validator__.validate_json)
    rules = model.__pydantic_decorators__
    if rules.model_validators or rules.field_validators or rules.root_validators or rules.validators:
        return validate
    twin = _Twin()
    hints = get_type_hints(model, include_extras=True)
    if not all(twin.add(name, hints[name], field) for name, field in model.model_fields.items()):
        return validate
    return _reader(model, validate, twin)


def _reader(model: type[T], validate: Callable[[bytes], T], twin: _Twin) -> Callable[[bytes], T]:
    kind = msgspec.defstruct(model.__name__, twin.fields, forbid_unknown_fields=True, kw_only=True, gc=False)
    decode, as_fields = msgspec.json.Decoder(kind).decode, msgspec.structs.asdict
    checked, times, assemble = twin.checked, twin.times, assembler(model)

    def read(value: bytes) -> T:
        try:
            said = decode(value)
            fields = as_fields(said)
            for name in times:
                if fields[name] is not None:
                    fields[name] = _utc(fields[name])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return validate(value)
        for name, known in checked:
            text = fields[name]
            if text is not None:
                meaning = known.get(text)
                if meaning is None:
                    return _learn(checked, said, validate(value))
                fields[name] = meaning
        return assemble(fields)

    return read


def _utc(text: str) -> datetime:
    """Raises msgspec's ValidationError for what is no time or has another offset: pydantic shall say what it is."""
    time = _read_time(f'"{text}"')
    if time.tzinfo is not UTC:
        raise msgspec.ValidationError("another offset")
    return time


def _learn(checked: list[tuple[str, dict[str, Any]]], said: Any, message: T) -> T:
    """What the texts of a message mean that pydantic accepted."""
    for name, known in checked:
        text = getattr(said, name)
        if text is not None:
            if len(known) >= KNOWN_TEXTS:
                known.clear()
            known[text] = getattr(message, name)
    return message
