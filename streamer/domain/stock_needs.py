"""The reorder decision of one stock row. The need and the open quantity it adds are one change of the row.

A look from far is cheap and is all that most events need: is there enough, with what is on its way? Where there is not,
`planning.suggest` decides, the code of `streamer plan`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec.structs import replace

from streamer.domain.allocation import free, waiting
from streamer.domain.calendars import review_day
from streamer.domain.checks import Invalid
from streamer.domain.planning import Suggestion, suggest
from streamer.domain.policies import AnyPolicy, DynamicLot, FixedPeriod, LastBuy, LotForLot, OrderUpTo
from streamer.domain.stock_notices import late, unable
from streamer.domain.stock_ordering import needs_of
from streamer.domain.stock_planning import day_number, is_own, situation_of, successor_of
from streamer.domain.stock_rows import Policy, StockRow
from streamer.domain.units import ZERO, utc
from streamer.domain.view import View as Partition
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message

WAITING_ONLY = Policy(version=0, reorder_point=ZERO, order_up_to=ZERO)
"""Without a policy only what somebody waits for is ordered, and a person approves it."""


class Position(NamedTuple):
    """Where a row stands; `incoming_later` arrives after today plus the lead time."""

    on_hand: Decimal
    reserved: Decimal
    waitlisted: Decimal
    incoming: Decimal
    incoming_later: Decimal
    safety: Decimal

    @property
    def projected(self) -> Decimal:
        """Available plus what arrives within the lead time."""
        return self.on_hand + self.incoming - self.reserved - self.waitlisted - self.safety


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
    rows: Partition[Any],
    key: str,
    row: StockRow,
    settings: SettingsApplied | None,
    cause: str,
    *,
    uncounted: bool,
    closely: bool = False,
) -> list[Message]:
    """Needs for what is missing, where the row may order: settings, an offer of a known supplier, no pause.

    Before anything has said what lies there, no policy holds: a fresh installation must not fill the house. Then
    (`uncounted`, some time later) only what somebody waits for is ordered, with a person's approval. `closely` is the
    scheduled look, which works out the levels of a policy afresh.
    """
    policy = row.policy if row.counted else None
    if policy is not None and row.queue and is_done(policy):
        policy = None
    if policy is None and row.queue and (row.counted or uncounted):
        policy = WAITING_ONLY
    now_ms = rows.now_ms
    if policy is None or not row.offers or settings is None or now_ms < row.no_need_before_ms or row.holds:
        return []  # what a recall holds back is not bought again
    known = policy.rule is None or policy.levels_day
    if known and not closely and not row.queue and not is_due(free(row), policy):
        return []  # the common case: even without what is on its way there is enough
    covered = _covered(row)
    by_level = policy.rule is None or (known and not closely and not _looks_day_by_day(policy.rule))
    if by_level and not is_due(covered, policy):
        return late(key, row, settings, now_ms, policy)
    if not closely and policy.nothing_at is not None and covered >= policy.nothing_at:
        return []
    return _close_look(rows, key, row, policy, settings, cause, covered)


def propose(rows: Partition[Any], key: str, row: StockRow, settings: SettingsApplied) -> Suggestion | None:
    """What a close look would order now; changes nothing. None where the row may not order. Raises Invalid."""
    policy = row.policy if row.counted else None
    if policy is not None and is_done(policy):
        policy = None
    if policy is None and row.queue and row.counted:
        policy = WAITING_ONLY
    if policy is None or not row.offers:
        return None
    return suggest(situation_of(rows, key, row, policy, settings, rows.now_ms))


def is_due(level: Decimal, policy: Policy) -> bool:
    """Whether a level calls for an order: strictly below the reorder point, or also at it."""
    point = policy.reorder_point
    return level < point or (policy.trigger == "at_or_below" and level == point)


def is_done(policy: Policy) -> bool:
    """A last buy is made once."""
    return bool(policy.done_day) and isinstance(policy.rule, LastBuy)


def _looks_day_by_day(rule: AnyPolicy | None) -> bool:
    """Whether a receipt that comes too late in the lead time does not count; then a sum says too little."""
    return isinstance(rule, LotForLot | FixedPeriod | DynamicLot)


def _covered(row: StockRow) -> Decimal:
    """What is free with all that is on its way, less what people wait for."""
    covered = free(row)
    for need_id, need in row.incoming.items():
        if is_own(need_id):  # another order counts only if it comes in time, which a close look knows
            covered += need.quantity
    for change in row.arrived:
        covered += change.delta
    return covered - waiting(row) if row.queue else covered


def _close_look(
    rows: Partition[Any], key: str, row: StockRow, policy: Policy, settings: SettingsApplied, cause: str,
    covered: Decimal,
) -> list[Message]:  # fmt: skip
    now_ms = rows.now_ms
    today = day_number(settings, key, now_ms)
    try:
        situation = situation_of(rows, key, row, policy, settings, now_ms)
        if isinstance(policy.rule, OrderUpTo) and _missed_review(policy.rule, policy.levels_day, today):
            situation = replace(situation, policy=replace(policy.rule, first_review=date.fromordinal(today)))
        suggestion = suggest(situation)
    except Invalid as error:
        if policy is not WAITING_ONLY:
            policy.nothing_at = covered
        return unable(key, row, settings, str(error))
    if policy.rule is not None:
        _note_levels(row, policy, suggestion, today)
    ordered_today = policy.done_day == today and isinstance(policy.rule, OrderUpTo)
    if not suggestion.lots or is_done(policy) or ordered_today:
        if policy is not WAITING_ONLY:
            policy.nothing_at = covered
        successor = successor_of(row, now_ms)
        if successor is not None and row.queue and covered < 0:
            return unable(key, row, settings, f"it is superseded by {successor}, and lines still wait for it")
        row.unable = None
        return late(key, row, settings, now_ms, policy)
    row.unable = None
    if policy is not WAITING_ONLY:
        policy.nothing_at = None
        policy.done_day = today if isinstance(policy.rule, OrderUpTo | LastBuy) else 0
    return needs_of(key, row, now_ms, cause, policy, suggestion, settings)


def _missed_review(rule: OrderUpTo, looked_day: int, today: int) -> bool:
    """Whether a review fell on a day since the last look, on which the installation stood still: it is made up for."""
    if not 0 < looked_day < today:
        return False
    due = review_day(date.fromordinal(looked_day + 1), rule.first_review, rule.review_days)
    return due < date.fromordinal(today)


def _note_levels(row: StockRow, policy: Policy, suggestion: Suggestion, today: int) -> None:
    """What the rule says today, in terms of what is free: below it, the next event looks closely."""
    view = suggestion.view
    wanted = view.wanted
    more_safety = view.safety.quantity - row.safety
    if _looks_day_by_day(policy.rule):
        level = sum(suggestion.expectation.by_day[: view.lead_days + 1], ZERO)
    elif isinstance(policy.rule, OrderUpTo):
        level = ZERO  # only the scheduled look of a review day orders
    elif isinstance(policy.rule, LastBuy):
        level = ZERO if policy.done_day else wanted.order_up_to or ZERO
    else:
        level = wanted.reorder_point or ZERO
    up_to = wanted.order_up_to
    if up_to is None:
        up_to = max(level, view.projection.projected + wanted.quantity)
    policy.reorder_point = level + more_safety
    policy.order_up_to = max(up_to + more_safety, policy.reorder_point)
    policy.trigger = suggestion.policy.trigger
    policy.rounding = suggestion.policy.rounding
    policy.levels_day = today
