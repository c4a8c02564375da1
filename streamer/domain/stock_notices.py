"""What a stock row tells people about its orders: too late, or not possible at all."""

from __future__ import annotations

from datetime import timedelta

from streamer.domain.allocation import free, waiting
from streamer.domain.stock_planning import is_own, primary_lead_days
from streamer.domain.stock_rows import Policy, StockRow
from streamer.domain.units import ZERO, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id


def late(key: str, row: StockRow, settings: SettingsApplied, now_ms: int, policy: Policy) -> list[Message]:
    """Enough is ordered, but too late: people are told once for each need and date."""
    if settings.notify_account is None:
        return []
    untold = [
        (need_id, need)
        for need_id, need in row.incoming.items()
        if need.expected is not None and need.late_told != need.expected and is_own(need_id)
    ]
    if not untold:
        return []
    horizon = (utc(now_ms) + timedelta(days=primary_lead_days(row, settings))).date().isoformat()
    in_time = sum(
        (need.quantity for need in row.incoming.values() if need.expected is None or need.expected <= horizon), ZERO
    )
    arrived = sum((change.delta for change in row.arrived), ZERO)
    projected = free(row) + in_time + arrived - (waiting(row) if row.queue else ZERO)
    point = policy.reorder_point
    if projected > point or (projected == point and policy.trigger != "at_or_below"):
        return []
    told: list[Message] = []
    for need_id, need in untold:
        if need.expected is None or need.expected <= horizon:
            continue
        need.late_told = need.expected
        told.append(
            NotifyCommand(
                command_id=command_id("notify", "late", need_id, need.expected),
                account=settings.notify_account,
                object=f"stock/{key}",
                cause=need_id,
                subject=f"{key}: delivery comes late",
                text=(
                    f"{plain(need.quantity)} of {key} ({need.reference or 'not yet ordered'}) are promised for "
                    f"{need.expected}; until then {plain(projected)} are projected. Nothing more was ordered."
                ),
                severity="warning",
                link=f"/stock/{key}",
            )
        )
    return told


def unable(key: str, row: StockRow, settings: SettingsApplied, reason: str) -> list[Message]:
    """Something is missing and cannot be ordered: people are told once for each reason."""
    if row.unable == reason:
        return []
    row.unable = reason
    if settings.notify_account is None:
        return []
    return [
        NotifyCommand(
            command_id=command_id("notify", "unable", key, reason),
            account=settings.notify_account,
            object=f"stock/{key}",
            cause=reason,
            subject=f"{key}: cannot be ordered",
            text=f"{key} is to be ordered, and cannot: {reason}",
            severity="urgent",
            link=f"/stock/{key}",
        )
    ]
