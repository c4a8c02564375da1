"""Messages made without validation, for hot paths only: every part must come from messages that were checked before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from streamer.messages.base import Message
from streamer.messages.quick import assembler

T = TypeVar("T", bound=Message)


def maker(model: type[T]) -> Callable[..., T]:
    """A function that takes the fields of `model` by name and fills in its defaults; about 1 microsecond instead of 4.

    What it makes equals what validation would make if the parts are valid; the tests hold every message against that.
    """
    defaults: dict[str, Any] = {
        name: field.default for name, field in model.model_fields.items() if not field.is_required()
    }
    assemble = assembler(model)

    def make(**fields: Any) -> T:
        return assemble(defaults | fields)

    return make
