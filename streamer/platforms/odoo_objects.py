"""Records of Odoo: what is read of each model, what it means, and the values that are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from streamer.errors import Malformed, Refused, Unavailable
from streamer.messages.base import Message, plain
from streamer.messages.commands import RecordCommand, ReorderLine
from streamer.messages.orders import CustomerRecord, Order, OrderLine, OrderState
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.stock import StockLevel

if TYPE_CHECKING:
    from streamer.platforms.base import Platform

READ: Mapping[str, tuple[str, ...]] = {
    "purchase.order": (
        "id", "name", "state", "origin", "partner_ref", "partner_id", "date_order", "date_planned", "currency_id",
        "amount_total", "order_line", "write_date", "picking_type_id",
    ),
    "sale.order": (
        "id", "name", "state", "origin", "client_order_ref", "partner_id", "date_order", "commitment_date",
        "currency_id", "amount_total", "order_line", "write_date", "warehouse_id",
    ),
    "repair.order": (
        "id", "name", "state", "partner_id", "schedule_date", "lot_id", "product_id", "location_id", "move_ids",
        "write_date",
    ),
    "stock.quant": ("id", "product_id", "location_id", "quantity", "reserved_quantity", "write_date"),
    "res.partner": ("id", "name", "email", "phone", "vat", "ref", "is_company", "write_date"),
}  # fmt: skip
PERSON = READ["res.partner"]


class LinesOf(NamedTuple):
    """Where a model keeps its lines."""

    field: str
    model: str
    fields: tuple[str, ...]


LINES: Mapping[str, LinesOf] = {
    "purchase.order": LinesOf(
        "order_line", "purchase.order.line",
        ("id", "product_id", "name", "product_qty", "qty_received", "price_unit", "date_planned", "display_type"),
    ),
    "sale.order": LinesOf(
        "order_line", "sale.order.line",
        ("id", "product_id", "name", "product_uom_qty", "qty_delivered", "price_unit", "display_type"),
    ),
    "repair.order": LinesOf(
        "move_ids", "stock.move", ("id", "product_id", "name", "product_uom_qty", "quantity", "repair_line_type"),
    ),
}  # fmt: skip
STATES: Mapping[str, Mapping[str, OrderState]] = {
    "purchase.order": {"cancel": "cancelled", "done": "closed"},
    "sale.order": {"draft": "held", "sent": "held", "cancel": "cancelled", "done": "closed"},
    "repair.order": {"draft": "held", "cancel": "cancelled", "done": "closed"},
}
"""What is not named is open. A quotation asks for nothing yet."""
BUTTONS: Mapping[str, Mapping[str, str]] = {
    "purchase.order": {
        "approved": "button_confirm",
        "partly_approved": "button_confirm",
        "rejected": "button_cancel",
    },
    "sale.order": {"approved": "action_confirm", "partly_approved": "action_confirm", "rejected": "action_cancel"},
    "repair.order": {},
}

Row = Mapping[str, Any]


# --- values -----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    """ "" for `false`."""
    return (
        str(value).strip() if isinstance(value, str | int | float) and value is not False and value is not True else ""
    )


def id_of(value: Any) -> int | None:
    """The number of a reference: 57, "57" or [57, "name"]; None for `false`."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, bool) or value is None:
        return None
    told = str(value)
    return int(told) if told.isascii() and told.isdigit() else None


def known_as(model: str, number: int) -> str:
    """The id by which our events name an object: of a partner the number alone."""
    return str(number) if model == "res.partner" else f"{model}:{number}"


def name_of(value: Any) -> str:
    return text(value[1]) if isinstance(value, list | tuple) and len(value) > 1 else ""


def count_of(row: Row, field: str) -> int:
    """The id that must be there. Raises Malformed."""
    found = id_of(row.get(field))
    if found is None:
        raise Malformed("is missing", field=field)
    return found


def number(value: Any, field: str) -> Decimal:
    """A float as people wrote it: 0.30000000000000004 is 0.3. Raises Malformed."""
    if value is False or value is None:
        return Decimal(0)
    if not isinstance(value, int | float):
        raise Malformed("is no number", field=field)
    return (
        Decimal(repr(value)).quantize(Decimal("0.000001")).normalize() if isinstance(value, float) else Decimal(value)
    )


