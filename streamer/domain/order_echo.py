"""An echo is not an order: what tells an object that we made ourselves, and what its supplier's row learns from it."""

from __future__ import annotations

from streamer.messages.applied import SettingsApplied
from streamer.messages.ids import supplier_of
from streamer.messages.orders import Order
from streamer.messages.purchasing import SupplierLine, SupplierState, SupplierStatus
from streamer.messages.records import is_record_reference


def our_reference(event: Order, settings: SettingsApplied | None) -> str | None:
    """A reference of ours that the object carries: a supplier's code begins it, or we gave it to a copy of a record."""
    if settings is None:
        return None
    for text in (*event.references, event.number, event.source_id):
        if text and (supplier_of(text) in settings.suppliers or carries_our_reference(text, event.account, settings)):
            return text
    return None


def carries_our_reference(text: str, account: str, settings: SettingsApplied) -> bool:
    """Whether a number that an object of `account` carries is one that we gave to a record copied there."""
    into = [route for route in settings.routes if route.target == account]
    if not into:
        return False
    return is_record_reference(text) or any(
        route.reference_prefix and text.startswith(route.reference_prefix) for route in into
    )


def is_supply(event: Order, settings: SettingsApplied | None) -> bool:
    """Whether the account's purchase orders are ours to suppliers, and not those of others to us."""
    if settings is None or event.kind != "purchase_order" or event.account not in settings.accounts:
        return False
    return settings.accounts[event.account].purchase_orders == "supply"


def status_of(event: Order, reference: str) -> SupplierStatus:
    """What the object says about the purchase order. That it is there means that it was received, no more."""
    state: SupplierState = "received"
    if event.state == "cancelled":
        state = "cancelled"
    elif event.lines and all(line.shipped is not None and line.shipped >= line.quantity for line in event.lines):
        state = "delivered"
    elif any(line.shipped for line in event.lines):
        state = "partly_delivered"
    return SupplierStatus(
        account=event.account,
        platform=event.platform,
        source_id=f"{event.source_id}@{event.version}"[:4000],
        reference=reference,
        external_reference=event.source_id,
        state=state,
        status=event.status,
        occurred_at=event.occurred_at,
        lines=tuple(
            SupplierLine(
                sku=line.sku,
                supplier_sku=line.supplier_sku,
                quantity=line.shipped if state in ("delivered", "partly_delivered") else line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                status=line.status,
            )
            for line in event.lines
        ),
        currency=event.currency,
        total=event.total,
    )
