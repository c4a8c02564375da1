"""The supplier to try with and the adapters that reach it, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from streamer.local.supplier import LocalSupplier
from streamer.messages.commands import NotifyCommand, ReorderCommand, ReorderLine
from streamer.messages.ids import command_id
from streamer.platforms.base import Platform, example
from streamer.platforms.wire import Raw

TOKEN = "supplier-token-of-the-tests"
SECRET = "webhook-secret-of-the-tests"
PASSWORD = 'mailbox "pass\\word" of the tests'


def order(reference: str = "NW-1", **changes: Any) -> ReorderCommand:
    """An order of two lines; `changes` replace fields."""
    return ReorderCommand(
        **{
            "command_id": command_id("reorder", reference),
            "account": "parts",
            "object": f"order/{reference}",
            "cause": "test",
            "supplier": reference.partition("-")[0],
            "supplier_name": "Northwind Brakes",
            "address": "orders@northwind-brakes.example",
            "contact": "Orders Desk",
            "reference": reference,
            "order_date": "2026-03-10",
            "needed_by": "2026-03-14",
            "ship_to": "STORE-7",
            "currency": "EUR",
            "lines": (
                line("1", "BRK-PAD-220", "4", "11.99", description="Brake pad set, front", supplier_sku="NW-220-F"),
                line("2", "OIL-FLT-09", "10", "3.45", description="Oil filter"),
            ),
            "reply_token": "k7q2",
        }
        | changes
    )


def line(number: str, sku: str, quantity: str, price: str | None, **more: Any) -> ReorderLine:
    """One line, for the store."""
    amount = Decimal(price) if price is not None else None
    return ReorderLine(
        line=number, sku=sku, quantity=Decimal(quantity), unit_price=amount, location="STORE-7", **more
    )  # fmt: skip


def notice(**changes: Any) -> NotifyCommand:
    """A notice for people."""
    return NotifyCommand(
        **{
            "command_id": command_id("notify", "1"),
            "account": "parts",
            "object": "notice/1",
            "cause": "test",
            "subject": "Purchase order NW-1 waits",
            "text": "NW-1 waits for a person.",
            "severity": "urgent",
        }
        | changes
    )


@asynccontextmanager
async def running_supplier(folder: Path, **more: Any) -> AsyncIterator[LocalSupplier]:
    """A supplier on free ports of loopback; it answers when it is told to."""
    supplier = LocalSupplier(
        folder,
        token=TOKEN,
        webhook_secret=SECRET,
        mailbox_password=PASSWORD,
        **{"answer_after_seconds": None, **more},
    )
    await supplier.start()
    try:
        yield supplier
    finally:
        await supplier.stop()


class Hooks:
    """A gateway that keeps what it is sent."""

    def __init__(self) -> None:
        self.got: list[Raw] = []
        self.answers: list[int] = []  # statuses of the next answers; then 202
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Raw(await request.read(), headers, "parts"))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)


@asynccontextmanager
async def running_hooks() -> AsyncIterator[Hooks]:
    """A place where webhooks arrive."""
    hooks = Hooks()
    app = web.Application()
    app.router.add_post("/hooks/parts", hooks.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hooks.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/parts"
    try:
        yield hooks
    finally:
        await runner.cleanup()


def by_http(supplier: LocalSupplier, **more: Any) -> Platform[Any]:
    """The account that orders by HTTP."""
    return example(
        "local_supplier",
        {
            "name": "parts",
            "base_url": f"http://127.0.0.1:{supplier.http_port}",
            "allow_private_addresses": True,
            "token": TOKEN,
            "webhook_secret": SECRET,
            "calls_per_second": 1000.0,
            **more,
        },
    )


def by_mail(supplier: LocalSupplier, **more: Any) -> Platform[Any]:
    """The account that orders by mail."""
    return example(
        "email",
        {
            "name": "parts",
            "smtp": f"smtp+plain://127.0.0.1:{supplier.smtp_port}",
            "imap": f"imap+plain://127.0.0.1:{supplier.imap_port}",
            "allow_private_addresses": True,
            "imap_username": "purchasing",
            "imap_password": PASSWORD,
            "from": "Northgate Purchasing <purchasing@parts.example>",
            "company": "Northgate Auto",
            "own_domain": "parts.example",
            "receiving_server": "mx.parts.example",
            "calls_per_second": 1000.0,
            **more,
        },
    )
