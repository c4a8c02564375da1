"""What a line and an order come to, with the digits that the currency has (ISO 4217)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

from streamer.messages.commands import ReorderCommand, ReorderLine


def line_amount(line: ReorderLine, currency: str) -> Decimal | None:
    """None for a line whose price nobody knows."""
    if line.unit_price is None:
        return None
    smallest = Decimal(1).scaleb(-get_currency_precision(currency))
    return (line.unit_price * line.quantity).quantize(smallest, ROUND_HALF_UP)


def order_total(order: ReorderCommand) -> Decimal | None:
    """The sum of the lines as they are rounded; None where a price is missing."""
    total = Decimal(0)
    for line in order.lines:
        amount = line_amount(line, order.currency)
        if amount is None:
            return None
        total += amount
    return total
