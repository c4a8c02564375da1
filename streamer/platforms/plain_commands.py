"""Commands written as plain facts, and which method of an adapter carries each of them out.

Facts are names and texts as people write them down: `{"kind": "place_order", "reference": "NW-7", "supplier": {"id":
"41"}, "lines": [{"sku": "BRK-PAD-220", "quantity": "4"}]}`. What our messages have no field for stands in `extra`,
under a dotted path (`supplier.email`, `lines.0.brand` as `brand` of that line), where an adapter may look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from streamer.errors import Malformed
from streamer.messages.commands import (
    AskApprovalCommand,
    CancelOrderCommand,
    Command,
    FetchCommand,
    NotifyCommand,
    RecallReplacementCommand,
    RecordCommand,
    ReorderCommand,
    StockCommand,
    WriteBackCommand,
)
from streamer.messages.ids import command_id, supplier_of
from streamer.messages.registry import MESSAGES
from streamer.platforms.base import Approver, Platform
from streamer.platforms.wire import Call, malformed

Facts = Mapping[str, Any]

NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved
A_DAY = "2026-01-01"  # of an order whose date nobody tells
DECISIONS = {"approve": "approved", "reject": "rejected", "waitlist": "waitlisted", "hold": "waitlisted"}
SUPPLIER = "SUP"
UNIT = "EA"  # UN/ECE recommendation 20: each


def call_of(platform: Platform[Any], told: Facts) -> Call[Any]:
    """The call that carries out a command: plain facts, or one of our messages with its `type`. Raises Malformed."""
    kind = str(told.get("kind", ""))
    match kind:
        case "get_token":
            return platform.sign_in()
        case "watch":
            return platform.subscribe(_resource(platform, told), {**flat(_left(told, "kind", "resource"))})
        case "read_changes" | "poll":
            return platform.poll(_resource(platform, told), flat(_left(told, "kind", "resource")))
    command = read_command(platform.account, told)
    if isinstance(command, AskApprovalCommand):
        link = str(told.get("link") or "https://console.example.com/approve")
        return platform.ask_approval(command, Approver("told", str(told.get("to") or ""), link))
    if kind == "find_order" and isinstance(command, ReorderCommand):
        return platform.find_order(command)
    return platform.carry_out(command)


def read_command(account: str, told: Facts) -> Command:
    """The message of a command. Raises Malformed that names the field."""
    if "type" in told and "kind" not in told:
        message = MESSAGES.get(str(told["type"]))
        if message is None or not issubclass(message, Command):
            raise Malformed(f"there is no command {told['type']!r}", field="type")
        return _message(message, {"account": account, **_left(told, "type")})
    kind = str(told.get("kind", ""))
    if kind not in KINDS:
        raise Malformed(f"{kind!r} is none of {', '.join(sorted(KINDS))}", field="kind")
    message, write = KINDS[kind](told)
    common = {
        "command_id": command_id("told", account, orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()),
        "account": account,
        "object": f"{kind}/{told.get('reference') or _order_id(told) or 'told'}",
        "cause": "told in plain facts",
    }
    if isinstance(given := told.get("command_id"), str):
        common["command_id"] = given
    return _message(message, common | write)


def flat(told: Any, path: str = "") -> dict[str, str]:
    """Facts as texts under dotted paths."""
    if isinstance(told, Mapping):
        pairs: Iterator[tuple[str, Any]] = ((str(name), inner) for name, inner in told.items())
    elif isinstance(told, list | tuple):
        pairs = ((str(place), inner) for place, inner in enumerate(told))
    elif told is None:
        return {}
    else:
        return {path: str(told).lower() if isinstance(told, bool) else str(told)}
    found: dict[str, str] = {}
    for name, inner in pairs:
        found |= flat(inner, f"{path}.{name}" if path else name)
    return found


def nested(extra: Mapping[str, str] | None) -> dict[str, Any]:
    """The reverse of `flat`, for platforms that take named facts as JSON; texts stay texts."""
    found: dict[str, Any] = {}
    for path, text in (extra or {}).items():
        place = found
        *above, last = path.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = text
    return {name: _lists(value) for name, value in found.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(one) for name, one in value.items()}
    if list(inner) == [str(place) for place in range(len(inner))]:
        return list(inner.values())
    return inner


# --- one function for each kind ---------------------------------------------------------------------------------------

Written = tuple[type[Command], dict[str, Any]]
ORDER_FACTS = ("kind", "command_id", "reference", "order_date", "needed_by", "currency", "location", "ship_to", "lines",
               "text", "comment", "note", "reply_token", "attempt")  # fmt: skip


def _reorder(told: Facts) -> Written:
    supplier = _part(told, "supplier")
    reference = str(told.get("reference") or "TOLD-1")
    where = told.get("location") or told.get("ship_to") or "main"
    address = _first(supplier, "id", "network_id", "email") or told.get("address")
    return ReorderCommand, {
        "supplier": str(supplier.get("code") or supplier_of(reference) or SUPPLIER),
        "supplier_name": str(supplier.get("name") or supplier.get("contact") or SUPPLIER),
        "address": address,
        "contact": supplier.get("contact"),
        "reference": reference,
        "version": int(told.get("attempt") or 1),
        "order_date": str(told.get("order_date") or A_DAY),
        "needed_by": told.get("needed_by"),
        "ship_to": str(_part({"at": where}, "at").get("id", "main") if isinstance(where, Mapping) else where),
        "currency": str(told.get("currency") or NO_CURRENCY),
        "lines": [_reorder_line(number, line, told) for number, line in enumerate(told.get("lines", ()), 1)],
        "reply_token": told.get("reply_token"),
        "note": _first(told, "text", "comment", "note"),
        "extra": _extra(told, *(name for name in ORDER_FACTS if name != "ship_to" or not isinstance(where, Mapping))),
    }


def _reorder_line(number: int, line: Facts, order: Facts) -> dict[str, Any]:
    where = order.get("location") or order.get("ship_to") or "main"
    known = ("line", "sku", "item_id", "product_id", "supplier_sku", "description", "quantity", "unit", "unit_price",
             "location", "needed_by")  # fmt: skip
    return {
        "line": str(line.get("line") or line.get("source_line_id") or number),
        "sku": str(line.get("sku") or line.get("item_id") or ""),
        "item_id": _first(line, "item_id", "product_id"),
        "supplier_sku": line.get("supplier_sku"),
        "description": line.get("description"),
        "quantity": str(line.get("quantity", "")),
        "unit": str(line.get("unit") or UNIT),
        "unit_price": _text(line.get("unit_price")),
        "location": str(line.get("location") or (where.get("id", "main") if isinstance(where, Mapping) else where)),
        "needed_by": line.get("needed_by"),
        "extra": _extra(line, *known),
    }


def _cancel(told: Facts) -> Written:
    """Of a purchase order that we placed; of a customer's order (it has `order` and no reference) an answer to it."""
    if _order_id(told) and not told.get("reference"):
        message, write = _write_back({**told, "decision": "rejected"})
        return message, {**write, "extra": {**(write["extra"] or {}), "cancel": "true"}}
    supplier = _part(told, "supplier")
    reference = str(told.get("reference") or "TOLD-1")
    return CancelOrderCommand, {
        "supplier": str(supplier.get("code") or supplier_of(reference) or SUPPLIER),
        "address": _first(supplier, "id", "network_id", "email"),
        "reference": reference,
        "external_reference": _text(told.get("external_reference")),
        "replaces": command_id("told", reference),
        "reason": str(told.get("reason") or told.get("text") or "cancelled"),
    }


