"""What Keyloop says of parts and orders, as our messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streamer.messages.orders import Order, OrderLine
from streamer.messages.people import Address, Customer
from streamer.messages.purchasing import Buyer, SupplierLine, SupplierState, SupplierStatus
from streamer.messages.stock import Item, Replacement
from streamer.platforms.base import content_hash, version_of
from streamer.platforms.keyloop_payloads import (
    LEFT,
    REPLACES,
    UNITS,
    Price,
    RawIncoming,
    RawOffer,
    RawOrderLine,
    RawPartsOrder,
    place,
    when,
)
from streamer.platforms.wire import Raw

if TYPE_CHECKING:
    from streamer.platforms.base import Platform


# --- parts ------------------------------------------------------------------------------------------------------------


def item(platform: Platform[Any], part: RawOffer, store: str | None, raw: Raw, order_type: str) -> Item:
    """What the dealer says of a part: its catalogue and, where it was asked, price and availability for us."""
    prices = [price for price in (part.list_price, part.surcharge) if price is not None]
    own = own_price(part.order_prices, order_type)
    currency = next((price.currency_code for price in (*prices, *([own] if own else [])) if price.currency_code), None)
    new = [(REPLACES.get(one.alternative_type, "alternative"), one) for one in part.alternative_parts]
    single = next((one for kind, one in new if kind == "supersedes" and len(one.parts) == 1), None)
    newer = single.parts[0] if single else None
    return Item(
        account=platform.account,
        platform=platform.name,
        item_id=part.part_id,
        sku=None if part.gone else part.part_code or part.part_id,
        version=version_of(raw.received_at) if raw.received_at else content_hash(raw.body, part.part_id),
        description=part.description,
        brand=part.brand_code,
        list_price=part.list_price.net_value if part.list_price else None,
        price=own.net_value if own else None,
        surcharge=part.surcharge.net_value if part.surcharge else None,
        currency=currency,
        superseded_by=(newer.part_code or newer.part_id) if newer else None,
        superseded_from=single.supersession_date[:10] if single and single.supersession_date else None,
        lead_time_days=part.lead_time_in_days,
        sales_blocked=part.sales_blocked,
        sales_blocked_because=part.sales_blocked_description,
        replacements=tuple(
            Replacement(
                item_id=other.part_id,
                sku=other.part_code,
                brand=other.brand_code,
                description=other.description,
                kind=kind,
                since=when(one.supersession_date, platform.settings.zone, "supersessionDate"),
            )
            for kind, one in new
            for other in one.parts
        ),
        store=store,
        available=part.available_stock,
        back_order_possible=part.is_available_for_back_order,
        vehicle_references=tuple(
            one if isinstance(one, str) else one.type for one in part.mandatory_vehicle_references
        ),
    )


def own_price(told: Mapping[str, Any] | None, order_type: str) -> Price | None:
    """Our price after discount: the only one, or that of our kind of order."""
    if not told:
        return None
    if "netValue" in told:
        return Price.model_validate(told)
    named = {name.upper(): value for name, value in told.items() if isinstance(value, Mapping) and "netValue" in value}
    found = named.get(order_type) or (next(iter(named.values())) if len(named) == 1 else None)
    return Price.model_validate(found) if found else None


def superseded(part: RawOffer, now: datetime, zone: tzinfo) -> str | None:
    """The numbers that must be ordered instead, in words; None while the part may be ordered."""
    for one in part.alternative_parts:
        since = when(one.supersession_date, zone, "supersessionDate")
        if one.alternative_type.startswith("SUPERSESSION") and (since is None or since <= now):
            return " and ".join(other.part_code or other.part_id for other in one.parts)
    return None


# --- orders -----------------------------------------------------------------------------------------------------------


def statuses(platform: Platform[Any], order: RawPartsOrder, store: str | None, raw: Raw) -> Iterator[SupplierStatus]:
    """How the order stands: what the dealer has taken on, what has left, what has arrived.

    Lines move one by one and whole; the statements about what left and what arrived hold those lines alone.
    """
    wanted = [line for line in order.parts if line.parts_order_line_status != "CANCELLED"]
    left = [line for line in wanted if line.parts_order_line_status in LEFT]
    arrived = [line for line in wanted if line.parts_order_line_status == "DELIVERED"]
    yield _status(platform, order, store, raw, _state(order, wanted), order.parts)
    if left:
        yield _status(platform, order, store, raw, "shipped" if left == wanted else "partly_shipped", left)
    if arrived:
        yield _status(platform, order, store, raw, "delivered" if arrived == wanted else "partly_delivered", arrived)


def _state(order: RawPartsOrder, wanted: list[RawOrderLine]) -> SupplierState:
    if order.order_status == "CANCELLED" or (order.parts and not wanted):
        return "cancelled"
    if order.order_status in (None, "CREATED"):
        return "received"
    if wanted and all(line.parts_order_line_status == "INVOICED" for line in wanted):
        return "invoiced"
    return "accepted" if len(wanted) == len(order.parts) else "accepted_with_changes"


def _status(
    platform: Platform[Any], order: RawPartsOrder, store: str | None, raw: Raw, state: SupplierState,
    lines: Sequence[RawOrderLine],
) -> SupplierStatus:  # fmt: skip
    """`sequence` is when we looked, since the order's time is that of its making. Of two looks that found the same the
    statement is the same.
    """
    looked = order.read_at or raw.received_at
    content = content_hash(order.order_status, *((line.order_line_id, line.parts_order_line_status, line.quantity)
                                                for line in order.parts))  # fmt: skip
    prices = [price for line in order.parts for price in (line.order_price, line.list_price) if price]
    return SupplierStatus(
        account=platform.account,
        platform=platform.name,
        source_id=f"{order.parts_order_id}@{content}:{state}",
        reference=order.order_reference or None,
        external_reference=order.parts_order_id,
        state=state,
        status=order.order_status,
        occurred_at=when(order.parts_order_date_time, platform.settings.zone, "partsOrderDateTime"),
        sequence=int(looked.timestamp()) if looked else None,
        currency=next((price.currency_code for price in prices if price.currency_code), None),
        buyer=_buyer(order),
        store=store,
        lines=tuple(_line(line) for line in lines),
    )


def _line(line: RawOrderLine) -> SupplierLine:
    word = line.parts_order_line_status
    return SupplierLine(
        line=line.order_line_id,
        supplier_sku=line.part_id,
        quantity=Decimal(0) if word == "CANCELLED" else line.quantity,
        unit=UNITS.get(str((line.unit_of_measure or {}).get("unit"))),
        unit_price=line.order_price.net_value if line.order_price else None,
        back_order_quantity=line.quantity if word == "BACKORDER" else Decimal(0),
        status=word,
    )


def _buyer(order: RawPartsOrder) -> Buyer | None:
    """Our account there; the names of people stay with the dealer."""
    told, contact = order.company or order.customer, order.order_contact
    if told is None:
        return None
    return Buyer(id=told.company_id or told.customer_id, name=told.name or contact.company_name, email=contact.email)


def incoming(platform: Platform[Any], order: RawIncoming, store: str | None, raw: Raw) -> Order:
    """An order of a client. Only its reference tells a repeat; without one every POST is another order."""
    buyer, contact, address = (
        order.company_id or order.customer_id,
        order.order_contact,
        order.alternate_delivery_address,
    )
    known = f"{buyer or ''}:{order.order_reference}" if order.order_reference else content_hash(raw.body)
    told = {"store": store, "order_type": order.order_type}
    return Order(
        account=platform.account,
        platform=platform.name,
        kind="purchase_order",
        source_id=f"order:{known}",
        number=order.order_reference,
        version=content_hash(raw.body),
        occurred_at=raw.received_at,
        status=order.order_type,
        customer=Customer(
            id=buyer, name=contact.company_name or contact.name, contact=contact.name, email=contact.email,
            phone=contact.phone, company=contact.company_name,
        ),
        ship_to=Address(
            street=address.street_name, postal_code=address.postal_code, city=address.city, country=address.country_code
        ) if address else None,
        location=place(platform, store),
        priority=1 if order.order_type in ("EMG", "VOR") else 0,
        lines=tuple(
            OrderLine(
                line_id=str(number),
                sku=line.part.part_id,
                quantity=line.quantity,
                vin=next((one.value for one in line.mandatory_vehicle_references if one.type == "VIN"), None),
            )
            for number, line in enumerate(order.parts, 1)
        ),
        extra={name: text for name, text in told.items() if text},
    )  # fmt: skip
