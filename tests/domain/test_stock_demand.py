"""Demand day by day: what counts, when it is written, how it decides, and what a successor inherits."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain import stock
from streamer.domain.demand import history
from streamer.domain.stock_rows import DemandRow, demand_key, write_row
from streamer.errors import Malformed
from streamer.messages.purchasing import Need
from streamer.messages.stock import CarriedDemand, ItemFacts
from streamer.messages.terms import DemandRule, PolicyRule, SafetyStockRule
from tests.domain.memory import Partition, of
from tests.domain.shop import KEY, SKU, ask, company, level, movement, offer, policy, release, shipped

D = Decimal
NEW = "main/OIL-NEW"


def a_row(*events: Any, **changes: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(**changes), *events)
    return partition


def series(partition: Partition, key: str = KEY) -> tuple[str, list[int]]:
    row = partition.row(demand_key(key))
    assert isinstance(row, DemandRow)
    return row.history.start, [int(quantity) for quantity in row.history.series()]


def sold(partition: Partition, quantities: list[int], first: int = 0) -> None:
    """One line a day, asked for and shipped; its day is over afterwards."""
    for number, quantity in enumerate(quantities, start=first):
        if quantity:
            partition.send(ask(f"{number}/1", quantity), shipped(f"{number}/1", quantity, 1440 * number + 1))
        partition.tick(days=1)


def test_what_was_shipped_is_the_demand_of_its_day_and_written_once_the_day_is_over() -> None:
    partition = a_row(level(100), policy(10, 30), offer())
    partition.send(ask("1/1", 3), shipped("1/1", 3, 1), ask("2/1", 2), shipped("2/1", 1, 2))
    assert demand_key(KEY) not in partition.rows
    assert partition.row(KEY).asked == 4
    partition.tick(days=1)
    assert series(partition) == ("2026-03-02", [4])
    assert partition.row(KEY).asked == 0
    partition.send(shipped("2/1", 2, 1500))
    partition.tick(days=1)
    assert series(partition) == ("2026-03-02", [4, 1])


def test_the_first_demand_of_a_new_day_ends_the_day_before() -> None:
    partition = a_row(level(100))
    partition.send(ask("1/1", 3), shipped("1/1", 3, 1))
    partition.now_ms += 20 * 3_600_000
    partition.send(ask("2/1", 1), shipped("2/1", 1, 1201))
    assert series(partition) == ("2026-03-02", [3])


def test_days_end_in_the_companys_zone() -> None:
    partition = a_row(level(100), time_zone="America/Los_Angeles")
    partition.send(ask("1/1", 3), shipped("1/1", 3, 1))
    partition.tick(days=1)
    assert series(partition) == ("2026-03-02", [3])
    tokyo = a_row(level(100), time_zone="Asia/Tokyo")
    tokyo.now_ms += 10 * 3_600_000
    tokyo.send(ask("1/1", 3), shipped("1/1", 3, 601))
    tokyo.tick(days=1)
    assert series(tokyo) == ("2026-03-03", [3])


def test_a_lost_sale_is_demand_and_a_cancelled_line_is_none() -> None:
    partition = a_row(level(1))
    partition.send(ask("1/1", 3, back_order_allowed=False))
    partition.send(ask("2/1", 5), release("2/1"))
    partition.tick(days=1)
    assert series(partition) == ("2026-03-02", [2])


def test_where_nobody_tells_of_lines_what_is_issued_is_demand() -> None:
    partition = a_row(movement(20, "m1"), movement(-4, "m2", 1), movement(-1, "m3", 2, reason="adjustment"))
    partition.tick(days=1)
    assert series(partition) == ("2026-03-02", [4])


def test_a_year_of_history_takes_at_most_two_kilobytes_in_a_row_of_its_own() -> None:
    full = DemandRow(history(date(2026, 1, 1), [D(9_999_999)] * 366), 740_000, ["A" * 20])
    assert len(write_row(full)) <= 2048
    partition = a_row(level(1_000_000), policy(10, 30), offer())
    sold(partition, [3] * 30)
    assert len(partition.rows[demand_key(KEY)]) < 120
    assert b'"ad"' not in partition.rows[KEY]
    assert b'"ay"' not in partition.rows[KEY]


def days_of_cover(**more: Any) -> Any:
    rule = PolicyRule(kind="days_of_cover", minimum_days=5, target_days=10)
    return policy(0, 0, rule=rule, **({"demand": DemandRule(method="moving_average")} | more))


def test_the_levels_of_a_policy_follow_the_demand_once_a_day() -> None:
    partition = a_row(level(100), days_of_cover(), offer())
    sold(partition, [4] * 14)
    row = partition.row(KEY)
    assert (row.policy.reorder_point, row.policy.order_up_to) == (20, 40)
    assert of(Need, partition.sent) == []
    partition.send(ask("90/1", 25))
    (need,) = of(Need, partition.sent)
    assert need.quantity == 40 - (100 - 14 * 4 - 25)
    assert (
        need.why.decision
        == "projected 19 is below the reorder point 20 (5 days of demand): order up to 10 days of demand, 40"
    )
    assert need.why.demand is not None and need.why.demand.startswith("moving_average")


def test_one_large_order_does_not_raise_the_levels_for_a_month() -> None:
    usual = [4, 5, 3, 4, 4, 5, 3] * 4
    guarded = a_row(level(10_000), days_of_cover(), offer())
    sold(guarded, [*usual[:20], 300, *usual[21:]])
    plain = a_row(level(10_000), days_of_cover(demand=DemandRule(method="moving_average", spike_deviations=0)), offer())
    sold(plain, [*usual[:20], 300, *usual[21:]])
    assert guarded.row(KEY).policy.reorder_point <= 26
    assert plain.row(KEY).policy.reorder_point >= 70


def test_safety_stock_follows_how_much_the_demand_varies() -> None:
    rule = SafetyStockRule(kind="cycle_service", level=0.95)
    calm = a_row(level(1000), days_of_cover(safety_stock=rule), offer())
    sold(calm, [4] * 28)
    wild = a_row(level(1000), days_of_cover(safety_stock=rule), offer())
    sold(wild, [0, 8] * 14)
    assert calm.row(KEY).policy.reorder_point == 20
    assert wild.row(KEY).policy.reorder_point > 30


def test_a_job_that_has_reserved_its_parts_counts_once() -> None:
    """Four a day are expected. Eight for a job of Wednesday are part of that, and are not asked for once more."""
    for booked in (None, "2026-03-18"):
        partition = a_row(level(100), days_of_cover(), offer())
        sold(partition, [4] * 14)
        if booked is not None:
            partition.send(ask("80/1", 8, needed_by=booked))
        partition.send(level(19, 14 * 1440))
        (need,) = of(Need, partition.sent)
        assert need.why.projected == 19 - (8 if booked else 0)
        assert need.quantity == 21


def test_a_job_that_reserves_nearer_to_its_day_is_part_of_what_is_expected() -> None:
    """Twelve are expected in the days to the job; it alone needs sixty, so forty-eight come on top, and only once."""
    partition = a_row(level(1000), days_of_cover(), offer(lead_time_days=2))
    sold(partition, [4] * 14)
    partition.send(ask("80/1", 60, needed_by="2026-03-24", reserve_from="2026-03-22", service=True, purpose="service"))
    row = partition.row(KEY)
    assert (row.reserved, list(row.queue)) == (0, [])
    partition.send(level(19, 14 * 1440))
    (need,) = of(Need, partition.sent)
    assert need.why.projected == 19
    # 10 days of 4 are expected; the job's week from the 23rd on holds 4 * 3 of them, which it uses up first
    assert need.quantity == 40 - 19 + 60 - 12


def test_the_pattern_of_the_week_raises_the_reorder_point_before_the_busy_days() -> None:
    """Brake jobs on Mondays only, ten each: the point rises by Thursday, when an order still arrives in time."""
    weekly = policy(2, 6, follow_demand=True, demand=DemandRule(method="seasonal_week"))
    partition = a_row(level(1000), weekly, offer(lead_time_days=4))
    points = []
    for day in range(56):
        sold(partition, [10 if day % 7 == 0 else 0], first=day)
        points.append(partition.row(KEY).policy.reorder_point)
    last_week = points[-7:]
    # ends of Monday (day 49) to Sunday: an order placed on Friday or later arrives on Tuesday or later
    assert max(last_week) >= 10
    assert min(last_week) == 2


def test_the_season_of_last_year_raises_the_reorder_point_before_the_shortage_comes() -> None:
    """Wipers sell twice as well from autumn on: in late summer the point is higher already, by the year before."""
    quiet, busy = [2.0] * 25, [4.0] * 60
    last_year = [*quiet, *busy, *[2.0] * (366 - 85)]
    points = {}
    for season in (False, True):
        demand = DemandRule(method="moving_average", yearly_season=season)
        partition = a_row(level(1000), policy(5, 9, follow_demand=True, demand=demand), offer(lead_time_days=30))
        start = date(2026, 3, 2) - timedelta(days=366)
        row = DemandRow(history(start, [D(each) for each in last_year]), date(2026, 3, 1).toordinal())
        partition.rows[demand_key(KEY)] = write_row(row)
        partition.tick(days=1)
        points[season] = int(partition.row(KEY).policy.reorder_point)
    assert points[False] in (58, 59, 60)
    assert points[True] == 75  # 23 days at two and seven at four are 74


def test_the_season_changes_nothing_without_a_year_of_history() -> None:
    season = DemandRule(method="moving_average", yearly_season=True)
    partition = a_row(level(100), days_of_cover(demand=season), offer())
    sold(partition, [4] * 14)
    assert partition.row(KEY).policy.reorder_point == 20


def facts(sku: str, successor: str | None, version: str = "1") -> ItemFacts:
    return ItemFacts(location="main", sku=sku, version=version, source="settings", superseded_by=successor)


def test_the_history_of_a_superseded_sku_is_carried_over_to_its_successor() -> None:
    partition = a_row(level(100))
    sold(partition, [4] * 7)
    (carried,) = of(CarriedDemand, partition.send(facts(SKU, "OIL-NEW")))
    assert (carried.sku, carried.predecessor, carried.through) == ("OIL-NEW", SKU, "2026-03-08")
    successor = a_row(
        level(100, sku="OIL-NEW"), offer(sku="OIL-NEW"), days_of_cover().model_copy(update={"sku": "OIL-NEW"})
    )
    successor.now_ms = partition.now_ms
    successor.send(carried)
    successor.tick(days=1)
    assert successor.row(NEW).policy.reorder_point == 18  # 4 a day, and a day without: five days of 3.5


def test_two_of_the_new_one_for_each_old_one_are_twice_the_demand_from_the_day_on_which_it_takes_over() -> None:
    two = {"superseded_from": "2026-03-06", "superseded_each": D(2)}
    partition = a_row(level(100), facts(SKU, "OIL-NEW").model_copy(update=two))
    sold(partition, [3, 0, 1])
    assert of(CarriedDemand, partition.sent) == []
    for _ in range(3):
        partition.tick(days=1)
    (carried,) = of(CarriedDemand, partition.sent)
    successor = Partition(stock)
    successor.send(company(), carried)
    row = successor.row(demand_key(NEW, SKU))
    assert [int(quantity) for quantity in row.history.series()] == [6, 0, 2]
    partition.tick(days=5)
    assert len(of(CarriedDemand, partition.sent)) == 1


def test_what_is_still_sold_of_the_old_one_is_handed_on_each_day_and_along_the_chain() -> None:
    partition = a_row(level(100), facts(SKU, "OIL-NEW"), facts("OIL-NEW", "OIL-NEWEST"))
    partition.send(ask("0/1", 2))
    refused = of(Need, partition.sent)
    assert refused == []
    partition.send(movement(0, "none"))
    partition.send(shipped("1/1", 2, 1))
    (told,) = of(CarriedDemand, partition.tick(days=1))
    assert told.sku == "OIL-NEW"
    (handed,) = of(CarriedDemand, partition.send(told))
    assert (handed.sku, handed.predecessor, handed.days) == ("OIL-NEWEST", SKU, told.days)
    assert of(CarriedDemand, partition.send(handed)) == []
    assert partition.row(demand_key("main/OIL-NEWEST")).carried == [SKU]


def test_supersessions_in_a_circle_come_to_an_end() -> None:
    partition = a_row(level(100), facts(SKU, "B"), facts("B", "C"), facts("C", SKU), shipped("1/1", 2, 1))
    waiting = of(CarriedDemand, partition.tick(days=1))
    hops = 0
    while waiting:
        hops += 1
        assert hops < 5
        waiting += of(CarriedDemand, partition.send(waiting.pop(0)))


@pytest.mark.parametrize(("field", "value"), [("start", "soon"), ("through", "never"), ("days", "???")])
def test_a_history_that_cannot_be_read_is_refused(field: str, value: str) -> None:
    fields: dict[str, Any] = {"start": "2026-03-01", "days": "BA==", "through": "2026-03-01"} | {field: value}
    with pytest.raises(Malformed, match=field):
        a_row().send(CarriedDemand(location="main", sku=SKU, predecessor="OLD", **fields))
