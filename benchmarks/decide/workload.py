"""Order lines for 10,000 SKUs, Zipf 1.1, with cancellations and repeated deliveries, and the rows they meet.

Every row starts with ten reservations and little to spare, so popular SKUs are soon used up: a line gets what is there
and may not wait (no back order), a cancelled line frees its units for the next one. So rows keep about ten
reservations, and a contender that promises a unit twice is found out. The maker folds what it makes: its decisions are
what each contender must say.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from benchmarks.decide.records import Decided, Event
from benchmarks.decide.rows import PeerRows, stock_fold
from streamer.domain import stock
from streamer.domain.partitions import partition_of
from streamer.domain.view import SETTINGS_KEY
from streamer.engine.fold import Record
from streamer.messages.applied import AccountFacts, SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.envelope import headers_of
from streamer.messages.orders import LineDecision
from streamer.messages.stock import LineRelease, LineRequest, StockLevel

ACCOUNT, LOCATION = "main-shop", "main"
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
ZIPF = 1.1
RESERVATIONS = 10
CANCELLED = 0.10  # of the events, beside the lines
REPEATED = 0.01
SENDER_LAG = 10
"""Events of one partition between what its sender has durable and what it sends: 40 ms at 1,000 a second."""
ORDERS_TOPIC_ID = "b3JkZXJzLWJlbmNobWFyaw"


@dataclass
class Workload:
    events: list[Event]
    rows: dict[str, bytes]
    decisions: dict[str, Decided]
    lines: int
    """LineRequests among the events, repeated ones included."""

    @property
    def line_share(self) -> float:
        return self.lines / len(self.events)

    def facts(self) -> dict[str, float | int]:
        """What a reader must know to judge the figures."""
        states = [decided.state for decided in self.decisions.values()]
        sizes = sorted(len(row) for key, row in self.rows.items() if key != SETTINGS_KEY)
        values = [len(event.value) for event in self.events]
        return {
            "events": len(self.events),
            "lines": self.lines,
            "decisions": len(states),
            "approved_share": round(states.count("approved") / len(states), 3),
            "partly_approved_share": round(states.count("partly_approved") / len(states), 3),
            "rejected_share": round(states.count("rejected") / len(states), 3),
            "mean_event_bytes": round(sum(values) / len(values)),
            "rows": len(sizes),
            "median_row_bytes": sizes[len(sizes) // 2],
        }


def decided(decision: LineDecision) -> Decided:
    return Decided(decision.state, plain(decision.approved), plain(decision.rejected))


class _Maker:
    def __init__(self, partitions: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.partitions = partitions
        self.fold = stock_fold()
        self.views = [PeerRows(partition, {}) for partition in range(partitions)]
        self.events: list[Event] = []
        self.decisions: dict[str, Decided] = {}
        self.reserved: dict[str, deque[tuple[str, str]]] = {}  # SKU -> lines that hold stock, oldest first
        self.sent = [0] * partitions  # events of each partition of the log `orders` so far
        self.order = 100_000_000

    def partition(self, sku: str) -> int:
        return partition_of(f"{LOCATION}/{sku}", self.partitions)

    def fold_message(self, event: Message, sku: str) -> list[Message]:
        view = self.views[self.partition(sku)]
        view.begin(START_MS, ())
        return [made for made in stock.fold(view, event) if isinstance(made, Message)]

    def request(self, sku: str) -> LineRequest:
        self.order += 1
        order_key = f"{ACCOUNT}/{self.order}"
        return LineRequest(
            order_key=order_key,
            line_key=f"{order_key}/1",
            revision=1,
            account=ACCOUNT,
            sku=sku,
            location=LOCATION,
            quantity=Decimal(self.chance.choice((1, 1, 1, 2, 3))),
            back_order_allowed=False,
            placed_at=START + timedelta(seconds=self.order % 86_400),
        )

    def start_rows(self, skus: list[str]) -> None:
        settings = SettingsApplied(
            revision=1, hash="benchmark", partitions=self.partitions, rules=1, company="Bench", currency="EUR",
            time_zone="Europe/Berlin", accounts={ACCOUNT: AccountFacts(platform="shopify", authority=(LOCATION,))},
            suppliers={}, locations=(LOCATION,),
        )  # fmt: skip
        for view in self.views:
            view.put(SETTINGS_KEY, settings)
        for sku in skus:
            requests = [self.request(sku) for _ in range(RESERVATIONS)]
            level = sum((request.quantity for request in requests), Decimal(self.chance.randrange(6)))
            self.fold_message(
                StockLevel(
                    account=ACCOUNT, platform="shopify", location=LOCATION, sku=sku, level=level, counts="on_hand",
                    as_of=START,
                ),
                sku,
            )  # fmt: skip
            self.reserved[sku] = deque()
            for request in requests:
                self.fold_message(request, sku)
                self.reserved[sku].append((request.order_key, request.line_key))

    def rows(self) -> dict[str, bytes]:
        return {key: stock.write_row(row) for view in self.views for key, row in view.decoded.items()}

    def add(self, message: LineRequest | LineRelease) -> Event:
        """The record that the fold of orders would send, with its source and what it has durable."""
        source = partition_of(message.order_key, self.partitions)
        offset = self.sent[source]
        self.sent[source] += 1
        place = message.places()[0]
        headers = (
            ("src", f"{ORDERS_TOPIC_ID}:{source}:{offset}".encode()),
            ("srcw", str(max(-1, offset - SENDER_LAG)).encode()),
            *headers_of(message),
        )
        event = Event(partition_of(place.key, self.partitions), place.key.encode(), message.to_json(), headers)
        self.take(event)
        return event

    def take(self, event: Event) -> None:
        self.events.append(event)
        view = self.views[event.partition]
        if not view.begin(START_MS, event.headers):
            return
        outputs = self.fold.fold(view, Record(0, START_MS, event.key, event.value, event.headers)).outputs
        for output in outputs:
            decision = LineDecision.from_json(output.value)
            self.decisions[decision.message_id()] = decided(decision)
            if decision.approved:
                self.reserved[decision.sku].append((decision.order_key, decision.line_key))


def make(lines: int, *, skus: int = 10_000, partitions: int = 4, seed: int = 1) -> Workload:
    """`lines` LineRequests, repeated ones included, and the cancellations between them."""
    maker = _Maker(partitions, seed)
    names = [f"SKU-{number:06d}" for number in range(skus)]
    maker.start_rows(names)
    rows = maker.rows()
    chance = maker.chance
    chance.shuffle(names)  # which SKU is popular says nothing about its partition
    weights = list(accumulate(rank**-ZIPF for rank in range(1, skus + 1)))
    requests: list[Event] = []
    while len(requests) < lines:
        sku = chance.choices(names, cum_weights=weights)[0]
        luck = chance.random()
        if luck < CANCELLED and maker.reserved[sku]:
            order_key, line_key = maker.reserved[sku].popleft()
            maker.add(
                LineRelease(
                    order_key=order_key, line_key=line_key, revision=2, sku=sku, location=LOCATION, reason="cancelled"
                )
            )
        elif luck > 1 - REPEATED and requests:
            event = requests[-min(len(requests), chance.randrange(1, 20 * SENDER_LAG))]
            maker.take(event)
            requests.append(event)
        else:
            requests.append(maker.add(maker.request(sku)))
    return Workload(maker.events, rows, maker.decisions, lines)
