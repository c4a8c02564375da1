"""X12 855, purchase order acknowledgement. Separators are those that the ISA segment itself uses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from streamer.errors import Malformed
from streamer.messages.purchasing import SupplierLine, SupplierState
from streamer.platforms.documents.answer import Answer

ISA_LENGTH = 106  # fixed: its last character is the segment terminator

# BAK02.
STATES: dict[str, SupplierState] = {
    "AC": "accepted_with_changes",
    "AD": "accepted",
    "AE": "accepted_with_changes",
    "AK": "received",
    "AT": "accepted",
    "RD": "rejected",
    "RJ": "rejected",
}
# ACK01.
LINE_STATUSES = {
    "IA": "accepted",
    "AR": "accepted",
    "IB": "backordered",
    "BP": "partly_backordered",
    "IC": "changed",
    "IQ": "quantity_changed",
    "IP": "price_changed",
    "IS": "substituted",
    "DR": "date_changed",
    "ID": "deleted",
    "IR": "rejected",
    "IH": "on_hold",
}
SHIP_DATE, DELIVERY_DATE = "068", "067"


def is_x12_855(document: bytes) -> bool:
    """Whether it is worth parsing as one; cheap."""
    return document.lstrip()[:3] == b"ISA" and b"855" in document[:300]


def read_x12_855(document: bytes) -> Answer:
    """Raises Malformed that names the segment."""
    text = document.decode("utf-8", "replace").lstrip()
    if len(text) < ISA_LENGTH:
        raise Malformed("is cut off", field="ISA")
    separator, terminator = text[3], text[ISA_LENGTH - 1]
    segments = [segment.strip().split(separator) for segment in text.split(terminator) if segment.strip()]
    control = transaction = sender = ""
    head: list[str] = []
    lines: list[SupplierLine] = []
    item: list[str] = []
    for segment in segments:
        match segment[0]:
            case "ISA":
                sender, control = _at(segment, 6).strip(), _at(segment, 13)
            case "ST":
                if _at(segment, 1) != "855":
                    raise Malformed(f"{_at(segment, 1)[:10]} is not 855", field="ST01")
                transaction = _at(segment, 2)
            case "BAK":
                head = segment
            case "PO1":
                item = segment
            case "ACK":
                lines.append(_line(item, segment))
    if not head:
        raise Malformed("is missing", field="BAK")
    state = STATES.get(_at(head, 2))
    if state is None:
        raise Malformed(f"{_at(head, 2)[:10]} is no answer that we know", field="BAK02")
    return Answer(
        document_id=f"{sender}:{control}:{transaction}",
        reference=_at(head, 3),
        state=state,
        status=_at(head, 2),
        lines=tuple(lines),
        external_reference=_at(head, 8) or None,
        occurred_date=_date(_at(head, 4), "BAK04"),
    )


def _line(item: list[str], ack: list[str]) -> SupplierLine:
    """Several ACK may follow one PO1: each is a part of the line with a fate of its own."""
    if not item:
        raise Malformed("comes before any PO1", field="ACK")
    ids = dict(zip(item[6::2], item[7::2], strict=False))
    day = _date(_at(ack, 5), "ACK05") if _at(ack, 5) else None
    code = _at(ack, 1)
    return SupplierLine(
        line=_at(item, 1),
        sku=ids.get("BP") or ids.get("IN"),
        supplier_sku=ids.get("VP") or ids.get("VN"),
        quantity=_number(_at(ack, 2), "ACK02"),
        unit=_at(ack, 3) or _at(item, 3) or None,
        unit_price=_number(_at(item, 4), "PO104"),
        status=LINE_STATUSES.get(code, code),
        ship_date=day if _at(ack, 4) == SHIP_DATE else None,
        promised_date=day if _at(ack, 4) == DELIVERY_DATE else None,
    )


def _at(segment: list[str], place: int) -> str:
    return segment[place] if place < len(segment) else ""


def _date(text: str, field: str) -> str:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError as error:
        raise Malformed("is no date YYYYMMDD", field=field) from error


def _number(text: str, field: str) -> Decimal | None:
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise Malformed("is no number", field=field) from error
    if not number.is_finite() or number < 0:
        raise Malformed("is no quantity", field=field)
    return number
