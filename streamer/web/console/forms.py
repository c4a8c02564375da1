"""Numbers that people type."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from aiohttp import web

from streamer.domain.purchasing_rows import OrderRow


def changed_quantities(form: Mapping[str, str], row: OrderRow) -> dict[str, Decimal]:
    """The quantities in a form that are others than those of the order, by line. Raises HTTPBadRequest."""
    changed = {}
    for line in row.lines:
        text = form.get(f"quantity-{line.line}", "")
        try:
            quantity = Decimal(text) if text else line.quantity
        except InvalidOperation:
            raise web.HTTPBadRequest(text=f"the quantity of line {line.line} is not a number\n") from None
        if not quantity.is_finite() or not 0 <= quantity <= 1_000_000:
            raise web.HTTPBadRequest(text=f"the quantity of line {line.line} is out of bounds\n")
        if quantity != line.quantity:
            changed[line.line] = quantity
    return changed
