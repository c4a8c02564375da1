"""Would this item be ordered now, how much, from whom, and why?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from streamer.domain.calendars import EVERY_DAY, Calendar
from streamer.domain.checks import Invalid, days, plausible
from streamer.domain.exchange import Rate, Rates
from streamer.domain.expectation import Demand
from streamer.domain.explaining import explain
from streamer.domain.offers import Candidate, Offer, check_offer
from streamer.domain.planning import Situation, Suggestion, suggest
from streamer.domain.policies import AnyPolicy
from streamer.domain.projection import Receipt, Stock
from streamer.domain.safety import SafetyRule
from streamer.domain.scenarios.answers import Answer, as_json
from streamer.domain.supplier_choice import SupplierChoice


class Replenishment(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="replenishment"
):
    """One item at one location. `currency` is the company's; where it is left out, that of the first offer."""

    now: Annotated[datetime, msgspec.Meta(tz=True)]
    policy: AnyPolicy
    stock: Stock
    offers: tuple[Offer, ...]
    sku: str | None = None
    location: str | None = None
    incoming: tuple[Receipt, ...] = ()
    demand: Demand = Demand()
    safety_stock: SafetyRule | None = None
    supplier_choice: SupplierChoice = "primary"
    needed_by: date | None = None
    calendar: Calendar = EVERY_DAY  # of the receiving location
    currency: str | None = None
    rates: tuple[Rate, ...] = ()
    default_lead_time_days: int = 0
    enough_receipts: int = 5
    snoozed_until: date | None = None
    superseded_by: str | None = None  # the SKU to order instead
    automatic: bool = False  # confirmed for automatic reorder: needs no approval
    follow_demand: bool = False  # a given reorder point rises with what is expected until an order arrives

    def __post_init__(self) -> None:
        plausible("now", self.now.date())
        days("default_lead_time_days", self.default_lead_time_days)
        if self.enough_receipts < 2:
            raise Invalid(f"must be at least 2, is {self.enough_receipts}", field="enough_receipts")
        if not self.offers:
            raise Invalid("must not be empty: nobody could be asked", field="offers")
        if len({offer.supplier for offer in self.offers}) < len(self.offers):
            raise Invalid("names a supplier twice", field="offers")

    def answer(self) -> Answer:
        """Raises Invalid, naming the field."""
        rates = Rates(self.currency or self.offers[0].currency, self.rates)
        situation = Situation(
            now=self.now,
            policy=self.policy,
            stock=self.stock,
            rates=rates,
            offers=self.offers,
            incoming=self.incoming,
            demand=self.demand,
            safety_stock=self.safety_stock,
            supplier_choice=self.supplier_choice,
            needed_by=self.needed_by,
            receiving=self.calendar,
            default_lead_time_days=self.default_lead_time_days,
            enough_receipts=self.enough_receipts,
            snoozed_until=self.snoozed_until,
            superseded_by=self.superseded_by,
            follow_demand=self.follow_demand,
        )
        today = situation.today
        for index, offer in enumerate(self.offers):
            _within(f"offers.{index}", lambda offer=offer: check_offer(offer, today))
        _within("policy", lambda: self.policy.check_today(today))
        _within("demand", lambda: self.demand.check_today(today))
        return self._told(suggest(situation), rates.company)

    def _told(self, suggestion: Suggestion, currency: str) -> Answer:
        taken = suggestion.choice.taken
        return {
            "kind": "replenishment",
            "sku": self.sku,
            "location": self.location,
            "order": bool(suggestion.lots),
            "quantity": as_json(suggestion.quantity),
            "orders": [self._order(lot, taken) for lot in suggestion.lots],
            "approval": None if not suggestion.lots else "not needed" if self.automatic else "needed",
            "why": self._why(suggestion, currency),
        }

    def _order(self, lot: Any, taken: Candidate) -> Answer:
        return {
            "supplier": taken.offer.supplier,
            "supplier_sku": taken.offer.supplier_sku,
            "quantity": as_json(lot),
            "purchase_quantity": as_json(lot / taken.offer.units_per_purchase_unit),
            "unit": taken.offer.unit,
            "order_date": as_json(taken.arrival.ordered),
            "expected_date": as_json(taken.arrival.arrives),
        }

    def _why(self, suggestion: Suggestion, currency: str) -> Answer:
        view, expectation = suggestion.view, suggestion.expectation
        taken, told = suggestion.choice.taken, explain(suggestion)
        numbers = view.projection._asdict()
        numbers.pop("overdue")
        return {
            "policy": told.policy,
            "trigger": told.trigger,
            "decision": told.decision,
            "numbers": as_json(numbers),
            "reorder_point": as_json(told.reorder_point),
            "order_up_to": as_json(told.order_up_to),
            "covers_until": as_json(told.covers_until),
            "safety": told.safety,
            "demand": {
                "words": told.demand,
                "daily_mean": as_json(expectation.daily_mean),
                "daily_deviation": as_json(expectation.daily_deviation),
                "until_arrival": as_json(told.expected_demand),
            },
            "runs_out": as_json(told.runs_out),
            "lead_time": {
                "days": taken.lead_time.days,
                "source": taken.lead_time.source,
                "words": told.lead_time,
                "until_arrival_days": told.lead_days,
                "steps": list(told.arrival),
            },
            "wanted": as_json(told.wanted),
            "rounding_mode": self.policy.rounding,
            "rounding": list(told.rounding),
            "supplier": told.supplier,
            "alternative": told.alternative,
            "cost": as_json({**taken.landed._asdict(), "offer_currency": taken.offer.currency, "currency": currency}),
            "notes": list(told.notes),
        }


def _within(prefix: str, check: Any) -> None:
    try:
        check()
    except Invalid as error:
        raise Invalid(error.reason, field=f"{prefix}.{error.field}") from error
