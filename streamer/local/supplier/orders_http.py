"""The supplier's HTTP side: take an order, find it, cancel it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable

from aiohttp import web
from pydantic import BaseModel, ValidationError

from streamer.local.supplier.book import Book, Entry
from streamer.local.supplier.faults import Faults

TIME_OUT_SECONDS = 60.0


class OrderedLine(BaseModel):
    line: str
    our_sku: str
    quantity: str


class Ordered(BaseModel):
    reference: str
    lines: list[OrderedLine]
    needed_by: str | None = None


class Cancellation(BaseModel):
    reference: str


class OrdersByHttp:
    """`on_order` hears of each order that is new in the book."""

    def __init__(
        self, book: Book, faults: Faults, *, token: str, idempotent: bool, on_order: Callable[[Entry], None]
    ) -> None:
        self._book = book
        self._faults = faults
        self._token = token
        self._idempotent = idempotent
        self._on_order = on_order
        self.app = web.Application()
        self.app.add_routes(
            [web.post("/orders", self._place), web.get("/orders", self._find), web.post("/cancellations", self._cancel)]
        )

    async def _place(self, request: web.Request) -> web.StreamResponse:
        if not self._knows(request):
            return web.json_response({"error": "who are you?"}, status=401)
        try:
            body = Ordered.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"error": f"the order cannot be read: {error.error_count()} mistakes"}, status=400)
        fault = self._faults.next_http()
        if fault in ("reset_before", "too_many", "error", "nonsense"):
            return self._wrong(request, fault)
        entry = self._take(body, request.headers.get("Idempotency-Key", ""))
        if fault == "time_out":
            await asyncio.sleep(TIME_OUT_SECONDS)
        if fault in ("reset_after", "error_after", "failure_inside"):
            return self._wrong(request, fault)
        return web.json_response(_shown(entry), status=201)

    def _take(self, body: Ordered, key: str) -> Entry:
        if self._idempotent and key and (known := self._book.find_by_key(key)) is not None:
            return known
        new = self._book.find(body.reference) is None
        entry = self._book.add(
            Entry(
                order_id=self._book.next_id("LS"),
                reference=body.reference,
                by="http",
                lines=[{"line": line.line, "sku": line.our_sku, "quantity": line.quantity} for line in body.lines],
                needed_by=body.needed_by,
                keys=[key],
            )
        )
        if new:
            self._on_order(entry)
        return entry

    @staticmethod
    def _wrong(request: web.Request, fault: str) -> web.StreamResponse:
        match fault:
            case "too_many":
                return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": "1"})
            case "error" | "error_after":
                return web.json_response({"error": "our fault"}, status=500)
            case "failure_inside":
                return web.json_response({"error": "the order could not be processed"}, status=200)
            case "nonsense":
                return web.Response(body=b"<html>maintenance</html>", content_type="text/html")
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _find(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.json_response({"error": "who are you?"}, status=401)
        entry = self._book.find(request.query.get("reference", ""))
        return web.json_response({"orders": [_shown(entry)] if entry is not None else []})

    async def _cancel(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.json_response({"error": "who are you?"}, status=401)
        try:
            wish = Cancellation.model_validate_json(await request.read())
        except ValidationError:
            return web.json_response({"error": "reference is missing"}, status=400)
        entry = self._book.find(wish.reference)
        if entry is None:
            return web.json_response({"error": "no such order"}, status=404)
        if entry.state not in ("received", "confirmed", "cancelled"):
            return web.json_response({"error": f"the order is {entry.state}"}, status=409)
        entry.state = "cancelled"
        self._book.write(entry)
        return web.json_response(_shown(entry))

    def _knows(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {self._token}".encode())


def _shown(entry: Entry) -> dict[str, str]:
    return {"order_id": entry.order_id, "reference": entry.reference, "state": entry.state}
