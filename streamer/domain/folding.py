"""What all folds do alike: find the handler of an event, keep the newest settings, set a row aside, let it go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from streamer.domain.acts import released
from streamer.domain.view import SETTINGS_KEY, Outcome, View, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.stock import RowRelease

Fold = Callable[[View[Any], Message], Outcome]


def by_type(log: str, handlers: Mapping[type[Message], Callable[..., Outcome]]) -> Fold:
    """A fold whose handlers raise Malformed or Refused for a bad event, and Ignored for one that means nothing here."""
    find = dict(handlers).get

    def fold(rows: View[Any], event: Message) -> Outcome:
        handler = find(type(event))
        if handler is None:
            raise Malformed(f"{event.ce_type} does not belong on the log {log}", field="ce_type")
        return handler(rows, event)

    return fold


def main_row(event: Message) -> str:
    """The row that an event is mainly about: of several the first, and for settings theirs."""
    if isinstance(event, RowRelease):
        return event.row_key
    places = event.places()
    return places[0].key if places else SETTINGS_KEY


def set_aside(rows: View[Any], key: str, reason: str, empty: Callable[[], Any]) -> None:
    """Puts a row into quarantine, an `empty` one where there is none; what belongs to the engine or to all stays."""
    if not key or key == SETTINGS_KEY or key.startswith("~"):
        return
    row = rows.edit(key)
    if row is None:
        row = empty()
        rows.put(key, row)
    row.quarantined = reason


def release(rows: View[Any], event: RowRelease, blank: Callable[[Any], bool] | None = None) -> Outcome:
    """The row decides again; a `blank` one, that was never more than set aside, goes. Raises Refused if unknown."""
    known = rows.read(event.row_key)
    if known is None or isinstance(known, SettingsApplied):
        raise Refused(f"row {event.row_key} is not known")
    if known.quarantined is None:
        return ()
    entry = released(event, known.quarantined, rows.now_ms)
    if blank is not None and blank(known):
        rows.delete(event.row_key)
    else:
        row: Any = rows.edit(event.row_key)
        row.quarantined = None
    return [entry]


def keep_settings(rows: View[Any], event: SettingsApplied) -> bool:
    """Whether these are newer than those that the partition has; then it has these."""
    known = settings_of(rows)
    if known is not None and event.revision <= known.revision:
        return False
    rows.put(SETTINGS_KEY, event)
    return True


def take_settings(rows: View[Any], event: SettingsApplied) -> Outcome:
    """For folds in which nothing else follows from new settings."""
    keep_settings(rows, event)
    return ()
