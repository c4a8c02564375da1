"""A read model that is full: orders, stock rows with reservations, purchase orders, calls and dead letters.

Every record goes through the projections that the console has in service, so what is measured is what they keep.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streamer.domain import dispatch_rows, stock_rows
from streamer.domain.stock_rows import Facts, Line, Offer, Policy, StockRow, Wait
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.applied import AccountFacts, SettingsApplied, SupplierFacts
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand
from streamer.messages.envelope import headers_of
from streamer.messages.status import OrderLineStatus, PurchaseOrderLineStatus, PurchaseOrderStatus
from streamer.web.console.read_model import ReadModel

NOW = datetime.now(UTC).replace(microsecond=0)
NOW_MS = int(NOW.timestamp() * 1000)
LINES = 2  # of each order
RESERVATIONS = 10  # of each stock row
BATCH = 1_000
LOCATIONS = ("NORTH", "SOUTH", "EAST", "WEST")
DECISIONS = ("approved", "approved", "approved", "waitlisted", "rejected", "partly_approved", "released")


class Record(NamedTuple):
    """As the consumer hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def stock_key(number: int) -> str:
    return f"{LOCATIONS[number % len(LOCATIONS)]}/PART-{number:06d}"


def fill(data_dir: Path, sources: Mapping[str, str], *, orders: int, skus: int) -> dict[str, float]:
    """Fills the model in `data_dir`; returns how many records it took, and how many seconds."""
    model = ReadModel(data_dir, sources)
    topics = {source: topic for topic, source in sources.items()}
    ids = dict.fromkeys(sources, "made-for-a-measurement")
    records = _records(topics, orders, skus)
    taken, begun = 0, time.perf_counter()
    while batch := list(islice(records, BATCH)):
        model.apply(batch, ids)
        taken += len(batch)
    seconds = time.perf_counter() - begun
    model.close()
    return {"records": taken, "seconds": round(seconds, 1)}


def _records(topics: Mapping[str, str], orders: int, skus: int) -> Iterator[Record]:
    offsets = count()

    def told(message: Message) -> Record:
        topic, key = next((place.topic, place.key) for place in message.places() if place.topic in topics)
        return Record(
            topics[topic], 0, next(offsets), NOW_MS, key.encode(), message.to_json(), tuple(headers_of(message))
        )

    def row(fold: str, key: str, value: bytes) -> Record:
        offset = next(offsets)
        return Record(topics[fold], 0, offset, NOW_MS, key.encode(), value, (("w", f"log:{offset}".encode()),))

    yield row("stock", SETTINGS_KEY, _settings().to_json())
    for number in range(skus):
        yield row("stock", stock_key(number), stock_rows.write_row(_stock(number, orders)))
    for number in range(orders):
        yield from map(told, _lines(number, orders, skus))
        if number % 5 == 0:
            yield row("dispatch", f"shop/{_id(number)}", _call(number))
        if number % 50 == 0:
            yield told(_purchase_order(number, skus))
        if number % 500 == 0:
            yield _letter(topics["dead-letters"], next(offsets), number)


def _settings() -> SettingsApplied:
    return SettingsApplied(
        revision=1,
        hash="made-for-a-measurement",
        rules=1,
        company="Parts",
        currency="EUR",
        time_zone="Europe/Berlin",
        accounts={"shop": AccountFacts(platform="shopify"), "depot": AccountFacts(platform="email")},
        suppliers={"DEPOT": SupplierFacts(name="Depot", account="depot", currency="EUR")},
        locations=LOCATIONS,
    )


def _stock(number: int, orders: int) -> StockRow:
    short = number % 25 == 0
    first = (number * 7) % max(1, orders - RESERVATIONS)
    lines = {f"shop/{first + place}/1": Line(Decimal(1 + place % 3)) for place in range(RESERVATIONS)}
    waits = []
    if short:
        name = f"shop/{first + RESERVATIONS}/1"
        day = (NOW + timedelta(days=number % 40)).date().isoformat()
        lines[name] = Line(Decimal(4), short=Decimal(4), waiting=Decimal(4), needed_by=day)
        waits = [Wait(name, Decimal(4), 0)]
    return StockRow(
        known=True, counted=True, level=Decimal(19 if short else 40 + number % 200), as_of_ms=NOW_MS,
        reserved=sum((line.granted for line in lines.values()), Decimal(0)), lines=lines, queue=waits,
        facts={"catalogue": Facts(version="1", description=f"Brake part {number}, front axle")},
        policy=Policy(1, Decimal(20), Decimal(60)),
        offers={"DEPOT": Offer(1, rank=1, unit_price=Decimal("4.20"), currency="EUR", lead_time_days=3)},
    )  # fmt: skip


def _lines(number: int, orders: int, skus: int) -> Iterator[OrderLineStatus]:
    at = NOW - timedelta(days=30 * (orders - number) / orders)
    for place in range(LINES):
        decision: Any = DECISIONS[(number + place) % len(DECISIONS)]
        location, _, sku = stock_key((number * LINES + place) % skus).partition("/")
        yield OrderLineStatus(
            account="shop", order_id=str(number), number=f"#{number}", kind="sales_order", line_id=str(place + 1),
            sku=sku, location=location, quantity=Decimal(2), decision=decision, fulfilment="open",
            approved=Decimal(2), waitlisted=Decimal(0), rejected=Decimal(0), revision=1, at=at,
        )  # fmt: skip


def _purchase_order(number: int, skus: int) -> PurchaseOrderStatus:
    location, _, sku = stock_key(number % skus).partition("/")
    state: Any = ("sent", "confirmed", "received", "awaiting_approval")[number // 50 % 4]
    day = (NOW + timedelta(days=number % 20 - 5)).date().isoformat()
    line = PurchaseOrderLineStatus(line="1", sku=sku, location=location, quantity=Decimal(60), promised_date=day)
    return PurchaseOrderStatus(
        supplier="DEPOT", reference=f"DEPOT-{number}", state=state, currency="EUR", total=Decimal("252.00"),
        lines=(line,), revision=1, at=NOW - timedelta(hours=number % 700),
    )  # fmt: skip


def _call(number: int) -> bytes:
    command = FetchCommand(
        command_id=_id(number), account="shop", object=f"item/{number}", cause=f"shop/{number}",
        resource="item", ids=(str(number),), requested_for=f"shop/{number}",
    )  # fmt: skip
    state: Any = "human" if number % 2_000 == 0 else "confirmed"
    call = dispatch_rows.LedgerRow(
        kind=command.ce_type, body=msgspec.Raw(command.to_json()), object=command.object, state=state,
        created_ms=NOW_MS - number % 2_000_000,
    )  # fmt: skip
    return dispatch_rows.write_row(call)


def _letter(topic: str, offset: int, number: int) -> Record:
    context = {
        "id": f"{number:026d}", "topic": "raw.shopify", "partition": "0", "offset": str(number), "stage": "normalise",
        "timestamp": str(NOW_MS - number * 1_000), "reason": f"line_items.{number % 7}.sku: is missing",
        "class": "Malformed", "account": "shop",
    }  # fmt: skip
    headers = tuple((f"dead-letter-{name}", text.encode()) for name, text in context.items())
    return Record(topic, 0, offset, NOW_MS, b"shop/1", b'{"id": 1, "line_items": [{"sku": null}]}' * 20, headers)


def _id(number: int) -> str:
    """A command id: 26 letters."""
    letters = "ABCDEFGHIJ"
    return "".join(letters[int(digit)] for digit in f"{number:026d}")