def utc(value: Any, field: str) -> datetime | None:
    """`2025-11-20 16:42:07`, with or without fractions. Raises Malformed."""
    told = text(value)
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Malformed("is no time as Odoo writes it", field=field) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def written(time: datetime) -> str:
    """A time as Odoo reads it: UTC without saying so."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def day_or_time(told: str) -> datetime:
    """An ISO day or time. Raises Refused."""
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Refused(f"needed_by: {told!r} is no ISO day or time") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# --- what arrives -----------------------------------------------------------------------------------------------------


def told(model: str, number_: int, body: Row, changed: datetime | None) -> dict[str, object]:
    """What a webhook says besides the id, without personal data."""
    held = LINES.get(model)
    facts: dict[str, object] = {
        "id": number_,
        "number": text(body.get("name")),
        "changed_at": changed.isoformat() if changed else "",
        "state": text(body.get("state")),
        "partner": id_of(body.get("partner_id")),
        "reference": text(body.get("origin")),
        "location": id_of(body.get("location_id")),
        "scheduled_at": scheduled.isoformat() if (scheduled := utc(body.get("schedule_date"), "schedule_date")) else "",
    }
    lines = body.get(held.field) if held else None
    facts |= {f"lines.{place}": id_of(line) for place, line in enumerate(lines if isinstance(lines, list) else ())}
    return facts


def whole(model: str, record: Row, lines: Iterable[Row], products: Mapping[str, str], people: Iterable[Row]) -> bytes:
    """A record with what was read for it, as one raw record."""
    held = LINES.get(model)
    own = set(record.get(held.field) or ()) if held else set()
    partner = id_of(record.get("partner_id"))
    return orjson.dumps(
        {
            "read": model,
            "record": dict(record),
            "lines": [dict(line) for line in lines if line.get("id") in own],
            "products": dict(products),
            "partner": next((dict(one) for one in people if one.get("id") == partner), None),
        }
    )


def level(place: tuple[int, int], quants: Iterable[Row], products: Mapping[str, str]) -> bytes:
    """The sum of all rows of one product in one place, as one raw record."""
    own = [one for one in quants if (id_of(one.get("product_id")), id_of(one.get("location_id"))) == place]
    return orjson.dumps(
        {
            "read": "stock.quant",
            "product": place[0],
            "location": place[1],
            "sku": products.get(str(place[0]), ""),
            "quantity": plain(sum((number(one.get("quantity"), "quantity") for one in own), Decimal(0))),
            "reserved": plain(sum((number(one.get("reserved_quantity"), "reserved") for one in own), Decimal(0))),
            "write_date": max((text(one.get("write_date")) for one in own), default=""),
        }
    )


def messages(platform: Platform[Any], body: Row) -> Iterator[Message]:
    """The events of a record that was read. Raises Malformed."""
    if body["read"] == "stock.quant":
        yield _level(platform, body)
        return
    record = body.get("record")
    if not isinstance(record, Mapping):
        raise Malformed("is missing", field="record")
    if body["read"] == "res.partner":
        yield CustomerRecord(
            account=platform.account,
            platform=platform.name,
            kind="customer",
            source_id=str(count_of(record, "id")),
            version=_version(record),
            customer=_person(record),
        )
        return
    yield _order(platform, str(body["read"]), record, body)


def _version(record: Row) -> str:
    changed = utc(record.get("write_date"), "write_date")
    if changed is None:
        raise Malformed("is missing", field="write_date")
    return changed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _person(record: Row) -> Customer:
    company = bool(record.get("is_company"))
    return Customer(
        id=str(count_of(record, "id")),
        number=text(record.get("ref")) or None,
        name=text(record.get("name")) or None,
        email=text(record.get("email")) or None,
        phone=text(record.get("phone")) or None,
        company=(text(record.get("name")) or None) if company else None,
        tax_id=text(record.get("vat")) or None,
    )


def _order(platform: Platform[Any], model: str, record: Row, body: Row) -> Order:
    purchase, repair = model == "purchase.order", model == "repair.order"
    state = text(record.get("state"))
    partner = id_of(record.get("partner_id"))
    person = body.get("partner")
    customer = _person(person) if isinstance(person, Mapping) else (Customer(id=str(partner)) if partner else None)
    currency = name_of(record.get("currency_id"))
    place = id_of(record.get("location_id") or record.get("warehouse_id") or record.get("picking_type_id"))
    planned = utc(record.get("date_planned") or record.get("commitment_date"), "date_planned")
    numbers = (text(record.get(field)) for field in ("origin", "client_order_ref", "partner_ref"))
    products = body.get("products") or {}
    return Order(
        account=platform.account,
        platform=platform.name,
        kind="purchase_order" if purchase else "service_appointment" if repair else "sales_order",
        source_id=f"{model}:{count_of(record, 'id')}",
        number=text(record.get("name")) or None,
        version=_version(record),
        occurred_at=utc(record.get("date_order"), "date_order") or utc(record.get("write_date"), "write_date"),
        state=STATES[model].get(state, "open"),
        status=state or None,
        currency=currency if re.fullmatch("[A-Z]{3}", currency) else None,
        customer=None if purchase else customer,
        supplier=customer if purchase else None,
        customer_reference=text(record.get("client_order_ref")) or None,
        references=tuple(filter(None, numbers)),
        due_date=planned.date().isoformat() if planned else None,
        total=number(record.get("amount_total"), "amount_total"),
        location=platform.place(place if repair else None),
        appointment=_appointment(platform, record) if repair else None,
        lines=tuple(_lines(model, body.get("lines") or (), products)),
    )


def _lines(model: str, lines: Iterable[Row], products: Mapping[str, str]) -> Iterator[OrderLine]:
    for line in lines:
        product = id_of(line.get("product_id"))
        if text(line.get("display_type")) or product is None or line.get("repair_line_type") in ("remove", "recycle"):
            continue  # a heading, a note, or what is taken out
        sku = products.get(str(product)) or None
        quantity = line.get("product_qty") if model == "purchase.order" else line.get("product_uom_qty")
        gone = line.get({"purchase.order": "qty_received", "sale.order": "qty_delivered"}.get(model, "quantity"))
        planned = utc(line.get("date_planned"), "date_planned")
        yield OrderLine(
            line_id=str(count_of(line, "id")),
            sku=sku,
            item_id=None if sku else str(product),
            quantity=number(quantity, "quantity"),
            unit_price=number(line["price_unit"], "price_unit") if "price_unit" in line else None,
            description=text(line.get("name"))[:500] or None,
            shipped=number(gone, "shipped") if model != "repair.order" else None,
            due_date=planned.date().isoformat() if planned else None,
        )


def _appointment(platform: Platform[Any], record: Row) -> Appointment:
    lot = name_of(record.get("lot_id"))
    held = platform.settings.field_map.get("service_type")
    service = text(record.get(str(held))) if held else name_of(record.get("product_id"))
    vin = lot if re.fullmatch("[A-HJ-NPR-Z0-9]{17}", lot) else None
    return Appointment(
        service_type=service or None,
        scheduled_at=utc(record.get("schedule_date"), "schedule_date"),
        state=text(record.get("state")) or None,
        vehicle=Vehicle(vin=vin, registration=None if vin else lot) if lot else None,
    )


def _level(platform: Platform[Any], body: Row) -> StockLevel:
    as_of = utc(body.get("write_date"), "write_date")
    if as_of is None:
        raise Malformed("is missing", field="write_date")
    on_hand, reserved = Decimal(str(body["quantity"])), Decimal(str(body["reserved"]))
    return StockLevel(
        account=platform.account,
        platform=platform.name,
        location=platform.level_place(body.get("location")),
        sku=text(body.get("sku")) or None,
        item_id=str(body.get("product")),
        level=on_hand - reserved,
        counts=platform.settings.counts or "available",
        as_of=as_of,
        on_hand=on_hand,
        available=on_hand - reserved,
    )


# --- what is written --------------------------------------------------------------------------------------------------


def product_of(key: str | None, products: Mapping[str, int], by_id: bool) -> int:  # noqa: FBT001
    """Raises Refused for a SKU that no product has."""
    found = id_of(key) if by_id else products.get(key or "")
    if found is None:
        raise Refused(
            f"no product of Odoo has the internal reference {key}" if not by_id else f"{key!r} is no product id"
        )
    return found


def purchase_line(line: ReorderLine, product: int) -> dict[str, Any]:
    """A price that is left out is computed from the vendor's list."""
    price = {} if line.unit_price is None else {"price_unit": float(line.unit_price)}
    return {"product_id": product, "product_qty": float(line.quantity), **price}


