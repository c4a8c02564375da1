"""What the settings say about who gets what of one row: the rule of the waitlist, and the limits of each channel.

A channel is the account whose orders they are. Its *share* is of what is there and neither safety stock nor held by
others; its *buffer* are the last units of an item, which are not for this channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from streamer.domain.stock_rows import ONE, StockRow
from streamer.domain.units import ZERO
from streamer.messages.applied import SettingsApplied


class Limit(NamedTuple):
    """What one channel may take of a row."""

    share: Decimal
    buffer: Decimal


class Rules(NamedTuple):
    """Of one row."""

    best_fit: bool = False
    limits: Mapping[str, Limit] = {}  # by account; an account that is missing has none


PLAIN = Rules()
"""First come, first served, and no channel has a limit."""


def account_of(line_key: str) -> str:
    return line_key.partition("/")[0]


def shares_of(row: StockRow) -> Mapping[str, Decimal]:
    """Shares that the settings give for this item alone."""
    facts = row.facts.get("settings")
    return facts.shares if facts is not None else {}


def limit_of(row: StockRow, settings: SettingsApplied | None, account: str) -> Limit | None:
    """The limit of one channel, None where it has none (the common case)."""
    channel = settings.allocation.channels.get(account) if settings is not None else None
    share = shares_of(row).get(account) if row.facts else None
    if channel is None and share is None:
        return None
    if share is None:
        share = channel.share if channel is not None else ONE
    buffer = channel.buffer if channel is not None else ZERO
    return Limit(share, buffer) if share != ONE or buffer else None


def rules_of(row: StockRow, settings: SettingsApplied | None) -> Rules:
    """The rules for everybody who waits at this row."""
    if settings is None:
        return PLAIN
    rules = settings.allocation
    best_fit = rules.waitlist == "best_fit"
    if not best_fit and not rules.channels and not (row.facts and shares_of(row)):
        return PLAIN
    accounts = [*rules.channels, *shares_of(row)]
    limits = {account: limit for account in accounts if (limit := limit_of(row, settings, account)) is not None}
    return Rules(best_fit, limits)


def room(row: StockRow, account: str, limit: Limit, free: Decimal, but: str | None = None) -> Decimal:
    """How many units more the channel may hold of the `free` ones; the line `but` does not count."""
    may = free - limit.buffer
    if limit.share == ONE:
        return may
    mine = sum((line.open for key, line in row.lines.items() if account_of(key) == account and key != but), ZERO)
    given = ((free + mine) * limit.share).to_integral_value(ROUND_FLOOR)
    return min(may, given - mine)
