"""An order over several rows: locations in turn, kits in whole units, older parts, substitutes, carts, channels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain.order_rows import OrderRow
from streamer.domain.stock_rows import StockRow
from streamer.messages.applied import AccountFacts, AllocationRules, SalesChannel, SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import NotifyCommand, WriteBackCommand
from streamer.messages.orders import KitPart, Order, OrderLine
from streamer.messages.people import Address, Customer
from streamer.messages.status import OrderLineStatus
from streamer.messages.stock import ItemFacts, LineRequest
from tests.domain.memory import of
from tests.domain.shop import at, company, level
from tests.domain.test_order_to_stock import House, check

SITES = ("MUNICH", "BERLIN")


def rules(channel: dict[str, Any] | None = None, **changes: Any) -> SettingsApplied:
    """A shop that is served by two locations, Munich first, and a workshop that takes from Munich alone."""
    shop = SalesChannel(**{"locations": SITES, **(channel or {})})
    allocation = AllocationRules(**{"channels": {"shop": shop}, **changes})
    accounts = {
        "shop": AccountFacts(platform="woocommerce", default_location="MUNICH", write_back=True),
        "workshop": AccountFacts(platform="keyloop", default_location="MUNICH"),
    }
    return company(accounts=accounts, allocation=allocation, locations=SITES, revision=2)


class Shop(House):
    """The folds, told of rules and levels; what was told last of each line can be asked."""

    def __init__(self, applied: SettingsApplied, *stock: Message) -> None:
        super().__init__()
        for partition in self.partitions.values():
            partition.send(applied)
        self.tell(*stock)

    def tell(self, *events: Message) -> None:
        for event in events:
            self.publish(event)
            self.read_all()

    def tick(self, minutes: float) -> None:
        for partition in self.partitions.values():
            for message in partition.tick(seconds=60 * minutes):
                self.publish(message)
        self.read_all()

    def status(self, order: str, line: str = "1") -> OrderLineStatus:
        told = [
            s for s in of(OrderLineStatus, self.partitions["orders"].sent) if (s.order_id, s.line_id) == (order, line)
        ]
        return told[-1]

    def decided(self, order: str, line: str = "1") -> tuple[str, int, int]:
        status = self.status(order, line)
        return status.decision, int(status.approved), int(status.waitlisted)

    def reserved(self) -> dict[str, int]:
        rows = self.rows("stock", StockRow)
        return {key: int(row.reserved) for key, row in sorted(rows.items()) if row.reserved}


def there(location: str, minutes: float = 0, **quantities: int) -> list[Message]:
    return [level(quantity, minutes, location=location, sku=sku) for sku, quantity in quantities.items()]


def order(source_id: str, version: int = 1, *, account: str = "shop", **changes: Any) -> Order:
    """`lines` by SKU; the id of a line is its place."""
    wanted: dict[str, int] = changes.pop("lines", {"PAD": 1})
    more = changes.pop("line", {})
    lines = tuple(
        OrderLine(line_id=str(place), sku=sku, quantity=Decimal(quantity), **more)
        for place, (sku, quantity) in enumerate(wanted.items(), 1)
    )
    fields: dict[str, Any] = {
        "account": account,
        "platform": "woocommerce",
        "kind": "sales_order",
        "source_id": source_id,
        "version": at(version).isoformat(),
        "occurred_at": at(0),
        "lines": lines,
    }
    return Order(**(fields | changes))


def facts(sku: str, **changes: Any) -> list[Message]:
    return [ItemFacts(location=site, sku=sku, version="1", source="settings", **changes) for site in SITES]


def kit(**parts: int) -> tuple[KitPart, ...]:
    return tuple(KitPart(sku=sku, quantity_each=Decimal(each)) for sku, each in parts.items())


def test_the_sum_of_two_locations_is_enough_where_neither_alone_is() -> None:
    """Complaint 6: allocation from an arbitrary warehouse, or from a single one though the total suffices."""
    shop = Shop(rules(), *there("MUNICH", PAD=2), *there("BERLIN", PAD=5))
    shop.tell(order("1", lines={"PAD": 6}))
    assert shop.decided("1") == ("approved", 6, 0)
    assert shop.reserved() == {"BERLIN/PAD": 4, "MUNICH/PAD": 2}
    assert shop.status("1").reason == "2 PAD from MUNICH; 4 PAD from BERLIN"


def test_the_nearest_location_gives_first() -> None:
    ways = {"DE-10": {"BERLIN": 5.0, "MUNICH": 580.0}, "DE": {"MUNICH": 300.0, "BERLIN": 400.0}}
    shop = Shop(rules({"sourcing": "nearest"}, distances_km=ways), *there("MUNICH", PAD=9), *there("BERLIN", PAD=9))
    shop.tell(order("1", ship_to=Address(country="DE", postal_code="10115")))
    shop.tell(order("2", lines={"PAD": 2}, ship_to=Address(country="DE", postal_code="90402")))
    assert shop.reserved() == {"BERLIN/PAD": 1, "MUNICH/PAD": 2}


def test_one_parcel_is_better_than_two_from_better_places() -> None:
    shop = Shop(
        rules({"sourcing": "fewest_splits", "locations": ("MUNICH", "BERLIN", "HAMBURG")}),
        *there("MUNICH", A=5),
        *there("BERLIN", B=5),
        *there("HAMBURG", A=2, B=2),
    )
    shop.tell(order("1", lines={"A": 2, "B": 2}))
    assert [shop.decided("1", line) for line in "12"] == [("approved", 2, 0), ("approved", 2, 0)]
    assert shop.reserved() == {"HAMBURG/A": 2, "HAMBURG/B": 2}  # what the others had offered is free again
    shop.tell(order("2", lines={"A": 3}))
    assert shop.reserved()["MUNICH/A"] == 3


def test_the_location_with_most_of_the_order_gives_first() -> None:
    shop = Shop(rules({"sourcing": "most_stock"}), *there("MUNICH", PAD=2), *there("BERLIN", PAD=5))
    shop.tell(order("1", lines={"PAD": 6}))
    assert shop.reserved() == {"BERLIN/PAD": 5, "MUNICH/PAD": 1}
    shop.tell(order("2", lines={"PAD": 3}))
    assert shop.decided("2") == ("partly_approved", 1, 2)


def test_a_location_that_the_order_names_is_the_only_one() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=9), *there("BERLIN", PAD=1))
    shop.tell(order("1", lines={"PAD": 3}, location="BERLIN"))
    assert shop.decided("1") == ("partly_approved", 1, 2)


def test_what_is_missing_everywhere_waits_at_the_first_location_and_is_looked_for_again() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=1), *there("BERLIN", PAD=1))
    shop.tell(order("1", lines={"PAD": 5}))
    assert shop.decided("1") == ("partly_approved", 2, 3)
    shop.tell(*there("BERLIN", 5, PAD=3))
    shop.tick(minutes=16)
    assert shop.decided("1") == ("partly_approved", 4, 1)
    shop.tell(*there("MUNICH", 20, PAD=2))
    assert shop.decided("1") == ("approved", 5, 0)
    assert shop.reserved() == {"BERLIN/PAD": 3, "MUNICH/PAD": 2}


@pytest.mark.parametrize("berlin", [1, 2])
def test_an_order_for_all_that_waits_is_served_once_two_places_have_it_together(berlin: int) -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=1), *there("BERLIN", PAD=0))
    shop.tell(order("1", lines={"PAD": 2}, all_or_nothing=True))
    assert shop.decided("1") == ("waitlisted", 0, 2)
    shop.tell(*there("BERLIN", 5, PAD=berlin))
    shop.tick(minutes=16)
    assert shop.decided("1") == ("approved", 2, 0)
    assert shop.reserved() == {"BERLIN/PAD": 1, "MUNICH/PAD": 1}


def test_parts_that_wait_come_with_the_split_and_stay_waiting_until_they_are_there() -> None:
    """Complaint 5: split and partial back orders that lose their state and silently become on hand."""
    shop = Shop(rules(), *there("MUNICH", PAD=2), *there("BERLIN", PAD=1))
    shop.tell(order("1", lines={"PAD": 6}))
    shop.tell(order("1", 2, lines={"PAD": 6}, line={"shipped": Decimal(2)}))
    assert shop.decided("1") == ("partly_approved", 3, 3)
    assert shop.status("1").fulfilment == "back_order"
    shop.tell(order("1", 3, lines={"PAD": 5}, line={"shipped": Decimal(2)}))
    assert shop.decided("1") == ("partly_approved", 3, 2)
    shop.tell(*there("MUNICH", 9, PAD=2))
    shop.tell(order("1", 10, lines={"PAD": 5}, line={"shipped": Decimal(5)}))
    assert (shop.status("1").fulfilment, shop.status("1").state) == ("shipped", "fulfilled")
    assert shop.reserved() == {}
    check(shop)


def test_two_shops_that_buy_the_last_one_at_once_get_one_between_them() -> None:
    """Complaint 4: overselling under concurrency, when check and decrement are two steps."""
    shop = Shop(rules(), *there("MUNICH", PAD=1), *there("BERLIN", PAD=0))
    for event in (order("1"), order("2"), order("3", account="workshop")):
        shop.publish(event)
    shop.read_all()
    decisions = [shop.decided(number)[0] for number in "123"]
    assert sorted(decisions) == ["approved", "waitlisted", "waitlisted"]
    assert shop.reserved() == {"MUNICH/PAD": 1}


def test_a_kit_comes_whole_from_each_location_and_what_is_left_over_of_a_part_is_given_back() -> None:
    shop = Shop(rules(), *facts("KIT", kit=kit(DISC=2, PAD=4)), *there("MUNICH", DISC=5, PAD=4),
                *there("BERLIN", DISC=2, PAD=9))  # fmt: skip
    shop.tell(order("1", lines={"KIT": 2}))
    assert shop.decided("1") == ("approved", 2, 0)
    assert shop.reserved() == {"BERLIN/DISC": 2, "BERLIN/PAD": 4, "MUNICH/DISC": 2, "MUNICH/PAD": 4}


def test_two_kits_never_wait_for_each_other() -> None:
    shop = Shop(rules(), *facts("LEFT", kit=kit(A=1, B=1)), *facts("RIGHT", kit=kit(B=1, A=1)),
                *there("MUNICH", A=1, B=1), *there("BERLIN", A=0, B=0))  # fmt: skip
    for event in (
        order("1", lines={"LEFT": 1}, account="workshop"),
        order("2", lines={"RIGHT": 1}, account="workshop"),
    ):
        shop.publish(event)
    shop.read_all()
    assert [shop.decided(number)[0] for number in "12"] == ["approved", "waitlisted"]


def test_orders_that_want_all_or_nothing_never_wait_for_each_other() -> None:
    shop = Shop(rules(), *there("MUNICH", A=1, B=1), *there("BERLIN", A=0, B=0))
    for event in (
        order("1", lines={"A": 1, "B": 1}, all_or_nothing=True, account="workshop"),
        order("2", lines={"B": 1, "A": 1}, all_or_nothing=True, account="workshop"),
    ):
        shop.publish(event)
    shop.read_all()
    assert [shop.decided("1", line) for line in "12"] == [("approved", 1, 0), ("approved", 1, 0)]
    assert [shop.decided("2", line) for line in "12"] == [("waitlisted", 0, 1), ("waitlisted", 0, 1)]
    assert shop.status("2", "1").reason == "all or nothing: line 2 waits"
    shop.tell(order("1", 2, lines={"A": 1, "B": 1}, state="cancelled", account="workshop"))
    assert [shop.decided("2", line) for line in "12"] == [("approved", 1, 0), ("approved", 1, 0)]


def test_the_old_parts_stock_is_used_up_before_its_successors_and_each_hop_is_kept() -> None:
    shop = Shop(rules(), *facts("A", superseded_by="B"), *facts("B", superseded_by="C"),
                *there("MUNICH", A=1, B=1, C=9))  # fmt: skip
    shop.tell(order("1", lines={"A": 4}, account="workshop"))
    assert shop.decided("1") == ("approved", 4, 0)
    assert [(s.sku, int(s.quantity), s.hops) for s in shop.status("1").sources] == [
        ("A", 1, ()),
        ("B", 1, ("A", "B")),
        ("C", 2, ("A", "B", "C")),
    ]


def test_interchangeable_older_parts_serve_the_new_one_first() -> None:
    shop = Shop(rules(), *facts("OLD", superseded_by="NEW"), *facts("NEW", older=("OLD",)),
                *there("MUNICH", OLD=2, NEW=5))  # fmt: skip
    shop.tell(order("1", lines={"NEW": 3}, account="workshop"))
    assert shop.decided("1") == ("approved", 3, 0)
    assert shop.reserved() == {"MUNICH/NEW": 1, "MUNICH/OLD": 2}
    shop.tell(order("2", lines={"NEW": 6}, account="workshop"))
    assert shop.decided("2") == ("partly_approved", 4, 2)


def test_a_supersession_holds_from_its_day_on_and_replaces_two_for_one() -> None:
    pair = facts("PAIR", superseded_by="SINGLE", superseded_from="2026-03-03", superseded_each=Decimal(2))
    shop = Shop(rules(), *pair, *there("MUNICH", PAIR=0, SINGLE=5))
    shop.tell(order("1", lines={"PAIR": 1}, account="workshop"))
    assert shop.decided("1") == ("waitlisted", 0, 1)
    shop.tick(minutes=60 * 24)
    shop.tell(order("2", lines={"PAIR": 3}, account="workshop"))
    assert shop.decided("2") == ("partly_approved", 2, 1)
    assert shop.reserved()["MUNICH/SINGLE"] in (4, 5)


def test_substitutes_are_given_where_the_channel_allows_them_and_the_rest_waits_for_the_part_itself() -> None:
    other = facts("PAD", alternatives=("PAD-X",))
    shop = Shop(rules({"locations": (), "substitutes": True}), *other, *there("MUNICH", PAD=1, **{"PAD-X": 1}))
    shop.tell(order("1", lines={"PAD": 3}), order("2", account="workshop"))
    assert shop.decided("1") == ("partly_approved", 2, 1)
    assert shop.reserved() == {"MUNICH/PAD": 1, "MUNICH/PAD-X": 1}
    assert shop.decided("2") == ("waitlisted", 0, 1)  # the workshop takes no substitutes
    shop.tell(*there("MUNICH", 9, PAD=2))
    assert shop.decided("1") == ("approved", 3, 0)


def test_a_cart_reserves_for_a_time_and_becomes_the_order_that_it_was() -> None:
    shop = Shop(rules({"locations": ()}), *there("MUNICH", PAD=2))
    shop.tell(order("cart-1", lines={"PAD": 2}, cart=True), order("2", lines={"PAD": 1}))
    assert shop.decided("2") == ("waitlisted", 0, 1)
    shop.tell(order("3", lines={"PAD": 1}, cart_id="cart-1"))
    assert shop.decided("3") == ("approved", 1, 0)
    assert shop.decided("2") == ("approved", 1, 0)  # what the order did not take is for those who wait
    assert shop.decided("cart-1")[0] == "released"


def test_a_cart_that_nobody_buys_expires_and_those_who_wait_are_served() -> None:
    shop = Shop(rules({"locations": (), "cart_minutes": 10.0}), *there("MUNICH", PAD=1))
    shop.tell(order("cart-1", cart=True), order("2"))
    shop.tick(minutes=11)
    assert (shop.decided("cart-1")[0], shop.decided("2")[0]) == ("released", "approved")
    shop.tell(order("cart-1", 30))
    assert shop.decided("cart-1") == ("waitlisted", 0, 1)  # bought after all: an order like others


def test_a_cart_with_the_orders_own_id_keeps_its_reservation_when_it_is_bought() -> None:
    shop = Shop(rules({"locations": (), "cart_minutes": 10.0}), *there("MUNICH", PAD=1))
    shop.tell(order("1", cart=True), order("1", 2))
    shop.tick(minutes=60)
    assert shop.decided("1") == ("approved", 1, 0)


def test_a_class_of_customers_goes_first() -> None:
    shop = Shop(rules({"locations": ()}, priorities={"fleet": 5}, customers={"shop/77": "fleet"}),
                *there("MUNICH", PAD=0))  # fmt: skip
    shop.tell(order("1"), order("2", customer=Customer(id="77")), order("3", customer=Customer(groups=("fleet",))))
    shop.tell(*there("MUNICH", 5, PAD=2))
    assert [shop.decided(number)[0] for number in "123"] == ["waitlisted", "approved", "approved"]


def test_best_fit_lets_a_small_order_pass_a_large_one_that_must_wait() -> None:
    large: dict[str, Any] = {"lines": {"PAD": 5}, "all_or_nothing": True}
    for rule, small in (("first_come", "waitlisted"), ("best_fit", "approved")):
        shop = Shop(rules({"locations": ()}, waitlist=rule), *there("MUNICH", PAD=0))
        shop.tell(order("1", **large), order("2", lines={"PAD": 2}), *there("MUNICH", 5, PAD=3))
        assert [shop.decided(number)[0] for number in "12"] == ["waitlisted", small]


def test_a_channel_holds_no_more_than_its_share_and_blocks_nobody_else() -> None:
    shop = Shop(rules({"locations": (), "share": Decimal("0.5")}), *there("MUNICH", PAD=10))
    shop.tell(order("1", lines={"PAD": 7}), order("2", lines={"PAD": 4}, account="workshop"))
    assert shop.decided("1") == ("partly_approved", 5, 2)
    assert shop.decided("2") == ("approved", 4, 0)


def test_the_last_ones_are_not_for_a_channel_with_a_buffer() -> None:
    shop = Shop(rules({"locations": (), "buffer": Decimal(3), "back_orders": False}), *there("MUNICH", PAD=4))
    shop.tell(order("1", lines={"PAD": 2}))
    assert shop.decided("1") == ("partly_approved", 1, 0)
    assert shop.status("1").reason == "not enough stock: 0 more are for orders of shop, of 3 available"


def test_a_shortage_takes_carts_first_then_the_youngest_and_never_what_is_picked() -> None:
    shop = Shop(rules({"locations": ()}), *there("MUNICH", PAD=4))
    shop.tell(order("1"), order("2", cart=True), order("3"), order("4"))
    shop.tell(order("4", 2, line={"fulfilment": "picked"}))
    shop.tell(*there("MUNICH", 9, PAD=2))
    assert [shop.decided(number)[0] for number in "134"] == ["approved", "waitlisted", "approved"]
    assert (shop.decided("2")[0], shop.status("4").fulfilment) == ("rejected", "picked")
    shop.tell(*there("MUNICH", 10, PAD=0))
    assert [shop.decided(number)[0] for number in "14"] == ["waitlisted", "approved"]
    notices = of(NotifyCommand, shop.partitions["stock"].sent)
    assert notices[-1].subject == "MUNICH/PAD: 1 short"
    assert any(notice.subject == "MUNICH/PAD: 1 promised and not there" for notice in notices)


def test_a_shortage_may_be_left_to_people() -> None:
    shop = Shop(rules({"locations": ()}, shortage="tell_only"), *there("MUNICH", PAD=2))
    shop.tell(order("1"), order("2"), *there("MUNICH", 9, PAD=1))
    assert [shop.decided(number)[0] for number in "12"] == ["approved", "approved"]
    (notice,) = of(NotifyCommand, shop.partitions["stock"].sent)
    assert notice.subject == "MUNICH/PAD: 1 promised and not there"


def test_the_platform_is_told_again_after_a_change_and_under_the_same_object() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=2), *there("BERLIN", PAD=0))
    shop.tell(order("1", lines={"PAD": 2}), order("1", 2, lines={"PAD": 4}), order("1", 3, lines={"PAD": 1}))
    answers = of(WriteBackCommand, shop.partitions["orders"].sent)
    assert [(answer.decision, answer.revision) for answer in answers] == [
        ("approved", 1),
        ("partly_approved", 2),
        ("approved", 3),
    ]
    assert {answer.object for answer in answers} == {"order/1"}


def test_a_usual_order_asks_one_row_once() -> None:
    shop = Shop(rules({"locations": ()}), *there("MUNICH", PAD=2))
    shop.tell(order("1"))
    assert len(of(LineRequest, shop.partitions["orders"].sent)) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.lists(st.sampled_from(["AB", "BA", "B"]), min_size=2, max_size=5),
    st.lists(st.sampled_from(["orders", "stock"]), max_size=40),
    st.sampled_from(["rank", "most_stock", "fewest_splits"]),
)
def test_of_orders_that_want_all_or_nothing_as_many_go_out_as_can_however_they_meet(
    there_is: list[int], wanted: list[str], reads: list[str], sourcing: str
) -> None:
    """No two hold what the other one needs, whichever locations are asked at once."""
    a_munich, b_munich, a_berlin, b_berlin = there_is
    shop = Shop(
        rules({"sourcing": sourcing}),
        *there("MUNICH", A=a_munich, B=b_munich),
        *there("BERLIN", A=a_berlin, B=b_berlin),
    )
    for number, skus in enumerate(wanted):
        shop.publish(order(f"{number}", lines=dict.fromkeys(skus, 1), all_or_nothing=True))
    for topic in reads:
        shop.read_one(topic)
    shop.read_all()
    for _ in range(4):
        shop.tick(minutes=16)
    check(shop)
    approved = [skus for number, skus in enumerate(wanted) if shop.decided(f"{number}")[0] == "approved"]
    left = {"A": a_munich + a_berlin, "B": b_munich + b_berlin}
    for skus in approved:
        for sku in skus:
            left[sku] -= 1
    waiting = list(wanted)
    for skus in approved:
        waiting.remove(skus)
    for skus in waiting:
        assert any(left[sku] < 1 for sku in skus), f"{skus} waits though {left} is there"


SKUS = ("A", "B", "OLD", "NEW", "KIT", "SET")
HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "level", "tick"]),
        st.integers(1, 4),
        st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), min_size=1, max_size=3),
        st.sampled_from(["open", "open", "open", "cancelled", "closed"]),
        st.booleans(),
        st.sampled_from(["shop", "shop", "workshop"]),
        st.integers(0, 3),
        st.lists(st.sampled_from(["orders", "stock"]), max_size=5),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(
    HISTORY,
    st.sampled_from(["first_come", "best_fit"]),
    st.sampled_from([Decimal(1), Decimal("0.6")]),
    st.sampled_from(["rank", "most_stock", "fewest_splits"]),
)
def test_each_unit_is_promised_once_over_locations_kits_and_successors(
    history: list[Any], waitlist: str, share: Decimal, sourcing: str
) -> None:
    shop = Shop(
        rules({"share": share, "substitutes": True, "sourcing": sourcing}, waitlist=waitlist, priorities={"fleet": 5}),
        *facts("KIT", kit=kit(A=2, B=1)),
        *facts("SET", kit=kit(B=1, OLD=1)),
        *facts("OLD", superseded_by="NEW"),
        *facts("NEW", older=("OLD",)),
        *facts("A", alternatives=("B",)),
        *there("MUNICH", A=4, B=3, OLD=2, NEW=2),
        *there("BERLIN", A=2, B=2, OLD=1, NEW=3),
    )
    for minute, (kind, number, lines, state, whole, account, left, reads) in enumerate(history, 5):
        if kind == "tick":
            shop.tick(minutes=16)
        elif kind == "level":
            for site in SITES:
                for event in there(site, minute, **{sku: left for sku, _ in lines if sku not in ("KIT", "SET")}):
                    shop.publish(event)
        else:
            wanted = dict(lines)
            groups = ("fleet",) if number == 4 else ()
            more = {"shipped": Decimal(min(left, *wanted.values()))} if left == 3 else {}
            shop.publish(
                order(f"{number}", minute, lines=wanted, state=state, all_or_nothing=whole, account=account,
                      customer=Customer(groups=groups), cart=number == 3 and left == 1, line=more)
            )  # fmt: skip
        for topic in reads:
            shop.read_one(topic)
    shop.read_all()
    check(shop)
    for row in shop.rows("orders", OrderRow).values():
        for line in row.lines.values():
            assert line.approved + line.waitlisted <= line.quantity


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), min_size=2, max_size=2),
    st.sampled_from(["A", "B", "OLD", "NEW", "KIT"]),
    st.integers(1, 8),
    st.sampled_from(["rank", "nearest"]),
)
def test_a_line_gets_what_counting_by_hand_says(stocks: list[list[int]], sku: str, units: int, rule: Any) -> None:
    """From each location in turn, kits whole, the old part used up first."""
    names = ("A", "B", "OLD", "NEW")
    shelves = {site: dict(zip(names, stock, strict=True)) for site, stock in zip(SITES, stocks, strict=True)}
    left, by_hand = units, {}
    for site in SITES if rule == "rank" else reversed(SITES):
        whole = {
            "KIT": min(shelves[site]["A"] // 2, shelves[site]["B"]),
            "OLD": shelves[site]["OLD"] + shelves[site]["NEW"],
        }
        by_hand[site] = min(left, whole.get(sku, shelves[site].get(sku, 0)))
        left -= by_hand[site]

    shop = Shop(
        rules({"sourcing": rule}, distances_km={"DE": {"MUNICH": 300.0, "BERLIN": 20.0}}),
        *facts("KIT", kit=kit(A=2, B=1)),
        *facts("OLD", superseded_by="NEW"),
        *(event for site, stock in shelves.items() for event in there(site, **stock)),
    )
    shop.tell(order("1", lines={sku: units}, ship_to=Address(country="DE")))

    decision = "approved" if not left else "waitlisted" if left == units else "partly_approved"
    assert shop.decided("1") == (decision, units - left, left)
    if not left:
        given_out = dict.fromkeys(by_hand, 0)
        each = 3 if sku == "KIT" else 1
        for key, reserved in shop.reserved().items():
            given_out[key.partition("/")[0]] += reserved
        assert given_out == {site: quantity * each for site, quantity in by_hand.items()}
