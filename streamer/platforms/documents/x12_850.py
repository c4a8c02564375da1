"""A purchase order as X12 850, version 004010. X12 has no escape: what holds a separator is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand
from streamer.platforms.documents.edi import control_number, exact, words

ELEMENT, COMPONENT, END = "*", ">", "~"
ORIGINAL, DUPLICATE = "00", "07"  # BEG01
DELIVER_BY = "002"  # DTM01
ASSIGNED_BY_BUYER = "92"  # N103
LONGEST_NUMBER, LONGEST_PART, LONGEST_TEXT, LONGEST_NAME = 22, 48, 80, 60


def x12_850(order: ReorderCommand, *, sender: str, receiver: str, at: datetime, test: bool = False) -> bytes:
    """The interchange; each segment on a line of its own. `sender` and `receiver` have at most 15 characters.

    Raises Refused for an order that X12 cannot hold.
    """
    number = control_number(order)
    order_set = list(_order(order))
    segments = [
        ("ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{sender:<15}", "ZZ", f"{receiver:<15}", f"{at:%y%m%d}",
         f"{at:%H%M}", "U", "00401", f"{number:09}", "0", "T" if test else "P", COMPONENT),
        ("GS", "PO", sender, receiver, f"{at:%Y%m%d}", f"{at:%H%M}", str(number), "X", "004010"),
        *order_set,
        ("SE", str(len(order_set) + 1), "0001"),
        ("GE", "1", str(number)),
        ("IEA", "1", f"{number:09}"),
    ]  # fmt: skip
    return "".join(f"{ELEMENT.join(segment)}{END}\n" for segment in segments).encode("ascii")


def _order(order: ReorderCommand) -> Iterator[tuple[str, ...]]:
    purpose = DUPLICATE if order.copy_of is not None else ORIGINAL
    yield "ST", "850", "0001"
    yield "BEG", purpose, "SA", exact(order.reference, "reference", longest=LONGEST_NUMBER), "", _day(order.order_date)
    yield "CUR", "BY", order.currency
    if order.needed_by:
        yield "DTM", DELIVER_BY, _day(order.needed_by)
    yield "N1", "ST", _place(order.ship_to), ASSIGNED_BY_BUYER, _code(order.ship_to, "ship_to")
    for line in order.lines:
        price = plain(line.unit_price) if line.unit_price is not None else ""
        part = ("BP", _code(line.sku, "sku"))
        theirs = ("VP", _code(line.supplier_sku, "supplier_sku")) if line.supplier_sku else ()
        unit = exact(line.unit, "unit", longest=2, forbidden=ELEMENT + COMPONENT + END)
        yield "PO1", _code(line.line, "line"), plain(line.quantity), unit, price, "", *part, *theirs
        if line.description and (text := words(line.description, longest=LONGEST_TEXT)):
            yield "PID", "F", "", "", "", text
    yield "CTT", str(len(order.lines))


def _code(text: str, field: str) -> str:
    return exact(text, field, longest=LONGEST_PART, forbidden=ELEMENT + COMPONENT + END)


def _place(location: str) -> str:
    return words(location.replace("-", " "), longest=LONGEST_NAME) or "STORE"


def _day(iso: str) -> str:
    return iso[:10].replace("-", "")
