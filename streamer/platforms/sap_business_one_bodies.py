"""What is written into SAP Business One: documents and business partners as the Service Layer takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streamer.errors import Refused
from streamer.messages.commands import RecordCommand, ReorderCommand, WriteBackCommand
from streamer.messages.people import Address
from streamer.platforms.doubles import number
from streamer.platforms.plain_commands import NO_CURRENCY

if TYPE_CHECKING:
    from streamer.platforms.sap_business_one import SapBusinessOne

Row = Mapping[str, Any]
LONGEST_CARD_CODE = 15
LONGEST_COMMENT = 254


def quoted(text: str) -> str:
    """A text in a filter or a key."""
    return "'" + text.replace("'", "''") + "'"


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def purchase_order(books: SapBusinessOne, command: ReorderCommand) -> dict[str, Any]:
    """Raises Refused."""
    if not command.address:
        raise Refused(f"suppliers.{command.supplier}.address must be the CardCode of a supplier of SAP Business One")
    return told(
        {
            "CardCode": command.address,
            "DocDate": command.order_date,
            "DocDueDate": command.needed_by,
            "NumAtCard": command.reference,
            "Comments": command.note,
            "DocCurrency": command.currency if command.currency != NO_CURRENCY else None,
            "BPL_IDAssignedToInvoice": books.settings.branch_id,
            "DocumentLines": [
                _line(
                    line.item_id or line.sku,
                    (line.quantity, line.unit_price),
                    books.their_place(line.location),
                    line.needed_by,
                )
                for line in command.lines
            ],
        }
    )


def sales_order(books: SapBusinessOne, command: RecordCommand, customer: str, today: str) -> dict[str, Any]:
    """Raises Refused."""
    order = command.order
    if order is None:
        raise Refused("an order record without an order")
    placed = order.occurred_at.astimezone(books.settings.zone).date().isoformat() if order.occurred_at else today
    day = order.order_date or placed
    lines = []
    for line in order.lines:
        code = getattr(line, command.match_items)
        if not code:
            raise Refused(f"line {line.line_id} has no {command.match_items} by which its item could be found")
        place = books.their_place(line.location) if line.location else None
        body = _line(code, (line.quantity, line.unit_price), place, line.due_date)
        lines.append(body | command.line_fields.get(line.line_id, {}))
    body = {
        "CardCode": customer,
        "DocDate": day,
        "DocDueDate": order.due_date or day,
        "NumAtCard": command.reference,
        "Comments": order.comment,
        "DocCurrency": order.currency,
        "BPL_IDAssignedToInvoice": books.settings.branch_id,
        "AddressExtension": _ship_to(order.ship_to),
        "DocumentLines": lines,
    }
    return told(body) | command.fields


def partner(books: SapBusinessOne, command: RecordCommand, *, new: bool) -> dict[str, Any]:
    """A customer; our reference stands in AdditionalID. Raises Refused."""
    if command.customer is None:
        raise Refused("a customer record without a customer")
    person = command.customer.customer
    body: dict[str, Any] = {
        "CardName": person.company or person.name or person.email or command.reference,
        "EmailAddress": person.email,
        "Phone1": person.phone,
        "FederalTaxID": person.tax_id,
        "AdditionalID": command.reference,
    }
    if not new:
        return told(body) | command.fields
    series = books.settings.customer_series
    code = person.number or command.reference
    if series is None and len(code) > LONGEST_CARD_CODE:
        raise Refused(
            f"{code} is too long for a CardCode; set accounts.{books.account}.customer_series to a numbering series"
        )
    body |= {
        "CardCode": code if series is None else None,
        "Series": series,
        "CardType": "cCustomer",
        "BPAddresses": [_home(person.address)] if person.address else None,
    }
    return told(body) | command.fields


def merged(wanted: Iterable[Row], known: Iterable[Row]) -> list[dict[str, Any]]:
    """Lines with the numbers that those of the same item have, so that what was received of them stays.

    Raises Refused where an item stands in several lines.
    """
    numbers: dict[str, Any] = {}
    listed = list(known)
    for line in listed:
        code = str(line.get("ItemCode"))
        if code in numbers:
            raise Refused(f"{code} stands in several lines of the document; a person must change it")
        numbers[code] = line.get("LineNum")
    lines = []
    for line in wanted:
        kept = numbers.pop(str(line.get("ItemCode")), None)
        lines.append({**({} if kept is None else {"LineNum": kept}), **line})
    return lines


def decision(command: WriteBackCommand, document: Row) -> dict[str, Any]:
    """What is to change: released or not, what waits as a back order, and why as a comment."""
    comments = str(document.get("Comments") or "")
    note = command.text or f"Parts {command.decision.replace('_', ' ')}"
    body: dict[str, Any] = {"Confirmed": "tNO" if command.decision == "waitlisted" else "tYES"}
    if note not in comments:
        body["Comments"] = "\n".join(filter(None, (comments, note)))[-LONGEST_COMMENT:]
    waits = {line.line_id: "tYES" if line.waitlisted > 0 else "tNO" for line in command.lines}
    lines = [
        {"LineNum": line.get("LineNum"), "BackOrder": wanted}
        for line in document.get("DocumentLines") or ()
        if (wanted := waits.get(str(line.get("LineNum")))) and (line.get("BackOrder") or "tNO") != wanted
    ]
    if lines:
        body["DocumentLines"] = lines
    return {name: value for name, value in body.items() if document.get(name) != value}


def _line(code: str, amounts: tuple[Decimal, Decimal | None], place: str | None, day: str | None) -> dict[str, Any]:
    """A price that is left out is taken from the price list."""
    quantity, price = amounts
    return told(
        {
            "ItemCode": code,
            "Quantity": number(quantity),
            "UnitPrice": None if price is None else number(price),
            "WarehouseCode": place,
            "ShipDate": day[:10] if day else None,
        }
    )


def _home(address: Address) -> dict[str, Any]:
    return told(
        {
            "AddressName": "Ship",
            "AddressType": "bo_ShipTo",
            "Street": address.street,
            "City": address.city,
            "ZipCode": address.postal_code,
            "State": address.region,
            "Country": address.country,
        }
    )


def _ship_to(address: Address | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return (
        told(
            {
                "ShipToStreet": address.street,
                "ShipToCity": address.city,
                "ShipToZipCode": address.postal_code,
                "ShipToState": address.region,
                "ShipToCountry": address.country,
            }
        )
        or None
    )
