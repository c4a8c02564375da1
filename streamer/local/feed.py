"""Events of the sample shop, as Shopify sends them: levels first, then orders at a gentle pace, signed.

The shapes are Shopify's (REST form of webhooks); shop and people are made up. Times are those of the moment of sending.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson

from streamer.local.stand_ins import SKUS
from streamer.platforms.shopify import Shopify
from streamer.platforms.wire import Raw

LOCATION = 70112233
LEVELS = {"BRK-PAD-F22": 9, "OIL-5W30-4L": 14, "BRK-FLUID-1L": 6, "TYR-205-55": 8, "BRK-HOSE-F22": 0}
PRICES = {"BRK-PAD-F22": "48.50", "OIL-5W30-4L": "57.50", "BRK-FLUID-1L": "49.00", "TYR-205-55": "92.00"}
PEOPLE = (("Dana", "Reyes"), ("Liam", "Okafor"), ("Mara", "Lindqvist"), ("Tomas", "Ferreira"), ("Aiko", "Brandt"))
BASKETS = (
    {"BRK-PAD-F22": 2, "OIL-5W30-4L": 1},
    {"TYR-205-55": 2},
    {"OIL-5W30-4L": 3},
    {"BRK-PAD-F22": 4, "BRK-FLUID-1L": 1},
    {"TYR-205-55": 4, "OIL-5W30-4L": 1},
)
VIN = "1HGCM82633A004352"
ORDERS = 40
PAUSE_SECONDS = 6.0


async def feed(
    gateway_url: str, *, account: str, secret: str, orders: int = ORDERS, pause_seconds: float = PAUSE_SECONDS
) -> int:
    """Sends levels, a service order and `orders` orders; returns how many events were taken. Ends when cancelled."""
    began = datetime.now(UTC)
    first = int(began.timestamp()) * 1000
    taken = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        for topic, body in _events(first, orders):
            if await _send(session, f"{gateway_url}/hooks/{account}", topic, body, secret):
                taken += 1
            await asyncio.sleep(pause_seconds if topic == "orders/create" else pause_seconds / 10)
    return taken


def _events(first: int, orders: int) -> Any:
    for item, sku in SKUS.items():
        yield "inventory_levels/update", level(int(item), LEVELS[sku], datetime.now(UTC))
    yield "orders/create", service_order(first, datetime.now(UTC))
    for number, basket in zip(range(1, orders + 1), itertools.cycle(BASKETS), strict=False):
        yield "orders/create", order(first + number, PEOPLE[number % len(PEOPLE)], basket, datetime.now(UTC))


def level(item_id: int, available: int, at: datetime) -> dict[str, Any]:
    """Body of `inventory_levels/update`."""
    return {
        "inventory_item_id": item_id,
        "location_id": LOCATION,
        "available": available,
        "updated_at": at.isoformat(timespec="seconds"),
        "admin_graphql_api_id": f"gid://shopify/InventoryLevel/{LOCATION}?inventory_item_id={item_id}",
    }


def order(order_id: int, person: tuple[str, str], basket: dict[str, int], at: datetime) -> dict[str, Any]:
    """Body of `orders/create`."""
    lines = [
        _line(order_id * 10 + place, sku, quantity, PRICES.get(sku, "10.00"))
        for place, (sku, quantity) in enumerate(basket.items(), 1)
    ]
    return _order(order_id, person, lines, at)


def service_order(order_id: int, at: datetime, *, vin: str = VIN, in_days: int = 5) -> dict[str, Any]:
    """Body of `orders/create` with a service line, its appointment and the vehicle."""
    day = (at + timedelta(days=in_days)).replace(hour=13, minute=30, second=0, microsecond=0)
    line = _line(order_id * 10 + 1, "SVC-BRAKE-FRONT", 1, "180.00", ships=False)
    line["properties"] = [{"name": "Appointment", "value": day.isoformat()}, {"name": "VIN", "value": vin}]
    return _order(order_id, PEOPLE[1], [line], at)


def _line(line_id: int, sku: str, quantity: int, price: str, *, ships: bool = True) -> dict[str, Any]:
    return {
        "id": line_id,
        "sku": sku,
        "variant_id": 44_000_000 + line_id % 1000,
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        "fulfillment_status": None,
        "price": price,
        "name": sku,
        "requires_shipping": ships,
        "properties": [],
    }


def _order(order_id: int, person: tuple[str, str], lines: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    given, family = person
    mail = f"{given}.{family}@example.com".lower()
    moment = at.isoformat(timespec="seconds")
    return {
        "id": order_id,
        "name": f"#{order_id % 100000}",
        "order_number": order_id % 100000,
        "created_at": moment,
        "updated_at": moment,
        "cancelled_at": None,
        "closed_at": None,
        "currency": "USD",
        "financial_status": "paid",
        "fulfillment_status": None,
        "location_id": None,
        "po_number": None,
        "note": None,
        "note_attributes": [],
        "tags": "",
        "test": False,
        "email": mail,
        "customer": {
            "id": 7_300_000_000 + sum(map(ord, family)),
            "email": mail,
            "first_name": given,
            "last_name": family,
        },
        "billing_address": None,
        "shipping_address": None,
        "fulfillments": [],
        "line_items": lines,
    }


async def _send(session: aiohttp.ClientSession, url: str, topic: str, body: dict[str, Any], secret: str) -> bool:
    content = orjson.dumps(body)
    headers = signed(content, topic, secret)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with session.post(url, data=content, headers=headers) as response:
            return response.status < 300
    return False


def signed(content: bytes, topic: str, secret: str) -> dict[str, str]:
    """The headers that Shopify sends with a webhook."""
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat(),
        "X-Shopify-Hmac-Sha256": Shopify.signature.sign(Raw(content), secret),
    }
