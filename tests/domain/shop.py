"""Builders of events for the tests of stock, orders and catalogue: each shows only what matters to its test."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from streamer.messages.applied import AccountFacts, SettingsApplied, SupplierFacts
from streamer.messages.stock import (
    Incoming,
    ItemPolicy,
    LineRelease,
    LineRequest,
    LineShipped,
    StockLevel,
    StockMovement,
    SupplierOffer,
)
from tests.domain.memory import START, settings

SKU = "OIL-5W30"
KEY = f"main/{SKU}"


def at(minutes: float = 0, days: float = 0) -> datetime:
    """So long after the tests' Monday morning."""
    return START + timedelta(minutes=minutes, days=days)


def company(**changes: Any) -> SettingsApplied:
    """A web shop whose levels count `available`, a warehouse that counts what lies there, and two suppliers."""
    fields: dict[str, Any] = {
        "accounts": {
            "shop": AccountFacts(platform="shopify", counts="available", default_location="main"),
            "warehouse": AccountFacts(platform="odoo"),
        },
        "suppliers": {
            "ACME": SupplierFacts(name="Acme", account="mail", currency="EUR"),
            "BOLT": SupplierFacts(name="Bolt", account="mail", currency="EUR"),
        },
        "notify_account": "chat",
    }
    return settings(**(fields | changes))


def level(quantity: int, minutes: float = 0, **changes: Any) -> StockLevel:
    fields: dict[str, Any] = {
        "account": "warehouse",
        "platform": "odoo",
        "location": "main",
        "sku": SKU,
        "level": Decimal(quantity),
        "counts": "on_hand",
        "as_of": at(minutes),
    }
    return StockLevel(**(fields | changes))


def shop_level(quantity: int, minutes: float = 0, **changes: Any) -> StockLevel:
    """A level from which the shop has taken off its own orders."""
    return level(quantity, minutes, **({"account": "shop", "platform": "shopify", "counts": "available"} | changes))


def ask(line: str, quantity: int, **changes: Any) -> LineRequest:
    """A request of the line `<order>/<line>` of the shop."""
    account = changes.pop("account", "shop")
    fields: dict[str, Any] = {
        "order_key": f"{account}/{line.rpartition('/')[0]}",
        "line_key": f"{account}/{line}",
        "revision": 1,
        "account": account,
        "sku": SKU,
        "location": "main",
        "quantity": Decimal(quantity),
    }
    return LineRequest(**(fields | changes))


def release(line: str, revision: int = 2, account: str = "shop") -> LineRelease:
    return LineRelease(
        order_key=f"{account}/{line.rpartition('/')[0]}", line_key=f"{account}/{line}", revision=revision, sku=SKU,
        location="main", reason="cancelled",
    )  # fmt: skip


def shipped(line: str, quantity: int, minutes: float = 0, account: str = "shop") -> LineShipped:
    return LineShipped(
        order_key=f"{account}/{line.rpartition('/')[0]}", line_key=f"{account}/{line}", revision=1, sku=SKU,
        location="main", quantity=Decimal(quantity), at=at(minutes),
    )  # fmt: skip


def movement(delta: int, movement_id: str, minutes: float = 0, **changes: Any) -> StockMovement:
    fields: dict[str, Any] = {
        "account": "warehouse",
        "movement_id": movement_id,
        "location": "main",
        "sku": SKU,
        "delta": Decimal(delta),
        "reason": "receipt" if delta > 0 else "issue",
        "at": at(minutes),
    }
    return StockMovement(**(fields | changes))


def policy(reorder_point: int, order_up_to: int, version: int = 1, **changes: Any) -> ItemPolicy:
    fields: dict[str, Any] = {
        "location": "main",
        "sku": SKU,
        "version": version,
        "reorder_point": Decimal(reorder_point),
        "order_up_to": Decimal(order_up_to),
    }
    return ItemPolicy(**(fields | changes))


def offer(supplier: str = "ACME", version: int = 1, **changes: Any) -> SupplierOffer:
    fields: dict[str, Any] = {
        "location": "main",
        "sku": SKU,
        "version": version,
        "supplier": supplier,
        "unit_price": Decimal("4.20"),
        "currency": "EUR",
        "lead_time_days": 5,
    }
    return SupplierOffer(**(fields | changes))


def incoming(need_id: str, quantity: int, revision: int, **changes: Any) -> Incoming:
    fields: dict[str, Any] = {
        "location": "main",
        "sku": SKU,
        "need_id": need_id,
        "reference": "ACME-1",
        "supplier": "ACME",
        "revision": revision,
        "state": "ordered",
        "quantity": Decimal(quantity),
    }
    return Incoming(**(fields | changes))
