"""Records of NetSuite: what scripts, REST and SuiteQL say in their own ways, what it means, and the bodies we write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from streamer.errors import Ignored, Malformed
from streamer.messages.base import Message
from streamer.messages.orders import CustomerRecord, Order, OrderKind, OrderLine, OrderState
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.messages.stock import Counts, Item, StockLevel
from streamer.platforms.base import content_hash, version_of
from streamer.platforms.wire import Raw

if TYPE_CHECKING:
    from streamer.platforms.base import Platform

STOCK = "stock"
PATHS: Mapping[str, str] = {
    "purchaseorder": "purchaseOrder",
    "salesorder": "salesOrder",
    "supportcase": "supportCase",
    "customer": "customer",
}
"""Kinds of records as scripts name them -> as REST does."""
KINDS: Mapping[str, OrderKind] = {"purchaseorder": "purchase_order", "salesorder": "sales_order"}
EVENTS: Mapping[str, str] = {"create": "created", "edit": "edited", "delete": "deleted", "approve": "approved"}
STATUSES: Mapping[str, Mapping[str, str]] = {
    "purchaseorder": {
        "A": "Pending Supervisor Approval", "B": "Pending Receipt", "C": "Rejected by Supervisor",
        "D": "Partially Received", "E": "Pending Billing/Partially Received", "F": "Pending Bill",
        "G": "Fully Billed", "H": "Closed",
    },
    "salesorder": {
        "A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "D": "Partially Fulfilled",
        "E": "Pending Billing/Partially Fulfilled", "F": "Pending Billing", "G": "Billed", "H": "Closed",
    },
}  # fmt: skip
STATES: Mapping[str, OrderState] = {"C": "cancelled", "G": "closed", "H": "closed"}
"""Of both kinds of orders. What waits for its approval is open: the answer to it is ours to give."""

_INTERNAL_ID = re.compile(r"-?\d{1,19}")
_CURRENCY = re.compile("[A-Z]{3}")

Row = Mapping[str, Any]
Fields = Mapping[str, str]


# --- values -----------------------------------------------------------------------------------------------------------


def text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "T" if value else "F"
    return str(value) if isinstance(value, (int, float)) else ""


def id_of(value: Any) -> str | None:
    """An internal id, which may be negative; None for anything else."""
    told = text(value)
    return told if _INTERNAL_ID.fullmatch(told) else None


def number(row: Fields, field: str) -> Decimal | None:
    told = row.get(field, "")
    if not told:
        return None
    try:
        found = Decimal(told)
    except InvalidOperation as error:
        raise Malformed("is no number", field=field) from error
    if not found.is_finite():
        raise Malformed("is no number", field=field)
    return found


def day(row: Fields, field: str, form: str) -> str | None:
    """The ISO day of a text in the account's form, or in REST's. Raises Malformed."""
    told = row.get(field)
    if not told:
        return None
    if (found := _iso_day(told, form)) is None:
        raise Malformed(f"is no day as the setting date_format ({form}) says", field=field)
    return found


@lru_cache(maxsize=4096)
def _iso_day(told: str, form: str) -> str | None:
    """Days come again and again, and reading one takes long."""
    for way in (datetime.fromisoformat, lambda text_: datetime.strptime(text_, form)):  # noqa: DTZ007 - no zone
        try:
            return way(told).date().isoformat()
        except ValueError:
            continue
    return None


def instant(told: str, field: str) -> datetime | None:
    """A time with its offset; None for nothing. Raises Malformed."""
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError as error:
        raise Malformed("is no ISO time", field=field) from error
    if found.tzinfo is None:
        raise Malformed("is a time without its offset", field=field)
    return found


def flat(record: Row) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Fields and item lines as texts by lower-case names, in either way; a reference's name is `<field>_display`."""
    if isinstance(fields := record.get("fields"), Mapping):  # a record of SuiteScript
        lists = record.get("sublists")
        items = lists.get("item") if isinstance(lists, Mapping) else None
        return _texts(fields), _rows(items.values() if isinstance(items, Mapping) else items)
    items = record.get("item")
    return _texts(record), _rows(items.get("items") if isinstance(items, Mapping) else None)


