"""What is written into QuickBooks Online: purchase orders, sales and customers as JSON, and what its answers say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import orjson
from babel.numbers import get_currency_precision

from streamer.errors import Refused
from streamer.messages.commands import RecordCommand, ReorderCommand
from streamer.messages.orders import OrderLine
from streamer.messages.people import Address
from streamer.platforms.doubles import number
from streamer.platforms.plain_commands import NO_CURRENCY
from streamer.platforms.wire import Reply

if TYPE_CHECKING:
    from streamer.platforms.quickbooks_online import QuickBooksSettings

Row = Mapping[str, Any]


def quoted(texts: Iterable[str]) -> str:
    """Texts as a list of a query."""
    return ",".join("'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in texts)


def digits(text: str | None) -> str | None:
    """An id, with or without its kind before it ("invoice:2210"); None where it is none."""
    found = (text or "").rpartition(":")[2]
    return found if found.isascii() and found.isdigit() else None


def email_of(command: ReorderCommand) -> str | None:
    """The supplier's address, where the command has one."""
    told = (command.extra or {}).get("supplier.email") or command.contact
    return told if told and "@" in told else None


def purchase_order(
    command: ReorderCommand, settings: QuickBooksSettings, items: Mapping[str, Row], department: str | None
) -> dict[str, Any]:
    """`items` by SKU and by id, for lines that do not say which item or price. Raises Refused."""
    vendor = digits(command.address)
    if vendor is None:
        raise Refused(f"suppliers.{command.supplier}.address must be the id of a vendor of QuickBooks")
    if not settings.ap_account_id:
        raise Refused(f"accounts.{settings.name}.ap_account_id is not set: the account payable that orders go to")
    email = email_of(command)
    body: dict[str, Any] = {
        "VendorRef": {"value": vendor},
        "APAccountRef": {"value": settings.ap_account_id},
        "DocNumber": command.reference,
        "TxnDate": command.order_date,
        "DueDate": command.needed_by,
        "CurrencyRef": {"value": command.currency} if command.currency != NO_CURRENCY else None,
        "DepartmentRef": {"value": department} if department else None,
        "POEmail": {"Address": email} if email else None,
        "PrivateNote": command.note,
        "Line": [
            _line(
                "ItemBasedExpenseLineDetail",
                items.get(line.item_id or line.sku) or {"Id": line.item_id},
                line.sku,
                (line.quantity, line.unit_price, "PurchaseCost"),
                command.currency,
                line.description,
                {"BillableStatus": settings.billable_status} | _tax(settings.tax_code_id),
            )
            for line in command.lines
        ],
    }
    return {name: value for name, value in body.items() if value is not None}


def sale(
    command: RecordCommand, settings: QuickBooksSettings, customer: str, items: Mapping[str, Row]
) -> dict[str, Any]:
    """An invoice or a sales receipt. Raises Refused."""
    order = command.order
    if order is None:
        raise Refused("an order record without an order")
    currency = order.currency or NO_CURRENCY
    email = order.customer.email if order.customer else None
    body: dict[str, Any] = {
        "CustomerRef": {"value": customer},
        "DocNumber": command.reference,
        "TxnDate": order.order_date or (order.occurred_at.date().isoformat() if order.occurred_at else None),
        "DueDate": order.due_date if settings.sales_as == "invoice" else None,
        "CurrencyRef": {"value": order.currency} if order.currency else None,
        "BillEmail": {"Address": email} if email else None,
        "ShipAddr": _address(order.ship_to),
        "PrivateNote": order.comment,
        "Line": [
            _line(
                "SalesItemLineDetail",
                _item_of(line, items, by_id=command.match_items == "item_id"),
                line.sku or line.item_id or line.line_id,
                (line.quantity, line.unit_price, "UnitPrice"),
                currency,
                line.description,
                _tax(settings.sales_tax_code_id),
            )
            | command.line_fields.get(line.line_id, {})
            for line in order.lines
        ],
    }
    return {name: value for name, value in body.items() if value is not None} | command.fields


def customer(command: RecordCommand, name: str) -> dict[str, Any]:
    """Raises Refused."""
    if command.customer is None:
        raise Refused("a customer record without a customer")
    person = command.customer.customer
    body: dict[str, Any] = {
        "DisplayName": name,
        "CompanyName": person.company,
        "PrimaryEmailAddr": {"Address": person.email} if person.email else None,
        "PrimaryPhone": {"FreeFormNumber": person.phone} if person.phone else None,
        "BillAddr": _address(person.address),
    }
    return {key: value for key, value in body.items() if value is not None} | command.fields


