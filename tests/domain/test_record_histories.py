"""Random histories of records: lost, doubled, late, refused or in doubt, each is made once and ends newest."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamer.domain.effects import StartCall
from streamer.messages.commands import AttemptOutcome, RecordCommand
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.people import Customer
from tests.domain.copying import Company, customer, order, route

SHOPS = {"shop": "shopify", "other": "woocommerce"}
PEOPLE = ("anna@berg.example", "bert@berg.example")

EVENT = st.tuples(
    st.sampled_from(["shop", "other"]),
    st.sampled_from(["order", "order", "order", "customer"]),
    st.integers(1, 3),  # which order
    st.integers(1, 8),  # its version
    st.integers(0, 1),  # whose
)
STEP = st.one_of(
    EVENT,
    EVENT,
    st.tuples(
        st.sampled_from(["answer", "answer", "refuse", "lost answer", "never begun", "twice", "tick", "press", "read"]),
        st.integers(0, 7),
    ),
)


def event_of(step: tuple[Any, ...]) -> Order | CustomerRecord:
    """The content follows from the version, so that one version never has two contents."""
    account, kind, number, version, person = step
    whose = Customer(id=f"{account[0]}{person}", email=PEOPLE[person], phone=str(version))
    if kind == "customer":
        return customer(
            version, account=account, platform=SHOPS[account], source_id=f"{account[0]}{person}", customer=whose
        )
    owner = Customer(id=f"{account[0]}{number % 2}", email=PEOPLE[number % 2])
    state = "cancelled" if version == 5 else "open"
    return order(
        f"{account[0]}{number}", version, account=account, platform=SHOPS[account], customer=owner,
        comment=f"v{version}", state=state,
    )  # fmt: skip


class History:
    def __init__(self, mode: str) -> None:
        self.shop = Company(
            route(mode=mode, batch_seconds=60.0), route(name="other-erp", source="other", mode=mode, batch_seconds=60.0)
        )
        self.newest: dict[str, Order | CustomerRecord] = {}
        self.done: list[AttemptOutcome] = []
        self.presses = 0

    def step(self, step: tuple[Any, ...]) -> None:
        shop = self.shop
        if len(step) == 5:
            event = event_of(step)
            key = event.places()[0].key
            known = self.newest.get(key)
            if known is None or event.version > known.version:
                self.newest[key] = event
            shop.tell(event)
            return
        act, number = step
        if act == "tick":
            shop.tick(seconds=(1, 5, 30, 60, 90, 400, 1000, 5)[number])
        elif act == "press":
            self.press()
        elif act == "read":
            for _ in range(number):
                topic = next((name for name, log in shop.logs.items() if log), None)
                if topic is not None:
                    shop.read(topic)
        elif shop.calls:
            call = shop.calls[number % len(shop.calls)]
            self.end(call, act)

    def end(self, call: StartCall, act: str) -> None:
        assert isinstance(call.command, RecordCommand)
        if act == "refuse":
            self.shop.answer(call, refuse="closed today")
        elif act == "lost answer":
            self.shop.erp.carry_out(call.command)
            self.shop.answer(call, result="unknown")
        elif act == "never begun":
            self.shop.answer(call, result="not_started")
        else:
            self.shop.answer(call)

    def press(self) -> None:
        """The button, for every record that stands still."""
        for key in list(self.shop.orders.rows):
            if not key.startswith("/copy/"):
                continue
            _, _, name, order_key = key.split("/", 3)
            row = self.shop.copy(order_key, name)
            self.shop.settle()
            row = self.shop.copy(order_key, name)
            if row.state != "under_way" and (row.wanted or row.content):
                self.presses += 1
                act = self.shop.pressed(order_key, f"press-{self.presses}").model_copy(update={"route": name})
                self.shop.tell(act)
                self.shop.settle()

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.shop.settle()
        for _ in range(60):
            while self.shop.calls:
                self.shop.answer()
            self.press()
            while self.shop.calls:
                self.shop.answer()
            self.shop.tick(seconds=1000)
            if not self.shop.calls and not self.open():
                return
        raise AssertionError(f"never calm: {self.open()}")

    def open(self) -> dict[str, str]:
        rows = {key: self.shop.orders.row(key) for key in self.shop.orders.rows if key.startswith("/copy/")}
        return {key: row.state for key, row in rows.items() if row.state not in ("confirmed", "dropped")}


def check_always(history: History) -> None:
    assert all(count == 1 for count in history.shop.erp.creates.values()), history.shop.erp.creates
    emails = [match.value for made in history.shop.erp.of("customer") for match in made.match if match.by == "email"]
    assert len(emails) == len(set(emails)), "a customer was made twice"


def check_end(history: History) -> None:
    erp = history.shop.erp
    copies = {made.record_key: made for made in erp.of("order")}
    for key, event in history.newest.items():
        if isinstance(event, CustomerRecord):
            row = history.shop.copy(key, "shop-erp" if event.account == "shop" else "other-erp")
            assert row.state == "confirmed"
            continue
        made = copies.get(key)
        if event.state == "cancelled":
            assert made is None or made.operation == "cancel", f"{key} is cancelled, and stands there"
            continue
        assert made is not None, f"{key} was lost"
        assert made.operation == "upsert"
        assert made.order is not None
        assert made.order.comment == event.comment, f"{key}: not the newest content"
        assert made.customer_reference in erp.records


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(STEP, max_size=40), st.sampled_from(["real_time", "batch", "manual"]))
def test_each_record_is_made_once_after_its_customer_and_ends_with_its_newest_content(
    steps: list[tuple[Any, ...]], mode: str
) -> None:
    history = History(mode)
    for step in steps:
        history.step(step)
        check_always(history)
    history.calm()
    check_always(history)
    check_end(history)