def sales_line(line: OrderLine, product: int) -> dict[str, Any]:
    price = {} if line.unit_price is None else {"price_unit": float(line.unit_price)}
    return {"product_id": product, "product_uom_qty": float(line.quantity), **price}


def sales_order(command: RecordCommand, customer: int) -> dict[str, Any]:
    source = (command.extra or {}).get("source") or (command.order.account if command.order else "")
    values: dict[str, Any] = {"partner_id": customer, "client_order_ref": command.reference}
    if source:
        values["origin"] = source
    return values | command.fields


def partner(command: RecordCommand) -> dict[str, Any]:
    """A customer's fields by Odoo's names; fields of the route go first."""
    record = command.customer
    if record is None:
        raise Refused("a customer record without a customer")
    customer = record.customer
    home = customer.address
    values: dict[str, Any] = {
        "name": customer.company or customer.name or customer.email or command.reference,
        "email": customer.email,
        "phone": customer.phone,
        "vat": customer.tax_id,
        "ref": customer.number or command.reference,
        "street": home.street if home else None,
        "street2": home.street2 if home else None,
        "city": home.city if home else None,
        "zip": home.postal_code if home else None,
    }
    return {name: value for name, value in values.items() if value} | command.fields


def refusal(error: Any) -> Refused | Unavailable:
    """An error of JSON-RPC: its transaction was undone, so nothing was done."""
    told_: Row = error if isinstance(error, Mapping) else {}
    data: Row = found if isinstance(found := told_.get("data"), Mapping) else {}
    name = text(data.get("name"))
    words = f"{name}: {text(data.get('message')) or text(told_.get('message'))}"[:500].removeprefix(": ")
    if name.startswith(("psycopg2.", "odoo.exceptions.LockError")) or "SerializationFailure" in name:
        return Unavailable(words)
    return Refused(words)
