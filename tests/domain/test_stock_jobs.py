"""Jobs in a stock row: booked and reserved later, told when they come too short, expected by the pattern of weeks."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain import stock
from streamer.domain.stock_patterns import expected_in_week
from streamer.domain.stock_planning import booked_jobs
from streamer.domain.stock_rows import PatternRow, StockRow, pattern_key
from streamer.messages.commands import NotifyCommand
from streamer.messages.orders import LineDecision
from streamer.messages.purchasing import Need
from streamer.messages.services import Workshop
from streamer.messages.stock import Hold, LineRequest
from tests.domain.memory import START, Partition, of
from tests.domain.shop import KEY, ask, company, incoming, level, offer, policy, release, shipped

TODAY = START.date()


def a_row(*events: Any, **settings: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(**settings), *events)
    return partition


def job(name: str, quantity: int, needed_by: str, revision: int = 1, **changes: Any) -> LineRequest:
    fields = {"needed_by": needed_by, "because": "service oil-change", "service_type": "oil-change", **changes}
    return ask(f"{name}/1", quantity, revision=revision, purpose="service", **fields)


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def row(partition: Partition) -> StockRow:
    found = partition.row(KEY)
    assert isinstance(found, StockRow)
    return found


# -- booked now, reserved later


def test_a_job_far_away_reserves_nothing_until_its_day_and_is_demand_all_the_same() -> None:
    partition = a_row(level(5), policy(0, 0), offer(lead_time_days=2))
    (said,) = of(LineDecision, partition.send(job("RO-1", 4, day(40), reserve_from=day(33))))
    assert (said.state, said.waitlisted, said.approved) == ("waitlisted", 4, 0)
    assert row(partition).reserved == 0
    (booked,) = booked_jobs(row(partition), TODAY)
    assert (booked.day, booked.quantity, booked.reserved) == (TODAY + timedelta(days=40), 4, 0)
    assert of(LineDecision, partition.send(ask("S-1/1", 5)))[0].approved == 5


def test_on_its_day_the_job_reserves_and_counts_once() -> None:
    partition = a_row(level(5), policy(0, 0), offer(lead_time_days=2))
    partition.send(job("RO-1", 4, day(40), reserve_from=day(33)))
    assert of(LineDecision, partition.tick(days=32)) == []
    (said,) = of(LineDecision, partition.tick(days=1))
    assert (said.state, said.approved) == ("approved", 4)
    (booked,) = booked_jobs(row(partition), TODAY)
    assert (booked.quantity, booked.reserved) == (4, 4)


def test_a_job_asks_early_enough_for_an_order_to_come_in_time_whatever_the_workshop_wishes() -> None:
    partition = a_row(level(0), policy(0, 0), offer(lead_time_days=20))
    partition.send(job("RO-1", 4, day(40), reserve_from=day(38)))
    made = partition.tick(days=11)
    (need,) = of(Need, made)
    assert need.needed_by == day(40)
    assert of(NotifyCommand, made) == []


def test_a_job_that_moves_away_gives_back_what_it_had_reserved_to_who_waits() -> None:
    partition = a_row(level(4), policy(0, 0))
    partition.send(job("RO-1", 4, day(3), reserve_from=day(-4)), ask("S-1/1", 4))
    made = of(LineDecision, partition.send(job("RO-1", 4, day(60), revision=2, reserve_from=day(53))))
    assert [(said.line_key, said.state) for said in made] == [("shop/RO-1/1", "waitlisted"), ("shop/S-1/1", "approved")]


def test_a_booked_job_that_is_called_off_leaves_nothing_behind() -> None:
    partition = a_row(level(5), policy(0, 0))
    partition.send(job("RO-1", 4, day(40), reserve_from=day(33)), release("RO-1/1"))
    assert (row(partition).lines, row(partition).booked, partition.row(pattern_key(KEY))) == ({}, [], None)


# -- short before the appointment


def test_people_are_told_at_once_when_an_order_of_today_comes_after_the_job() -> None:
    partition = a_row(level(0), policy(0, 0), offer(lead_time_days=5))
    (told,) = of(NotifyCommand, partition.send(job("RO-1", 2, day(3))))
    assert (told.severity, told.subject) == ("urgent", f"{KEY}: short for a job of {day(3)}")
    assert "service oil-change" in told.text


def test_a_promise_that_slips_behind_the_job_is_told_once_and_again_when_it_slips_further() -> None:
    partition = a_row(level(0), policy(0, 0), offer(lead_time_days=2))
    made = partition.send(job("RO-1", 2, day(9)))
    (need,) = of(Need, made)
    assert of(NotifyCommand, made) == []
    told = []
    for number, expected in enumerate([8, 12, 12, 15]):
        promised = incoming(need.need_id, 2, number, expected_date=day(expected))
        told.append([note.subject for note in of(NotifyCommand, partition.send(promised)) if "short" in note.subject])
    assert [len(notes) for notes in told] == [0, 1, 0, 1]


def test_an_order_says_which_jobs_it_is_for_and_why() -> None:
    partition = a_row(level(0), policy(0, 0), offer())
    (need,) = of(Need, partition.send(job("RO-1", 2, day(20))))
    (reason,) = need.why.jobs
    assert (reason.line_key, reason.because, reason.needed_by, reason.quantity) == (
        "shop/RO-1/1",
        "service oil-change",
        day(20),
        2,
    )


# -- held back by a recall


def test_what_is_reserved_of_a_recalled_part_is_taken_out_and_nothing_of_it_is_ordered() -> None:
    partition = a_row(level(5), policy(10, 20), ask("S-1/1", 2), ask("S-2/1", 1))
    hold = Hold(location="main", sku="OIL-5W30", cause="recall 26V1", held=True)
    made = partition.send(hold)
    assert [(said.line_key, said.state, said.reason) for said in of(LineDecision, made)] == [
        ("shop/S-2/1", "waitlisted", "held: recall 26V1"),
        ("shop/S-1/1", "waitlisted", "held: recall 26V1"),
    ]
    (told,) = of(NotifyCommand, made)
    assert "5 of main/OIL-5W30 are held back" in told.text
    assert of(Need, partition.send(offer(), level(4, 1))) == []
    freed = partition.send(hold.model_copy(update={"held": False}))
    assert [(said.line_key, said.approved) for said in of(LineDecision, freed)] == [
        ("shop/S-1/1", 2),
        ("shop/S-2/1", 1),
    ]


# -- the pattern of weeks


def weekly(partition: Partition, weeks: int, quantity: int) -> None:
    """So many jobs a week that were done, and have left."""
    for week in range(weeks):
        name = f"OLD-{week}"
        partition.send(level(1000, week * 7 * 1440))
        partition.send(job(name, quantity, (partition_day(partition)).isoformat()))
        partition.send(shipped(f"{name}/1", quantity, week * 7 * 1440 + 1))
        partition.tick(days=7)


def partition_day(partition: Partition) -> date:
    return (START + timedelta(milliseconds=partition.now_ms - int(START.timestamp() * 1000))).date()


def test_a_reorder_point_rises_with_the_services_of_the_past_weeks_before_the_shortage_comes() -> None:
    partition = a_row(level(1000), policy(2, 4), offer(lead_time_days=14))
    weekly(partition, 9, 6)
    now = (partition.now_ms - int(START.timestamp() * 1000)) / 60_000
    made = partition.send(level(10, now))
    made += partition.tick(days=1)
    (need,) = of(Need, made)
    assert need.why.reorder_point == 12
    assert "oil-change takes 12 in 14 days beyond what is booked" in " ".join(need.why.notes)


def test_jobs_that_are_booked_already_use_up_what_is_expected() -> None:
    partition = a_row(level(1000), policy(2, 4), offer(lead_time_days=14))
    weekly(partition, 9, 6)
    partition.send(job("RO-1", 6, (partition_day(partition) + timedelta(days=2)).isoformat()))
    partition.tick(days=1)
    found = row(partition).policy
    assert found is not None
    assert found.reorder_point < 12


def test_a_workshop_may_keep_its_reorder_points_as_they_are() -> None:
    partition = a_row(
        level(1000), policy(2, 4), offer(lead_time_days=14), workshops={"main": Workshop(raise_reorder_points=False)}
    )
    weekly(partition, 9, 6)
    found = row(partition).policy
    assert found is not None
    assert (found.reorder_point, found.raised) == (2, 0)


def test_the_season_of_a_year_ago_is_expected_again() -> None:
    year = [Decimal(4)] * 52 + [Decimal(4)] * 26
    year[30:33] = [Decimal(12)] * 3  # tyres in the thirty-first week
    ahead = [expected_in_week(year, 0, 78, week) for week in (80, 83)]
    assert ahead[0] < 5
    assert ahead[1] > 9


HISTORY = st.lists(
    st.tuples(st.sampled_from(["book", "move", "more", "off"]), st.sampled_from("AB"), st.integers(1, 4)), max_size=12
)


@examples(max_examples=60, deadline=None)
@given(HISTORY)
def test_the_pattern_counts_each_job_once_in_the_week_in_which_it_stands(history: list[tuple[str, str, int]]) -> None:
    partition = a_row(level(100), policy(0, 0))
    stands: dict[str, tuple[int, int]] = {}
    for revision, (act, name, number) in enumerate(history, 1):
        week, quantity = stands.get(name, (1, number))
        if act == "off":
            partition.send(release(f"{name}/1", revision))
            stands.pop(name, None)
            continue
        week = number if act == "move" else week
        quantity = number if act == "more" else quantity
        reserve_from = day(week * 7 - 7) if number > 2 else None
        partition.send(job(name, quantity, day(week * 7), revision=revision, reserve_from=reserve_from))
        stands[name] = (week, quantity)
    pattern = partition.row(pattern_key(KEY))
    counted: dict[int, int] = {}
    if isinstance(pattern, PatternRow):
        for place, parts in enumerate(pattern.services["oil-change"]):
            if parts:
                counted[pattern.first + place - (TODAY.toordinal() - 1) // 7] = int(parts)
    expected: dict[int, int] = {}
    for week, quantity in stands.values():
        expected[week] = expected.get(week, 0) + quantity
    assert counted == expected
