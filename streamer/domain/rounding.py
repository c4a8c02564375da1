"""From what is wanted to what a supplier sells: minimum, multiple, purchase unit, maximum lot; each step in words.

Systems mean different things by "multiple": Odoo rounded up to 17.1, stopped at the maximum from 17.2 to 18, and rounds
up again since 19. So the mode has a name, and the words say what was done.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple

from streamer.domain.checks import ZERO, Invalid, not_negative, positive
from streamer.messages.base import plain

RoundingMode = Literal[
    "up",  # never less than wanted
    "nearest",  # half a multiple goes up
    "down",  # never more than wanted, but for the supplier's minimum
    "up_within_maximum",  # up, unless that lifts the stock above its maximum: then down
]
ONE = Decimal(1)
MOST_LOTS = 1000
_DIRECTION = {"up": ROUND_CEILING, "nearest": ROUND_HALF_UP, "down": ROUND_FLOOR, "up_within_maximum": ROUND_CEILING}
_WORD = {"up": "up", "nearest": "to the nearest", "down": "down", "up_within_maximum": "up"}


class Rounded(NamedTuple):
    """A quantity and the steps that led to it; no steps when nothing had to be changed."""

    quantity: Decimal
    steps: tuple[str, ...]


class Lots(NamedTuple):
    """One quantity in several orders, none above the supplier's maximum."""

    quantities: tuple[Decimal, ...]
    steps: tuple[str, ...]


def round_quantity(
    wanted: Decimal,
    *,
    minimum: Decimal = ZERO,
    multiple: Decimal = ONE,
    mode: RoundingMode = "up",
    room: Decimal | None = None,
    urgent: bool = False,
    unit: str = "",
) -> Rounded:
    """The quantity to order for `wanted`, all in one unit.

    The supplier's `minimum` comes first, in every mode: who orders at all orders that much. A mode that would then go
    below it takes the smallest multiple that reaches it. `room` is what still fits below the maximum stock and binds
    `up_within_maximum` alone. Where nothing lawful fits, the answer is 0 and says so; unless it is `urgent`, since
    somebody waits: then it is the smallest lawful quantity.
    """
    if wanted <= 0:
        return Rounded(ZERO, ())
    if wanted >= minimum and not wanted % multiple and (room is None or wanted <= room or mode != "up_within_maximum"):
        return Rounded(wanted, ())
    steps = []
    quantity = wanted
    if quantity < minimum:
        quantity = minimum
        steps.append(f"raised from {_say(wanted, unit)} to the minimum order quantity {_say(minimum, unit)}")
    if quantity % multiple:
        rounded = _to_multiple(quantity, multiple, _DIRECTION[mode])
        word = _WORD[mode]
        if rounded < minimum:
            rounded = _to_multiple(minimum, multiple, ROUND_CEILING)
            word = "up (the minimum order quantity allows no less)"
        step = f"rounded {word} from {_say(quantity, unit)} to {_say(rounded, unit)}, a multiple of {_say(multiple)}"
        steps.append(step)
        quantity = rounded
    if mode == "up_within_maximum" and room is not None and quantity > room:
        fitting = _to_multiple(max(room, ZERO), multiple, ROUND_FLOOR)
        if fitting < minimum:
            fitting = ZERO
        limit = f"{_say(room, unit)} fit below the maximum stock"
        steps.append(
            f"reduced from {_say(quantity, unit)} to {_say(fitting, unit)}: {limit}"
            if fitting
            else f"nothing ordered: {_say(quantity, unit)} is too much, {limit}"
        )
        quantity = fitting
    if not quantity and not steps[-1].startswith("nothing"):
        steps.append("nothing ordered: less than one multiple is wanted")
    if not quantity and urgent:
        quantity = _to_multiple(max(minimum, multiple), multiple, ROUND_CEILING)
        steps.append(f"raised to {_say(quantity, unit)} all the same, because somebody waits")
    return Rounded(quantity, tuple(steps))