def _rows(lines: Any) -> list[dict[str, str]]:
    if lines is None:
        return []
    told: list[Any] = list(lines) if isinstance(lines, Iterable) and not isinstance(lines, str) else [None]
    if not all(isinstance(line, Mapping) for line in told):
        raise Malformed("is no list of lines", field="item")
    return [_texts(line) for line in told]


def _texts(row: Row) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, str):
            if told := value.strip():
                found[name.lower()] = told
        elif isinstance(value, dict):
            if told := text(value.get("id")):
                found[name.lower()] = told
            if told := text(value.get("refName")):
                found[f"{name.lower()}_display"] = told
        elif told := text(value):
            found[name.lower()] = told
    return found


def kind_of(body: Row) -> str:
    """Of our script's event, of what we read, or of a bare record."""
    return (text(body.get("recordType")) or text(body.get("type"))).lower()


def need_id(body: Row) -> str:
    if (found := id_of(body.get("id"))) is None:
        raise Malformed("is no internal id", field="id")
    return found


# --- what arrives -----------------------------------------------------------------------------------------------------


def message(platform: Platform[Any], settings: Any, kind: str, body: Row, raw: Raw) -> Message:
    """The order, appointment or customer of an event or of a record that was read. Raises Malformed."""
    held = body.get("record")
    fields, lines = flat(held if isinstance(held, Mapping) else body)
    at = instant(text(body.get("sentAt")), "sentAt") or instant(fields.get("lastmodifieddate", ""), "lastModifiedDate")
    version = version_of(at) if at else content_hash(raw.body)
    if kind == "customer":
        return _customer(platform, need_id(body), fields, version)
    status, state = _status(settings, kind, fields)
    event = text(body.get("eventType"))
    entity, currency = fields.get("entity", ""), _currency(settings, fields)
    partner = Customer(id=entity, name=fields.get("entity_display")) if entity else None
    purchase = kind == "purchaseorder"
    external = fields.get("externalid")
    return Order(
        account=platform.account,
        platform=platform.name,
        kind=KINDS.get(kind, "service_appointment"),
        source_id=f"{kind}:{need_id(body)}",
        number=fields.get("tranid") or fields.get("casenumber"),
        version=version,
        occurred_at=at,
        order_date=day(fields, "trandate", settings.date_format),
        state="cancelled" if event == "delete" else state,
        status=status,
        currency=currency,
        customer=None if purchase else partner or _company(fields),
        supplier=partner if purchase else None,
        customer_reference=fields.get("otherrefnum"),
        references=tuple(filter(None, (external, fields.get("otherrefnum")))),
        due_date=day(fields, "duedate", settings.date_format) or day(fields, "shipdate", settings.date_format),
        total=number(fields, "total"),
        comment=fields.get("memo"),
        location=platform.place(fields.get("location")),
        appointment=None if kind in KINDS else _appointment(settings, fields, status),
        lines=tuple(_lines(platform, settings, lines)) if kind in KINDS else (),
        extra={"event_type": EVENTS.get(event, event)} if event else {},
    )


def _status(settings: Any, kind: str, fields: Fields) -> tuple[str | None, OrderState]:
    """The platform's word and what it means. The value is a letter, `PurchOrd:B`, or the word itself."""
    told = fields.get("orderstatus") or fields.get("status") or ""
    letter = told.rpartition(":")[2]
    words = STATUSES.get(kind, {})
    word = words.get(letter) or fields.get("status_display") or told
    letter = letter if letter in words else next((one for one, text_ in words.items() if text_ == word), "")
    usual: OrderState = "closed" if kind not in KINDS and word.casefold() == "closed" else STATES.get(letter, "open")
    return word or None, settings.states.get(word) or usual


def _currency(settings: Any, fields: Fields) -> str | None:
    """ISO 4217, by the account's table of internal ids or where the record says it."""
    told = settings.currencies.get(fields.get("currency", "")) or fields.get("currencysymbol")
    found = told or fields.get("currency_display") or ""
    return found if _CURRENCY.fullmatch(found) else None


def _company(fields: Fields) -> Customer | None:
    number_ = fields.get("company")
    return Customer(id=number_, name=fields.get("company_display"), email=fields.get("email")) if number_ else None


