"""How long an order is remembered, by its platform's own time; and when its row is to be looked at again."""

from __future__ import annotations

from typing import Any

from streamer.domain.order_rows import TIME, OrderRow, TimeRow
from streamer.domain.order_terms import recheck_at
from streamer.domain.units import DAY_MS, ms
from streamer.domain.versions import time_of
from streamer.domain.view import View, settings_of
from streamer.messages.applied import SettingsApplied

REMEMBER_DAYS = 40  # until settings say otherwise
ECHO_DAYS = 730
"""So long we remember what we made ourselves: once forgotten, its next change would look like a new order."""
FINISHED = ("cancelled", "closed")

Rows = View[Any]


def remember_ms(settings: SettingsApplied | None) -> int:
    return (settings.remember_days if settings is not None else REMEMBER_DAYS) * DAY_MS


def oldest_ms(rows: Rows, account: str, settings: SettingsApplied | None) -> int:
    """What is unknown and older than this is refused, never new; counted by the platform's own time."""
    time = rows.read(TIME + account)
    return time.latest_ms - remember_ms(settings) if isinstance(time, TimeRow) else 0


def advance(rows: Rows, account: str, at_ms: int) -> None:
    """The account's own time moves on; a time from the future does not count."""
    at_ms = min(at_ms, rows.now_ms)
    time = rows.read(TIME + account)
    if not isinstance(time, TimeRow):
        rows.put(TIME + account, TimeRow(at_ms))
    elif at_ms > time.latest_ms:
        moved = rows.edit(TIME + account)
        assert isinstance(moved, TimeRow)
        moved.latest_ms = at_ms


def cannot_come_again(rows: Rows, key: str, row: OrderRow) -> bool:
    """Whether a late delivery of the order would be refused as old once the row is gone."""
    told = time_of(row.version)
    if told is None:
        return True
    return ms(told) < oldest_ms(rows, key.partition("/")[0], settings_of(rows))


def finish(row: OrderRow, now_ms: int, settings: SettingsApplied | None) -> None:
    """A finished order is looked at again a day later; one that goes on is not."""
    done = row.state in FINISHED or (
        bool(row.lines) and all(line.fulfilment in ("shipped", "invoiced", "cancelled") for line in row.lines.values())
    )
    if not done:
        row.finished_ms = None
        row.recheck_ms = recheck_at(row, now_ms, settings)
        times = (row.resolve_until_ms, row.expected_until_ms, row.recheck_ms)
        row.due = min((at_ms for at_ms in times if at_ms is not None), default=None)
    elif row.finished_ms is None:
        row.finished_ms, row.due = now_ms, now_ms + DAY_MS
