"""A purchase order as CSV (RFC 4180): one line each, the columns named in the head."""

from __future__ import annotations

import csv
import io

from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand

COLUMNS = (
    "reference", "line", "sku", "supplier_sku", "description", "quantity", "unit", "unit_price", "currency",
    "needed_by", "ship_to",
)  # fmt: skip
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would take for a formula when a cell begins with it."""


def order_csv(order: ReorderCommand) -> bytes:
    """UTF-8 with CRLF."""
    output = io.StringIO(newline="")
    writer = csv.writer(output)
    writer.writerow(COLUMNS)
    for line in order.lines:
        writer.writerow(
            [
                order.reference,
                line.line,
                harmless(line.sku),
                harmless(line.supplier_sku or ""),
                harmless(line.description or ""),
                plain(line.quantity),
                harmless(line.unit),
                plain(line.unit_price) if line.unit_price is not None else "",
                order.currency,
                line.needed_by or order.needed_by or "",
                harmless(order.ship_to),
            ]
        )
    return output.getvalue().encode()


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text
