"""The shop of the measurements of the whole product: its settings, its stock, and its orders as Shopify sends them.

The bytes are of our own making, in the shape of Shopify's webhooks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

import orjson

from streamer.messages.envelope import headers_of
from streamer.messages.stock import StockLevel
from streamer.platforms.raw_record import Headers

ACCOUNT, LOCATION, LOCATION_ID = "main-shop", "main", 70112233
SIGNS_WITH = "made-up-by-the-benchmark"
MADE_UP = {
    "STREAMER_MAIN_SHOP_WEBHOOK_SECRET": SIGNS_WITH,
    "STREAMER_MAIN_SHOP_ACCESS_TOKEN": "made-up-by-the-benchmark",
    "STREAMER_WORKER_TOKEN": "made-up-by-the-benchmark",
}
"""For the environment; nothing outside this machine is ever called."""
PARTITIONS = 4
ZIPF = 1.1
AS_OF = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
SETTINGS = f"""
[company]
name = "Bench"
currency = "USD"
time_zone = "Europe/Berlin"

[locations]
{LOCATION} = "The only location"

[kafka]
app_id = "bench"
partitions = {PARTITIONS}

[accounts.{ACCOUNT}]
platform = "shopify"
base_url = "http://127.0.0.1:9"
allow_private_addresses = true
locations = {{ "{LOCATION_ID}" = "{LOCATION}" }}
default_location = "{LOCATION}"
authority = ["{LOCATION}"]
counts = "on_hand"
"""


def sku(number: int) -> str:
    return f"SKU-{number:07d}"


class Skus:
    """Draws SKUs as customers do: few are popular (Zipf)."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._names = [sku(number) for number in range(count)]
        self._chance.shuffle(self._names)
        self._weights = list(accumulate(rank**-ZIPF for rank in range(1, count + 1)))

    def draw(self, count: int) -> list[str]:
        """Different ones."""
        drawn: dict[str, None] = {}
        while len(drawn) < count:
            drawn[self._chance.choices(self._names, cum_weights=self._weights)[0]] = None
        return list(drawn)


def level(name: str, quantity: int) -> tuple[bytes, bytes, Headers]:
    """The record of the log `stock` that says how many lie there."""
    message = StockLevel(
        account=ACCOUNT, platform="shopify", location=LOCATION, sku=name, level=Decimal(quantity), counts="on_hand",
        as_of=AS_OF,
    )  # fmt: skip
    return f"{LOCATION}/{name}".encode(), message.to_json(), headers_of(message)


def order(order_id: int, skus: list[str], *, padding: int = 0) -> bytes:
    """The body of `orders/create` with one line for each SKU; `padding` bytes of fields that nobody reads."""
    moment = "2026-01-05T09:30:00+01:00"
    body: dict[str, Any] = {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "name": f"#{order_id % 1_000_000}",
        "order_number": order_id % 1_000_000,
        "created_at": moment,
        "updated_at": moment,
        "cancelled_at": None,
        "currency": "USD",
        "financial_status": "paid",
        "fulfillment_status": None,
        "location_id": LOCATION_ID,
        "tags": "",
        "test": False,
        "email": "dana.reyes@example.com",
        "customer": {"id": 7300000001, "email": "dana.reyes@example.com", "first_name": "Dana", "last_name": "Reyes"},
        "shipping_address": {"name": "Dana Reyes", "address1": "12 Mill Lane", "city": "Leeds", "country_code": "GB"},
        "line_items": [
            {
                "id": order_id * 10 + place,
                "sku": name,
                "variant_id": 44000000 + place,
                "quantity": 1,
                "current_quantity": 1,
                "price": "48.50",
                "name": name,
                "requires_shipping": True,
                "properties": [],
            }
            for place, name in enumerate(skus, 1)
        ],
    }
    if padding:
        body["note_attributes"] = [{"name": f"field-{place}", "value": "x" * 80} for place in range(padding // 110)]
    return orjson.dumps(body)


def raw_order(order_id: int, skus: list[str]) -> tuple[bytes, bytes, Headers]:
    """The record of `raw.shopify`, as the gateway writes it."""
    headers: Headers = (
        ("ce_specversion", b"1.0"),
        ("ce_type", b"raw.shopify"),
        ("ce_source", f"/accounts/{ACCOUNT}".encode()),
        ("ce_id", f"delivery-{order_id}".encode()),
        ("content-type", b"application/json"),
        ("account", ACCOUNT.encode()),
        ("http-x-shopify-topic", b"orders/create"),
    )
    return f"{ACCOUNT}/{order_id}".encode(), order(order_id, skus), headers


def levels(count: int, quantity: int) -> Iterator[tuple[bytes, bytes, Headers]]:
    for number in range(count):
        yield level(sku(number), quantity)
