"""Records of a small shop, as the folds write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from streamer.domain import stock, stock_rows
from streamer.domain.dispatch_rows import Attempt, LedgerRow, PollRow, SecretRow
from streamer.domain.dispatch_rows import write_row as write_ledger_row
from streamer.domain.order_rows import write_row as write_orders_row
from streamer.domain.purchasing_rows import CoveredNeed, OrderedLine, OrderRow
from streamer.domain.purchasing_rows import write_row as write_purchasing_row
from streamer.domain.recalls_rows import Campaign, CampaignRow, PartRow, Remedy, Seen, VehicleRow, Visit
from streamer.domain.recalls_rows import write_row as write_recalls_row
from streamer.domain.record_rows import CopyRow, copy_key
from streamer.domain.stock_rows import Facts, Line, Open, Policy, StockRow, Wait
from streamer.messages.applied import AccountFacts
from streamer.messages.base import Message
from streamer.messages.commands import ReorderCommand, ReorderLine
from streamer.messages.envelope import headers_of
from streamer.messages.purchasing import Why
from streamer.messages.status import AuditEntry, OrderLineStatus, PurchaseOrderLineStatus, PurchaseOrderStatus
from tests.domain.copying import route, with_routes
from tests.domain.memory import Partition
from tests.domain.shop import company, level, offer, policy

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>=cmd|' /C calc'!A0"


class Sent(NamedTuple):
    """A record before Kafka has it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Stored(NamedTuple):
    """A record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Topics:
    """Names of topics; with a `public` prefix only one test uses them."""

    FOLDS = ("catalogue", "orders", "stock", "recalls", "purchasing", "dispatch")
    PUBLIC = ("order-status", "dead-letters", "audit")

    def __init__(self, app_id: str, public: str = "") -> None:
        self.app_id = app_id
        self.public = public

    def of(self, fold: str) -> str:
        return f"{self.app_id}-{fold}-changelog"

    @property
    def sources(self) -> dict[str, str]:
        folds = {self.of(fold): fold for fold in self.FOLDS}
        return {**folds, **{self.public + topic: topic for topic in self.PUBLIC}}


def as_record(sent: Sent, offset: int, at: datetime = NOW) -> Stored:
    return Stored(sent.topic, 0, offset, int(at.timestamp() * 1000), sent.key, sent.value, sent.headers)


_offsets = iter(range(1, 10_000_000))


def row(topics: Topics, fold: str, key: str, value: bytes | None, w: int | None = None) -> Sent:
    w = next(_offsets) if w is None else w
    return Sent(topics.of(fold), key.encode(), value, (("w", f"log:{w}".encode()),))


def stock_row(
    topics: Topics, location: str, sku: str, *, on_hand: float = 0, w: int | None = None, text: str = "", **more: Any
) -> Sent:
    made = StockRow(known=True, level=Decimal(str(on_hand)), as_of_ms=int(NOW.timestamp() * 1000), **more)
    if text:
        made.facts = {"settings": Facts(version="1", description=text)}
    return row(topics, "stock", f"{location}/{sku}", stock_rows.write_row(made), w)


def snoozed(topics: Topics) -> list[Sent]:
    """The stock of a tin of wax that is to be ordered, but for a person who wants it left alone."""
    partition = Partition(stock)
    wax: dict[str, Any] = {"sku": "WAX-1"}
    partition.send(company(), policy(10, 30, snoozed_until="2199-01-01", **wax), offer(unit="TIN", **wax))
    partition.send(level(9, **wax))
    return [row(topics, "stock", key, value) for key, value in partition.rows.items()]


def message(topics: Topics, made: Message) -> list[Sent]:
    return [Sent(topics.public + topic, key.encode(), made.to_json(), headers_of(made)) for topic, key in made.places()]


def order_line(order_id: str, line: str, sku: str, decision: str, **more: Any) -> OrderLineStatus:
    quantity = Decimal(more.pop("quantity", 2))
    approved = quantity if decision == "approved" else Decimal(0)
    values: dict[str, Any] = {
        "account": "lamps",
        "order_id": order_id,
        "number": f"#{order_id}",
        "kind": "sales_order",
        "line_id": line,
        "sku": sku,
        "location": "main",
        "quantity": quantity,
        "decision": decision,
        "fulfilment": "open",
        "approved": approved,
        "waitlisted": quantity if decision == "waitlisted" else Decimal(0),
        "rejected": quantity if decision == "rejected" else Decimal(0),
        "revision": 1,
        "at": NOW,
    }
    return OrderLineStatus(**{**values, **more})


def why(**more: Any) -> Why:
    values: dict[str, Any] = {
        "on_hand": Decimal(3),
        "reserved": Decimal(2),
        "waitlisted": Decimal(4),
        "incoming": Decimal(0),
        "incoming_later": Decimal(0),
        "safety": Decimal(1),
        "projected": Decimal(-4),
        "reorder_point": Decimal(10),
        "order_up_to": Decimal(40),
        "trigger": "below",
        "wanted": Decimal(44),
        "rounding": ("44 wanted", "minimum 50: 50", "multiple of 12: 60"),
        "lead_time_days": 5,
        "supplier": "BOSCH",
        "alternative": "VALEO: 12 % dearer",
        "cause": "lamps/1001/1",
    }
    return Why(**{**values, **more})


def purchase_order(
    reference: str, state: str, revision: int = 1, *, sku: str = "LAMP-01", **more: Any
) -> PurchaseOrderStatus:
    line = PurchaseOrderLineStatus(line="1", sku=sku, location="main", quantity=Decimal(60), promised_date="2026-03-09")
    values: dict[str, Any] = {
        "supplier": reference.split("-", maxsplit=1)[0],
        "reference": reference,
        "state": state,
        "currency": "EUR",
        "total": Decimal("312.50"),
        "lines": (line,),
        "revision": revision,
        "at": NOW - timedelta(hours=5) + timedelta(minutes=revision),
    }
    return PurchaseOrderStatus(**{**values, **more})


def reorder(reference: str, sku: str = "LAMP-01", text: str = "Lamp, front left") -> ReorderCommand:
    line = ReorderLine(
        line="1",
        sku=sku,
        description=text,
        quantity=Decimal(60),
        unit_price=Decimal("5.20"),
        location="main",
        why=(why(),),
    )
    return ReorderCommand(
        command_id="A" * 26,
        account="bosch-mail",
        object=f"po/{reference}",
        cause=reference,
        supplier="BOSCH",
        supplier_name="Bosch",
        reference=reference,
        order_date="2026-03-02",
        ship_to="main",
        currency="EUR",
        lines=(line,),
    )


def ledger_row(topics: Topics, command: ReorderCommand, state: Any, **more: Any) -> Sent:
    import msgspec

    started = int(NOW.timestamp() * 1000) - 3_600_000
    made = LedgerRow(
        kind=command.ce_type,
        body=msgspec.Raw(command.to_json()),
        object=command.object,
        state=state,
        created_ms=started,
        attempt=1,
        attempts=[Attempt(1, "send", started, "unknown" if state == "human" else "confirmed")],
        **more,
    )
    return row(topics, "dispatch", f"{command.account}/{command.command_id}", write_ledger_row(made))


def purchasing_row(topics: Topics, reference: str, *, sku: str, text: str = "", version: int = 1) -> Sent:
    supplier = reference.split("-", maxsplit=1)[0]
    need = CoveredNeed(f"need:main/{sku}/1", Decimal(40), 5, "2026-03-12", why().model_dump(mode="json"))
    line = OrderedLine(
        line="1",
        sku=sku,
        location="main",
        quantity=Decimal(40),
        unit_price=Decimal("46.00"),
        description=text,
        needs=[need],
    )
    made = OrderRow(
        supplier=supplier,
        reference=reference,
        version=version,
        state="awaiting_approval",
        location="main",
        currency="EUR",
        lines=[line],
        order_date="2026-03-02",
        revision=1,
    )
    return row(topics, "purchasing", f"{supplier}/{reference}", write_purchasing_row(made))


def record_rows(topics: Topics) -> list[Sent]:
    """One order that was copied, one whose customer was refused, one of a dry run, one that waits for the button."""
    applied = with_routes(route(name="lamps-erp", source="lamps", mode="manual"), route(name="tried", source="lamps"))
    accounts = {**applied.accounts, "lamps": AccountFacts(platform="shopify", backfills={"order": "orders"})}
    applied = applied.model_copy(update={"accounts": accounts})
    at_ms = int(NOW.timestamp() * 1000)
    made = {
        "1001": CopyRow("order", "order", "confirmed", "1", "WEB-1001", number="#1001", revision=2, there=True,
                        external_reference="SO-77", changed_ms=at_ms),
        "1002": CopyRow("order", "order", "blocked", "1", "WEB-1002", number="#1002", revision=1, content="{}",
                        reason="its customer was not copied: the tax id is wrong", changed_ms=at_ms),
        "1003": CopyRow("order", "order", "held", "2", "WEB-1003", number="#1003", wanted="{}", there=True, revision=1,
                        difference=[("currency", "EUR", "USD"), ("customer.email", "#1a2b", "#3c4d")],
                        changed_ms=at_ms),
    }  # fmt: skip
    copies = [
        row(topics, "orders", copy_key("lamps-erp", f"lamps/{name}"), write_orders_row(one))
        for name, one in made.items()
    ]
    return [row(topics, "orders", "=settings", applied.to_json()), *copies]


def recall_rows(topics: Topics, text: str = "Air bag inflator") -> list[Sent]:
    visit = Visit("lamps", "1002", 1, "main", True, {"vin": "WVWZZZ1JZXW000001"}, "2026-03-05T08:00:00+00:00")
    campaign = Campaign("1", component=text, remedy=text, urgent=True, remedies=[Remedy("LAMP-01")])
    seen = {
        "WVWZZZ1JZXW000001": Seen("lamps/1002", 9_000_000_000_000),
        "WVWZZZ1JZXW000002": Seen("lamps/0900", 9_000_000_000_000),
        "WVWZZZ1JZXW000003": Seen("lamps/0901", 9_000_000_000_000, ["26V123000"]),
    }
    vehicle = VehicleRow({"26V123": campaign}, {"lamps/1002": visit}, seen)
    part = PartRow(["26V123"], [("main", "LAMP-01")])
    whole = CampaignRow(
        "26V123", ["vehicle/VW/GOLF/2019"], component=text, remedy=text, remedies=["LAMP-01"], urgent=True
    )
    return [
        row(topics, "recalls", "vehicle/VW/GOLF/2019", write_recalls_row(vehicle)),
        row(topics, "recalls", "part/1J0 941", write_recalls_row(part)),
        row(topics, "recalls", "campaign/26V123000", write_recalls_row(whole)),
    ]


def dead_letter(topics: Topics, letter_id: str, value: bytes, reason: str, **more: str) -> Sent:
    context = {
        "id": letter_id,
        "topic": "raw.lampshop",
        "partition": "1",
        "offset": "17",
        "stage": "normalise",
        "timestamp": str(int(NOW.timestamp() * 1000)),
        "reason": reason,
        "class": "Malformed",
        "account": "lamps",
        **more,
    }
    headers = (("content-type", b"application/json"), ("account", b"lamps"))
    return Sent(
        topics.public + "dead-letters",
        b"lamps/1",
        value,
        (*headers, *((f"dead-letter-{name}", text.encode()) for name, text in context.items())),
    )


def audit(act: str, subject: str, **more: Any) -> AuditEntry:
    values: dict[str, Any] = {"actor": "anna", "act": act, "subject": subject, "act_id": f"{act}:{subject}", "at": NOW}
    return AuditEntry(**{**values, **more})


def a_day(
    topics: Topics, sku: str = "LAMP-01", text: str = "Lamp, front left", reason: str = "lines.0.sku: is missing"
) -> list[Sent]:
    """Four SKUs, three orders, two purchase orders, a stuck call, two dead letters, an act."""
    policy = Policy(1, Decimal(10), Decimal(40), safety=Decimal(1))
    waits = {"lamps/1002/1": Line(Decimal(4), short=Decimal(4), waiting=Decimal(4), needed_by="2026-03-05")}
    coming = {f"need:main/{sku}/1": Open(Decimal(60), "BOSCH", 1, "BOSCH-1", expected="2026-03-09")}
    made = [
        stock_row(
            topics,
            "main",
            sku,
            on_hand=3,
            text=text,
            policy=policy,
            reserved=Decimal(2),
            incoming=coming,
            lines={"lamps/1001/1": Line(Decimal(2)), **waits},
            queue=[Wait("lamps/1002/1", Decimal(4), 0)],
        ),
        stock_row(
            topics, "main", "BULB-H7", on_hand=140, text="Bulb H7 55 W", policy=Policy(1, Decimal(50), Decimal(200))
        ),
        stock_row(
            topics, "main", "WIPER-60", on_hand=7, text="Wiper 600 mm", policy=Policy(1, Decimal(10), Decimal(30))
        ),
        stock_row(topics, "north", sku, on_hand=0, text=text, quarantined="IndexError"),
    ]
    messages: list[Message] = [
        order_line("1001", "1", sku, "approved"),
        order_line("1002", "1", sku, "waitlisted", quantity=4, promised_date="2026-03-09", at=NOW - timedelta(hours=3)),
        order_line("1002", "2", "BULB-H7", "approved", at=NOW - timedelta(hours=3)),
        order_line("1003", "1", "NO-SUCH", "rejected", reason="unknown SKU at main", at=NOW - timedelta(days=1)),
        purchase_order("BOSCH-1", "draft", 1, sku=sku),
        purchase_order("BOSCH-1", "sent", 2, sku=sku),
        purchase_order("BOSCH-1", "human", 3, sku=sku),
        purchase_order("BOSCH-2", "awaiting_approval", 1, sku="WIPER-60", total=Decimal("1840.00")),
        audit("approval.approve", "BOSCH-1", reason="needed on Thursday"),
    ]
    made += [sent for one in messages for sent in message(topics, one)]
    made.append(purchasing_row(topics, "BOSCH-2", sku="WIPER-60", text=text))
    made += recall_rows(topics, text)
    made += record_rows(topics)
    made.append(ledger_row(topics, reorder("BOSCH-1", sku, text), "human", reason="no answer within 20 s"))
    poll = PollRow(
        account="lamps", resource="orders", every_ms=300_000, ended_ms=int(NOW.timestamp() * 1000), records=3
    )
    made.append(row(topics, "dispatch", "lamps/poll/orders", write_ledger_row(poll)))
    missed = PollRow(
        account="lamps", resource="order!reconcile:lamps-erp", every_ms=3_600_000, cursor={}, paused_by="bert"
    )
    made.append(row(topics, "dispatch", "lamps/poll/order!reconcile:lamps-erp", write_ledger_row(missed)))
    token = SecretRow(sealed="c2VhbGVk", expires_ms=int((NOW + timedelta(days=9_000)).timestamp() * 1000), at_ms=1)
    made.append(row(topics, "dispatch", "lamps/secret/access_token", write_ledger_row(token)))
    body = b'{"id": 1, "email": "anna@example.com", "customer": {"name": "Anna"}, "line_items": [{"sku": null}]}'
    made.append(dead_letter(topics, "d" * 26, body, reason))
    made.append(
        dead_letter(topics, "e" * 26, b"From: Bob <bob@example.com>\n\nCall me: +49 30 1234567", reason, account="mail")
    )
    return made
