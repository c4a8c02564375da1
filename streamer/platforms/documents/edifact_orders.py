"""A purchase order as EDIFACT ORDERS D.96A."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand
from streamer.platforms.documents.edi import control_number, exact

SEPARATORS = "UNA:+.? '"
ORDER = "220"  # BGM 1001
ORIGINAL, DUPLICATE = "9", "7"  # BGM 1225
ISSUED, DELIVER_BY = "137", "2"  # DTM 2005
ASSIGNED_BY_BUYER = "92"  # NAD 3055
TEST = "++++++1"  # UNB 0035
UNITS = {"EA": "PCE"}  # UN/ECE rec. 20 -> the code that D.96A partners use
LONGEST_NUMBER, LONGEST_PART, LONGEST_PLACE = 35, 35, 17


def edifact_orders(order: ReorderCommand, *, sender: str, receiver: str, at: datetime, test: bool = False) -> bytes:
    """The interchange; each segment on a line of its own. Raises Refused for an order that D.96A cannot hold."""
    number = control_number(order)
    message = ["UNH+1+ORDERS:D:96A:UN", *_order(order, sender, receiver)]
    segments = [
        f"UNB+UNOC:3+{sender}:ZZ+{receiver}:ZZ+{at:%y%m%d}:{at:%H%M}+{number}{TEST if test else ''}",
        *message,
        f"UNT+{len(message) + 1}+1",
        f"UNZ+1+{number}",
    ]
    return (f"{SEPARATORS}\n" + "".join(f"{segment}'\n" for segment in segments)).encode("ascii")


def _order(order: ReorderCommand, sender: str, receiver: str) -> Iterator[str]:
    purpose = DUPLICATE if order.copy_of is not None else ORIGINAL
    yield f"BGM+{ORDER}+{_code(order.reference, 'reference', LONGEST_NUMBER)}+{purpose}"
    yield f"DTM+{ISSUED}:{_day(order.order_date)}:102"
    if order.needed_by:
        yield f"DTM+{DELIVER_BY}:{_day(order.needed_by)}:102"
    for party, code in (("BY", sender), ("SU", receiver), ("DP", _code(order.ship_to, "ship_to", LONGEST_PLACE))):
        yield f"NAD+{party}+{code}::{ASSIGNED_BY_BUYER}"
    yield f"CUX+2:{order.currency}:9"
    for line in order.lines:
        yield f"LIN+{_code(line.line, 'line', 6)}++{_code(line.sku, 'sku', LONGEST_PART)}:IN"
        if line.supplier_sku:
            yield f"PIA+5+{_code(line.supplier_sku, 'supplier_sku', LONGEST_PART)}:SA"
        yield f"QTY+21:{plain(line.quantity)}:{_code(UNITS.get(line.unit, line.unit), 'unit', 3)}"
        if line.unit_price is not None:
            yield f"PRI+AAA:{plain(line.unit_price)}"
    yield "UNS+S"
    yield f"CNT+2:{len(order.lines)}"


def _code(text: str, field: str, longest: int) -> str:
    """Separators in it are released by a question mark."""
    return re.sub(r"([?:+'])", r"?\1", exact(text, field, longest=longest))


def _day(iso: str) -> str:
    return iso[:10].replace("-", "")
