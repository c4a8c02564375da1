"""A workshop of four folds in memory: orders, stock, catalogue and recalls, each with its log."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from decimal import Decimal
from typing import Any

from streamer.domain import catalogue, orders, recalls, stock
from streamer.domain.order_rows import OrderRow
from streamer.domain.stock_rows import StockRow
from streamer.domain.view import Disregarded
from streamer.errors import Ignored
from streamer.messages.applied import AccountFacts, SettingsApplied, SupplierFacts
from streamer.messages.base import Message
from streamer.messages.orders import KitPart, Order, OrderLine
from streamer.messages.people import Appointment, Vehicle
from streamer.messages.services import ServiceType, ServiceVariant, Workshop
from streamer.messages.stock import ItemPolicy, StockLevel, SupplierOffer
from tests.domain.memory import START, Partition, of, settings

FOLDS = {"orders": orders, "stock": stock, "catalogue": catalogue, "recalls": recalls}
VIN = "1HGCM82633A004352"
ACCORD = Vehicle(vin=VIN, make="Honda", model="Accord", year=2003)


def parts(*named: tuple[str, int]) -> tuple[KitPart, ...]:
    return tuple(KitPart(sku=sku, quantity_each=Decimal(each)) for sku, each in named)


FRONT_BRAKES = ServiceType(
    name="front-brakes",
    names=("Front brakes", "Brake service front"),
    patterns=(r"\bfront.*brake",),
    codes={"dms": ("BRKF",)},
    variants=(
        ServiceVariant(make="Honda", model="Accord", year_to=2007, kit=parts(("PAD-A", 1), ("FLUID", 1))),
        ServiceVariant(make="Honda", model="Accord", year_from=2008, kit=parts(("PAD-B", 1), ("FLUID", 1))),
    ),
)
OIL_CHANGE = ServiceType(name="oil-change", names=("Oil change",), kit=parts(("OIL", 4)))
INSPECTION = ServiceType(name="inspection")


def company(**changes: Any) -> SettingsApplied:
    """A workshop that is open from Monday to Friday and wants its parts a working day before."""
    fields: dict[str, Any] = {
        "accounts": {
            name: AccountFacts(platform="http", default_location="main") for name in ("dms", "nhtsa", "chat", "mail")
        },
        "suppliers": {"ACME": SupplierFacts(name="Acme", account="mail", currency="EUR")},
        "notify_account": "chat",
        "decode_account": "nhtsa",
        "services": (FRONT_BRAKES, OIL_CHANGE, INSPECTION),
        "workshops": {"main": Workshop()},
    }
    return settings(**(fields | changes))


class Garage:
    """Messages run on until all logs are read; what leaves the four folds is kept in `out`."""

    def __init__(self, **changes: Any) -> None:
        self.partitions = {name: Partition(module) for name, module in FOLDS.items()}
        self.out: list[Any] = []
        self.ignored: list[str] = []
        for partition in self.partitions.values():
            partition.send(company(**changes))

    def send(self, *events: Message) -> list[Any]:
        """What came of the events, all that follows included."""
        before = len(self.out)
        waiting = deque(events)
        for _ in range(20_000):
            if not waiting:
                return self.out[before:]
            event = waiting.popleft()
            for topic in dict.fromkeys(place.topic for place in event.places()):
                if topic not in self.partitions:
                    continue
                try:
                    made = self.partitions[topic].send(event)
                except Ignored as ignored:
                    self.ignored.append(ignored.reason)
                    continue
                self._take(made, waiting)
        raise AssertionError("messages run in a circle")

    def tick(self, *, to: datetime | None = None, days: float = 0, seconds: float = 0) -> list[Any]:
        before = len(self.out)
        for partition in self.partitions.values():
            waiting: deque[Message] = deque()
            self._take(partition.tick(to=to, days=days, seconds=seconds), waiting)
            self.send(*waiting)
        return self.out[before:]

    def _take(self, made: list[Any], waiting: deque[Message]) -> None:
        for message in made:
            self.out.append(message)
            if isinstance(message, Disregarded):
                self.ignored.append(message.reason)
            elif isinstance(message, Message):
                waiting.append(message)

    def order(self, order_id: str = "RO-1") -> OrderRow:
        row = self.partitions["orders"].row(f"dms/{order_id}")
        assert isinstance(row, OrderRow)
        return row

    def stock(self, sku: str) -> StockRow:
        row = self.partitions["stock"].row(f"main/{sku}")
        return row if isinstance(row, StockRow) else StockRow()

    def reserved(self) -> dict[str, Decimal]:
        """What is reserved or waited for, by SKU."""
        rows = self.partitions["stock"]
        found = {key.removeprefix("main/"): rows.row(key) for key in rows.rows if key.startswith("main/")}
        return {
            sku: sum((line.quantity - line.shipped for line in row.lines.values()), Decimal(0))
            for sku, row in found.items()
            if isinstance(row, StockRow) and row.lines
        }


def appointment(version: int = 1, order_id: str = "RO-1", **changes: Any) -> Order:
    """A service appointment on the Monday in two weeks; `service`, `vehicle`, `day`, `word` and fields of the order."""
    comes: dict[str, Any] = {
        "service_type": changes.pop("service", "Front brakes"),
        "vehicle": changes.pop("vehicle", ACCORD),
        "scheduled_date": changes.pop("day", "2026-03-16"),
        "scheduled_at": changes.pop("at", None),
        "campaign": changes.pop("campaign", None),
        "state": changes.pop("word", None),
    }
    fields: dict[str, Any] = {
        "account": "dms",
        "platform": "http",
        "kind": "service_appointment",
        "source_id": order_id,
        "version": f"{version:06d}",
        "occurred_at": START,
        "appointment": Appointment(**comes),
    }
    return Order(**(fields | changes))


def work(sku: str | None = None, line_id: str = "1", quantity: int = 1, **changes: Any) -> OrderLine:
    return OrderLine(line_id=line_id, sku=sku, quantity=Decimal(quantity), service=True, **changes)


def shelf(sku: str, quantity: int, lead_days: int = 3) -> list[Message]:
    """So many lie there; more can be ordered."""
    return [
        StockLevel(
            account="dms", platform="http", location="main", sku=sku, level=Decimal(quantity), counts="on_hand",
            as_of=START,
        ),
        ItemPolicy(
            location="main", sku=sku, version=1, reorder_point=Decimal(0), order_up_to=Decimal(0), automatic=True
        ),
        SupplierOffer(
            location="main", sku=sku, version=1, supplier="ACME", unit_price=Decimal("4.20"), currency="EUR",
            lead_time_days=lead_days,
        ),
    ]  # fmt: skip


__all__ = ["of"]
