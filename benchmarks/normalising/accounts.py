"""The accounts whose adapters are measured, and the raw records that they read."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

from benchmarks import shop
from streamer.pipeline.normalise import Normaliser
from streamer.platforms.base import Platform, build, example
from streamer.platforms.samples import arrivals, read_sample
from streamer.platforms.wire import Raw

PAYLOADS = Path(__file__).parents[2] / "tests" / "payloads"
FIRST_ORDER = 7_000_000_000


def shopify() -> Platform[Any]:
    table = {
        "platform": "shopify", "base_url": "http://127.0.0.1:9", "allow_private_addresses": True,
        "locations": {str(shop.LOCATION_ID): shop.LOCATION}, "default_location": shop.LOCATION,
        "authority": [shop.LOCATION],
    }  # fmt: skip
    return build(shop.ACCOUNT, table, shop.MADE_UP)


def webhook(number: int, *, lines: int, padding: int) -> Raw:
    """A signed `orders/create`."""
    body = shop.order(FIRST_ORDER + number, [shop.sku(place) for place in range(lines)], padding=padding)
    digest = hmac.new(shop.SIGNS_WITH.encode(), body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
    }
    return Raw(body, headers, shop.ACCOUNT)


def supplier_mail(name: str) -> tuple[Platform[Any], list[Raw]]:
    """A recorded answer of a supplier, and the account that reads it."""
    sample = read_sample(PAYLOADS / "email" / f"{name}.json")
    platform = example("email", {"name": "parts", **sample.settings})
    return platform, list(arrivals(platform, sample))


def normaliser(topic_id: str) -> Normaliser:
    """What the product and its peer both run."""
    return Normaliser("shopify", {shop.ACCOUNT: shopify()}, topic_id=topic_id)
