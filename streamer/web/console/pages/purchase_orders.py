"""Where is my order, and what can still be done about it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote

import msgspec
from aiohttp import web
from pydantic import ValidationError

from streamer.domain.purchasing_rows import OrderRow, order_row_key, read_row
from streamer.messages.purchasing import Decision, Why
from streamer.messages.status import PurchaseOrderStatus
from streamer.web.console.console import Console, form_of
from streamer.web.console.forms import changed_quantities
from streamer.web.console.judging import ModelRows
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
        Column("supplier", "Supplier", "supplier"),
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


AFTERWARDS = {
    "cancel": "the supplier is asked to cancel it",
    "amend": "the supplier is asked to change it",
    "amend_agreed": "his agreement is noted",
    "amend_refused": "his refusal is noted",
    "close": "what has not come is no longer expected",
}
"""What a person can decide about an order that was sent, and what follows."""
ZERO = Decimal(0)


def routes(console: Console) -> list[web.RouteDef]:
    pages = PurchaseOrders(console)
    return [
        web.get("/purchase-orders", pages.index, allow_head=False),
        web.get("/purchase-orders/{reference}", pages.one, allow_head=False),
        web.post("/purchase-orders/{reference}/acts", pages.act),
        web.post("/purchase-orders/{reference}/receipts", pages.receive),
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
            able=self._able(found),
        )

    def _able(self, found: Any) -> dict[str, bool]:
        """What the order's account can do about it once it was sent."""
        rows = ModelRows(self.reader, 0)
        row, settings = rows.read(order_row_key(found["supplier"], found["reference"])), rows.settings
        account = row.account if isinstance(row, OrderRow) else None
        facts = settings.accounts.get(account or "") if settings else None
        return {
            "cancels": facts is not None and facts.cancels_orders,
            "changes": facts is not None and facts.changes_orders,
        }

    async def act(self, request: web.Request) -> web.Response:
        """Cancel, change or close what was sent; say what the supplier answered to a change."""
        self.console.security.need(request, Right.APPROVE)
        reference, form = request.match_info["reference"], await form_of(request)
        row = self._current(reference)
        decision = form.get("decision", "")
        if decision not in AFTERWARDS:
            raise web.HTTPBadRequest(text=f"decide: {', '.join(AFTERWARDS)}\n")
        if str(row.version) != form.get("version"):
            raise web.HTTPConflict(text=f"{reference} was changed since: look at it again\n")
        reason = form.get("reason", "")[:1_000] or None
        if reason is None and decision != "amend_agreed":
            raise web.HTTPBadRequest(text="say why\n")
        quantities = changed_quantities(form, row) if decision == "amend" else {}
        if decision == "amend" and not quantities:
            raise web.HTTPBadRequest(text="no quantity was changed\n")
        return await self.console.act(
            request,
            Right.APPROVE,
            lambda: self.console.acts.decide(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                supplier=row.supplier,
                reference=reference,
                version=row.version,
                decision=cast(Decision, decision),
                quantities=quantities,
                reason=reason,
            ),
            f"{reference}: {AFTERWARDS[decision]}. It shows here as soon as purchasing has taken it.",
            f"/purchase-orders/{quote(reference)}",
        )

    async def receive(self, request: web.Request) -> web.Response:
        """Goods were counted at the door: one delivery of several."""
        self.console.security.need(request, Right.SETTLE)
        reference, form = request.match_info["reference"], await form_of(request)
        row = self._current(reference)
        empty = msgspec.structs.replace(row, lines=[msgspec.structs.replace(one, quantity=ZERO) for one in row.lines])
        counted = changed_quantities(form, empty)
        if not counted:
            raise web.HTTPBadRequest(text="nothing was counted\n")
        return await self.console.act(
            request,
            Right.SETTLE,
            lambda: self.console.acts.receive(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                supplier=row.supplier,
                reference=reference,
                counted=counted,
            ),
            f"{reference}: what you counted is sent. It shows here as soon as purchasing has taken it.",
            f"/purchase-orders/{quote(reference)}",
        )

    def _current(self, reference: str) -> OrderRow:
        found = self._find(reference)
        row = self._row(found, None) if found else None
        if row is None:
            raise web.HTTPNotFound(text="no such purchase order\n")
        if not row.sent():
            raise web.HTTPConflict(text=f"{reference} was not sent\n")
        return row

    def _find(self, reference: str) -> Any:
        return self.reader.one("SELECT * FROM purchase_order WHERE reference = ?", reference)

    def _row(self, found: Any, fresh: bytes | None) -> OrderRow | None:
        key = order_row_key(found["supplier"], found["reference"])
        value = fresh or self.reader.fold_row("purchasing", key)
        row = read_row(key, value) if value else None
        return row if isinstance(row, OrderRow) else None


def why_of(raw: Any) -> Why | None:
    """The numbers behind a need; None for those of an older form."""
    if raw is None:
        return None
    try:
        return Why.model_validate_json(msgspec.json.encode(raw))
    except ValidationError:
        return None


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
