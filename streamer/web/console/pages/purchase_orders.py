"""Where is my order, and may this go out."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

import msgspec
from aiohttp import web
from pydantic import ValidationError

from streamer.domain.purchasing_rows import OrderRow, order_row_key, read_row
from streamer.messages.purchasing import Why
from streamer.messages.status import PurchaseOrderStatus
from streamer.web.console.console import Console, form_of
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.rights import Right
from streamer.web.security import SESSION

WITH_THEM = "('sent', 'unknown', 'human', 'confirmed', 'partly_shipped', 'shipped')"
"""The supplier has the order and has not delivered all of it."""
STATES = (
    "draft",
    "awaiting_approval",
    "approved",
    "sending",
    "sent",
    "unknown",
    "human",
    "confirmed",
    "partly_shipped",
    "shipped",
    "received",
    "rejected",
    "cancelled",
)
PURCHASE_ORDERS = ListOf(
    "purchase_order",
    "reference",
    (
        Column("reference", "Reference", "link"),
        Column("supplier", "Supplier"),
        Column("state", "State", "state"),
        Column("conflict", "Conflict", narrow=False),
        Column("lines", "Lines", "number", narrow=False),
        Column("total", "Total", "money"),
        Column("promised", "Promised", "day", narrow=False),
        Column("external_reference", "Their number", "code", narrow=False),
        Column("at_ms", "Changed", "when", sortable=True),
    ),
    (
        Filter("state", "State", STATES),
        Filter("supplier", "Supplier"),
        Filter(
            "late",
            "Promised before",
            clause=f"promised != '' AND promised < ? AND state IN {WITH_THEM}",
        ),
    ),
    order="at_ms",
    descending=True,
)


def routes(console: Console) -> list[web.RouteDef]:
    pages = PurchaseOrders(console)
    return [
        web.get("/purchase-orders", pages.index, allow_head=False),
        web.get("/purchase-orders/{reference}", pages.one, allow_head=False),
        web.get("/approvals", pages.approvals, allow_head=False),
        web.post("/approvals/{reference}", pages.decide),
    ]


class PurchaseOrders:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        return self.console.list_page(
            request,
            "list.html",
            PURCHASE_ORDERS,
            title="Purchase orders",
            live="purchase-orders",
            base="/purchase-orders/",
            empty="No purchase orders yet. They are made when stock falls below its reorder point.",
        )

    async def one(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        found = self._find(reference)
        if found is None:
            raise web.HTTPNotFound(text="no such purchase order\n")
        fresh = await self.console.owners.row(
            "purchasing", order_row_key(found["supplier"], reference), found["supplier"]
        )
        steps = self.reader.all("SELECT * FROM purchase_order_step WHERE reference = ? ORDER BY revision", reference)
        return self.console.page(
            request,
            "purchase_order.html",
            order=found,
            told=PurchaseOrderStatus.from_json(found["json"]),
            row=self._row(found, fresh.value),
            owner=fresh,
            steps=_steps(steps),
            commands=self.reader.all("SELECT * FROM command WHERE reference = ? ORDER BY at_ms", reference),
            supplier=self.console.config.suppliers.get(found["supplier"], found["supplier"]),
            acts=self.reader.all("SELECT * FROM audit WHERE subject = ? ORDER BY at_ms", reference),
            why=why_of,
        )

    async def approvals(self, request: web.Request) -> web.Response:
        waiting = self.reader.all(
            "SELECT * FROM purchase_order WHERE state = 'awaiting_approval' ORDER BY at_ms LIMIT 50"
        )
        return self.console.page(
            request,
            "approvals.html",
            waiting=[(found, self._row(found, None)) for found in waiting],
            suppliers=self.console.config.suppliers,
            why=why_of,
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Approve, change or reject; bound to the version that was on the screen."""
        self.console.security.need(request, Right.APPROVE)
        reference, form = request.match_info["reference"], await form_of(request)
        found = self._find(reference)
        row = self._row(found, None) if found else None
        if found is None or row is None:
            raise web.HTTPNotFound(text="no such purchase order\n")
        if found["state"] != "awaiting_approval" or str(row.version) != form.get("version"):
            acts = self.reader.all("SELECT * FROM audit WHERE subject = ? ORDER BY at_ms DESC LIMIT 3", reference)
            return self.console.page(request, "overtaken.html", status=409, order=found, acts=acts)
        decision = _decision(form.get("decision"))
        reason = form.get("reason", "")[:1_000] or None
        if decision == "reject" and reason is None:
            raise web.HTTPBadRequest(text="a rejection needs a reason\n")
        quantities = _changed(form, row)
        if decision == "change" and not quantities:
            raise web.HTTPBadRequest(text="no quantity was changed\n")
        if decision == "approve" and quantities:
            raise web.HTTPBadRequest(text="a quantity was changed: choose Change, then approve what you see\n")
        return await self.console.act(
            request,
            Right.APPROVE,
            lambda: self.console.acts.approve(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                supplier=found["supplier"],
                reference=reference,
                version=row.version,
                decision=decision,
                quantities=quantities if decision == "change" else {},
                reason=reason,
            ),
            f"{reference}, version {row.version}: {_DONE[decision]}. It shows here as soon as purchasing has taken it.",
            "/approvals",
        )

    def _find(self, reference: str) -> Any:
        return self.reader.one("SELECT * FROM purchase_order WHERE reference = ?", reference)

    def _row(self, found: Any, fresh: bytes | None) -> OrderRow | None:
        key = order_row_key(found["supplier"], found["reference"])
        value = fresh or self.reader.fold_row("purchasing", key)
        row = read_row(key, value) if value else None
        return row if isinstance(row, OrderRow) else None


_DONE = {"approve": "your approval is sent", "change": "your change is sent", "reject": "your rejection is sent"}


def why_of(raw: Any) -> Why | None:
    """The numbers behind a need; None for those of an older form."""
    if raw is None:
        return None
    try:
        return Why.model_validate_json(msgspec.json.encode(raw))
    except ValidationError:
        return None


def _decision(text: str | None) -> Literal["approve", "change", "reject"]:
    if text in ("approve", "change", "reject"):
        return cast(Literal["approve", "change", "reject"], text)
    raise web.HTTPBadRequest(text="decide: approve, change or reject\n")


def _changed(form: dict[str, str], row: OrderRow) -> dict[str, Decimal]:
    changed = {}
    for line in row.lines:
        text = form.get(f"quantity-{line.line}", "")
        try:
            quantity = Decimal(text) if text else line.quantity
        except InvalidOperation:
            raise web.HTTPBadRequest(text=f"the quantity of line {line.line} is not a number\n") from None
        if not quantity.is_finite() or not 0 <= quantity <= 1_000_000:
            raise web.HTTPBadRequest(text=f"the quantity of line {line.line} is out of bounds\n")
        if quantity != line.quantity:
            changed[line.line] = quantity
    return changed


def _steps(rows: Any) -> list[dict[str, Any]]:
    """The timeline: one entry where the state, a promised date or a conflict changed."""
    steps: list[dict[str, Any]] = []
    before: tuple[Any, ...] | None = None
    for row in rows:
        status = json.loads(row["json"])
        promised = sorted({line["promised_date"] for line in status["lines"] if line.get("promised_date")})
        now = (row["state"], tuple(promised), status.get("conflict"))
        if now != before:
            steps.append(
                {
                    "state": row["state"],
                    "at_ms": row["at_ms"],
                    "promised": promised,
                    "conflict": status.get("conflict"),
                    "external_reference": status.get("external_reference"),
                }
            )
        before = now
    return steps