def _write_back(told: Facts) -> Written:
    order = _order_id(told)
    if order is None:  # a line in somebody's list of our orders, found by our reference
        return _record_order(told)
    decision = _decision(told.get("decision"))
    known = ("kind", "command_id", "order_id", "decision", "text", "comment", "note", "lines")
    return WriteBackCommand, {
        "order_id": order,
        "number": _text(_part(told, "order").get("number")),
        "revision": int(told.get("revision") or 1),
        "decision": decision,
        "lines": [_written_line(number, line, decision) for number, line in enumerate(told.get("lines", ()), 1)],
        "text": _first(told, "text", "comment", "note"),
        "extra": _extra(told, *known, *(() if isinstance(told.get("order"), Mapping) else ("order",))),
    }


def _written_line(number: int, line: Facts, decision: str) -> dict[str, Any]:
    amounts = {"approved": "0", "waitlisted": "0", "rejected": "0"}
    for part in line.get("decisions", ()):
        amounts[_decision(part.get("decision"))] = str(part.get("quantity", "0"))
    decided = [name for name, amount in amounts.items() if amount != "0"]
    if "available" in line:
        amounts["approved"] = str(line["available"])
    if "missing" in line:
        amounts["waitlisted" if decision != "rejected" else "rejected"] = str(line["missing"])
    if len(decided) > 1:
        decision = "partly_approved"
    elif decided:
        decision = decided[0]
    return {
        "line_id": str(line.get("source_line_id") or line.get("line") or number),
        "sku": line.get("sku"),
        "decision": decision,
        **amounts,
        "reason": line.get("reason"),
        "extra": _extra(line, "source_line_id", "line", "sku", "reason"),
    }


