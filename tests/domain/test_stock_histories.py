"""Over long random histories, with repetitions and late events: nobody is promised a unit that is not there."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain import stock
from streamer.domain.allocation import recount, waiting
from streamer.domain.stock_rows import StockRow
from streamer.errors import Ignored, Refused
from streamer.messages.base import Message
from streamer.messages.orders import LineDecision
from streamer.messages.stock import Hold, LineRequest, LineShipped, StockLevel
from tests.domain.memory import Partition, of
from tests.domain.shop import (
    KEY,
    SKU,
    ask,
    at,
    company,
    incoming,
    level,
    movement,
    offer,
    policy,
    release,
    shipped,
    shop_level,
)

LINES = st.sampled_from([f"{number}/1" for number in range(6)])
MINUTES = st.integers(0, 400)


def requests() -> st.SearchStrategy[Message]:
    return st.builds(
        lambda line, quantity, revision, account, partial, back, priority, placed: ask(
            line, quantity, revision=revision, account=account, partial_allowed=partial, back_order_allowed=back,
            priority=priority, placed_at=at(placed),
        ),
        LINES, st.integers(1, 6), st.integers(1, 4), st.sampled_from(["shop", "warehouse"]), st.booleans(),
        st.sampled_from([True, True, False]), st.sampled_from([0, 0, 0, 1]), MINUTES,
    )  # fmt: skip


def facts_of_stock() -> st.SearchStrategy[Message]:
    return st.one_of(
        st.builds(level, st.integers(-2, 12), MINUTES),
        st.builds(shop_level, st.integers(-2, 12), MINUTES),
        st.builds(movement, st.integers(-3, 6), st.sampled_from("abcdef"), MINUTES),
        st.builds(lambda held: Hold(location="main", sku=SKU, cause="26V1", held=held), st.booleans()),
        st.builds(
            lambda number, quantity, revision, state, received: incoming(
                f"need:{KEY}/{number}", quantity, revision, state=state, received=Decimal(received)
            ),
            st.integers(1, 3), st.integers(0, 9), st.integers(1, 4),
            st.sampled_from(["ordered", "confirmed", "received", "cancelled"]), st.integers(0, 4),
        ),
    )  # fmt: skip


def dated(event: Message, minute: int) -> Message:
    """Levels follow the history, now and then late; all else keeps its own time."""
    return event.model_copy(update={"as_of": at(minute)}) if isinstance(event, StockLevel) else event


def histories() -> st.SearchStrategy[list[Message]]:
    event = st.one_of(
        requests(),
        requests(),
        facts_of_stock(),
        st.builds(release, LINES, st.integers(1, 5), st.sampled_from(["shop", "warehouse"])),
        st.builds(shipped, LINES, st.integers(1, 4), MINUTES, st.sampled_from(["shop", "warehouse"])),
        st.builds(
            policy, st.integers(0, 5), st.integers(5, 9), st.integers(1, 3), safety=st.integers(0, 2).map(Decimal)
        ),
    )
    late = st.sampled_from([0, 0, 0, 15, 60])
    return st.lists(st.tuples(event, late), min_size=10, max_size=40).map(
        lambda news: [dated(event, 10 * place - late) for place, (event, late) in enumerate(news)]
    )


def test_nobody_holds_what_is_not_there_when_an_order_of_an_oversold_shop_becomes_smaller() -> None:
    """It had set six aside of two; once it wants five, one less is known to lie there until its next level."""
    play([
        level(5, 0),
        ask("0/1", 4, placed_at=at(0), partial_allowed=False),
        ask("3/1", 3, account="warehouse"),
        ask("0/1", 6, revision=2, placed_at=at(0)),
        shipped("1/1", 3, 313),
        shop_level(-1, 90),
        ask("0/1", 5, revision=4, partial_allowed=False, placed_at=at(0)),
        shipped("3/1", 3, 121),
    ])  # fmt: skip


def test_nobody_holds_what_is_not_there_when_an_order_of_an_oversold_shop_is_cancelled() -> None:
    partition = play([level(3, 0), ask("0/1", 4, placed_at=at(0)), ask("1/1", 3, placed_at=at(1)),
                      shipped("9/1", 3, 313), shop_level(-2, 90), release("0/1", 2)])  # fmt: skip
    partition.send(shop_level(2, 400), ask("2/1", 1, placed_at=at(500)))
    check(partition.row(KEY))


def test_a_shipment_that_is_told_twice_changes_nothing() -> None:
    play([ask("0/1", 1, placed_at=at(0), partial_allowed=False), shop_level(0, 60), policy(5, 5),
          shipped("0/1", 1, 61, "warehouse")])  # fmt: skip


def check(row: StockRow) -> None:
    """What must hold of a row after every event."""
    sums = (row.reserved, row.committed, row.committed_granted)
    recount(row)
    assert (row.reserved, row.committed, row.committed_granted) == sums, "the sums drifted"
    assert row.reserved <= max(row.on_hand, Decimal(0)), "more is granted than lies there"
    for line_key, line in row.lines.items():
        mine = sum((wait.quantity for wait in row.queue if wait.line_key == line_key), Decimal(0))
        assert line.waiting == mine
        assert line.waiting <= line.short <= line.quantity
        assert line.open >= 0
        assert line.back_order or not line.waiting
    assert [wait.priority for wait in row.queue] == sorted((wait.priority for wait in row.queue), reverse=True)
    assert all(wait.quantity > 0 for wait in row.queue)
    assert row.changed == sum((change.delta for change in row.changes), Decimal(0))


def play(events: list[Message]) -> Partition:
    partition = Partition(stock)
    partition.send(company(), offer(), level(6))
    for event in events:
        try:
            partition.send(event)
        except (Ignored, Refused):
            continue
        row: Any = partition.row(KEY)
        check(row)
    return partition


@settings(max_examples=80, deadline=None)
@given(histories())
def test_never_more_is_granted_than_the_accepted_facts_say(events: list[Message]) -> None:
    partition = play(events)
    row = partition.row(KEY)
    last = {decision.line_key: decision for decision in of(LineDecision, partition.sent)}
    for line_key, line in row.lines.items():
        told = last[line_key]
        assert (told.approved, told.waitlisted, told.rejected) == (
            line.granted,
            line.waiting,
            line.short - line.waiting,
        )
    numbers: dict[str, int] = {}
    for decision in of(LineDecision, partition.sent):
        assert LineDecision.from_json(decision.to_json()) == decision
        mark = decision.revision * 1000 + decision.decision_revision
        assert mark > numbers.get(decision.line_key, 0), "an answer that is older than the one before"
        numbers[decision.line_key] = mark


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.lists(st.integers(0, 12), min_size=1, max_size=6))
def test_who_came_first_is_served_first(quantities: list[int], levels: list[int]) -> None:
    partition = Partition(stock)
    partition.send(company(), level(0))
    partition.send(*(ask(f"{number}/1", quantity) for number, quantity in enumerate(quantities)))
    for minute, quantity in enumerate(levels, start=1):
        partition.send(level(quantity, minute))
        lines = list(partition.row(KEY).lines.values())
        for earlier, later in pairwise(lines):
            assert not earlier.short or not later.granted, "a later line has what an earlier one waits for"
        assert waiting(partition.row(KEY)) == max(0, sum(quantities) - quantity)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=5),
    st.integers(0, 8),
    st.randoms(use_true_random=False),
)
def test_levels_and_orders_of_one_shop_give_the_same_result_in_any_order(
    orders: list[tuple[int, int]], there: int, shuffle: Any
) -> None:
    """The shop takes its own orders off what it calls available; the end is the same in whichever order news comes."""
    news: list[Message] = []
    left = there
    for number, (quantity, _) in enumerate(orders, start=1):
        left -= quantity
        news.append(ask(f"{number}/1", quantity, placed_at=at(number)))
        news.append(shop_level(left, number))
    shuffle.shuffle(news)
    partition = Partition(stock)
    partition.send(company(), shop_level(there, 0), *news)
    row = partition.row(KEY)
    check(row)
    assert row.on_hand == there
    wanted = sum(quantity for quantity, _ in orders)
    assert sum(line.granted for line in row.lines.values()) == min(there, wanted)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=5),
    st.lists(st.integers(1, 3), max_size=3),
    st.integers(0, 10),
    st.randoms(use_true_random=False),
)
def test_the_shop_ships_and_a_workshop_takes_from_the_same_shelf(
    orders: list[tuple[int, bool]], jobs: list[int], there: int, shuffle: Any
) -> None:
    """What the shop set aside is its own; the workshop gets what is left, and no unit goes to both."""
    news: list[Message] = [ask(f"{number}/1", quantity, account="workshop") for number, quantity in enumerate(jobs)]
    left, gone, asked = there, 0, {}
    for number, (quantity, leaves) in enumerate(orders, start=1):
        left -= quantity
        asked[number] = ask(f"{number}/1", quantity, placed_at=at(number))
        news += [asked[number], shop_level(left, number)]
        if leaves and gone + quantity <= there:
            gone += quantity
            news.append(shipped(f"{number}/1", quantity, minutes=20 + number))
    shuffle.shuffle(news)
    partition = Partition(stock)
    partition.send(company(), shop_level(there, 0))
    told: set[str] = set()
    for event in news:
        if isinstance(event, LineShipped):  # an order tells of a line before it tells that it has left
            request = asked[int(event.line_key.split("/")[1])]
            if request.line_key not in told:
                told.add(request.line_key)
                partition.send(request)
        if isinstance(event, LineRequest):
            told.add(event.line_key)
        partition.send(event)
        check(partition.row(KEY))
    row = partition.row(KEY)
    assert row.on_hand == there - gone
    shop = sum(line.open for key, line in row.lines.items() if key.startswith("shop/"))
    workshop = sum(line.open for key, line in row.lines.items() if key.startswith("workshop/"))
    wanted = sum(quantity for quantity, _ in orders) - gone
    assert shop == min(wanted, there - gone)
    assert workshop == max(0, min(left, sum(jobs)))
