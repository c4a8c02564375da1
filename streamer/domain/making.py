"""Messages made without validation, for hot paths only: every part must come from messages that were checked before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from streamer.messages.base import Message

T = TypeVar("T", bound=Message)

_set = object.__setattr__


def maker(model: type[T]) -> Callable[..., T]:
    """A function that takes the fields of `model` by name and fills in its defaults; about 1 microsecond instead of 4.

    What it makes equals what validation would make if the parts are valid; the tests hold every message against that.
    """
    defaults: dict[str, Any] = {
        name: field.default for name, field in model.model_fields.items() if not field.is_required()
    }
    names = set(model.model_fields)
    new: Callable[[type[T]], T] = object.__new__

    def make(**fields: Any) -> T:
        made = new(model)
        _set(made, "__dict__", defaults | fields)
        _set(made, "__pydantic_fields_set__", names)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    return make
