"""What the supplier types into its system: the lines of an order in any of the forms that suppliers take."""

from __future__ import annotations

import csv
import io
import re
from email.message import EmailMessage

from defusedxml.ElementTree import fromstring

Line = dict[str, str]

UBL = "urn:oasis:names:specification:ubl:schema:xsd"
NAMES = {"cac": f"{UBL}:CommonAggregateComponents-2", "cbc": f"{UBL}:CommonBasicComponents-2"}


def order_lines(mail: EmailMessage) -> list[Line]:
    """Each with `line`, `sku` (the buyer's) and `quantity`; none where no attachment can be read."""
    for part in mail.iter_attachments():
        content = part.get_payload(decode=True)
        read = READERS.get(part.get_content_type())
        if read is not None and isinstance(content, bytes):
            return read(content)
    return []


def _csv(content: bytes) -> list[Line]:
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [{"line": row["line"], "sku": row["sku"], "quantity": row["quantity"]} for row in rows]


def _ubl(content: bytes) -> list[Line]:
    items = fromstring(content, forbid_dtd=True).iterfind("cac:OrderLine/cac:LineItem", NAMES)
    return [
        {
            "line": item.findtext("cbc:ID", "", NAMES),
            "sku": item.findtext("cac:Item/cac:BuyersItemIdentification/cbc:ID", "", NAMES),
            "quantity": item.findtext("cbc:Quantity", "", NAMES),
        }
        for item in items
    ]


def _x12(content: bytes) -> list[Line]:
    text = content.decode()
    segments = (segment.strip().split(text[3]) for segment in text.split(text[105]))
    return [{"line": one[1], "sku": one[7], "quantity": one[2]} for one in segments if one[0] == "PO1"]


def _edifact(content: bytes) -> list[Line]:
    lines: list[Line] = []
    for segment in re.split(r"(?<!\?)'\s*", content.decode()):
        elements = [re.split(r"(?<!\?):", element) for element in re.split(r"(?<!\?)\+", segment)]
        if elements[0] == ["LIN"]:
            lines.append({"line": elements[1][0], "sku": re.sub(r"\?(.)", r"\1", elements[3][0]), "quantity": ""})
        elif elements[0] == ["QTY"]:
            lines[-1]["quantity"] = elements[1][1]
    return lines


READERS = {
    "text/csv": _csv,
    "application/xml": _ubl,
    "application/edi-x12": _x12,
    "application/edifact": _edifact,
}
