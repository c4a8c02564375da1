"""What the next scheduled look would order, by the code of that look, on rows that are only read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamer.domain import stock
from streamer.domain.memory import MemoryPartition, MemoryRows
from streamer.domain.stock_needs import reorder
from streamer.domain.stock_rows import StockRow
from streamer.domain.view import settings_of
from streamer.messages.commands import NotifyCommand
from streamer.messages.purchasing import Need

Lookup = Callable[[str], bytes | None]
"""The bytes of a row of the fold `stock`, by its key."""


class _Stored(dict[str, bytes]):
    """Rows that are looked up when they are first asked for."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__()
        self._lookup = lookup

    def get(self, key: str, default: Any = None) -> Any:
        value = self._lookup(key)
        return default if value is None else value


def would_order(lookup: Lookup, key: str, now_ms: int) -> tuple[list[Need], str | None]:
    """The needs that a look at this moment would raise, and why there are none though something is missing.

    Nothing is changed: what the look does to the row is thrown away.
    """
    partition = MemoryPartition(stock, now_ms)
    partition.rows = _Stored(lookup)
    rows = MemoryRows(partition)
    row = rows.read(key)
    if not isinstance(row, StockRow):
        return [], None
    if row.quarantined is not None:
        return [], f"the row is in quarantine: {row.quarantined}"
    if now_ms < row.no_need_before_ms:
        row.no_need_before_ms, paused = 0, "an order was cancelled: nothing is ordered for a day"
    else:
        paused = None
    snoozed, row.snoozed_until = row.snoozed_until or "", None
    if row.policy is not None:
        snoozed, row.policy.snoozed_until = max(snoozed, row.policy.snoozed_until or ""), None
    row.unable = None
    said = reorder(rows, key, row, settings_of(rows), "dry run", uncounted=True, closely=True)
    needs = [message for message in said if isinstance(message, Need)]
    if needs and needs[0].at.date().isoformat() < snoozed:
        paused = f"snoozed until {snoozed}"
    unable = [message.text for message in said if isinstance(message, NotifyCommand)]
    return needs, paused or (unable[0] if unable and not needs else None)
