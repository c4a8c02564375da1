"""What follows from any change of a stock row, in the same write: who is served, told, and what is ordered."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from streamer.domain.allocation import Touched, committed_parts, free_in_all, promise, serve, take_back, uncovered
from streamer.domain.channels import rules_of
from streamer.domain.policies import OrderUpTo
from streamer.domain.schedule import next_time_ms
from streamer.domain.stock_answers import answer
from streamer.domain.stock_jobs import short_jobs
from streamer.domain.stock_lines import give_back, is_done
from streamer.domain.stock_memory import finish
from streamer.domain.stock_needs import reorder
from streamer.domain.stock_planning import zone_of
from streamer.domain.stock_rows import (
    StockRow,
)
from streamer.domain.units import DAY_MS, ZERO
from streamer.domain.view import View
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id, part_key
from streamer.messages.recalls import PartHolding

HOUR_MS = 3_600_000
"""So long a first level may take before a line that waits for a part nobody has counted makes us order it."""
START_OF_DAY = "5 0 * * *"
SPREAD_SECONDS = 600
"""Rows that are due at one moment are looked at over ten minutes, so that order lines need not wait for all."""
REMEMBER_DAYS = 40  # until settings say otherwise

Rows = View[Any]


def remembering_ms(settings: SettingsApplied | None) -> int:
    """How long ids of what came from platforms are kept, in milliseconds."""
    return (settings.remember_days if settings is not None else REMEMBER_DAYS) * DAY_MS


def plan_check(row: StockRow, now_ms: int, settings: SettingsApplied | None, key: str) -> None:
    """When the row shall be looked at again without an event: by the schedule, and at least once a day."""
    if not row.counted and row.queue and row.offers and not row.incoming:
        row.check_ms = min(row.check_ms or now_ms + HOUR_MS, now_ms + HOUR_MS)
    if row.check_ms is None and _has_to_be_looked_at(row):
        row.check_ms = _next_check_ms(row, now_ms, settings, key)
    if row.check_ms is not None and (row.due is None or row.check_ms < row.due):
        row.due = row.check_ms


def _has_to_be_looked_at(row: StockRow) -> bool:
    """Something to order, to forget or to write down; or its demand to hand over on the day when it is superseded."""
    if row.policy is not None or row.offers or row.finished or row.arrived or row.asked_day:
        return True
    return any(facts.superseded_from for facts in row.facts.values())


def _next_check_ms(row: StockRow, now_ms: int, settings: SettingsApplied | None, key: str) -> int:
    apart_ms = crc32(key.encode()) % SPREAD_SECONDS * 1000
    next_ms = now_ms + DAY_MS - apart_ms
    if settings is None:
        return next_ms
    if settings.reconcile is not None and (row.offers or row.policy is not None):
        next_ms = min(next_ms, next_time_ms(settings.reconcile, settings.time_zone, now_ms) + apart_ms)
    if row.policy is not None and isinstance(
        row.policy.rule, OrderUpTo
    ):  # no day may be left out: it may be the review
        next_ms = min(next_ms, next_time_ms(START_OF_DAY, zone_of(settings, key), now_ms) + apart_ms)
    return next_ms


def settle(
    rows: Rows,
    key: str,
    row: StockRow,
    touched: Touched,
    settings: SettingsApplied | None,
    cause: str,
    *,
    uncounted: bool = False,
    closely: bool = False,
) -> list[Message]:
    """What follows from any change of the row, in the same write: serve who waits, tell the lines, order more."""
    said: list[Message] = []
    now_ms = rows.now_ms
    if row.quarantined is None:
        if row.counts == "available" and free_in_all(row) < 0:  # what the platform had set aside has become less
            said += shortage(key, row, settings, touched, cause)
        if row.queue:
            serve(row, touched, rules_of(row, settings))
            promise(row, touched)
        for line_key, reason in touched.items():
            line = row.lines[line_key]
            said.append(answer(key, line_key, line, reason, now_ms))
            if is_done(line) and not committed_parts(row, line_key, line)[0]:  # else its platform still counts it
                give_back(row, line_key, line)
                finish(rows, row, line_key, line.revision, line.shipped, remembering_ms(settings))
        said += reorder(rows, key, row, settings, cause, uncounted=uncounted, closely=closely)
        if row.queue:
            said += short_jobs(key, row, settings, now_ms)
    if row.check_ms is None or row.due is None or not row.counted:
        plan_check(row, now_ms, settings, key)
    return said


def shortage(key: str, row: StockRow, settings: SettingsApplied | None, touched: Touched, cause: str) -> list[Message]:
    """Takes back what is promised and not there, as far as the rule allows, and tells people."""
    if row.quarantined is not None:
        return []
    take = settings is None or settings.allocation.shortage != "tell_only"
    lost = take_back(row, touched) if take else ZERO
    said = _tell_uncovered(key, row, settings, cause)
    if not lost or settings is None or settings.notify_account is None:
        return said
    lines = ", ".join(touched)
    answers = [f"{name}.{row.lines[name].decision}" for name in touched]
    return [
        *said,
        NotifyCommand(
            command_id=command_id("notify", "shortage", key, *answers),
            account=settings.notify_account,
            object=f"stock/{key}",
            cause=cause,
            subject=f"{key}: {plain(lost)} short",
            text=f"{cause}: less than was promised. Lines that lost their reservation: {lines}"[:4000],
            severity="urgent",
            link=f"/stock/{key}",
        ),
    ]


def _tell_uncovered(key: str, row: StockRow, settings: SettingsApplied | None, cause: str) -> list[Message]:
    """What nobody may take back is told when it grows, once."""
    short = uncovered(row)
    before, row.uncovered = row.uncovered, short
    if short <= before or settings is None or settings.notify_account is None:
        return []
    confirmed = ", ".join(name for name, line in row.lines.items() if line.open > 0)
    return [
        NotifyCommand(
            command_id=command_id("notify", "uncovered", key, plain(short), str(row.as_of_ms), cause),
            account=settings.notify_account,
            object=f"stock/{key}",
            cause=cause,
            subject=f"{key}: {plain(short)} promised and not there",
            text=f"{cause}: what is promised for good is not there. Lines that hold it: {confirmed}"[:4000],
            severity="urgent",
            link=f"/stock/{key}",
        )
    ]


def row_at(rows: Rows, key: str) -> StockRow:
    """The row, to be changed; a new one where there is none."""
    row = rows.edit(key)
    if row is None:
        row = StockRow()
        rows.put(key, row)
    assert isinstance(row, StockRow)
    return row


def refuse_in_quarantine(row: StockRow) -> None:
    """Raises Refused: what needs a decision becomes a dead letter until an operator releases the row."""
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")


def authorities_of(settings: SettingsApplied | None, location: str) -> list[str]:
    """The accounts whose levels hold at a location; none means that any account's do."""
    if settings is None:
        return []
    return [account for account, facts in settings.accounts.items() if location in facts.authority]


def tell_holding(key: str, row: StockRow) -> list[Message]:
    """Where a numbered part lies, a recall of it must reach this row."""
    if not row.facts or row.on_hand <= 0:
        return []
    number = next((facts.part_number for facts in row.facts.values() if facts.part_number), None)
    compared = part_key(number) if number is not None else None
    if number is None or compared == row.holding:
        return []
    row.holding = compared
    location, _, sku = key.partition("/")
    return [PartHolding(part_number=number, sku=sku, location=location)]
