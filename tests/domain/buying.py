"""Builders for the tests of purchasing: a company, its supplier, and what people and he say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamer.domain import purchasing
from streamer.messages.applied import AccountFacts, SettingsApplied, SupplierFacts
from streamer.messages.commands import ReorderCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import (
    Approval,
    GoodsReceipt,
    Need,
    PurchaseOrderOutcome,
    ReceivedLine,
    SupplierLine,
    SupplierStatus,
    Why,
)
from streamer.messages.status import PurchaseOrderStatus
from tests.domain.memory import START, Partition, of, settings

WHY = Why(
    on_hand=Decimal(2),
    reserved=Decimal(0),
    waitlisted=Decimal(0),
    incoming=Decimal(0),
    incoming_later=Decimal(0),
    safety=Decimal(0),
    projected=Decimal(2),
    reorder_point=Decimal(5),
    order_up_to=Decimal(12),
    trigger="below",
    wanted=Decimal(10),
    rounding=(),
    lead_time_days=3,
    supplier="ACME",
    cause="stock level",
)


def company(more: dict[str, Any] | None = None, **acme: Any) -> SettingsApplied:
    """Settings with one supplier, ACME; `more` are fields of the settings, the others fields of ACME."""
    fields: dict[str, Any] = {
        "name": "Acme",
        "account": "erp",
        "address": "V-100",
        "contact": "orders",
        "currency": "EUR",
        "senders": ("orders@acme.example", "acme-parts.example"),
    }
    accounts = {
        "erp": AccountFacts(platform="http", sink_class="B", changes_orders=True),
        "slack": AccountFacts(platform="slack", asks_by="slack"),
        "mail": AccountFacts(platform="email", sink_class="C", asks_by="email"),
    }
    return settings(
        accounts=accounts,
        suppliers={"ACME": SupplierFacts(**(fields | acme))},
        notify_account="slack",
        **(more or {}),
    )


def buying(more: dict[str, Any] | None = None, **acme: Any) -> Partition:
    partition = Partition(purchasing)
    partition.send(company(more, **acme))
    return partition


def need(number: int = 1, sku: str = "PAD-1", quantity: int = 10, **changes: Any) -> Need:
    location = changes.get("location", "main")
    fields: dict[str, Any] = {
        "need_id": f"need:{location}/{sku}/{number}",
        "supplier": "ACME",
        "sku": sku,
        "location": location,
        "quantity": Decimal(quantity),
        "unit": "EA",
        "unit_price": Decimal("4.50"),
        "currency": "EUR",
        "lead_time_days": 3,
        "automatic": True,
        "at": START,
        "why": WHY,
    }
    return Need(**(fields | changes))


def approval(decision: str = "approve", version: int = 1, act_id: str = "a1", **changes: Any) -> Approval:
    fields = {
        "supplier": "ACME",
        "reference": "ACME-1",
        "version": version,
        "decision": decision,
        "actor": "kim",
        "act_id": act_id,
        "at": START,
    }
    return Approval.model_validate(fields | changes)


def ledger_says(state: str, **changes: Any) -> PurchaseOrderOutcome:
    fields = {
        "supplier": "ACME",
        "reference": "ACME-1",
        "command_id": command_id("reorder", "ACME-1", "1"),
        "state": state,
        "at": START,
    }
    return PurchaseOrderOutcome.model_validate(fields | changes)


def supplier_says(state: str, *lines: SupplierLine, **changes: Any) -> SupplierStatus:
    fields = {
        "account": "erp",
        "platform": "http",
        "source_id": f"d-{state}",
        "reference": "ACME-1",
        "state": state,
        "lines": lines,
    }
    return SupplierStatus.model_validate(fields | changes)


def the_order(outcome: list[Any]) -> ReorderCommand:
    (order,) = of(ReorderCommand, outcome)
    return order


def last_status(outcome: list[Any]) -> PurchaseOrderStatus:
    return of(PurchaseOrderStatus, outcome)[-1]


def sent(more: dict[str, Any] | None = None, **acme: Any) -> Partition:
    partition = buying(more, **acme)
    the_order(partition.send(need()))
    return partition


def row(partition: Partition, reference: str = "ACME-1") -> Any:
    return partition.row(f"ACME/{reference}")


def counted(receipt_id: str, quantity: int, line: str = "1") -> GoodsReceipt:
    """Goods of ACME-1 that somebody counted at the door."""
    return GoodsReceipt(
        supplier="ACME",
        reference="ACME-1",
        receipt_id=receipt_id,
        lines=(ReceivedLine(line=line, quantity=Decimal(quantity)),),
        actor="kim",
        at=START,
    )
