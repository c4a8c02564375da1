"""What a stock row knows, as the situation from which `planning.suggest` decides: the code of `streamer plan`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streamer.domain.allocation import waiting
from streamer.domain.calendars import Calendar, calendar_of
from streamer.domain.demand import Booked, daily
from streamer.domain.expectation import Demand
from streamer.domain.planning import Situation
from streamer.domain.policies import AnyPolicy, MinMax
from streamer.domain.projection import Receipt, Stock
from streamer.domain.stock_offers import offers_of
from streamer.domain.stock_rows import DemandRow, Open, StockRow, demand_key
from streamer.domain.stock_rows import Policy as KeptPolicy
from streamer.domain.terms import rates_of
from streamer.domain.times import local_date
from streamer.domain.units import ZERO, day_of, iso_date, utc
from streamer.domain.view import View
from streamer.messages.applied import SettingsApplied

QUARTER_HOUR_MS = 900_000
"""No zone's day begins but on a quarter of an hour, so that a day is the same for all moments of one."""
NO_DEMAND = Demand()


@lru_cache(maxsize=4096)
def _day(quarter: int, zone: str) -> int:
    return local_date(quarter * QUARTER_HOUR_MS, zone).toordinal()


def zone_of(settings: SettingsApplied | None, key: str) -> str:
    """The zone in which the days of a location end: its calendar's, else the company's."""
    if settings is None:
        return "UTC"
    if settings.receiving_calendars:
        calendar = settings.receiving_calendars.get(key.partition("/")[0])
        if calendar is not None:
            return calendar.time_zone
    return settings.time_zone


def day_number(settings: SettingsApplied | None, key: str, now_ms: int) -> int:
    """Today at the row's location, as an ordinal."""
    return _day(now_ms // QUARTER_HOUR_MS, zone_of(settings, key))


def rule_of(policy: KeptPolicy) -> AnyPolicy:
    """The policy that decides: the rule, or the two levels."""
    if policy.rule is not None:
        return policy.rule
    return MinMax(
        reorder_point=policy.reorder_point,
        order_up_to=policy.order_up_to,
        trigger=policy.trigger,  # type: ignore[arg-type]  # checked when it was told
        rounding=policy.rounding,  # type: ignore[arg-type]
    )


def receiving_calendar(settings: SettingsApplied, location: str) -> Calendar:
    """When a location receives; one that says nothing does so on every day of the company's zone."""
    told = settings.receiving_calendars.get(location)
    return calendar_of(told) if told is not None else _every_day(settings.time_zone)


@lru_cache(maxsize=64)
def _every_day(zone: str) -> Calendar:
    return Calendar(weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), time_zone=zone)


def is_own(need_id: str) -> bool:
    """Whether this row's own rule has raised the order: then it counts however late it comes."""
    return need_id.startswith("need:")


def receipts_of(row: StockRow, today: date) -> Iterator[Receipt]:
    """What is on its way; what was delivered and is in no level yet comes today."""
    for need_id, need in row.incoming.items():
        yield receipt_of(need_id, need)
    for change in row.arrived:
        yield Receipt(
            quantity=max(change.delta, ZERO), expected=today, reference="delivered, not counted yet", own=True
        )


def receipt_of(need_id: str, need: Open) -> Receipt:
    return Receipt(
        quantity=need.quantity,
        expected=day_of(need.expected),
        reference=need.reference or need_id,
        draft=need.reference is None,
        own=is_own(need_id),
    )


def demand_of_row(rows: View[Any], key: str, row: StockRow, policy: KeptPolicy, today: date) -> Demand:
    """The history of this SKU and of those it supersedes up to yesterday, and the jobs that are booked.

    A job that has reserved its parts, or waits for them, is in the stock's own numbers; it uses up forecast only.
    """
    told = policy.demand or Demand()
    kept = rows.read(demand_key(key))
    own: tuple[Decimal, ...] = ()
    carried: list[tuple[float, ...]] = []
    if isinstance(kept, DemandRow):
        own = daily(kept.history, today)
        for predecessor in kept.carried:
            other = rows.read(demand_key(key, predecessor))
            if isinstance(other, DemandRow) and (series := daily(other.history, today)):
                carried.append(tuple(map(float, series)))
    booked = tuple(booked_jobs(row, today))
    if told.requirements:
        due = tuple(each for each in told.requirements if each.day >= today)
        return msgspec.structs.replace(told, requirements=due, booked=booked)
    if own or carried:
        history = tuple(map(float, own))
        return msgspec.structs.replace(
            told, history=history, carried_over=tuple(carried), daily_mean=None, booked=booked
        )
    if told.daily_mean is None:
        return msgspec.structs.replace(told, daily_mean=ZERO, booked=booked)
    return msgspec.structs.replace(told, booked=booked)


