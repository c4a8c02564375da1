"""What a fold sees of its partition, and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message

Row = TypeVar("Row")

SETTINGS_KEY = "=settings"
"""Key of the row that holds the `SettingsApplied` of this partition."""


class View(Protocol[Row]):
    """The rows of one partition. A row may be changed only after `edit` or by `put`."""

    @property
    def now_ms(self) -> int:
        """Time of the partition in milliseconds since 1970: the highest tick seen."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    def read(self, key: str) -> Row | None:
        """The row, not to be changed."""

    def edit(self, key: str) -> Row | None:
        """The row, to be changed in place."""

    def put(self, key: str, row: Row) -> None:
        """A new or replaced row."""

    def delete(self, key: str) -> None:
        """The row goes; only when no id of it can come again."""

    @property
    def source(self) -> tuple[str, int] | None:
        """Source partition and offset of the event being folded, when another fold sent it."""

    def passed(self, source: str, offset: int) -> bool:
        """Whether the sender can never send again what that event caused (its watermark has passed)."""


class Effect:
    """Something local that may start once the rows are durable; its result comes back as an event."""

    __slots__ = ()


class Disregarded(Effect):
    """A part of an event means nothing to us while the rest is used: counted by `reason`, as `Ignored` is."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


Outcome = Sequence[Message | Effect]
"""What a fold gives back, in order."""


def settings_of(rows: View[Any]) -> SettingsApplied | None:
    """The settings last applied to this partition."""
    row = rows.read(SETTINGS_KEY)
    return row if isinstance(row, SettingsApplied) else None
