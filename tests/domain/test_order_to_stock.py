"""Orders, catalogue and stock together: whatever happens in whatever order, in the end all three tell the same."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain import catalogue, orders, stock
from streamer.domain.order_rows import OrderRow
from streamer.domain.stock_rows import StockRow
from streamer.errors import Ignored
from streamer.messages.applied import AccountFacts
from streamer.messages.base import Message
from streamer.messages.orders import KitPart, Order, OrderLine
from streamer.messages.status import OrderLineStatus
from streamer.messages.stock import Item, ItemFacts
from tests.domain.memory import Partition, of
from tests.domain.shop import at, company, level, shop_level

ACCOUNTS = {
    "shop": AccountFacts(platform="shopify", counts="available", default_location="main", write_back=True),
    "warehouse": AccountFacts(platform="odoo", default_location="main"),
}
FOLDS = {"orders": orders, "stock": stock, "catalogue": catalogue}


class House:
    """The three folds, each with its log; messages wait on their logs until the test lets one be read."""

    def __init__(self) -> None:
        self.partitions = {name: Partition(module) for name, module in FOLDS.items()}
        self.logs: dict[str, deque[Message]] = {name: deque() for name in FOLDS}
        for partition in self.partitions.values():
            partition.send(company(accounts=ACCOUNTS))

    def publish(self, event: Message) -> None:
        for topic in dict.fromkeys(place.topic for place in event.places()):
            if topic in self.logs:
                self.logs[topic].append(event)

    def read_one(self, topic: str) -> None:
        if not self.logs[topic]:
            return
        event = self.logs[topic].popleft()
        try:
            outcome = self.partitions[topic].send(event)
        except Ignored:
            return
        for message in outcome:
            self.publish(message)

    def read_all(self) -> None:
        for _ in range(20_000):
            waiting = [topic for topic, log in self.logs.items() if log]
            if not waiting:
                return
            self.read_one(waiting[0])
        raise AssertionError("messages run in a circle")

    def rows(self, topic: str, kind: type[Any]) -> dict[str, Any]:
        partition = self.partitions[topic]
        rows = {key: partition.row(key) for key in partition.rows}
        return {key: row for key, row in rows.items() if isinstance(row, kind)}


def check(house: House) -> None:
    """Every promise has one order behind it, every order knows what it has, and nobody has what is not there."""
    held: dict[tuple[str, str], Any] = {}
    for key, row in house.rows("stock", StockRow).items():
        assert row.reserved <= max(row.on_hand, Decimal(0))
        for line_key, line in row.lines.items():
            held[key, line_key] = line
    for order_key, row in house.rows("orders", OrderRow).items():
        for line_id, line in row.lines.items():
            assert line.decision != "pending", f"{order_key}/{line_id} was never decided"
            for line_key, ask in line.asks.items():
                if ask.released or ask.referred:
                    continue
                there = held.pop((f"{ask.location}/{ask.sku}", line_key), None)
                if there is None:
                    done = line.shipped >= line.quantity or not (ask.approved or ask.waitlisted)
                    left = not ask.waitlisted and ask.left * (ask.each or 1) >= ask.approved
                    assert done or left or line.service, f"{line_key} believes it holds {ask.approved}"
                    continue
                assert ask.revision == there.revision
                if line.shipped < line.quantity:
                    assert (ask.approved, ask.waitlisted) == (there.granted, there.waiting)
    assert not held, f"stock is held for nobody: {held}"


LINE = st.builds(
    lambda line_id, what, quantity: OrderLine(
        line_id=line_id,
        sku=None if what == "item" else what,
        item_id="77" if what == "item" else None,
        quantity=Decimal(quantity),
        service=what == "SERVICE",
    ),
    st.sampled_from("12"),
    st.sampled_from(["OIL", "OIL", "KIT", "SERVICE", "OLD", "NOBODY", "item"]),
    st.integers(0, 4),
)


def an_order(
    number: int, version: int, lines: list[OrderLine], state: Any, whole: bool, shipped: int, shop: bool
) -> Order:
    lines = [line for place, line in enumerate(lines) if line.line_id not in {other.line_id for other in lines[:place]}]
    if shipped and lines and lines[0].sku == "OIL" and lines[0].quantity:
        lines[0] = lines[0].model_copy(update={"shipped": min(Decimal(shipped), lines[0].quantity)})
    return Order(
        account="shop" if shop else "warehouse",
        platform="shopify",
        kind="sales_order",
        source_id=str(number),
        version=at(version).isoformat(),
        occurred_at=at(number),
        state=state,
        lines=tuple(lines),
        all_or_nothing=whole,
    )


STATES = ["open", "open", "open", "open", "held", "cancelled", "closed"]
LINES = st.lists(LINE, min_size=1, max_size=3)
ORDER: st.SearchStrategy[Message] = st.builds(
    an_order,
    st.integers(1, 3),
    st.just(0),
    LINES,
    st.sampled_from(STATES),
    st.booleans(),
    st.sampled_from([0, 0, 1, 2]),
    st.booleans(),
)
LEVEL: st.SearchStrategy[Message] = st.one_of(
    st.builds(shop_level, st.integers(-2, 9), st.just(0), sku=st.sampled_from(["OIL", "FILTER"])),
    st.builds(level, st.integers(0, 9), st.just(0), sku=st.sampled_from(["OIL", "FILTER", "NEW"])),
    st.builds(shop_level, st.integers(0, 9), st.just(0), sku=st.none(), item_id=st.just("77")),
)  # fmt: skip
STEP = st.tuples(
    st.one_of(ORDER, ORDER, ORDER, LEVEL),
    st.sampled_from([0, 0, 0, 1, 4]),  # minutes by which the news is late
    st.lists(st.sampled_from(sorted(FOLDS)), max_size=6),
)


def dated(event: Message, minute: int) -> Message:
    """The event as of a minute of the history."""
    if isinstance(event, Order):
        return event.model_copy(update={"version": at(minute).isoformat()})
    return event.model_copy(update={"as_of": at(minute)})


FACTS = [
    ItemFacts(location="main", sku="KIT", version="1", source="settings", kit=(
        KitPart(sku="OIL", quantity_each=Decimal(2)), KitPart(sku="FILTER", quantity_each=Decimal(1)),
    )),
    ItemFacts(location="main", sku="SERVICE", version="1", source="settings", kit=(
        KitPart(sku="OIL", quantity_each=Decimal("1.5")),
    )),
    ItemFacts(location="main", sku="OLD", version="1", source="settings", superseded_by="NEW"),
]  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(
    st.lists(STEP, min_size=8, max_size=25),
    st.sampled_from(["ITEM", "OIL", None]),
)
def test_in_the_end_orders_and_stock_agree(history: list[tuple[Message, int, list[str]]], item: str | None) -> None:
    house = House()
    for event in (*FACTS, level(6, sku="OIL"), level(6, sku="FILTER")):
        house.publish(event)
    for minute, (event, late, reads) in enumerate(history, start=5):
        house.publish(dated(event, minute - late))
        for topic in reads:
            house.read_one(topic)
    house.publish(Item(account="shop", platform="shopify", item_id="77", sku=item, version="1"))
    house.publish(Item(account="warehouse", platform="odoo", item_id="77", sku=item, version="1"))
    house.read_all()
    check(house)
    revisions: dict[tuple[str, str], int] = {}
    for status in of(OrderLineStatus, house.partitions["orders"].sent):
        place = (status.account, status.order_id)
        assert status.revision > revisions.get(place, 0)
        revisions[place] = status.revision


def test_a_kit_is_reserved_as_its_parts_and_given_back_when_the_order_is_cancelled() -> None:
    house = House()
    line = OrderLine(line_id="1", sku="KIT", quantity=Decimal(2))
    for event in (*FACTS, level(6, sku="OIL"), level(6, sku="FILTER"), an_order(1, 5, [line], "open", False, 0, True)):
        house.publish(event)
    house.read_all()
    assert {key: int(row.reserved) for key, row in house.rows("stock", StockRow).items() if row.reserved} == {
        "main/OIL": 4,
        "main/FILTER": 2,
    }
    house.publish(an_order(1, 6, [line], "cancelled", False, 0, True))
    house.read_all()
    assert not any(row.reserved for row in house.rows("stock", StockRow).values())


def test_a_shop_that_takes_off_its_own_orders_has_not_taken_off_the_parts_of_our_kits() -> None:
    """It sold a service: of the filters in it, it knows nothing, so they are still in its level."""
    house = House()
    line = OrderLine(line_id="1", sku="KIT", quantity=Decimal(1))
    for event in (*FACTS, shop_level(2, 9, sku="FILTER"), shop_level(2, 9, sku="OIL")):
        house.publish(event)
    house.publish(an_order(1, 5, [line], "open", False, 0, True))
    house.read_all()
    rows = house.rows("stock", StockRow)
    assert {key: (row.on_hand, row.reserved) for key, row in rows.items() if row.counted} == {
        "main/FILTER": (2, 1),
        "main/OIL": (2, 2),
    }


def oil(quantity: int, sku: str = "OIL", *, line_id: str = "2") -> OrderLine:
    return OrderLine(line_id=line_id, sku=sku, quantity=Decimal(quantity))


def told(house: House, *orders: Order) -> None:
    for event in (*FACTS, level(6, sku="OIL"), level(6, sku="FILTER"), *orders):
        house.publish(event)
    house.read_all()
    check(house)


def test_a_line_that_was_another_thing_for_a_while_gets_the_rest_of_what_it_was() -> None:
    """One had left; the other one is to be reserved again, not taken for the one that has left."""
    house = House()
    told(
        house,
        an_order(1, 3, [oil(2)], "open", False, 1, True),
        an_order(1, 4, [oil(0, "KIT")], "open", False, 0, True),
        an_order(1, 5, [oil(2)], "open", False, 0, True),
    )
    assert house.rows("stock", StockRow)["main/OIL"].reserved == 1
    row = house.rows("orders", OrderRow)["shop/1"]
    assert (row.lines["2"].decision, row.lines["2"].approved, row.lines["2"].shipped) == ("approved", 2, 1)


def test_a_removed_line_that_comes_back_over_another_part_remembers_where_it_left_from() -> None:
    house = House()
    told(
        house,
        an_order(1, 3, [oil(4)], "open", True, 2, True),
        an_order(1, 4, [oil(1, "FILTER", line_id="1")], "open", True, 0, True),
        an_order(1, 5, [oil(1, "NOBODY")], "held", True, 0, True),
        an_order(1, 6, [oil(4)], "open", True, 2, True),
    )
    assert house.rows("stock", StockRow)["main/OIL"].reserved == 2


def test_what_left_from_two_rows_is_not_taken_for_what_is_still_to_come() -> None:
    house = House()
    told(
        house,
        an_order(1, 3, [oil(2)], "open", False, 1, True),
        an_order(1, 4, [oil(3, "FILTER").model_copy(update={"shipped": Decimal(2)})], "open", False, 0, True),
        an_order(1, 5, [oil(4)], "open", False, 0, True),
    )
    assert house.rows("stock", StockRow)["main/OIL"].reserved == 2


def test_an_order_for_all_or_nothing_of_an_item_that_nobody_knows_is_rejected_in_each_line() -> None:
    house = House()
    item = OrderLine(line_id="1", item_id="77", quantity=Decimal(2))
    house.publish(an_order(2, 5, [item, item.model_copy(update={"line_id": "2"})], "open", True, 0, False))
    house.publish(Item(account="warehouse", platform="odoo", item_id="77", sku=None, version="1"))
    house.read_all()
    lines = house.rows("orders", OrderRow)["warehouse/2"].lines
    assert [line.decision for line in lines.values()] == ["rejected", "rejected"]


def test_a_line_whose_platform_gives_it_no_id_is_decided_as_others_are() -> None:
    house = House()
    told(house, an_order(1, 5, [oil(2, line_id=""), oil(1, "KIT", line_id="a/b")], "open", False, 0, True))
    assert [line.decision for line in house.rows("orders", OrderRow)["shop/1"].lines.values()] == ["approved"] * 2
