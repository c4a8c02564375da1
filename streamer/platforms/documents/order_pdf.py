"""A purchase order as PDF, for people. The same order gives the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from streamer.messages.base import plain
from streamer.messages.commands import ReorderCommand, ReorderLine
from streamer.platforms.documents.totals import line_amount, order_total

WIDTHS = (12, 38, 34, 52, 18, 18, 18)
HEADINGS = ("Line", "SKU", "Your number", "Description", "Quantity", "Price", "Total")


def order_pdf(order: ReorderCommand, *, company: str) -> bytes:
    """A4, one table that breaks lines and pages; letters that the standard fonts do not have become question marks."""
    pdf = FPDF(format="A4")
    pdf.set_creation_date(datetime.fromisoformat(order.order_date).replace(tzinfo=UTC))
    pdf.set_title(f"Purchase order {order.reference}")
    pdf.set_author(_latin(company))
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 16)
    _line(pdf, f"Purchase order {order.reference}", 10)
    pdf.set_font("Helvetica", "", 10)
    _line(pdf, f"From: {company}")
    _line(pdf, f"To: {order.supplier_name}")
    _line(pdf, f"Date: {order.order_date}    Deliver to: {order.ship_to}    Needed by: {order.needed_by or 'soon'}")
    if order.copy_of is not None:
        _line(pdf, "COPY: this order was sent before. Please deliver it once.")
    pdf.ln(4)
    pdf.set_font("Helvetica", "", 9)
    with pdf.table(col_widths=WIDTHS, text_align="LEFT", padding=1) as table:
        for cells in (HEADINGS, *(_cells(line, order.currency) for line in order.lines)):
            row = table.row()
            for text in cells:
                row.cell(_latin(text))
    pdf.ln(2)
    pdf.set_font("Helvetica", "B", 10)
    if (total := order_total(order)) is not None:
        _line(pdf, f"Total {total} {order.currency}")
    if order.note:
        pdf.set_font("Helvetica", "", 10)
        pdf.multi_cell(0, 6, _latin(order.note))
    return bytes(pdf.output())


def _cells(line: ReorderLine, currency: str) -> tuple[str, ...]:
    price = plain(line.unit_price) if line.unit_price is not None else ""
    amount = line_amount(line, currency)
    quantity = f"{plain(line.quantity)} {line.unit}"
    total = str(amount) if amount is not None else ""
    return line.line, line.sku, line.supplier_sku or "", line.description or "", quantity, price, total


def _line(pdf: FPDF, text: str, height: float = 6) -> None:
    pdf.cell(0, height, _latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")
