"""Orders and ledger with routes between them, and an ERP that does what `Platform.record` promises."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from decimal import Decimal
from typing import Any

from streamer.domain import dispatch, orders
from streamer.domain.effects import StartCall
from streamer.domain.record_rows import CopyRow, copy_key
from streamer.domain.times import utc
from streamer.errors import Ignored, Refused
from streamer.messages.applied import AccountFacts, SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import AttemptOutcome, RecordCommand
from streamer.messages.orders import CustomerRecord, Order, OrderLine
from streamer.messages.people import Address, Customer
from streamer.messages.records import RecordAct, RouteFacts
from tests.domain.memory import START, Partition
from tests.domain.shop import at, company

ANNA = Customer(id="7", name="Anna Berg", email="anna@berg.example", company="Berg KFZ")


def route(**changes: Any) -> RouteFacts:
    fields: dict[str, Any] = {
        "name": "shop-erp",
        "source": "shop",
        "target": "erp",
        "kinds": ("customer", "order"),
        "since": START,
    }
    return RouteFacts(**(fields | changes))


def with_routes(*routes: RouteFacts, **changes: Any) -> SettingsApplied:
    accounts = {
        "shop": AccountFacts(platform="shopify", default_location="main", backfills={"order": "orders"}),
        "other": AccountFacts(platform="woocommerce", default_location="main"),
        "crm": AccountFacts(platform="hubspot"),
        "erp": AccountFacts(platform="local_erp", record_class="B", attempts=3),
    }
    return company(**({"accounts": accounts, "routes": routes, "partitions": 1} | changes))


def order(source_id: str = "1", minutes: float = 1, **changes: Any) -> Order:
    """An order of the shop as it was `minutes` after the start; placed a minute after it."""
    fields: dict[str, Any] = {
        "account": "shop",
        "platform": "shopify",
        "kind": "sales_order",
        "source_id": source_id,
        "number": f"#{source_id}",
        "version": at(minutes).isoformat(),
        "occurred_at": at(1),
        "currency": "EUR",
        "customer": ANNA,
        "ship_to": Address(name="Anna Berg", street="Ringweg 4", city="Bremen", country="DE"),
        "lines": (OrderLine(line_id="1", sku="PAD", quantity=Decimal(2), unit_price=Decimal("9.50")),),
    }
    return Order(**(fields | changes))


def customer(minutes: float = 1, **changes: Any) -> CustomerRecord:
    fields: dict[str, Any] = {
        "account": "shop",
        "platform": "shopify",
        "kind": "customer",
        "source_id": "7",
        "version": at(minutes).isoformat(),
        "customer": ANNA,
    }
    return CustomerRecord(**(fields | changes))


class Erp:
    """Customers and orders by its own ids. `creates` counts what was made for each of our references."""

    def __init__(self) -> None:
        self.records: dict[str, RecordCommand] = {}
        self.creates: dict[str, int] = {}
        self.order_of_work: list[str] = []

    def carry_out(self, command: RecordCommand) -> str | None:
        """Their id. Raises Refused."""
        if command.entity == "order" and command.operation != "cancel":
            assert command.customer_reference in self.records, "an order for a customer that is not there"
        found = self._find(command)
        if command.operation == "cancel":
            if found is not None:
                self.records[found] = command
            return found
        if found is not None:
            if command.operation == "upsert":
                self.records[found] = command
            return found
        if command.operation == "find":
            raise Refused("no such customer")
        name = f"{command.entity[0].upper()}{len(self.records) + 1}"
        self.records[name] = command
        self.creates[command.reference] = self.creates.get(command.reference, 0) + 1
        self.order_of_work.append(command.entity)
        return name

    def _find(self, command: RecordCommand) -> str | None:
        if command.external_reference is not None:
            return command.external_reference
        for name, known in self.records.items():
            same = {(match.by, match.value) for match in known.match} & {(one.by, one.value) for one in command.match}
            if known.entity == command.entity and (known.reference == command.reference or same):
                return name
        return None

    def of(self, entity: str) -> list[RecordCommand]:
        return [record for record in self.records.values() if record.entity == entity]


class Company:
    """Both folds with their logs; a message waits on its log until it is read, a call until it is carried out."""

    def __init__(self, *routes: RouteFacts, **changes: Any) -> None:
        self.orders = Partition(orders)
        self.dispatch = Partition(dispatch)
        self.erp = Erp()
        self.calls: deque[StartCall] = deque()
        self.seen: list[Message] = []
        self.logs: dict[str, deque[Message]] = {"orders": deque(), "commands": deque()}
        self.apply(with_routes(*(routes or (route(),)), **changes))

    def apply(self, settings: SettingsApplied) -> None:
        self.orders.send(settings)
        self.dispatch.send(settings)

    def tell(self, *events: Message) -> None:
        """Puts events on their logs."""
        for event in events:
            self.seen.append(event)
            for topic in dict.fromkeys(place.topic for place in event.places()):
                if topic in self.logs:
                    self.logs[topic].append(event)

    def read(self, topic: str) -> None:
        event = self.logs[topic].popleft()
        partition = self.orders if topic == "orders" else self.dispatch
        try:
            self.take(partition.send(event))
        except Ignored:
            return

    def take(self, outcome: list[Any]) -> None:
        for one in outcome:
            if isinstance(one, StartCall):
                self.calls.append(one)
            elif isinstance(one, Message):
                self.tell(one)

    def settle(self) -> None:
        """Reads everything; carries out no call."""
        for _ in range(10_000):
            topic = next((name for name, log in self.logs.items() if log), None)
            if topic is None:
                return
            self.read(topic)
        raise AssertionError("messages run in a circle")

    def answer(self, call: StartCall | None = None, *, refuse: str | None = None, result: str | None = None) -> None:
        """Carries out the oldest call, or says what else became of it; then everything is read."""
        call = call or self.calls[0]
        self.calls.remove(call)
        fields: dict[str, Any] = {"result": result or "confirmed"}
        if refuse is not None:
            fields = {"result": "rejected", "reason": refuse}
        elif result in (None, "confirmed") and isinstance(call.command, RecordCommand):
            try:
                fields["external_reference"] = self.erp.carry_out(call.command)
            except Refused as error:
                fields = {"result": "rejected", "reason": str(error)}
        self.tell(
            AttemptOutcome(
                account=call.account,
                command_id=call.command_id,
                attempt=call.attempt,
                at=utc(self.dispatch.now_ms),
                **fields,
            )
        )
        self.settle()

    def run(self, *events: Message) -> None:
        """Tells events and lets the ERP answer everything."""
        self.tell(*events)
        self.settle()
        for _ in range(10_000):
            if not self.calls:
                return
            self.answer()

    def tick(self, **ahead: Any) -> None:
        self.settle()
        for partition in (self.orders, self.dispatch):
            self.take(partition.tick(**ahead))
        self.settle()

    def copy(self, order_key: str = "shop/1", name: str = "shop-erp") -> CopyRow:
        row = self.orders.row(copy_key(name, order_key))
        assert isinstance(row, CopyRow), f"{order_key} has no copy"
        return row

    def why(self, order_key: str = "shop/1") -> str:
        """The reason that the copy gives."""
        return self.copy(order_key).reason or ""

    def pressed(self, order_key: str = "shop/1", act_id: str = "act-1", when: datetime | None = None) -> RecordAct:
        return RecordAct(
            order_key=order_key, route="shop-erp", actor="ines", act_id=act_id, at=when or utc(self.orders.now_ms)
        )
