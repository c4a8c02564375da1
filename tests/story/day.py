"""A day in the shop of the example settings: what happens outside, in an order that leaves nothing to chance.

Each step waits for what must come of it, so that a day with crashes in it has to end as one without.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from streamer.local.feed import level, order, signed
from streamer.local.stand_ins import SKUS
from tests.story.product import Product
from tests.story.witness import Seen, newest

PAYLOADS = Path(os.environ.get("STREAMER_STORY_PAYLOADS") or Path(__file__).parent / "payloads")
"""Recorded payloads of our own; another folder of the same form and facts may be named."""

ITEMS = {sku: int(item) for item, sku in SKUS.items()}
SHOP, DEPOT = "main-shop", "brake-depot"
PLACE = "NORTHGATE"
PERSON = ("Noor", "Haddad")
SOLD = ("BRK-PAD-F22", "OIL-5W30-4L", "BRK-FLUID-1L", "TYR-205-55")


class Event(NamedTuple):
    """What came by the gateway: everything that is needed to send it again."""

    topic: str
    body: bytes
    headers: Mapping[str, str]


class Recorded(NamedTuple):
    """A recorded delivery with the secret that it was signed with."""

    body: bytes
    headers: Mapping[str, str]
    secret: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def order_id(self) -> str:
        return str(self.json["id"])

    def line(self, sku: str) -> str:
        """The id of the line of a SKU."""
        return next(str(line["id"]) for line in self.json["line_items"] if line["sku"] == sku)


def recorded(name: str) -> Recorded:
    """A payload of Shopify."""
    file = PAYLOADS / "shopify" / f"{name}.json"
    document = json.loads(file.read_text())
    delivery = document["delivery"]
    return Recorded(
        (file.parent / delivery["body_file"]).read_bytes(), delivery["headers"], document["verify"]["secret"]
    )


def recalls() -> dict[tuple[str, str, str], list[Any]]:
    """What the recall service answers, by make, model and year."""
    document = json.loads((PAYLOADS / "nhtsa_recalls" / "recalls_by_vehicle_in_service.json").read_text())
    answers = {}
    for exchange in document["poll"]:
        asked = exchange["request"]["query"]
        key = (asked["make"].lower(), asked["model"].lower(), asked["modelYear"])
        answers[key] = exchange["response"]["body"]["results"]
    return answers


FIRST, SERVICE, LEVEL = (
    recorded(name) for name in ("orders_create", "orders_create_service", "inventory_levels_update")
)
MORNING = datetime.fromisoformat(FIRST.json["created_at"])
CAMPAIGN = next(iter(recalls().values()))[0]["NHTSACampaignNumber"]
RECALL_LINE = f"recall-{CAMPAIGN}-BRK-HOSE-F22"


class Day:
    """The steps of the day; `sent` is what the shop and its producers told, in order."""

    def __init__(self, product: Product, *, patience_seconds: float = 60.0) -> None:
        self.product = product
        self.witness = product.witness
        self.patience_seconds = patience_seconds
        self.sent: list[Event] = []
        self.bare: list[bytes] = []
        self.outcome: dict[str, Any] = {}
        self.records = 0
        self.promised = self.partly = self.last = self.echo = ""
        self._orders = 0

    async def run(self) -> None:
        """From the morning's levels to the last delivery."""
        await self.levels_in_the_morning()
        await self.first_order()
        await self.level_that_counts_the_first_order()
        await self.service_order()
        await self.order_by_a_producer()
        await self.order_that_waits_for_approval()
        await self.order_that_needs_fluid()
        await self.person_approves("NW-1")
        await self.person_decides_about("TH-1")
        await self.suppliers_confirm()
        await self.orders_for_more_than_there_is()
        await self.one_more_arrives()
        await self.delivery_arrives()
        await self.echo_of_our_own_order()

    # ---- the shop

    async def levels_in_the_morning(self) -> None:
        for sku, many in (
            ("BRK-PAD-F22", 7),
            ("OIL-5W30-4L", 14),
            ("BRK-FLUID-1L", 6),
            ("TYR-205-55", 8),
            ("BRK-HOSE-F22", 0),
        ):
            await self.tell_level(sku, many, MORNING - timedelta(hours=12))
        for sku in ITEMS:
            await self.until(partial(self.counted, sku), f"{sku} is counted")

    async def first_order(self) -> None:
        await self.hook("orders/create", FIRST.body, FIRST.headers)
        for sku in ("BRK-PAD-F22", "OIL-5W30-4L"):
            await self.decided(FIRST.order_id, FIRST.line(sku), "approved")
        await self.ordered("BD-1", "confirmed")

    async def level_that_counts_the_first_order(self) -> None:
        await self.hook("inventory_levels/update", LEVEL.body, LEVEL.headers)
        item = str(LEVEL.json["inventory_item_id"])
        at = datetime.fromisoformat(LEVEL.json["updated_at"]).timestamp() * 1000
        await self.until(lambda: self.stock(SKUS[item]).get("a") == at, "the shop's level is known")

    async def service_order(self) -> None:
        await self.hook("orders/create", SERVICE.body, SERVICE.headers)
        for line in SERVICE.json["line_items"]:
            await self.decided(SERVICE.order_id, str(line["id"]), "approved")
        await self.decided(SERVICE.order_id, RECALL_LINE, "waitlisted")
        await self.ordered("BD-2", "confirmed")

    async def order_by_a_producer(self) -> None:
        """No header of ours, no key; and the mail server is lost after it has the order."""
        self.product.supplier.faults.mail.append("lost_after_data")
        number, body = self.new_order({"TYR-205-55": 5}, minutes=10)
        self.bare.append(body)
        await self.product.produce("raw.shopify", body)
        await self.decided(number, f"{number}1", "approved")
        await self.ordered("TH-1", "human")

    async def order_that_waits_for_approval(self) -> None:
        await self.buy({"OIL-5W30-4L": 8}, "approved", minutes=20)
        await self.purchase("NW-1", "awaiting_approval")

    async def order_that_needs_fluid(self) -> None:
        await self.buy({"BRK-FLUID-1L": 3}, "approved", minutes=30)
        await self.ordered("NW-2", "confirmed")

    async def orders_for_more_than_there_is(self) -> None:
        self.partly = await self.buy({"BRK-PAD-F22": 4}, "partly_approved", minutes=40)
        self.last = await self.buy({"BRK-PAD-F22": 1}, "waitlisted", minutes=50)

    async def one_more_arrives(self) -> None:
        """What the shop counted before the last two orders comes late: one unit more, for the head of the waitlist."""
        await self.tell_level("BRK-PAD-F22", 4, MORNING + timedelta(minutes=35))
        await self.until(
            lambda: self.line(self.partly, f"{self.partly}1").get("approved") == "3", "the first who waits has one more"
        )

    async def delivery_arrives(self) -> None:
        await self.product.supplier.deliver("BD-1")
        await self.purchase("BD-1", "received")
        counted = datetime.now(UTC) + timedelta(seconds=2)  # the shop tells whole seconds: surely after the delivery
        await self.tell_level("BRK-PAD-F22", 9, counted)
        for number in (self.partly, self.last):
            await self.decided(number, f"{number}1", "approved")

    async def echo_of_our_own_order(self) -> None:
        """The shop tells of an object that carries our own reference."""
        number, body = self.new_order({"BRK-PAD-F22": 10}, minutes=60, po_number="BD-1")
        self.echo = number
        await self.hook("orders/create", body, signed(body, "orders/create", self.secret))
        await self.until(lambda: self.row("orders", f"{SHOP}/{number}").get("echo"), "the echo is known as one")

    async def trade(self, orders: int, *, seed: int, per_second: float = 20.0) -> None:
        """Customers buy this and that, by webhook and by Kafka, some of them twice; now and then stock arrives."""
        chance = random.Random(seed)
        for number in range(orders):
            sku = chance.choice(SOLD)
            _, body = self.new_order({sku: chance.randint(1, 3)}, minutes=100 + number)
            if chance.random() < 0.3:
                await self.product.produce("raw.shopify", body)
            else:
                for _ in range(2 if chance.random() < 0.1 else 1):
                    await self.hook("orders/create", body, signed(body, "orders/create", self.secret))
            if chance.random() < 0.1:
                await self.tell_level(sku, chance.randint(0, 30), MORNING + timedelta(minutes=100 + number))
            await asyncio.sleep(chance.expovariate(per_second))

    # ---- suppliers and people

    async def suppliers_confirm(self) -> None:
        """By webhook, and by mail."""
        self.promised = day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        for reference in ("BD-1", "NW-1"):
            await self.product.supplier.confirm(reference, day)
            await self.until(partial(self.promised_for, reference, day), f"{reference} is promised for {day}")

    async def person_approves(self, reference: str) -> None:
        async def approved() -> bool:
            if self.order_of(reference).get("state") not in (None, "awaiting_approval"):
                return True  # also where the page said 503: Kafka may have had it all the same
            async with self.product.person() as person:
                await person.get("/approvals")
                path = f"/approvals/{reference}"
                if f'action="{path}"' not in person.page:
                    return False
                form = person.form(path) | {"decision": "approve"}
                return await person.post(path, form) < 400

        await self.product.eventually(approved, f"{reference} can be approved", self.patience_seconds)
        await self.ordered(reference, "confirmed")

    async def person_decides_about(self, reference: str) -> None:
        """What a person does who is asked: looks into the supplier's book, and says what stands there."""
        key = self.command_of(reference)

        async def settled() -> bool:
            if self.row("dispatch", key)["state"] != "human":
                return True
            async with self.product.person() as person:
                path = f"/errors/calls/{quote(key, safe='')}"
                await person.get(path)
                action = f"/errors/calls/{key.replace('/', '%2F')}"
                action = action if f'action="{action}"' in person.page else f"/errors/calls/{key}"
                if f'action="{action}"' not in person.page:
                    return False
                known = self.product.supplier.book.find(reference) is not None
                form = person.form(action) | {"act": "confirm" if known else "send_again", "reason": "we rang them up"}
                return await person.post(path, form) < 400

        await self.product.eventually(settled, f"somebody can decide about {reference}", self.patience_seconds)
        await self.ordered(reference, "confirmed")

    # ---- sending

    @property
    def secret(self) -> str:
        return self.product.environ["STREAMER_MAIN_SHOP_WEBHOOK_SECRET"]

    async def hook(self, topic: str, body: bytes, headers: Mapping[str, str]) -> int:
        status = await self.product.post(SHOP, body, headers)
        assert status == 200, f"the gateway answered {status}"
        self.sent.append(Event(topic, body, headers))
        return status

    async def tell_level(self, sku: str, available: int, at: datetime) -> None:
        body = json.dumps(level(ITEMS[sku], available, at.astimezone(UTC))).encode()
        await self.hook("inventory_levels/update", body, signed(body, "inventory_levels/update", self.secret))

    def new_order(self, basket: dict[str, int], *, minutes: float, **more: Any) -> tuple[str, bytes]:
        """Its number and body; its lines are called by the number and their place."""
        self._orders += 1
        number = 9_000_000_000_000 + self._orders
        at = (MORNING + timedelta(minutes=minutes)).astimezone(UTC)
        return str(number), json.dumps(order(number, PERSON, basket, at) | more).encode()

    async def buy(self, basket: dict[str, int], decision: str, *, minutes: float) -> str:
        """An order by webhook, and the decision on its first line; its number."""
        number, body = self.new_order(basket, minutes=minutes)
        await self.hook("orders/create", body, signed(body, "orders/create", self.secret))
        await self.decided(number, f"{number}1", decision)
        return number

    async def send_all_again(self, *, seed: int) -> None:
        """Everything that came from outside comes once more, in another order, and so do the suppliers' answers."""
        chance = random.Random(seed)
        again: list[Event | bytes] = [*self.sent, *self.bare]
        chance.shuffle(again)
        for event in again:
            if isinstance(event, bytes):
                await self.product.produce("raw.shopify", event)
            else:
                assert await self.product.post(SHOP, event.body, event.headers) == 200
        mails = self.product.supplier.mailbox
        for mail in chance.sample(mails.mails, len(mails.mails)):
            mails.deliver(mail)
        hooks = [record for record in self.witness.all("raw.local_supplier") if "again" not in record.headers]
        for record in chance.sample(hooks, len(hooks)):
            headers = {name: text for name, text in record.headers.items() if name not in ("src", "srcw")}
            await self.product.produce("raw.local_supplier", record.value or b"", record.key, **headers, again="yes")

    # ---- looking

    async def until(self, found: Callable[[], Any], what: str) -> Any:
        return await self.witness.until(found, what, self.patience_seconds)

    def row(self, fold: str, key: str) -> Any:
        return self.witness.row(fold, key) or {}

    def stock(self, sku: str) -> Any:
        return self.row("stock", f"{PLACE}/{sku}")

    def incoming(self, reference: str) -> Any:
        """What the stock row knows of a purchase order of one line."""
        sku = self.order_of(reference)["lines"][0]["sku"]
        return next((need for need in self.stock(sku).get("o", {}).values() if need.get("f") == reference), {})

    def counted(self, sku: str) -> bool:
        """Whether somebody has said how many lie there."""
        return bool(self.stock(sku).get("ct"))

    def promised_for(self, reference: str, day: str) -> bool:
        """Whether the public status and the stock row both know the date."""
        lines = self.order_of(reference).get("lines", [])
        return [line.get("promised_date") for line in lines] == [day] and self.incoming(reference).get("e") == day

    def line(self, order_id: str, line_id: str) -> Any:
        """The newest public status of a line."""
        return newest(self.witness.all("order-status", "order-line-status")).get(f"{order_id}/{line_id}", {})

    def order_of(self, reference: str) -> Any:
        """The newest public status of a purchase order."""
        return newest(self.witness.all("order-status", "purchase-order-status")).get(reference, {})

    def commands(self, kind: str) -> list[Seen]:
        return self.witness.once("commands", kind)

    def reorder(self, reference: str) -> Any:
        """The command that places a purchase order, once it is there."""
        found = {one.headers["ce_id"]: one.json for one in self.commands("reorder")}
        ours = [command for command in found.values() if command["reference"] == reference]
        assert len(ours) <= 1, f"{reference} is commanded {len(ours)} times"
        return ours[0] if ours else None

    def command_of(self, reference: str) -> str:
        """Key of the ledger's row for a purchase order."""
        return f"{self.reorder(reference)['account']}/{self.reorder(reference)['command_id']}"

    async def decided(self, order_id: str, line_id: str, decision: str) -> None:
        await self.until(
            lambda: self.line(order_id, line_id).get("decision") == decision,
            f"line {line_id} of order {order_id} is {decision}",
        )

    async def purchase(self, reference: str, state: str) -> None:
        await self.until(lambda: self.order_of(reference).get("state") == state, f"{reference} is {state}")

    async def ordered(self, reference: str, state: str) -> None:
        """Waits for the ledger; a mail whose fate nobody knows is decided by a person, unless that is what we want."""
        await self.until(lambda: self.reorder(reference), f"{reference} is commanded")
        key = self.command_of(reference)
        ends = ("confirmed", "rejected", "human")
        await self.until(lambda: self.row("dispatch", key).get("state") in ends, f"{reference} is sent")
        if self.row("dispatch", key)["state"] == "human" and state != "human":
            await self.person_decides_about(reference)
        await self.until(lambda: self.row("dispatch", key)["state"] == state, f"the ledger says {state} of {reference}")
