"""The sample shop's events arrive as Shopify's would: signed, dated now, each an order or a level."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from streamer.local.feed import VIN, feed, signed
from streamer.messages.base import Message
from streamer.messages.orders import Order
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, build
from streamer.platforms.wire import Raw

SECRET = "secret-of-the-sample-shop"
EXAMPLE = Path(__file__).parents[2] / "streamer.example.toml"


def shop() -> Platform[Any]:
    """The shop of the example settings."""
    table = tomllib.loads(EXAMPLE.read_text())["accounts"]["main-shop"]
    environ = {f"STREAMER_MAIN_SHOP_{field}": SECRET for field in ("WEBHOOK_SECRET", "ACCESS_TOKEN")}
    return build("main-shop", table, environ)


SHOP = shop()


@asynccontextmanager
async def gateway(status: int = 202) -> AsyncIterator[tuple[str, list[Raw]]]:
    """Its address, and what it was sent."""
    got: list[Raw] = []

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got.append(Raw(await request.read(), headers, "shop", received_at=datetime.now(UTC)))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hooks/shop", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    finally:
        await runner.cleanup()


async def test_every_event_of_the_feed_is_signed_and_means_something() -> None:
    async with gateway() as (url, got):
        taken = await feed(url, account="shop", secret=SECRET, orders=5, pause_seconds=0)
    assert taken == len(got) == 11
    told: list[Message] = []
    for raw in got:
        SHOP.verify(raw, datetime.now(UTC))
        told += SHOP.read(raw)
    levels = [message for message in told if isinstance(message, StockLevel)]
    orders = [message for message in told if isinstance(message, Order)]
    assert len({level.item_id for level in levels}) == 5
    assert len({order.source_id for order in orders}) == 6
    assert all(order.lines and order.location for order in orders)
    now = datetime.now(UTC)
    assert all(order.occurred_at and abs(now - order.occurred_at) < timedelta(minutes=1) for order in orders)
    [service] = [order for order in orders if order.appointment]
    assert service.appointment is not None
    assert service.appointment.vehicle is not None
    assert service.appointment.vehicle.vin == VIN
    assert service.appointment.scheduled_at is not None
    assert service.appointment.scheduled_at > now


async def test_events_that_nobody_took_are_not_counted() -> None:
    async with gateway(503) as (url, got):
        assert await feed(url, account="shop", secret=SECRET, orders=1, pause_seconds=0) == 0
        assert len(got) == 7
    assert await feed(url, account="shop", secret=SECRET, orders=1, pause_seconds=0) == 0


def test_the_signature_is_that_of_the_body_and_the_secret() -> None:
    headers = {name.lower(): value for name, value in signed(b"{}", "orders/create", SECRET).items()}
    SHOP.verify(Raw(b"{}", headers), datetime.now(UTC))
    assert headers["x-shopify-hmac-sha256"] != signed(b"{} ", "orders/create", SECRET)["X-Shopify-Hmac-Sha256"]
    assert headers["x-shopify-hmac-sha256"] != signed(b"{}", "orders/create", "other")["X-Shopify-Hmac-Sha256"]
