"""The reorder decision of one stock row. The need and the open quantity it adds are one change of the row."""

from __future__ import annotations

from datetime import timedelta

from streamer.domain.allocation import free, waiting
from streamer.domain.replenishment import ONE, Choice, Position, choose, rounded, triggered
from streamer.domain.stock_rows import Open, Policy, StockRow
from streamer.domain.units import ZERO, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import Need, Why

WAITING_ONLY = Policy(version=0, reorder_point=ZERO, order_up_to=ZERO)
"""Without a policy only what somebody waits for is ordered, and a person approves it."""


def lead_time_days(row: StockRow, settings: SettingsApplied) -> int:
    """The item's own lead time, else that of the supplier we would order from."""
    if row.policy is not None and row.policy.lead_time_days is not None:
        return row.policy.lead_time_days
    choice = choose(row.offers, settings.suppliers)
    return choice.offer.lead_time_days if choice else 0


def position(row: StockRow, now_ms: int, lead_days: int) -> Position:
    """Delivered goods that no level counts yet are still incoming; so is a need whose date nobody has told."""
    incoming = later = ZERO
    if row.incoming:
        horizon = (utc(now_ms) + timedelta(days=lead_days)).date().isoformat()
        for need in row.incoming.values():
            if need.expected is not None and need.expected > horizon:
                later += need.quantity
            else:
                incoming += need.quantity
    incoming += sum((change.delta for change in row.arrived), ZERO)
    waits = waiting(row) if row.queue else ZERO
    return Position(row.on_hand, row.reserved, waits, incoming, later, row.safety)


def reorder(
    key: str, row: StockRow, settings: SettingsApplied | None, now_ms: int, cause: str, *, uncounted: bool
) -> list[Message]:
    """A need for what is missing, where the row may order: settings, an offer of a known supplier, no pause.

    Before anything has said what lies there, no policy holds: a fresh installation must not fill the house. Then
    (`uncounted`, some time later) only what somebody waits for is ordered, with a person's approval.
    """
    policy = row.policy if row.counted else None
    if policy is None and row.queue and (row.counted or uncounted):
        policy = WAITING_ONLY
    if policy is None or not row.offers or settings is None or now_ms < row.no_need_before_ms:
        return []
    if not row.queue and not triggered(free(row), policy.reorder_point, policy.trigger):
        return []  # the common case: even without what is on its way there is enough
    lead_days = lead_time_days(row, settings)
    stand = position(row, now_ms, lead_days)
    if not triggered(stand.projected, policy.reorder_point, policy.trigger):
        return []
    if not triggered(stand.covered, policy.reorder_point, policy.trigger):
        return _late(key, row, settings, now_ms, lead_days, stand)
    choice = choose(row.offers, settings.suppliers)
    if choice is None or policy.order_up_to <= stand.covered:
        return []
    return _need(key, row, now_ms, cause, lead_days, stand, policy, choice)


def _need(
    key: str, row: StockRow, now_ms: int, cause: str, lead_days: int, stand: Position, policy: Policy, choice: Choice
) -> list[Message]:
    wanted = policy.order_up_to - stand.covered
    offer = choice.offer
    urgent = stand.covered < 0 and bool(row.queue)
    multiple = offer.order_multiple or ONE
    quantity, steps = rounded(wanted, policy.rounding, offer.minimum_quantity, multiple, urgent=urgent)
    if quantity <= 0:
        return []
    location, _, sku = key.partition("/")
    need_id = ""
    while not need_id or need_id in row.incoming or need_id in row.finished:
        row.reorder_seq += 1
        need_id = f"need:{key}/{row.reorder_seq}"
    row.incoming = {**row.incoming, need_id: Open(quantity, choice.supplier)}
    why = Why(
        on_hand=stand.on_hand,
        reserved=stand.reserved,
        waitlisted=stand.waitlisted,
        incoming=stand.incoming,
        incoming_later=stand.incoming_later,
        safety=stand.safety,
        projected=stand.projected,
        reorder_point=policy.reorder_point,
        order_up_to=policy.order_up_to,
        trigger=policy.trigger,
        wanted=wanted,
        rounding=steps,
        lead_time_days=lead_days,
        supplier=choice.supplier,
        alternative=choice.alternative,
        cause=cause,
    )
    return [
        Need(
            need_id=need_id,
            supplier=choice.supplier,
            sku=sku,
            location=location,
            quantity=quantity,
            unit=offer.unit,
            supplier_sku=offer.supplier_sku,
            description=_description(row),
            unit_price=offer.unit_price,
            currency=offer.currency,
            lead_time_days=lead_days,
            needed_by=_needed_by(row),
            automatic=policy.automatic,
            at=utc(now_ms),
            why=why,
        )
    ]


def _needed_by(row: StockRow) -> str | None:
    days = [day for wait in row.queue if (day := row.lines[wait.line_key].needed_by)]
    return min(days, default=None)


def _description(row: StockRow) -> str | None:
    return next((facts.description for facts in row.facts.values() if facts.description), None)


def _late(
    key: str, row: StockRow, settings: SettingsApplied, now_ms: int, lead_days: int, stand: Position
) -> list[Message]:
    """Enough is ordered, but too late: people are told once for each need and date."""
    if settings.notify_account is None:
        return []
    horizon = (utc(now_ms) + timedelta(days=lead_days)).date().isoformat()
    told: list[Message] = []
    for need_id, need in row.incoming.items():
        if need.expected is None or need.expected <= horizon or need.late_told == need.expected:
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
                    f"{need.expected}; until then {plain(stand.projected)} are projected. Nothing more was ordered."
                ),
                severity="warning",
                link=f"/stock/{key}",
            )
        )
    return told
