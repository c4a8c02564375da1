"""Every policy, trigger, supplier's term and calendar in the stream: a stock row orders what `streamer plan` would."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.domain import stock
from streamer.domain.checks import Invalid
from streamer.domain.scenarios.reading import read
from streamer.domain.units import utc
from streamer.errors import Malformed
from streamer.messages.applied import CalendarFacts, RateFacts, SupplierFacts
from streamer.messages.commands import NotifyCommand
from streamer.messages.purchasing import Need
from streamer.messages.stock import ItemFacts, ReorderAct
from streamer.messages.terms import DatedQuantity, DemandRule, PhaseRule, PolicyRule, PriceStep, SafetyStockRule
from tests.domain.memory import Partition, of
from tests.domain.shop import KEY, SKU, ask, at, company, incoming, level, offer, policy

D = Decimal


def a_row(*events: Any, **changes: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(**changes), *events)
    return partition


def needs(partition: Partition) -> list[tuple[str, int]]:
    return [(need.supplier, int(need.quantity)) for need in of(Need, partition.sent)]


def the_need(partition: Partition) -> Need:
    (only,) = of(Need, partition.sent)
    return only


def ruled(kind: str, version: int = 1, *, more: dict[str, Any] | None = None, **fields: Any) -> Any:
    """A policy of another kind than two levels; a mean of 2 a day is expected unless `more` says otherwise."""
    rule = PolicyRule.model_validate({"kind": kind} | fields)
    given = {"demand": DemandRule(daily_mean=D(2))} | (more or {})
    return policy(0, 0, version, rule=rule, **given)


POLICIES: list[dict[str, Any]] = [
    {"kind": "min_max", "reorder_point": D(10), "order_up_to": D(30)},
    {"kind": "min_max", "reorder_point": D(9), "order_up_to": D(30), "trigger": "at_or_below"},
    {"kind": "reorder_point", "reorder_point": D(12), "quantity": D(7)},
    {"kind": "reorder_point", "quantity": D(7)},
    {"kind": "order_up_to", "review_days": 7, "first_review": "2026-03-02"},
    {"kind": "order_up_to", "review_days": 7, "first_review": "2026-03-02", "order_up_to": D(25)},
    {"kind": "lot_for_lot"},
    {"kind": "fixed_period", "period_days": 14},
    {"kind": "days_of_cover", "minimum_days": 7, "target_days": 21},
    {"kind": "economic_order_quantity", "order_cost": D(30), "holding_rate": D("0.2")},
    {"kind": "wagner_whitin", "order_cost": D(30), "holding_cost": D("0.05")},
    {"kind": "silver_meal", "order_cost": D(30), "holding_cost": D("0.05")},
    {"kind": "least_unit_cost", "order_cost": D(30), "holding_cost": D("0.05")},
    {"kind": "part_period", "order_cost": D(30), "holding_cost": D("0.05")},
    {"kind": "newsvendor", "underage_cost": 5.0, "overage_cost": 2.0, "until": "2026-03-30"},
]


@pytest.mark.parametrize("rule", POLICIES, ids=lambda rule: rule["kind"])
@pytest.mark.parametrize("rounding", ["up", "nearest", "down", "up_within_maximum"])
def test_the_stream_orders_what_streamer_plan_says_and_in_the_same_words(rule: dict[str, Any], rounding: str) -> None:
    terms = offer(minimum_quantity=D(4), order_multiple=D(4))
    partition = a_row(terms, ruled(**rule, rounding=rounding), level(9))
    partition.tick(days=1)
    partition.send(level(9, 1441))
    made = of(Need, partition.sent)
    now = made[0].at if made else at()
    scenario = {
        "kind": "replenishment",
        "now": now.isoformat(),
        "policy": {**rule, "rounding": rounding},
        "stock": {"on_hand": 9},
        "offers": [
            {"supplier": "ACME", "currency": "EUR", "unit_price": "4.20", "lead_time_days": 5, "minimum_quantity": 4,
             "order_multiple": 4},
        ],
        "demand": {"daily_mean": 2},
        "calendar": {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "time_zone": "Europe/Berlin"},
    }  # fmt: skip
    answer = read(orjson.dumps(scenario, default=str)).answer()
    assert sum(need.quantity for need in made) == D(answer["quantity"])
    if made:
        why = made[0].why
        assert (why.decision, list(why.rounding)) == (answer["why"]["decision"], answer["why"]["rounding"])
        assert (why.policy, why.supplier_words, why.demand) == (
            answer["why"]["policy"],
            answer["why"]["supplier"],
            answer["why"]["demand"]["words"],
        )
    before = len(made)
    partition.send(level(9, 1500), level(8, 1510) if rule["kind"] == "newsvendor" else level(9, 1510))
    assert len(of(Need, partition.sent)) == before


def test_a_periodic_review_orders_on_its_day_only_and_once() -> None:
    weekly = ruled("order_up_to", review_days=7, first_review="2026-03-04", order_up_to=D(20))
    partition = a_row(offer(), weekly, level(5))
    partition.tick(days=1)
    assert needs(partition) == []
    partition.tick(to=at(days=1.9))
    assert [(need.quantity, need.at.date()) for need in of(Need, partition.sent)] == [(15, date(2026, 3, 4))]
    partition.send(level(1, 60 * 46))
    partition.tick(days=1)
    assert len(needs(partition)) == 1
    for _ in range(7):
        partition.tick(days=1)
    assert needs(partition) == [("ACME", 15), ("ACME", 4)]


def test_a_review_day_on_which_all_stood_still_is_made_up_for() -> None:
    weekly = ruled("order_up_to", review_days=7, first_review="2026-03-04", order_up_to=D(20))
    partition = a_row(offer(), weekly, level(5))
    partition.tick(days=1)
    partition.tick(days=3)
    assert needs(partition) == [("ACME", 15)]
    partition.tick(days=1)
    assert needs(partition) == [("ACME", 15)]


def test_a_last_buy_is_made_once_and_again_only_when_it_was_cancelled() -> None:
    last = ruled("newsvendor", underage_cost=5.0, overage_cost=2.0, until="2026-06-01", mean=20.0)
    partition = a_row(offer(), last, level(3))
    (first,) = needs(partition)
    partition.send(level(0, 5))
    partition.tick(days=9)
    assert needs(partition) == [first]
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="cancelled"))
    partition.tick(days=2)
    assert len(needs(partition)) == 2


def test_price_breaks_make_the_larger_economic_lot_and_the_line_has_the_price_of_its_break() -> None:
    breaks = (PriceStep(minimum_quantity=D(500), unit_price=D("0.29")),)
    terms = offer(
        unit_price=D("0.30"), price_breaks=(*breaks, PriceStep(minimum_quantity=D(1000), unit_price=D("0.28")))
    )
    buying = ruled(
        "economic_order_quantity", order_cost=D(8), holding_rate=D("0.2"), yearly_demand=D(600), reorder_point=D(10)
    )
    need = the_need(a_row(terms, buying, level(2)))
    # Nahmias, Production and Operations Analysis, 5th ed., example 4.4: EOQ 400 at 0.30, the break at 500 is cheapest.
    assert (need.quantity, need.unit_price) == (500, D("0.29"))


def test_boxes_are_ordered_and_pieces_are_expected() -> None:
    terms = offer(unit="BOX", units_per_purchase_unit=D(12), order_multiple=D(2), unit_price=D(48))
    partition = a_row(terms, policy(10, 30), level(9))
    need = the_need(partition)
    assert (need.quantity, need.unit, need.unit_price, need.units_each) == (2, "BOX", 48, 12)
    assert partition.row(KEY).incoming[need.need_id].quantity == 24
    assert need.why.rounding[0] == "21 stock units are 1.75 BOX of 12"
    partition.send(incoming(need.need_id, 2, 1, units_each=D(12)))
    assert partition.row(KEY).incoming[need.need_id].quantity == 24
    partition.tick(seconds=60)
    partition.send(incoming(need.need_id, 1, 2, received=D(1), units_each=D(12)))
    assert partition.row(KEY).incoming[need.need_id].quantity == 12
    assert partition.row(KEY).on_hand == 21


def test_a_third_of_a_can_is_counted_with_no_more_decimals_than_a_quantity_has() -> None:
    third = D("0.333333")
    partition = a_row(offer(unit="CAN", units_per_purchase_unit=third), policy(10, 30), level(9))
    need = the_need(partition)
    partition.tick(seconds=60)
    partition.send(incoming(need.need_id, 0, 1, state="received", received=third, units_each=third))
    assert partition.row(KEY).on_hand == D("9.111111")
    partition.send(ask("1/1", 9))
    assert of(Need, partition.sent)[-1].why.on_hand == D("9.111111")


def test_more_than_the_largest_lot_goes_into_several_orders() -> None:
    partition = a_row(offer(maximum_lot=D(40)), policy(10, 109), level(9))
    assert needs(partition) == [("ACME", 40), ("ACME", 40), ("ACME", 20)]
    made = of(Need, partition.sent)
    assert len({need.need_id for need in made}) == 3
    assert [int(lot) for lot in made[0].why.lots] == [40, 40, 20]
    partition.send(level(9, 5))
    assert len(needs(partition)) == 3


def suppliers(**changes: Any) -> dict[str, SupplierFacts]:
    return {
        "ACME": SupplierFacts(name="Acme", account="mail", currency="EUR", **changes),
        "BOLT": SupplierFacts(name="Bolt", account="mail", currency="USD"),
    }


RATES = (
    RateFacts(currency="USD", day="2026-01-01", rate=D("0.90")),
    RateFacts(currency="USD", day="2026-03-09", rate=D(2)),
)


def test_the_cheapest_is_found_in_the_companys_currency_by_the_rate_of_the_day() -> None:
    choosing = policy(10, 30, supplier_choice="cheapest")
    dear, cheap = offer(unit_price=D("4.00")), offer("BOLT", currency="USD", unit_price=D("4.20"), rank=2)
    known: dict[str, Any] = {"suppliers": suppliers(), "exchange_rates": RATES}
    need = the_need(a_row(dear, cheap, choosing, level(9), **known))
    assert (need.supplier, need.currency, need.why.currency) == ("BOLT", "USD", "EUR")
    assert need.why.supplier_words == "BOLT at 3.78 EUR, 2026-03-07: the lowest landed cost"
    assert need.why.alternative == "ACME at 4 EUR, 2026-03-07: not taken, 0.22 a unit dearer"
    later = a_row(dear, cheap, choosing, **known)
    later.tick(days=8)
    later.send(level(9, 60 * 24 * 8))
    assert the_need(later).supplier == "ACME"


def test_the_earliest_is_chosen_where_the_item_says_so() -> None:
    slow, fast = offer(lead_time_days=9), offer("BOLT", rank=2, lead_time_days=2, unit_price=D(9))
    assert the_need(a_row(slow, fast, policy(10, 30, supplier_choice="earliest"), level(9))).supplier == "BOLT"


def test_who_delivers_before_the_appointment_is_taken_though_another_is_primary() -> None:
    slow, fast = offer(lead_time_days=9), offer("BOLT", rank=2, lead_time_days=2, unit_price=D(9))
    need = the_need(a_row(slow, fast, policy(0, 0), level(0), ask("1/1", 2, needed_by="2026-03-06")))
    assert need.supplier == "BOLT"
    assert need.why.alternative is not None and "it arrives after 2026-03-06" in need.why.alternative


def test_an_offer_counts_only_while_it_is_valid() -> None:
    over, now = offer(valid_until="2026-03-01"), offer("BOLT", rank=2, valid_from="2026-03-02")
    need = the_need(a_row(over, now, policy(10, 30), level(9)))
    assert (need.supplier, need.why.notes) == ("BOLT", ("ACME: not taken, was valid until 2026-03-01",))


def test_where_nobody_can_deliver_people_are_told_once_and_it_is_ordered_when_somebody_can() -> None:
    partition = a_row(offer(valid_until="2026-03-01"), policy(10, 30), level(9), level(8, 1), level(7, 2))
    (notice,) = of(NotifyCommand, partition.sent)
    assert "offers: none is valid on 2026-03-02" in notice.text
    partition.send(offer("BOLT", rank=2))
    assert needs(partition) == [("BOLT", 23)]


def test_the_lead_time_is_the_items_else_the_suppliers_else_the_companys() -> None:
    everybody: dict[str, Any] = {"suppliers": suppliers(lead_time_days=7), "lead_time_days": 3, "exchange_rates": RATES}
    for terms, words in (
        (offer(lead_time_days=5), "5 days for this item"),
        (offer(lead_time_days=None), "7 days for this supplier"),
        (offer("BOLT", lead_time_days=None), "3 days by default"),
    ):
        need = the_need(a_row(terms, policy(10, 30), level(9), **everybody))
        assert need.why.lead_time == words


def test_the_lead_time_is_measured_from_receipts_when_there_are_enough() -> None:
    partition = a_row(offer(lead_time_days=5), policy(10, 11), enough_receipts=3)
    for number, days in enumerate((8, 9, 11), start=1):
        partition.send(level(9, partition_minutes(partition) + 1))
        assert of(Need, partition.sent)[-1].why.lead_time == "5 days for this item"
        partition.send(incoming(f"need:{KEY}/{number}", 2, 1))
        partition.tick(days=days)
        partition.send(incoming(f"need:{KEY}/{number}", 0, 2, state="received", received=D(2)))
        partition.send(level(11, partition_minutes(partition) + 2))
    partition.send(level(9, partition_minutes(partition) + 5))
    assert of(Need, partition.sent)[-1].why.lead_time == "10 days, the mean of 3 receipts, rounded up"


def partition_minutes(partition: Partition) -> float:
    return (partition.now_ms - int(at().timestamp() * 1000)) / 60_000


def test_cut_off_weekend_and_holidays_of_supplier_and_place_move_the_arrival() -> None:
    closed = CalendarFacts(country="DE", subdivision="BY", cut_off="08:30", time_zone="Europe/Berlin")
    place = CalendarFacts(weekdays=("tue", "thu"), time_zone="Europe/Berlin")
    need = the_need(
        a_row(offer(lead_time_days=2), policy(10, 30), level(9), suppliers=suppliers(calendar=closed),
              receiving_calendars={"main": place}, exchange_rates=RATES)
    )  # fmt: skip
    # 9:00 in Berlin on Monday: ordered on Tuesday, due on Thursday, when the place receives.
    assert need.why.arrival == ("ordered on 2026-03-03 (the supplier's cut-off, weekend or holiday)",)
    assert need.lead_time_days == 3
    easter = Partition(stock, now=at(days=31))
    easter.send(company(suppliers=suppliers(calendar=closed), exchange_rates=RATES))
    easter.send(offer(lead_time_days=2), policy(10, 30), level(9))
    # Thursday 2 April after the cut-off; Good Friday and Easter Monday are holidays: ordered on Tuesday.
    assert the_need(easter).why.arrival == ("ordered on 2026-04-07 (the supplier's cut-off, weekend or holiday)",)


def test_safety_stock_from_a_service_level_is_reckoned_with_and_can_still_be_sold() -> None:
    rule = SafetyStockRule(kind="cycle_service", level=0.95)
    known = DemandRule(daily_mean=D(2), daily_deviation=1.0)
    partition = a_row(offer(), policy(10, 30, safety_stock=rule, demand=known), level(13))
    need = the_need(partition)
    # k 1.645 times a deviation of 1 over 5 days, sqrt(5): 3.68 (Silver, Pyke, Thomas, chapter 6)
    assert need.why.safety == D("3.68")
    assert need.quantity == 21
    partition.send(ask("1/1", 13))
    assert partition.row(KEY).reserved == 13


def test_a_given_reorder_point_rises_with_the_demand_before_the_shortage_comes() -> None:
    known: dict[str, Any] = {"demand": DemandRule(daily_mean=D(4))}
    assert needs(a_row(offer(), policy(10, 30, **known), level(15))) == []
    partition = a_row(offer(), policy(10, 30, follow_demand=True, **known), level(15))
    need = the_need(partition)
    assert (need.quantity, need.why.reorder_point, need.why.order_up_to) == (25, 20, 40)
    assert need.why.decision is not None
    assert "raised from 10, since 20 are expected over 5 days of lead time" in need.why.decision


def test_what_is_snoozed_is_not_ordered_until_that_day() -> None:
    partition = a_row(offer(), policy(10, 30, snoozed_until="2026-03-05"), level(9), level(8, 5))
    partition.tick(days=2)
    assert needs(partition) == []
    partition.tick(days=2)
    assert needs(partition) == [("ACME", 22)]


def test_an_item_that_ends_before_an_order_arrives_is_bought_only_for_those_who_wait() -> None:
    ending: dict[str, Any] = {"demand": DemandRule(phase=PhaseRule(phase_out="2026-03-05"))}
    assert needs(a_row(offer(), policy(10, 30, **ending), level(9))) == []
    assert needs(a_row(offer(), policy(10, 30, **ending), level(0), ask("1/1", 2))) == [("ACME", 2)]


def test_a_superseded_sku_is_not_ordered_any_more() -> None:
    facts = ItemFacts(location="main", sku=SKU, version="1", source="settings", superseded_by="OIL-NEW")
    assert needs(a_row(facts, offer(), policy(10, 30), level(2))) == []


def test_a_part_that_will_be_superseded_is_ordered_until_that_day() -> None:
    later: dict[str, Any] = {"superseded_by": "OIL-NEW", "superseded_from": "2026-03-10"}
    facts = ItemFacts(location="main", sku=SKU, version="1", source="settings", **later)
    partition = a_row(facts, offer(), policy(10, 30), level(9))
    assert needs(partition) == [("ACME", 21)]
    partition.tick(days=9)
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="received", received=D(21)), level(2, 9 * 1440))
    partition.tick(days=2)
    assert needs(partition) == [("ACME", 21)]


def test_people_are_told_once_when_lines_wait_for_a_part_that_is_superseded() -> None:
    partition = a_row(offer(), policy(10, 30), level(0))
    partition.send(ask("1/1", 2), incoming(f"need:{KEY}/1", 0, 1, state="cancelled"))
    partition.send(ItemFacts(location="main", sku=SKU, version="1", source="settings", superseded_by="OIL-NEW"))
    partition.tick(days=2)
    partition.send(level(0, 3000), ask("3/1", 1, follow="none"))
    told = [notice for notice in of(NotifyCommand, partition.sent) if "superseded by OIL-NEW" in notice.text]
    assert len(told) == 1


def test_orders_of_others_count_only_if_they_come_in_time() -> None:
    in_time = incoming("erp:4711", 30, 1, expected_date="2026-03-06")
    too_late = incoming("erp:4711", 30, 1, expected_date="2026-04-30")
    assert needs(a_row(offer(), policy(10, 30), level(20), in_time, level(9, 1))) == []
    late = a_row(offer(), policy(10, 30), level(20), too_late, level(9, 1))
    need = the_need(late)
    assert (need.quantity, need.why.incoming, need.why.incoming_later) == (21, 0, 30)


def test_dated_requirements_are_met_lot_for_lot() -> None:
    dates = (DatedQuantity(day="2026-03-04", quantity=D(8)), DatedQuantity(day="2026-03-20", quantity=D(50)))
    partition = a_row(offer(), ruled("lot_for_lot", more={"demand": DemandRule(requirements=dates)}), level(3))
    assert needs(partition) == [("ACME", 5)]
    partition.send(level(3, 5))
    partition.tick(days=1)
    assert needs(partition) == [("ACME", 5)]


def test_the_schedule_finds_what_is_below_though_no_event_said_so() -> None:
    partition = Partition(stock)
    partition.send(policy(10, 30), offer(), level(9), company(reconcile="30 6 * * *"))
    assert needs(partition) == []
    partition.tick(days=1)
    need = the_need(partition)
    assert need.why.cause == "scheduled reconciliation"
    partition.tick(days=20)
    assert len(needs(partition)) == 1


def test_the_scheduled_look_comes_at_the_time_that_cron_names_in_the_companys_zone() -> None:
    partition = a_row(policy(10, 30), offer(), level(20), reconcile="30 6 * * *")
    due = partition.due(KEY)
    assert due is not None
    assert 0 <= (utc(due) - datetime(2026, 3, 3, 5, 30, tzinfo=UTC)).total_seconds() < 600


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (offer(order_multiple=D(2), maximum_lot=D(1)), "maximum_lot"),
        (offer(currency="ZZZ"), "currency"),
        (offer(valid_from="2026-05-01", valid_until="2026-04-01"), "valid_until"),
        (offer(price_breaks=(PriceStep(minimum_quantity=D(9), unit_price=D(3)),
                             PriceStep(minimum_quantity=D(9), unit_price=D(2)))), "price_breaks.1.minimum_quantity"),
        (ruled("days_of_cover", minimum_days=9, target_days=3), "rule.target_days"),
        (ruled("lot_for_lot", quantity=D(3)), "rule.quantity"),
        (policy(1, 2, safety_stock=SafetyStockRule(kind="fill_rate", level=95.0)), "safety_stock.level"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_are_refused_when_they_are_told_and_the_row_goes_on(event: Any, field: str) -> None:
    partition = a_row(policy(10, 30), offer(), level(12))
    with pytest.raises(Invalid) as refused:
        partition.send(event.model_copy(update={"version": 2}))
    assert refused.value.field == field
    partition.send(level(9, 5))
    assert needs(partition) == [("ACME", 21)]


def act(what: str, act_id: str = "a1", **more: Any) -> ReorderAct:
    fields: dict[str, Any] = {"location": "main", "sku": SKU, "act": what, "actor": "eve", "act_id": act_id, "at": at()}
    return ReorderAct(**(fields | more))


def test_a_person_may_leave_a_reorder_alone_until_a_day() -> None:
    partition = a_row(offer(), policy(10, 30), level(20))
    (entry,) = partition.send(act("snooze", until="2026-03-05", reason="new price list"))
    assert (entry.act, entry.after, entry.reason) == (
        "reorder.snooze",
        {"snoozed_until": "2026-03-05"},
        "new price list",
    )
    partition.send(level(9, 1))
    partition.tick(days=2)
    assert needs(partition) == []
    partition.tick(days=1)
    assert needs(partition) == [("ACME", 21)]
    with pytest.raises(Malformed, match="until"):
        partition.send(act("snooze", "a2", until="soon"))


def test_a_person_may_order_now_what_is_snoozed_or_was_cancelled_and_only_what_is_missing() -> None:
    partition = a_row(offer(), policy(10, 30, snoozed_until="2026-05-01"), level(9))
    *_, entry = partition.send(act("order_now"))
    assert needs(partition) == [("ACME", 21)]
    assert (entry.act, entry.after["ordered"]) == ("reorder.order_now", "21 EA from ACME")
    partition.send(incoming(f"need:{KEY}/1", 0, 1, state="cancelled"))
    partition.send(act("order_now", "a2"))
    *_, entry = partition.send(act("order_now", "a3"))
    assert needs(partition) == [("ACME", 21), ("ACME", 21)]
    assert entry.after["ordered"] == "nothing is missing"
    assert of(Need, partition.sent)[0].why.cause == "ordered now by eve"
