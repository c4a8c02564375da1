"""What a line and an order come to, with the digits that the currency has."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from streamer.messages.commands import ReorderCommand, ReorderLine

CENT = Decimal("0.01")


def line_amount(line: ReorderLine) -> Decimal:
    return ((line.unit_price or Decimal(0)) * line.quantity).quantize(CENT, ROUND_HALF_UP)


def line_total(line: ReorderLine) -> str:
    """Two digits behind the point."""
    return str(line_amount(line))


def order_total(order: ReorderCommand) -> str:
    """The sum of the lines' totals."""
    return str(sum((line_amount(line) for line in order.lines), Decimal(0)))
