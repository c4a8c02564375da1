"""The public topic `order-status`: lines of customers' orders, and purchase orders at suppliers."""

from __future__ import annotations

import sqlite3
from typing import Any

from streamer.messages.envelope import type_of
from streamer.messages.status import OrderLineStatus, PurchaseOrderStatus
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change

DECISIONS = ("pending", "waitlisted", "partly_approved", "rejected", "approved", "released")
"""An order's decision is the first of these that one of its lines has."""
FULFILMENTS = ("open", "back_order", "picked", "shipped", "invoiced", "cancelled")


def take(database: sqlite3.Connection, record: Any) -> set[Change]:
    kind = type_of(record.headers)
    if record.value is None:
        return set()
    if kind == OrderLineStatus.ce_type:
        return _line(database, OrderLineStatus.from_json(record.value), record.value)
    if kind == PurchaseOrderStatus.ce_type:
        return _purchase_order(database, PurchaseOrderStatus.from_json(record.value), record.value)
    return set()


def _line(database: sqlite3.Connection, line: OrderLineStatus, value: bytes) -> set[Change]:
    key = f"{line.account}/{line.order_id}"
    at_ms = int(line.at.timestamp() * 1000)
    known = database.execute(
        "SELECT revision FROM order_line WHERE order_key = ? AND line_id = ?", (key, line.line_id)
    ).fetchone()
    if known is not None and known[0] >= line.revision:
        return set()
    database.execute(
        "INSERT OR REPLACE INTO order_line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key,
            line.line_id,
            line.revision,
            line.sku or "",
            line.location or "",
            line.decision,
            line.fulfilment,
            at_ms,
            value,
        ),
    )
    lines = database.execute(
        "SELECT decision, fulfilment, location FROM order_line WHERE order_key = ?", (key,)
    ).fetchall()
    database.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "number = excluded.number, decision = excluded.decision, fulfilment = excluded.fulfilment, "
        "location = excluded.location, lines = excluded.lines, first_ms = min(first_ms, excluded.first_ms), "
        "at_ms = max(at_ms, excluded.at_ms)",
        (
            key, line.account, line.order_id, line.number or line.order_id, line.kind,
            _first(DECISIONS, [decision for decision, _, _ in lines]),
            _first(FULFILMENTS, [fulfilment for _, fulfilment, _ in lines]),
            min((place for _, _, place in lines if place), default=""), len(lines), at_ms, at_ms,
        ),
    )  # fmt: skip
    if known is None:
        skus = database.execute("SELECT DISTINCT sku FROM order_line WHERE order_key = ?", (key,)).fetchall()
        search_index.put(database, "order", key, line.number, line.order_id, line.account, *(sku for (sku,) in skus))
    return {Change.ORDERS}


def _purchase_order(database: sqlite3.Connection, status: PurchaseOrderStatus, value: bytes) -> set[Change]:
    at_ms = int(status.at.timestamp() * 1000)
    database.execute(
        "INSERT OR REPLACE INTO purchase_order_step VALUES (?, ?, ?, ?, ?)",
        (status.reference, status.revision, status.state, at_ms, value),
    )
    known = database.execute(
        "SELECT revision, first_ms FROM purchase_order WHERE reference = ?", (status.reference,)
    ).fetchone()
    if known is not None and known[0] >= status.revision:
        return {Change.PURCHASE_ORDERS}
    promised = sorted(
        line.promised_date for line in status.lines if line.promised_date and line.received < line.quantity
    )
    database.execute(
        "INSERT OR REPLACE INTO purchase_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            status.reference, status.supplier, status.state, status.external_reference or "", status.conflict or "",
            status.currency, float(status.total), len(status.lines), promised[0] if promised else "", status.revision,
            known[1] if known else at_ms, at_ms, value,
        ),
    )  # fmt: skip
    database.execute("DELETE FROM purchase_order_line WHERE reference = ?", (status.reference,))
    database.executemany(
        "INSERT OR REPLACE INTO purchase_order_line VALUES (?, ?, ?)",
        [(status.reference, line.line, f"{line.location}/{line.sku}") for line in status.lines],
    )
    skus = [line.sku for line in status.lines]
    search_index.put(
        database,
        "purchase order",
        status.reference,
        status.reference,
        status.external_reference,
        status.supplier,
        *skus,
    )
    return {Change.PURCHASE_ORDERS}


def _first(ranked: tuple[str, ...], there: list[str]) -> str:
    return next((word for word in ranked if word in there), there[0] if there else "")