def _record_order(told: Facts) -> Written:
    """A customer's order to be copied, or (with a supplier, or a status) a purchase order to be listed."""
    purchase = "supplier" in told or told.get("kind") != "create_sales_order"
    customer = _part(told, "customer")
    reference = str(told.get("reference") or told.get("external_number") or "TOLD-1")
    known = ("kind", "command_id", "reference", "order_date", "currency", "lines", "customer", "ship_to", "bill_to",
             "customer_reference", "status")  # fmt: skip
    at = told.get("order_date")
    order = {
        "account": "told",
        "platform": "told",
        "kind": "purchase_order" if purchase else "sales_order",
        "source_id": str(told.get("external_id") or reference),
        "number": str(told.get("external_number") or reference),
        "version": "1",
        "occurred_at": at if at and "T" in str(at) else told.get("sent_at"),
        "order_date": str(at)[:10] if at else None,
        "status": told.get("status"),
        "currency": told.get("currency"),
        "customer": _customer(customer) if customer else None,
        "supplier": _customer(_part(told, "supplier")) if "supplier" in told else None,
        "customer_reference": told.get("customer_reference"),
        "due_date": told.get("needed_by"),
        "comment": _first(told, "comment", "text", "note"),
        "ship_to": _address(_part(told, "ship_to")) if "ship_to" in told else None,
        "bill_to": _address(_part(told, "bill_to")) if "bill_to" in told else None,
        "location": told.get("location"),
        "lines": [_order_line(number, line) for number, line in enumerate(told.get("lines", ()), 1)],
    }
    extra = _extra(told, *known) or {}
    for name in ("customer", "ship_to", "bill_to"):
        extra |= flat(_part(told, name), name)
    by_id = any(line.get("item_id") or line.get("product_id") for line in told.get("lines", ()))
    return RecordCommand, {
        "entity": "order",
        "operation": "upsert" if str(told.get("kind")).startswith("upsert") else "create",
        "reference": reference,
        "revision": 1,
        "order": order,
        "match_items": "item_id" if by_id else "sku",
        "customer_reference": _text(_first(customer, "id", "contact_id")),
        "customer_match": _match(customer),
        "extra": extra or None,
    }


