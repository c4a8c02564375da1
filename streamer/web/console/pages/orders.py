"""What became of the order."""

from __future__ import annotations

import json

from aiohttp import web

from streamer.messages.status import OrderLineStatus
from streamer.web.console.console import Console
from streamer.web.console.line_names import spoken
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.console.projections.statuses import DECISIONS, FULFILMENTS

ORDERS = ListOf(
    "orders",
    "key",
    (
        Column("number", "Order", "link", sortable=True),
        Column("decision", "Decision", "state"),
        Column("fulfilment", "Fulfilment", "state", narrow=False),
        Column("lines", "Lines", "number"),
        Column("kind", "Kind", narrow=False),
        Column("account", "Account", narrow=False),
        Column("location", "Location", narrow=False),
        Column("first_ms", "Seen", "when", sortable=True, narrow=False),
        Column("at_ms", "Changed", "when", sortable=True),
    ),
    (
        Filter("decision", "Decision", DECISIONS),
        Filter("fulfilment", "Fulfilment", FULFILMENTS),
        Filter("kind", "Kind", ("sales_order", "purchase_order", "service_appointment", "deal")),
        Filter("account", "Account"),
        Filter("location", "Location"),
        Filter("sku", "SKU", clause="key IN (SELECT order_key FROM order_line WHERE sku = ?)"),
    ),
    order="at_ms",
    descending=True,
)


def routes(console: Console) -> list[web.RouteDef]:
    pages = Orders(console)
    return [
        web.get("/orders", pages.index, allow_head=False),
        web.get("/orders/{key:.+}", pages.one, allow_head=False),
    ]


class Orders:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        return self.console.list_page(
            request,
            "list.html",
            ORDERS,
            title="Orders",
            live="orders",
            base="/orders/",
            empty=("No orders here yet. They come by the accounts' webhooks and polls, and show here once decided."),
        )

    async def one(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        order = self.reader.one("SELECT * FROM orders WHERE key = ?", key)
        if order is None:
            raise web.HTTPNotFound(text="no such order\n")
        rows = self.reader.all("SELECT json FROM order_line WHERE order_key = ? ORDER BY length(line_id), line_id", key)
        lines = [OrderLineStatus.from_json(row["json"]) for row in rows]
        fresh = await self.console.owners.row("orders", key)
        stored = fresh.value or self.reader.fold_row("orders", key)
        return self.console.page(
            request,
            "order.html",
            order=order,
            lines=lines,
            places=spoken(line.line_id for line in lines),
            row=json.loads(stored) if stored else None,
            owner=fresh,
            commands=self.reader.all("SELECT * FROM command WHERE order_id = ? ORDER BY at_ms", key),
            letters=self.reader.all(
                "SELECT id, reason, at_ms FROM dead_letter WHERE key = ? ORDER BY at_ms DESC LIMIT 10", key.encode()
            ),
        )