def booked_jobs(row: StockRow, today: date) -> Iterator[Booked]:
    """Lines with a day on which they are needed; what they reserve later is not in the stock's own numbers yet."""
    for line in row.lines.values():
        if not line.needed_by or (day := day_of(line.needed_by)) is None:
            continue
        reserved = line.open + line.waiting
        quantity = reserved + (line.short if line.reserve_from is not None else ZERO)
        if quantity > 0:
            yield Booked(day=max(day, today), quantity=quantity, reserved=reserved)


def needs_demand(policy: KeptPolicy) -> bool:
    """Whether a forecast is asked for at all."""
    return policy.rule is not None or policy.safety_rule is not None or policy.follow_demand


def successor_of(row: StockRow, now_ms: int) -> str | None:
    """The SKU to order instead, once it takes the place."""
    found = succession_of(row, now_ms)
    return None if found is None else found[0]


def succession_of(row: StockRow, now_ms: int) -> tuple[str, Decimal] | None:
    """The successor, and how many of it do the work of one; the settings' word goes before a platform's."""
    for source in ("settings", "catalogue"):
        facts = row.facts.get(source)
        if facts is not None and facts.superseded_by and (facts.superseded_from or "") <= iso_date(now_ms):
            return facts.superseded_by, facts.superseded_each
    return None


def needed_by(row: StockRow) -> str | None:
    """The first day on which somebody who waits needs it."""
    days = [day for wait in row.queue if (day := row.lines[wait.line_key].needed_by)]
    return min(days, default=None)


def situation_of(
    rows: View[Any], key: str, row: StockRow, policy: KeptPolicy, settings: SettingsApplied, now_ms: int
) -> Situation:
    """Raises Invalid, naming the field, for terms that cannot be."""
    location = key.partition("/")[0]
    receiving = receiving_calendar(settings, location)
    now = utc(now_ms)
    today = now.astimezone(ZoneInfo(receiving.time_zone)).date()
    demand = NO_DEMAND
    if needs_demand(policy):
        demand = demand_of_row(rows, key, row, policy, today)
    elif policy.demand is not None:
        demand = Demand(phase=policy.demand.phase)
    return Situation(
        now=now,
        policy=rule_of(policy),
        stock=Stock(on_hand=row.on_hand, reserved=max(row.reserved, ZERO), waitlisted=waiting(row), safety=row.safety),
        rates=rates_of(settings),
        offers=offers_of(row, settings, policy),
        incoming=tuple(receipts_of(row, today)),
        demand=demand,
        safety_stock=policy.safety_rule,
        supplier_choice=policy.choice,
        needed_by=day_of(needed_by(row)),
        receiving=receiving,
        default_lead_time_days=settings.lead_time_days,
        enough_receipts=settings.enough_receipts,
        snoozed_until=day_of(max(policy.snoozed_until or "", row.snoozed_until or "")),
        superseded_by=successor_of(row, now_ms),
        follow_demand=policy.follow_demand,
    )


def primary_lead_days(row: StockRow, settings: SettingsApplied) -> int:
    """The lead time of the valid offer of the lowest rank, without calendars; 0 where there is none."""
    policy = row.policy
    if policy is not None and policy.lead_time_days is not None:
        return policy.lead_time_days
    known = [
        (offer.rank, code, offer)
        for code, offer in row.offers.items()
        if not offer.withdrawn and code in settings.suppliers
    ]
    if not known:
        return 0
    _, code, offer = min(known, key=lambda each: each[:2])
    days = row.receipts.get(code, [])
    if len(days) >= max(settings.enough_receipts, 2):
        return -(-sum(days) // len(days))
    if offer.lead_time_days is not None:
        return offer.lead_time_days
    of_supplier = settings.suppliers[code].lead_time_days
    return settings.lead_time_days if of_supplier is None else of_supplier
