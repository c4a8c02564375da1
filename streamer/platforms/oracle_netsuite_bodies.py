"""The bodies that we write into NetSuite: orders, customers and decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streamer.errors import Refused
from streamer.messages.commands import RecordCommand, ReorderCommand, ReorderLine, WriteBackCommand
from streamer.messages.orders import Order
from streamer.platforms.oracle_netsuite_records import id_of

if TYPE_CHECKING:
    from streamer.platforms.base import Platform

PENDING, APPROVED, REJECTED = "1", "2", "3"  # ids of approvalStatus
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]+")


def reference(ours: str) -> str:
    """The part of an address that names a record by its external id. Raises Refused."""
    if not _EXTERNAL_ID.fullmatch(ours):
        raise Refused(f"{ours!r} cannot be an external id: letters, digits, underscore and hyphen only")
    return f"eid:{ours}"


def ref(told: str | None) -> dict[str, str] | None:
    """A reference to an internal id; None for what is none."""
    found = id_of(told)
    return None if found is None else {"id": found}


def figure(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def item_of(sku: str | None, item_id: str | None, items: Mapping[str, str]) -> dict[str, str]:
    """Raises Refused for a SKU that no item has."""
    found = id_of(item_id) or items.get(sku or "")
    if found is None:
        raise Refused(f"no item of NetSuite has the name {sku or item_id}")
    return {"id": found}


def purchase_line(
    platform: Platform[Any], command: ReorderCommand, line: ReorderLine, items: Mapping[str, str]
) -> dict[str, Any]:
    needed = (line.needed_by or command.needed_by or "")[:10]
    told = {
        "item": item_of(line.sku, line.item_id, items),
        "quantity": figure(line.quantity),
        "rate": None if line.unit_price is None else figure(line.unit_price),
        "location": ref(platform.their_place(line.location)),
        "expectedReceiptDate": needed or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def purchase_order(
    platform: Platform[Any], settings: Any, command: ReorderCommand, vendor: str, lines: list[dict[str, Any]]
) -> dict[str, Any]:
    """What is no internal id (a location or currency that the settings do not map) is left to NetSuite's defaults."""
    reference(command.reference)
    currency = next((theirs for theirs, iso in settings.currencies.items() if iso == command.currency), None)
    told = {
        "entity": {"id": vendor},
        "externalId": command.reference,
        "tranDate": command.order_date,
        "dueDate": (command.needed_by or "")[:10] or None,
        "memo": command.note,
        "location": ref(platform.their_place(command.ship_to)),
        "subsidiary": ref(settings.subsidiary),
        "currency": ref(currency),
        "item": {"items": lines},
    }
    return {name: value for name, value in told.items() if value is not None}


def sales_order(
    platform: Platform[Any], command: RecordCommand, order: Order, entity: str, items: Mapping[str, str]
) -> dict[str, Any]:
    """Fields of the route go last."""
    day_ = order.order_date or (order.occurred_at.date().isoformat() if order.occurred_at else None)
    by_id = command.match_items == "item_id"
    lines = []
    for line in order.lines:
        rate = {} if line.unit_price is None else {"rate": figure(line.unit_price)}
        found = item_of(None if by_id else line.sku, line.item_id if by_id else None, items)
        more = command.line_fields.get(line.line_id, {})
        lines.append({"item": found, "quantity": figure(line.quantity), **rate, **more})
    told = {
        "entity": {"id": entity},
        "otherRefNum": order.customer_reference or command.reference,
        "tranDate": day_,
        "memo": order.comment,
        "location": ref(platform.their_place(order.location)),
        "item": {"items": lines},
    }
    return {name: value for name, value in told.items() if value is not None} | command.fields


def customer(settings: Any, command: RecordCommand) -> dict[str, Any]:
    """A person must have a last name there; a company its name."""
    if command.customer is None:
        raise Refused("a customer record without a customer")
    told = command.customer.customer
    first, _, last = (told.name or told.email or command.reference).rpartition(" ")
    who = {"isPerson": False, "companyName": told.company} if told.company else {"isPerson": True, "lastName": last}
    if first and not told.company:
        who["firstName"] = first
    body = {
        **who,
        "email": told.email,
        "phone": told.phone,
        "vatRegNumber": told.tax_id if settings.tax_id_field == "vatregnumber" else None,
        "subsidiary": ref(settings.subsidiary),
    }
    return {name: value for name, value in body.items() if value is not None} | command.fields


def decision(settings: Any, command: WriteBackCommand) -> dict[str, Any]:
    """Without approval routing a sales order has its status and a rejected one closed lines."""
    body: dict[str, Any] = {}
    if settings.approvals == "approval_status":
        word = {"rejected": REJECTED, "waitlisted": PENDING}.get(command.decision, APPROVED)
        body["approvalStatus"] = {"id": word}
    elif command.decision == "rejected":
        lines = [int(line.line_id) for line in command.lines if line.line_id.isdigit()]
        if not lines:
            raise Refused("a rejected order has its lines closed, and the answer names none of NetSuite's")
        body["item"] = {"items": [{"line": line, "isClosed": True} for line in lines]}
    else:
        body["orderStatus"] = {"id": "A" if command.decision == "waitlisted" else "B"}
    if settings.text_field and command.text:
        body[settings.text_field] = command.text
    return body