def _match(told: Facts) -> list[dict[str, Any]]:
    """What tells who a customer is, the most telling first."""
    values = {"tax_id": told.get("tax_id"), "email": told.get("email"), "number": _first(told, "number", "reference")}
    return [{"by": by, "value": value} for by, value in values.items() if value]


def _order_line(number: int, line: Facts) -> dict[str, Any]:
    known = ("line", "source_line_id", "sku", "item_id", "product_id", "quantity", "unit", "unit_price", "description",
             "location", "supplier_sku", "needed_by", "vin")  # fmt: skip
    return {
        "line_id": str(line.get("source_line_id") or line.get("line") or number),
        "sku": line.get("sku"),
        "item_id": _first(line, "item_id", "product_id"),
        "quantity": str(line.get("quantity", "")),
        "unit": line.get("unit"),
        "unit_price": _text(line.get("unit_price")),
        "description": line.get("description"),
        "location": line.get("location"),
        "supplier_sku": line.get("supplier_sku"),
        "due_date": line.get("needed_by"),
        "vin": line.get("vin"),
        "extra": _extra(line, *known),
    }


def _record_customer(told: Facts) -> Written:
    reference = str(told.get("reference") or told.get("id") or "TOLD-1")
    inner = _part(told, "customer") or _left(told, "kind", "command_id", "reference")
    record = {
        "account": "told",
        "platform": "told",
        "kind": "customer",
        "source_id": str(inner.get("id") or reference),
        "version": "1",
        "customer": {"number": reference, **_customer(inner)},
    }
    return RecordCommand, {
        "entity": "customer",
        "operation": "upsert" if str(told.get("kind")).startswith("upsert") else "create",
        "reference": reference,
        "revision": 1,
        "customer": record,
        "match": _match({"number": reference, **inner}),
        "extra": _extra(told, "kind", "command_id", "reference"),
    }


def _notify(told: Facts) -> Written:
    notices = told.get("notices") or [_left(told, "kind", "command_id", "subject", "text", "severity", "link")]
    first = flat(notices[0])
    subject = str(told.get("subject") or first.get("notice") or first.get("event") or first.get("status") or "notice")
    return NotifyCommand, {
        "subject": subject.replace("_", " "),
        "text": str(told.get("text") or ", ".join(f"{name} {text}" for name, text in first.items()) or subject),
        "severity": str(told.get("severity") or "information"),
        "link": told.get("link"),
        "notices": [flat(notice) for notice in notices if notice],
    }


def _ask_approval(told: Facts) -> Written:
    """The order that is asked about is written as one that would be placed."""
    reference = str(told.get("reference") or told.get("proposal") or "TOLD-1")
    _, order = _reorder({**told, "reference": reference})
    common = {"command_id": command_id("told", reference), "account": "told", "object": reference, "cause": "told"}
    return AskApprovalCommand, {
        "person": str(told.get("person") or "told"),
        "channel": str(told.get("channel") or "console"),
        "supplier": order["supplier"],
        "reference": reference,
        "version": int(told.get("version") or 1),
        "order": {**common, **{name: value for name, value in order.items() if value is not None}},
        "worth": f"{told.get('total', '0')} {order['currency']}",
        "because": str(told.get("reason") or "told in plain facts"),
        "expires_at": str(told.get("expires_at") or f"{A_DAY}T00:00:00Z"),
    }


def _stock(told: Facts) -> Written:
    item = _part(told, "item")
    changes = told.get("changes") or [
        {"sku": item.get("sku"), "item_id": item.get("id"), **_left(told, "kind", "id", "item", "reason", "reference")}
    ]
    names = ("sku", "item_id", "location", "quantity", "delta", "quantity_before")
    return StockCommand, {
        "changes": [{name: _text(change.get(name)) for name in names} for change in changes],
        "reason": told.get("reason"),
        "reference": told.get("reference"),
        "extra": _extra(told, "kind", "command_id", "changes", "item", "quantity", "reason", "reference"),
    }


