"""The reorder suggestion of one item at one location: projection, policy, supplier, rounding, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from streamer.domain.calendars import EVERY_DAY, Calendar, arrival
from streamer.domain.checks import ZERO, Invalid
from streamer.domain.deciding import decide
from streamer.domain.economic import PriceBreak, best_quantity
from streamer.domain.exchange import Rates
from streamer.domain.expectation import Demand, Expectation, expect
from streamer.domain.offers import Candidate, Offer, candidate, is_valid, lead_time_of
from streamer.domain.outlook import Outlook, Wanted, horizon_days
from streamer.domain.policies import (
    AnyPolicy,
    DaysOfCover,
    EconomicQuantity,
    FixedPeriod,
    FixedQuantity,
    MinMax,
    OrderUpTo,
)
from streamer.domain.projection import Projection, Receipt, Stock, project, receipts_by_day, run_out, stock_by_day
from streamer.domain.safety import Fixed, SafetyRule, SafetyStock, Spread, safety_stock
from streamer.domain.supplier_choice import Choice, SupplierChoice, choose
from streamer.messages.base import plain


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """All that a suggestion is made from. `offers` have passed `check_offer`; costs are in `rates.company`."""

    now: datetime
    policy: AnyPolicy
    stock: Stock
    rates: Rates
    offers: tuple[Offer, ...]
    incoming: tuple[Receipt, ...] = ()
    demand: Demand = Demand()  # frozen
    safety_stock: SafetyRule | None = None  # replaces the stock's own buffer
    supplier_choice: SupplierChoice = "primary"
    needed_by: date | None = None
    receiving: Calendar = EVERY_DAY
    default_lead_time_days: int = 0
    enough_receipts: int = 5
    snoozed_until: date | None = None
    superseded_by: str | None = None  # then nothing is ordered here
    follow_demand: bool = False  # a given reorder point rises with what is expected until an order arrives

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.receiving.time_zone)).date()


class View(NamedTuple):
    """The situation as it looks with one offer: its lead time sets the horizon."""

    candidate: Candidate
    wanted: Wanted
    projection: Projection
    safety: SafetyStock
    lead_days: int


class Suggestion(NamedTuple):
    """What to order, from whom, and all that led to it. `lots` is empty when nothing is to be ordered."""

    lots: tuple[Decimal, ...]
    view: View
    choice: Choice
    expectation: Expectation
    runs_out: date | None  # before an order placed today arrives
    notes: tuple[str, ...]
    policy: AnyPolicy

    @property
    def quantity(self) -> Decimal:
        return sum(self.lots, ZERO)


def suggest(situation: Situation) -> Suggestion:
    """Look at each valid offer, choose one by rule, and order what the policy wants with its lead time.

    Raises Invalid, naming the field, where there is no valid offer or the policy lacks what it needs.
    """
    today = situation.today
    usable = [offer for offer in situation.offers if is_valid(offer, today)]
    notes = [_not_valid(offer, today) for offer in situation.offers if offer not in usable]
    if not usable:
        raise Invalid(f"none is valid on {today}", field="offers")
    lead_days = [_lead_days(situation, offer, today) for offer in usable]
    horizon = max(horizon_days(situation.policy, days, today) for days in lead_days)
    expectation = expect(situation.demand, today, horizon)
    views = [_view(situation, offer, days, expectation, today) for offer, days in zip(usable, lead_days, strict=True)]
    choice = choose(
        [view.candidate for view in views], situation.supplier_choice, situation.rates.company, situation.needed_by
    )
    view = next(view for view in views if view.candidate is choice.taken)
    notes.extend(view.projection.overdue)
    lots = choice.taken.lots.quantities
    if situation.snoozed_until is not None and today < situation.snoozed_until and lots:
        notes.append(f"snoozed until {situation.snoozed_until}: {sum(lots, ZERO):f} would be ordered")
        lots = ()
    days = min(len(expectation.by_day), view.lead_days)
    opening = _opening(situation.stock, view.safety.quantity) + view.safety.quantity
    by_day = stock_by_day(opening, receipts_by_day(situation.incoming, today, days), expectation.by_day[:days])
    return Suggestion(lots, view, choice, expectation, run_out(by_day, today), tuple(notes), situation.policy)


def _not_valid(offer: Offer, today: date) -> str:
    if offer.valid_from is not None and offer.valid_from > today:
        return f"{offer.supplier}: not taken, valid from {offer.valid_from}"
    return f"{offer.supplier}: not taken, was valid until {offer.valid_until}"


def _lead_days(situation: Situation, offer: Offer, today: date) -> int:
    """From today until an order placed now can be used: lead time, cut-off and both calendars."""
    time = lead_time_of(offer, situation.default_lead_time_days, situation.enough_receipts)
    expected = arrival(
        situation.now, time.days, supplier=offer.calendar, receiving=situation.receiving, unit=offer.lead_time_unit
    )
    return max((expected.arrives - today).days, 0)


def _view(situation: Situation, offer: Offer, lead_days: int, expectation: Expectation, today: date) -> View:
    policy, stock = situation.policy, situation.stock
    breaks = _breaks(offer, situation.rates, today)
    safety = _safety(situation, offer, lead_days, expectation, breaks)
    horizon = today + timedelta(days=lead_days)
    jobs = situation.demand.booked if counts_jobs(policy) else ()
    projection = project(stock, situation.incoming, today, horizon, jobs, safety.quantity)
    outlook = Outlook(
        today=today,
        lead_days=lead_days,
        projected=projection.projected,
        opening=_opening(stock, safety.quantity),
        receipts=receipts_by_day(situation.incoming, today, len(expectation.by_day)),
        expected=expectation.by_day,
        breaks=breaks,
        scheme=offer.price_scheme,
    )
    policy, lifted = _lifted(policy, outlook) if situation.follow_demand else (policy, "")
    wanted = _within_life(decide(policy, outlook), situation, horizon, projection)
    if lifted:
        wanted = wanted._replace(words=f"{wanted.words} ({lifted})")
    room = None if wanted.order_up_to is None else wanted.order_up_to - projection.projected
    chosen = candidate(
        offer,
        wanted.quantity,
        situation.now,
        situation.rates,
        mode=policy.rounding,
        room=room,
        urgent=projection.projected + projection.safety < 0,
        receiving=situation.receiving,
        default_lead_time_days=situation.default_lead_time_days,
        enough_receipts=situation.enough_receipts,
    )
    return View(chosen, wanted, projection, safety, lead_days)


def _lifted(policy: AnyPolicy, outlook: Outlook) -> tuple[AnyPolicy, str]:
    """The policy with its given levels raised to what is expected until an order arrives, and the words for it."""
    if not isinstance(policy, MinMax | FixedQuantity) or policy.reorder_point is None or not outlook.expected:
        return policy, ""
    expected = round(outlook.demand(outlook.lead_days), 6).to_integral_value(ROUND_CEILING)
    more = expected - policy.reorder_point
    if more <= 0:
        return policy, ""
    words = (
        f"raised from {plain(policy.reorder_point)}, since {plain(expected)} are expected over "
        f"{outlook.lead_days} days of lead time"
    )
    if isinstance(policy, MinMax):
        return replace(policy, reorder_point=expected, order_up_to=policy.order_up_to + more), words
    return replace(policy, reorder_point=expected), words


def counts_jobs(policy: AnyPolicy) -> bool:
    """Whether booked jobs come off the projection: where levels are given. Levels from a forecast hold them already."""
    match policy:
        case MinMax():
            return True
        case FixedQuantity() | EconomicQuantity():
            return policy.reorder_point is not None
        case OrderUpTo():
            return policy.order_up_to is not None
        case _:
            return False


def usual_lot(policy: AnyPolicy, daily_mean: float, lead_days: int, breaks: Sequence[PriceBreak]) -> float:
    """The order quantity that a fill rate is reckoned with: at least 1."""
    lot = daily_mean * max(lead_days, 1)
    match policy:
        case FixedQuantity():
            lot = float(policy.quantity)
        case MinMax():
            lot = float(policy.order_up_to - policy.reorder_point)
        case OrderUpTo():
            lot = daily_mean * policy.review_days
        case FixedPeriod():
            lot = daily_mean * policy.period_days
        case DaysOfCover():
            lot = daily_mean * (policy.target_days - policy.minimum_days)
        case EconomicQuantity() if breaks and (policy.yearly_demand or daily_mean):
            yearly = policy.yearly_demand or Decimal(f"{daily_mean * 365:.6f}")
            lot = float(best_quantity(yearly, policy.order_cost, policy.holding_rate, breaks).quantity)
        case _:
            pass
    return max(lot, 1.0)


def _safety(
    situation: Situation, offer: Offer, lead_days: int, expectation: Expectation, breaks: Sequence[PriceBreak]
) -> SafetyStock:
    rule = situation.safety_stock
    if rule is None:
        return safety_stock(Fixed(quantity=situation.stock.safety), Spread(0.0, 0.0, 0.0))
    if not isinstance(rule, Fixed) and not expectation.by_day:
        raise Invalid("is needed for a safety stock from days or a service level", field="demand")
    policy = situation.policy
    review = policy.review_days if isinstance(policy, OrderUpTo) else 0
    time = lead_time_of(offer, situation.default_lead_time_days, situation.enough_receipts)
    spread = Spread(expectation.daily_mean, expectation.daily_deviation, float(lead_days + review), time.deviation)
    return safety_stock(rule, spread, usual_lot(policy, expectation.daily_mean, lead_days, breaks))


def _within_life(wanted: Wanted, situation: Situation, horizon: date, projection: Projection) -> Wanted:
    """An item that is phased out before an order arrives is bought only for those who wait; a superseded one never."""
    if situation.superseded_by is not None:
        words = f"superseded by {situation.superseded_by}: order that one ({wanted.words})"
        return wanted._replace(quantity=ZERO, words=words)
    ends = situation.demand.phase.phase_out
    if ends is None or ends > horizon:
        return wanted
    promised = max(ZERO, -(projection.projected + projection.safety))
    quantity = min(wanted.quantity, promised)
    return wanted._replace(quantity=quantity, words=f"{wanted.words}; phased out on {ends}: only what is promised")


def _opening(stock: Stock, safety: Decimal) -> Decimal:
    return stock.on_hand + stock.substitutes - stock.reserved - stock.waitlisted - safety


def _breaks(offer: Offer, rates: Rates, today: date) -> tuple[PriceBreak, ...]:
    """The offer's prices for one stock unit in the company's currency."""
    each, rate = offer.units_per_purchase_unit, rates.rate(offer.currency, today)
    return tuple(
        PriceBreak(minimum_quantity=step.minimum_quantity * each, unit_price=step.unit_price * rate / each)
        for step in offer.breaks
    )