def _lines(platform: Platform[Any], settings: Any, lines: Iterable[Fields]) -> Iterator[OrderLine]:
    for place, line in enumerate(lines, 1):
        item_id = line.get("item")
        if item_id is None:
            continue  # a description or a subtotal
        quantity = number(line, "quantity")
        gone = number(line, "quantityreceived") or number(line, "quantityfulfilled")
        if line.get("isclosed") == "T":
            quantity = gone  # what is still open of it is not wanted any more
        if not quantity:
            continue
        sku = line.get("item_display", "").rpartition(" : ")[2] or None  # "Brakes : BRK-PAD-F" for a sub-item
        yield OrderLine(
            line_id=line.get("line") or str(place),
            sku=sku,
            item_id=item_id,
            quantity=quantity,
            unit_price=number(line, "rate"),
            location=platform.place(line["location"]) if line.get("location") else None,
            description=line.get("description", "")[:500] or None,
            supplier_sku=line.get("vendorname"),
            due_date=day(line, "expectedreceiptdate", settings.date_format),
            shipped=gone,
        )


def _appointment(settings: Any, fields: Fields, status: str | None) -> Appointment:
    held = {ours: fields.get(str(theirs).lower(), "") for ours, theirs in settings.field_map.items()}
    told = held.get("scheduled_at") or fields.get("startdate", "")
    timed = "T" in told
    year = held.get("year", "")
    vehicle = Vehicle(
        year=int(year) if year.isascii() and year.isdigit() else None,
        **{name: held.get(name) or None for name in ("vin", "make", "model", "engine", "registration")},
    )
    return Appointment(
        service_type=held.get("service_type") or fields.get("title"),
        scheduled_at=instant(told, "scheduled_at") if timed else None,
        scheduled_date=None if timed else day({"scheduled_at": told}, "scheduled_at", settings.date_format),
        state=status,
        vehicle=vehicle if vehicle.model_dump(exclude_none=True) else None,
    )


def _customer(platform: Platform[Any], number_: str, fields: Fields, version: str) -> CustomerRecord:
    company = fields.get("companyname")
    person = " ".join(filter(None, (fields.get("firstname"), fields.get("lastname"))))
    external = fields.get("externalid")
    return CustomerRecord(
        account=platform.account,
        platform=platform.name,
        kind="customer",
        source_id=f"customer:{number_}",
        version=version,
        customer=Customer(
            id=number_,
            number=fields.get("entityid"),
            name=person or company,
            email=fields.get("email"),
            phone=fields.get("phone"),
            company=company,
            tax_id=fields.get(platform.settings.tax_id_field) or fields.get("vatregnumber"),
        ),
        references=(external,) if external else (),
    )


def level(platform: Platform[Any], row: Row, received_at: datetime | None) -> StockLevel:
    """A row of stock. A column that is left out is not given: without `quantityavailable` it counts what lies there."""
    fields = _texts(row)
    on_hand, available = number(fields, "quantityonhand"), number(fields, "quantityavailable")
    as_of = instant(fields.get("as_of", ""), "as_of") or received_at
    if as_of is None:
        raise Malformed("nobody says when the level was read", field="received_at")
    counts: Counts = platform.settings.counts or ("available" if available is not None else "on_hand")
    figure = available if counts == "available" else on_hand
    if figure is None:
        raise Ignored("a row of stock without the figure that counts")
    return StockLevel(
        account=platform.account,
        platform=platform.name,
        location=platform.level_place(fields.get("location")),
        sku=fields.get("itemid", "").rpartition(" : ")[2] or None,
        item_id=fields.get("id"),
        level=figure,
        counts=counts,
        as_of=as_of,
        on_hand=on_hand,
        available=available,
        minimum=number(fields, "reorderpoint"),
    )


def item(platform: Platform[Any], body: Row, received_at: datetime | None) -> Item:
    """The answer to which SKU an internal id means; an empty record where there is none."""
    fields, _ = flat(body.get("record") or {})
    return Item(
        account=platform.account,
        platform=platform.name,
        item_id=need_id(body),
        sku=fields.get("itemid", "").rpartition(" : ")[2] or None,
        version=version_of(received_at) if received_at else content_hash(fields),
        description=fields.get("displayname"),
    )
