"""The whole suggestion: projection, policy, supplier, rounding, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.calendars import Calendar
from streamer.domain.checks import Invalid
from streamer.domain.demand import Booked, Phase
from streamer.domain.economic import PriceBreak
from streamer.domain.exchange import Rate, Rates
from streamer.domain.expectation import Demand
from streamer.domain.offers import Offer
from streamer.domain.planning import Situation, Suggestion, suggest
from streamer.domain.policies import (
    EconomicQuantity,
    FixedQuantity,
    LotForLot,
    MinMax,
    OrderUpTo,
)
from streamer.domain.projection import Receipt, Stock
from streamer.domain.safety import CycleService, Days, FillRate

D = Decimal
TODAY = date(2026, 11, 24)  # a Tuesday
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
EUROS = Rates("EUR", (Rate(currency="USD", day=date(2026, 1, 1), rate=D("0.5")),))


def offer(**terms: Any) -> Offer:
    usual: dict[str, Any] = {"supplier": "ACME", "currency": "EUR", "unit_price": D(10), "lead_time_days": 5}
    return Offer(**(usual | terms))


def asked(**values: Any) -> Suggestion:
    defaults: dict[str, Any] = {
        "now": NOW,
        "policy": MinMax(reorder_point=D(10), order_up_to=D(40)),
        "stock": Stock(on_hand=D(5)),
        "rates": EUROS,
        "offers": (offer(),),
    }
    return suggest(Situation(**(defaults | values)))


def test_a_shortage_is_ordered_up_to_the_maximum() -> None:
    suggestion = asked()

    assert suggestion.lots == (D(35),)
    assert suggestion.choice.words == "ACME at 10 EUR, 2026-11-29: the only offer"


def test_what_the_first_run_ordered_keeps_the_second_from_ordering() -> None:
    first = asked()

    second = asked(incoming=(Receipt(quantity=first.quantity, expected=None, draft=True, own=True),))

    assert second.lots == ()


@given(
    on_hand=st.integers(-20, 60),
    point=st.integers(0, 40),
    extra=st.integers(0, 40),
    multiple=st.integers(1, 30),
    minimum=st.integers(0, 50),
    trigger=st.sampled_from(["below", "at_or_below"]),
)
def test_two_runs_never_order_twice(
    on_hand: int, point: int, extra: int, multiple: int, minimum: int, trigger: Any
) -> None:
    values: dict[str, Any] = {
        "policy": MinMax(reorder_point=D(point), order_up_to=D(point + extra), trigger=trigger),
        "stock": Stock(on_hand=D(on_hand)),
        "offers": (offer(order_multiple=D(multiple), minimum_quantity=D(minimum)),),
    }

    first = asked(**values)
    second = asked(**values, incoming=(Receipt(quantity=first.quantity, own=True),))

    assert second.lots == ()


def test_the_lead_time_of_the_supplier_decides_what_arrives_in_time() -> None:
    incoming = (Receipt(quantity=D(20), expected=TODAY + timedelta(days=8)),)

    assert asked(incoming=incoming, offers=(offer(lead_time_days=5),)).quantity == 35
    assert asked(incoming=incoming, offers=(offer(lead_time_days=8),)).quantity == 0


def test_weekend_and_cut_off_of_the_supplier_lengthen_the_lead_time() -> None:
    closed = Calendar(cut_off=time(8))

    suggestion = asked(offers=(offer(calendar=closed, lead_time_unit="working_days"),))

    assert suggestion.choice.taken.arrival.arrives == date(2026, 12, 2)
    assert suggestion.view.lead_days == 8
    assert suggestion.choice.taken.arrival.steps[0].startswith("ordered on 2026-11-25")


def test_up_within_the_maximum_stops_where_the_shelf_is_full() -> None:
    policy = MinMax(reorder_point=D(10), order_up_to=D(40), rounding="up_within_maximum")

    assert asked(policy=policy, offers=(offer(order_multiple=D(20)),)).quantity == 20


def test_a_full_shelf_is_no_reason_to_let_customers_wait() -> None:
    policy = MinMax(reorder_point=D(1), order_up_to=D(5), rounding="up_within_maximum")
    offers = (offer(order_multiple=D(20)),)

    assert asked(policy=policy, offers=offers, stock=Stock(on_hand=D(0))).quantity == 0
    assert asked(policy=policy, offers=offers, stock=Stock(on_hand=D(0), waitlisted=D(1))).quantity == 20


def test_the_cheapest_supplier_is_found_at_the_quantity_that_is_ordered() -> None:
    breaks = (PriceBreak(minimum_quantity=D(30), unit_price=D(7)),)
    offers = (offer(), offer(supplier="BULK", priority=2, price_breaks=breaks), offer(supplier="THIRD", priority=3))

    suggestion = asked(offers=offers, supplier_choice="cheapest")

    assert suggestion.choice.taken.offer.supplier == "BULK"
    assert suggestion.choice.alternative_words == "ACME at 10 EUR, 2026-11-29: not taken, 3 a unit dearer"


def test_an_offer_of_next_year_is_passed_over_and_named() -> None:
    later = offer(supplier="LATER", priority=0, valid_from=date(2027, 1, 1))

    suggestion = asked(offers=(later, offer()))

    assert suggestion.choice.taken.offer.supplier == "ACME"
    assert suggestion.notes == ("LATER: not taken, valid from 2027-01-01",)
    with pytest.raises(Invalid, match="offers: none is valid on 2026-11-24"):
        asked(offers=(later,))


def test_booked_jobs_come_off_beside_given_levels() -> None:
    jobs = Demand(booked=(Booked(day=TODAY + timedelta(days=3), quantity=D(4)),))

    assert asked(stock=Stock(on_hand=D(13)), demand=jobs).quantity == 31


def test_booked_jobs_count_once_where_the_level_comes_from_the_forecast() -> None:
    policy = FixedQuantity(quantity=D(1))
    plain = Demand(daily_mean=D(2))
    booked = Demand(daily_mean=D(2), booked=(Booked(day=TODAY + timedelta(days=1), quantity=D(8)),))

    assert asked(policy=policy, demand=plain).view.wanted.reorder_point == 10
    suggestion = asked(policy=policy, demand=booked)
    assert suggestion.view.projection.booked == 0
    assert suggestion.view.wanted.reorder_point == 10  # eight of the ten that are expected anyway


def test_safety_stock_comes_off_the_projection_and_counts_once() -> None:
    # 4 a day, deviation 2, five days: 1.645 * 2 * sqrt(5) = 7.36; 20 expected
    suggestion = asked(
        policy=FixedQuantity(quantity=D(50)),
        stock=Stock(on_hand=D(27)),
        demand=Demand(daily_mean=D(4), daily_deviation=2.0),
        safety_stock=CycleService(level=0.95),
    )

    assert suggestion.view.safety.quantity == D("7.36")
    assert suggestion.view.projection.projected == D("19.64")
    assert suggestion.view.wanted.reorder_point == 20
    assert suggestion.quantity == 50


def test_a_periodic_review_is_protected_over_its_review_time_too() -> None:
    policy = OrderUpTo(review_days=4, first_review=TODAY)
    demand = Demand(daily_mean=D(4), daily_deviation=2.0)

    suggestion = asked(policy=policy, demand=demand, safety_stock=CycleService(level=0.95))

    assert suggestion.view.safety.quantity == D("9.87")  # 1.645 * 2 * sqrt(5 + 4)


def test_measured_lead_times_bring_their_deviation_into_the_safety_stock() -> None:
    values: dict[str, Any] = {
        "policy": FixedQuantity(quantity=D(50)),
        "demand": Demand(daily_mean=D(4), daily_deviation=2.0),
        "safety_stock": CycleService(level=0.95),
    }

    steady = asked(**values, offers=(offer(measured_lead_times=(5, 5, 5, 5, 5)),))
    erratic = asked(**values, offers=(offer(measured_lead_times=(1, 9, 5, 2, 8)),))

    assert steady.view.lead_days == erratic.view.lead_days == 5
    assert erratic.view.safety.quantity > 3 * steady.view.safety.quantity


def test_a_fill_rate_with_a_large_economic_lot_needs_no_safety() -> None:
    suggestion = asked(
        policy=EconomicQuantity(order_cost=D(50), holding_rate=D("0.2")),
        demand=Demand(daily_mean=D(4), daily_deviation=2.0),
        safety_stock=FillRate(level=0.95),
    )

    assert suggestion.view.safety.quantity == 0
    assert suggestion.quantity == 271  # sqrt(2 * 50 * 1460 / 2) = 270.19


def test_the_economic_quantity_is_reckoned_in_the_companys_currency_and_stock_units() -> None:
    # 12 a box for 48 dollars: 2 euros each
    boxes = offer(currency="USD", unit_price=D(48), units_per_purchase_unit=D(12), unit="box")
    policy = EconomicQuantity(order_cost=D(50), holding_rate=D("0.2"), yearly_demand=D(1460), reorder_point=D(10))

    suggestion = asked(policy=policy, offers=(boxes,))

    assert suggestion.view.wanted.quantity == 605  # sqrt(2 * 50 * 1460 / 0.4) = 604.15
    assert suggestion.quantity == 612
    assert suggestion.choice.taken.rounded.steps[-1] == "51 box are 612 stock units"


def test_an_item_that_ends_before_an_order_arrives_is_bought_only_for_those_who_wait() -> None:
    demand = Demand(phase=Phase(phase_out=TODAY + timedelta(days=3)))

    assert asked(demand=demand).quantity == 0
    assert asked(demand=demand, stock=Stock(on_hand=D(0), waitlisted=D(3), safety=D(2))).quantity == 3


def test_a_superseded_item_is_not_ordered_any_more_and_names_its_successor() -> None:
    suggestion = asked(superseded_by="B")

    assert suggestion.lots == ()
    assert suggestion.view.wanted.words.startswith("superseded by B: order that one")


def test_stock_of_older_parts_that_still_serve_is_used_up_before_more_is_ordered() -> None:
    assert asked(stock=Stock(on_hand=D(5), substitutes=D(4))).quantity == 31
    assert asked(stock=Stock(on_hand=D(5), substitutes=D(5))).quantity == 0
    wanted = asked(policy=LotForLot(), demand=Demand(daily_mean=D(2)), stock=Stock(on_hand=D(5), substitutes=D(4)))
    assert wanted.quantity == 3


def test_a_snoozed_item_is_not_ordered_and_says_what_it_would_be() -> None:
    suggestion = asked(snoozed_until=TODAY + timedelta(days=1))

    assert suggestion.lots == ()
    assert suggestion.notes == ("snoozed until 2026-11-25: 35 would be ordered",)
    assert asked(snoozed_until=TODAY).quantity == 35


def test_when_stock_runs_out_before_arrival_the_day_is_named() -> None:
    assert asked(demand=Demand(daily_mean=D(2))).runs_out == TODAY + timedelta(days=2)
    assert asked(demand=Demand(daily_mean=D(1))).runs_out is None


def test_a_large_need_is_split_by_the_maximum_lot() -> None:
    assert asked(offers=(offer(maximum_lot=D(20)),)).lots == (D(20), D(15))


def test_what_lacks_demand_says_so() -> None:
    with pytest.raises(Invalid, match="demand: is needed by this policy"):
        asked(policy=LotForLot())
    with pytest.raises(Invalid, match="demand: is needed for a safety stock"):
        asked(safety_stock=Days(days=3))


def test_the_same_situation_gives_the_same_suggestion() -> None:
    history = tuple(float((7 * day) % 11) for day in range(90))
    values: dict[str, Any] = {
        "policy": FixedQuantity(quantity=D(20)),
        "demand": Demand(history=history, method="best"),
        "safety_stock": CycleService(level=0.9),
    }

    assert asked(**values) == asked(**values)