def _fetch(resource: str, *names: str) -> Callable[[Facts], Written]:
    def write(told: Facts) -> Written:
        given = next((told[name] for name in names if told.get(name)), None)
        ids = [str(one) for one in given] if isinstance(given, list) else [str(given)] if given else []
        if not ids:
            raise Malformed(f"one of {', '.join(names)} is missing", field=names[0])
        return FetchCommand, {
            "resource": str(told.get("resource") or resource),
            "ids": ids,
            "requested_for": "told in plain facts",
        }

    return write


def _recall(told: Facts) -> Written:
    vehicle = _part(told, "vehicle")
    names = ("vin", "make", "model", "year", "engine", "registration")
    return RecallReplacementCommand, {
        "campaign": str(told.get("campaign", "")),
        "order_id": _order_id(told) or "",
        "vehicle": {name: vehicle.get(name) for name in names},
        "location": str(told.get("location") or "main"),
        "scheduled_at": told.get("scheduled_at"),
        "sku": str(told.get("sku", "")),
        "quantity": str(told.get("quantity", "1")),
        "remedy": told.get("remedy"),
    }


KINDS: dict[str, Callable[[Facts], Written]] = {
    "place_order": _reorder,
    "find_order": _reorder,
    "cancel_order": _cancel,
    "read_status": _fetch("purchase_order", "external_reference", "reference"),
    "write_back": _write_back,
    "create_sales_order": _record_order,
    "record_order": _record_order,
    "append_row": _record_order,
    "upsert_customer": _record_customer,
    "notify": _notify,
    "ask_approval": _ask_approval,
    "set_stock": _stock,
    "adjust_stock": _stock,
    "decode_vin": _fetch("vin", "vin"),
    "fetch": _fetch("", "ids", "id"),
    "recall_replacement": _recall,
}
"""Kind -> what becomes of its facts."""


# --- reading ----------------------------------------------------------------------------------------------------------


def _message(message: type[Command], values: Mapping[str, Any]) -> Command:
    try:
        return message.from_json(orjson.dumps({name: value for name, value in values.items() if value is not None}))
    except ValidationError as error:
        raise malformed(error) from error


def _resource(platform: Platform[Any], told: Facts) -> str:
    known = list(platform.subscriptions if told.get("kind") == "watch" else platform.polls)
    return str(told.get("resource") or (known[0] if known else ""))


def _part(told: Facts, name: str) -> Facts:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _left(told: Facts, *without: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in without}


def _extra(told: Facts, *known: str) -> dict[str, str] | None:
    return flat(_left(told, *known)) or None


def _first(told: Facts, *names: str) -> str | None:
    return next((str(told[name]) for name in names if told.get(name) not in (None, "")), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _decision(text: Any) -> str:
    word = str(text or "approved")
    return DECISIONS.get(word, word)


def _order_id(told: Facts) -> str | None:
    order = told.get("order")
    if isinstance(order, Mapping):
        return _text(order.get("id"))
    found = order or next(
        (told[name] for name in ("order_id", "deal_id", "row_id", "record_id") if told.get(name)), None
    )
    return _text(found)


def _customer(told: Facts) -> dict[str, Any]:
    name = _first(told, "name") or " ".join(filter(None, (told.get("first_name"), told.get("last_name")))) or None
    return {
        "id": _text(told.get("id")),
        "number": _first(told, "number", "reference"),
        "name": name,
        "email": told.get("email"),
        "phone": told.get("phone"),
        "company": told.get("company"),
        "contact_id": _text(told.get("contact_id")),
        "tax_id": told.get("tax_id"),
        "address": _address(told) if any(told.get(name) for name in ("street", "city")) else None,
    }


def _address(told: Facts) -> dict[str, Any]:
    street = " ".join(filter(None, (told.get("street"), told.get("street_number")))) or None
    names = ("name", "company", "street2", "city", "region", "postal_code", "country")
    return {"street": street, **{name: told.get(name) for name in names}}