def display_name(command: RecordCommand) -> str:
    """Where no mail address tells who it is, our reference does: a name alone is nobody."""
    person = command.customer.customer if command.customer else None
    name = (person.company or person.name or person.email if person else None) or command.reference
    name = " ".join(name.replace(":", " ").split())  # a colon would make it a part of another customer
    return name if any(key.by == "email" for key in command.match) else numbered(name, command.reference)


def numbered(name: str, reference: str) -> str:
    ours = f"({reference})"
    return name if name == reference or name.endswith(ours) else f"{name[:400]} {ours}"


def is_void(row: Row) -> bool:
    """By its note, since a sale knows no other state."""
    return row.get("TotalAmt") == 0 and str(row.get("PrivateNote") or "").lower().startswith("voided")


# --- changes: None where nothing is to be done ------------------------------------------------------------------------


def closed(row: Row, reason: str) -> dict[str, Any] | None:
    """A purchase order that is called off; its vendor is told by the message on it, if he has it."""
    if row.get("POStatus") == "Closed":
        return None
    mail = "NeedToSend" if row.get("EmailStatus") == "EmailSent" else "NotSet"
    return {**row, "POStatus": "Closed", "EmailStatus": mail, "Memo": f"CANCELLED: {reason}"[:1000]}


def decided(row: Row, note: str, decision: str | None) -> dict[str, Any] | None:
    """With our note, and the `decision` about a purchase order."""
    wanted = dict(row)
    if note not in str(row.get("PrivateNote") or ""):
        wanted["PrivateNote"] = "\n".join(filter(None, (row.get("PrivateNote"), note)))[:4000]
    if decision in ("approved", "partly_approved", "rejected"):
        wanted["POStatus"] = "Closed" if decision == "rejected" else "Open"
    if decision == "waitlisted" and row.get("EmailStatus") != "EmailSent":
        wanted["EmailStatus"] = "NotSet"
    return wanted if wanted != row else None


def _line(
    kind: str,
    item: Row,
    name: str,
    amounts: tuple[Decimal, Decimal | None, str],
    currency: str,
    description: str | None,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    quantity, price, usual = amounts
    if not item.get("Id"):
        raise Refused(f"no item of QuickBooks has the SKU {name}")
    if price is None:
        if item.get(usual) is None:
            raise Refused(f"{name} has no price, and its item has no {usual}")
        price = Decimal(str(item[usual]))
    smallest = Decimal(1).scaleb(-get_currency_precision(currency)) if currency != NO_CURRENCY else Decimal("0.01")
    detail = {"ItemRef": {"value": str(item["Id"])}, "Qty": number(quantity), "UnitPrice": number(price), **more}
    line = {
        "DetailType": kind,
        "Amount": number((quantity * price).quantize(smallest, ROUND_HALF_UP)),
        "Description": description,
        kind: {key: value for key, value in detail.items() if value is not None},
    }
    return {key: value for key, value in line.items() if value is not None}


def _item_of(line: OrderLine, items: Mapping[str, Row], *, by_id: bool) -> Row:
    if by_id:
        return items.get(line.item_id or "") or {"Id": line.item_id}
    return items.get(line.supplier_sku or line.sku or "") or {}


def _tax(code: str | None) -> dict[str, Any]:
    return {"TaxCodeRef": {"value": code}} if code else {}


def _address(address: Address | None) -> dict[str, str] | None:
    if address is None:
        return None
    found = {
        "Line1": address.street,
        "Line2": address.street2,
        "City": address.city,
        "CountrySubDivisionCode": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return {name: text for name, text in found.items() if text} or None


# --- what answers say -------------------------------------------------------------------------------------------------


class Fault(Refused):
    """A refusal with QuickBooks' own words; `codes` tell which."""

    def __init__(self, reason: str, codes: frozenset[str], status: int) -> None:
        super().__init__(reason, status=status)
        self.codes = codes


def fault_of(reply: Reply) -> tuple[str, Fault] | None:
    """The fault in an answer and its type; None where there is none."""
    try:
        told = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    fault = told.get("Fault") if isinstance(told, Mapping) else None
    if not isinstance(fault, Mapping):
        return None
    errors = [one for one in fault.get("Error") or () if isinstance(one, Mapping)]
    words = "; ".join(_words(one) for one in errors) or "without a reason"
    support = reply.headers.get("intuit_tid")  # what Intuit's support asks for
    kind = str(fault.get("type") or "Fault")
    reason = f"QuickBooks: {kind}: {words}" + (f" (intuit_tid {support})" if support else "")
    return kind, Fault(reason, frozenset(str(one.get("code")) for one in errors), reply.status)


def _words(error: Row) -> str:
    detail = str(error.get("Detail") or "")
    told = [str(error.get("Message") or ""), detail if "@" not in detail else "", str(error.get("element") or "")]
    return f"{error.get('code')} {', '.join(filter(None, told))}"[:300]
