"""Over random terms and histories: nothing breaks a row, nothing is ordered twice, every number adds up."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain import stock
from streamer.errors import Ignored, Refused
from streamer.messages.applied import RateFacts, SupplierFacts
from streamer.messages.purchasing import Need
from streamer.messages.terms import DemandRule, PolicyRule, PriceStep, SafetyStockRule
from tests.domain.memory import Partition, of
from tests.domain.shop import KEY, ask, company, incoming, level, offer, policy, release, shipped

D = Decimal
QUANTITIES = st.decimals(0, 60, places=2)
POSITIVE = st.decimals(D("0.5"), 40, places=1)


def rules() -> st.SearchStrategy[PolicyRule]:
    shared = {
        "trigger": st.sampled_from(["below", "at_or_below"]),
        "rounding": st.sampled_from(["up", "nearest", "down", "up_within_maximum"]),
    }
    costs = {"order_cost": POSITIVE, "holding_cost": POSITIVE}

    def kind(name: str, **fields: Any) -> st.SearchStrategy[PolicyRule]:
        return st.builds(PolicyRule, kind=st.just(name), **shared, **fields)

    return st.one_of(
        kind("reorder_point", quantity=POSITIVE, reorder_point=st.none() | QUANTITIES),
        kind("order_up_to", review_days=st.integers(1, 9), first_review=st.just("2026-03-03"),
             order_up_to=st.none() | QUANTITIES),
        kind("lot_for_lot"),
        kind("fixed_period", period_days=st.integers(1, 20)),
        kind("days_of_cover", minimum_days=st.integers(0, 9), target_days=st.integers(9, 30)),
        kind("economic_order_quantity", order_cost=POSITIVE, holding_rate=st.just(D("0.2"))),
        kind("wagner_whitin", **costs),
        kind("silver_meal", **costs),
        kind("newsvendor", underage_cost=st.just(4.0), overage_cost=st.just(2.0), until=st.just("2026-05-01")),
    )  # fmt: skip


def policies() -> st.SearchStrategy[Any]:
    safety = st.one_of(
        st.builds(SafetyStockRule, kind=st.just("days"), days=st.integers(0, 9)),
        st.builds(SafetyStockRule, kind=st.just("cycle_service"), level=st.just(0.95)),
        st.builds(SafetyStockRule, kind=st.just("fill_rate"), level=st.just(0.98)),
    )
    demand = st.builds(
        DemandRule, method=st.sampled_from(["by_class", "moving_average", "croston"]), daily_mean=st.none() | POSITIVE
    )
    return st.builds(
        lambda rule, version, safety_rule, of_demand, follow, choice: policy(
            5, 20, version, rule=rule, safety_stock=safety_rule, demand=of_demand, follow_demand=follow,
            supplier_choice=choice,
        ),
        st.none() | rules(), st.integers(1, 3), st.none() | safety, st.none() | demand, st.booleans(),
        st.sampled_from(["primary", "cheapest", "earliest"]),
    )  # fmt: skip


def offers() -> st.SearchStrategy[Any]:
    breaks = st.just(()) | st.just((PriceStep(minimum_quantity=D(20), unit_price=D("3.33")),))
    return st.builds(
        lambda supplier, version, minimum, multiple, each, breaks, most, days: offer(
            supplier, version, minimum_quantity=minimum, order_multiple=multiple, units_per_purchase_unit=each,
            price_breaks=breaks, maximum_lot=most, lead_time_days=days, rank=1 if supplier == "ACME" else 2,
            currency="EUR" if supplier == "ACME" else "USD", freight_per_order=D("7.77"),
        ),
        st.sampled_from(["ACME", "BOLT"]), st.integers(1, 3), QUANTITIES, POSITIVE, POSITIVE, breaks,
        st.none() | st.just(D(200)), st.none() | st.integers(0, 12),
    )  # fmt: skip


DAYS = [None, "2026-03-12"]
LINES = st.sampled_from(["1/1", "2/1", "3/1"])


def events() -> st.SearchStrategy[Any]:
    return st.one_of(
        policies(),
        offers(),
        st.integers(0, 40).map(lambda quantity: ("level", quantity)),
        st.builds(ask, LINES, st.integers(1, 9), revision=st.integers(1, 3), needed_by=st.sampled_from(DAYS)),
        st.builds(release, LINES, st.integers(2, 4)),
        st.builds(shipped, LINES, st.integers(1, 5)),
        st.builds(
            lambda number, quantity, revision, state, day: incoming(
                f"need:{KEY}/{number}", quantity, revision, state=state, expected_date=day, units_each=D("2.5")
            ),
            st.integers(1, 4), st.integers(0, 30), st.integers(1, 5),
            st.sampled_from(["ordered", "confirmed", "received", "cancelled"]),
            st.none() | st.sampled_from(["2026-03-05", "2026-04-20"]),
        ),
        st.just("day"),
    )  # fmt: skip


def shop() -> Any:
    suppliers = {
        "ACME": SupplierFacts(name="Acme", account="mail", currency="EUR", lead_time_days=3),
        "BOLT": SupplierFacts(name="Bolt", account="mail", currency="USD"),
    }
    rates = (RateFacts(currency="USD", day="2026-01-01", rate=D("0.9171")),)
    return company(suppliers=suppliers, exchange_rates=rates, lead_time_days=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(events(), max_size=25))
def test_whatever_is_told_the_row_goes_on_and_a_second_look_orders_nothing(history: list[Any]) -> None:
    """The partition delivers each event twice, and asserts that the second changes and says nothing new."""
    partition = Partition(stock)
    partition.send(shop(), level(12), offer(), policy(5, 20))
    minutes = 1.0
    for event in history:
        minutes += 1
        if event == "day":
            partition.tick(days=1)
            minutes += 1440
        else:
            told = level(event[1], minutes) if isinstance(event, tuple) else event
            with suppress(Refused, Ignored):
                partition.send(told)
        row = partition.row(KEY)
        assert row.quarantined is None
    made = of(Need, partition.sent)
    assert len({need.need_id for need in made}) == len(made)
    for need in made:
        why = need.why
        assert why.projected == why.on_hand + why.incoming - why.reserved - why.waitlisted - why.safety
        assert need.quantity > 0
        assert why.decision
        assert why.supplier_words
    standing = partition.row(KEY)
    if standing.counts == "on_hand":
        minutes += 1
        partition.send(level(int(standing.level), minutes))
        asked = len(of(Need, partition.sent))
        partition.send(level(int(standing.level), minutes + 0.5))
        partition.tick(seconds=30)
        assert len(of(Need, partition.sent)) == asked