def round_in_purchase_units(
    wanted: Decimal,
    *,
    units_each: Decimal,
    unit: str,
    minimum: Decimal = ZERO,
    multiple: Decimal = ONE,
    mode: RoundingMode = "up",
    room: Decimal | None = None,
    urgent: bool = False,
) -> Rounded:
    """As `round_quantity`, for a supplier that sells by the box: `units_each` stock units are one purchase unit.

    `wanted`, `room` and the answer are in stock units; `minimum` and `multiple` are in purchase units.
    """
    if units_each == 1:
        return round_quantity(wanted, minimum=minimum, multiple=multiple, mode=mode, room=room, urgent=urgent)
    if wanted <= 0:
        return Rounded(ZERO, ())
    in_purchase_units = wanted / units_each
    rounded = round_quantity(
        in_purchase_units,
        minimum=minimum,
        multiple=multiple,
        mode=mode,
        room=None if room is None else room / units_each,
        urgent=urgent,
        unit=unit,
    )
    quantity = rounded.quantity * units_each
    first = f"{_say(wanted)} stock units are {_say(in_purchase_units)} {unit} of {_say(units_each)}"
    last = f"{_say(rounded.quantity)} {unit} are {_say(quantity)} stock units"
    return Rounded(quantity, (first, *rounded.steps, last))


def split(quantity: Decimal, *, maximum: Decimal | None, multiple: Decimal = ONE, minimum: Decimal = ZERO) -> Lots:
    """Cut `quantity` into orders of at most `maximum`, each a multiple and at least `minimum`.

    A last lot below the minimum borrows from the one before it; where that would drag the other below the minimum
    too, it is raised.
    """
    if quantity <= 0:
        return Lots((), ())
    if maximum is None or quantity <= maximum:
        return Lots((quantity,), ())
    full = _to_multiple(maximum, multiple, ROUND_FLOOR)
    if full <= 0 or full < minimum:
        raise Invalid("leaves no multiple between the minimum order quantity and itself", field="maximum_lot")
    whole, last = divmod(quantity, full)
    if whole > MOST_LOTS:
        raise Invalid(f"would split {_say(quantity)} into more than {MOST_LOTS} orders", field="maximum_lot")
    lots = [full] * int(whole)
    steps = [f"split by the maximum lot of {_say(maximum)}"]
    if last:
        if last < minimum:
            smallest = _to_multiple(minimum, multiple, ROUND_CEILING)
            short = f"the last lot of {_say(last)} was below the minimum order quantity"
            if full - (smallest - last) >= smallest:
                lots[-1] = full - (smallest - last)
                steps.append(f"{short} and took {_say(smallest - last)} from the one before")
            else:
                steps.append(f"{short} and was raised to {_say(smallest)}")
            last = smallest
        lots.append(last)
    steps[0] = f"{steps[0]} into {' + '.join(_say(lot) for lot in lots)}"
    return Lots(tuple(lots), tuple(steps))


def check_lot(minimum: Decimal, multiple: Decimal, maximum: Decimal | None, units_each: Decimal = ONE) -> None:
    """Raises Invalid, naming the field, for lot rules that no quantity can meet."""
    not_negative("minimum_quantity", minimum)
    positive("order_multiple", multiple)
    positive("units_per_purchase_unit", units_each)
    if maximum is not None:
        positive("maximum_lot", maximum)
        if _to_multiple(maximum, multiple, ROUND_FLOOR) < max(minimum, multiple):
            raise Invalid("leaves no multiple between the minimum order quantity and itself", field="maximum_lot")


def _to_multiple(quantity: Decimal, multiple: Decimal, direction: str) -> Decimal:
    return (quantity / multiple).to_integral_value(direction) * multiple


def _say(quantity: Decimal, unit: str = "") -> str:
    text = plain(Decimal(f"{quantity:.6f}"))
    return f"{text} {unit}" if unit else text
