"""What suppliers ask for one item, and what it costs at our door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from streamer.domain.calendars import EVERY_DAY, Arrival, Calendar, LeadTimeUnit, arrival
from streamer.domain.checks import LARGEST_AMOUNT, ZERO, Invalid, not_negative, not_past
from streamer.domain.economic import PriceBreak, PriceScheme, check_breaks, goods_cost
from streamer.domain.exchange import Rates, check_currency
from streamer.domain.lead_times import LeadTime, check_lead_times, lead_time
from streamer.domain.rounding import Lots, Rounded, RoundingMode, check_lot, round_in_purchase_units, split

ONE = Decimal(1)


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One supplier's terms for one item.

    Prices, minimum, multiple and maximum lot are in purchase units (`unit`), of which one is `units_per_purchase_unit`
    stock units. Give `unit_price`, or `price_breaks` that begin no later than the smallest possible order.
    """

    supplier: str
    currency: str
    unit_price: Decimal | None = None
    price_breaks: tuple[PriceBreak, ...] = ()
    price_scheme: PriceScheme = "all_units"
    minimum_quantity: Decimal = ZERO
    order_multiple: Decimal = ONE
    maximum_lot: Decimal | None = None
    unit: str = "EA"
    units_per_purchase_unit: Decimal = ONE
    priority: int = 1
    valid_from: date | None = None
    valid_until: date | None = None  # the last day
    lead_time_days: int | None = None  # of this item; wins over the supplier's
    supplier_lead_time_days: int | None = None
    measured_lead_times: tuple[int, ...] = ()  # days of past receipts, the most specific of all
    lead_time_unit: LeadTimeUnit = "calendar_days"
    calendar: Calendar = EVERY_DAY
    freight_per_order: Decimal = ZERO  # in the offer's currency
    freight_per_unit: Decimal = ZERO  # for one purchase unit
    duty_rate: Decimal = ZERO  # of the goods' price: 0.045 for 4.5 %
    supplier_sku: str | None = None

    def __post_init__(self) -> None:
        if not self.supplier:
            raise Invalid("must not be empty", field="supplier")
        check_currency("currency", self.currency)
        check_lot(self.minimum_quantity, self.order_multiple, self.maximum_lot, self.units_per_purchase_unit)
        check_lead_times(
            supplier_days=self.supplier_lead_time_days,
            item_days=self.lead_time_days,
            measured_days=self.measured_lead_times,
        )
        for field in ("freight_per_order", "freight_per_unit", "duty_rate"):
            not_negative(field, getattr(self, field), LARGEST_AMOUNT)
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise Invalid(f"{self.valid_until} lies before valid_from {self.valid_from}", field="valid_until")
        if self.unit_price is not None:
            not_negative("unit_price", self.unit_price, LARGEST_AMOUNT)
        elif not self.price_breaks:
            raise Invalid("is needed where there are no price_breaks", field="unit_price")
        if self.price_breaks:
            smallest = max(self.minimum_quantity, self.order_multiple)
            start = smallest if self.unit_price is None else self.price_breaks[0].minimum_quantity
            check_breaks(self.price_breaks, start=start, step=self.order_multiple)

    @property
    def breaks(self) -> tuple[PriceBreak, ...]:
        """All prices as breaks from 0 on."""
        if self.unit_price is None:
            return self.price_breaks
        base = PriceBreak(minimum_quantity=ZERO, unit_price=self.unit_price)
        if self.price_breaks and self.price_breaks[0].minimum_quantity == 0:
            return self.price_breaks
        return (base, *self.price_breaks)


class LandedCost(NamedTuple):
    """What a quantity costs at our door. Amounts in the offer's currency but for the last two."""

    goods: Decimal
    freight: Decimal
    duty: Decimal
    total: Decimal  # in the company's currency
    unit: Decimal  # for one stock unit, in the company's currency


class Candidate(NamedTuple):
    """An offer with all that a choice needs; quantities in stock units."""

    offer: Offer
    lead_time: LeadTime
    arrival: Arrival
    rounded: Rounded
    lots: Lots
    landed: LandedCost


def check_offer(offer: Offer, today: date) -> None:
    """What can be said only with today's date: an offer whose validity has ended is refused when it is loaded."""
    if offer.valid_until is not None:
        not_past("valid_until", offer.valid_until, today)


def is_valid(offer: Offer, on: date) -> bool:
    return (offer.valid_from is None or offer.valid_from <= on) and (
        offer.valid_until is None or on <= offer.valid_until
    )


def lead_time_of(offer: Offer, default_days: int = 0, enough_receipts: int = 5) -> LeadTime:
    """Default, supplier, item, measured: the most specific one that the offer has."""
    return lead_time(
        default_days=default_days,
        supplier_days=offer.supplier_lead_time_days,
        item_days=offer.lead_time_days,
        measured_days=offer.measured_lead_times,
        enough_receipts=enough_receipts,
    )


def unit_price_of(offer: Offer, purchase_quantity: Decimal) -> Decimal:
    """What one purchase unit costs in an order of so many, on the average; to eight places, as amounts are carried."""
    cost = goods_cost(purchase_quantity, offer.breaks, offer.price_scheme)
    exact = cost / purchase_quantity
    return exact if -int(exact.as_tuple().exponent) <= 8 else round(exact, 8)


def landed_cost(offer: Offer, quantity: Decimal, rates: Rates, on: date, orders: int = 1) -> LandedCost:
    """Goods by the price breaks of each order, freight and duty; `quantity` above 0 in stock units."""
    purchase_units = quantity / offer.units_per_purchase_unit
    goods = goods_cost(purchase_units / orders, offer.breaks, offer.price_scheme) * orders
    freight = offer.freight_per_order * orders + offer.freight_per_unit * purchase_units
    duty = goods * offer.duty_rate
    total = rates.convert(goods + freight + duty, offer.currency, on)
    return LandedCost(goods, freight, duty, total, total / quantity)


def landed_cost_of_lots(offer: Offer, lots: Sequence[Decimal], rates: Rates, on: date) -> LandedCost:
    """As `landed_cost`, each lot priced as an order of its own."""
    each = [landed_cost(offer, lot, rates, on) for lot in lots]
    total = sum((cost.total for cost in each), ZERO)
    return LandedCost(
        sum((cost.goods for cost in each), ZERO),
        sum((cost.freight for cost in each), ZERO),
        sum((cost.duty for cost in each), ZERO),
        total,
        total / sum(lots, ZERO),
    )


def candidate(
    offer: Offer,
    wanted: Decimal,
    now: datetime,
    rates: Rates,
    *,
    mode: RoundingMode = "up",
    room: Decimal | None = None,
    urgent: bool = False,
    receiving: Calendar = EVERY_DAY,
    default_lead_time_days: int = 0,
    enough_receipts: int = 5,
) -> Candidate:
    """The offer applied to what is wanted. With nothing wanted the smallest possible order shows what it would cost."""
    time = lead_time_of(offer, default_lead_time_days, enough_receipts)
    expected = arrival(now, time.days, supplier=offer.calendar, receiving=receiving, unit=offer.lead_time_unit)
    terms = {"minimum": offer.minimum_quantity, "multiple": offer.order_multiple}
    rounded = round_in_purchase_units(
        wanted,
        units_each=offer.units_per_purchase_unit,
        unit=offer.unit,
        mode=mode,
        room=room,
        urgent=urgent,
        **terms,
    )
    each = offer.units_per_purchase_unit
    cut = split(rounded.quantity / each, maximum=offer.maximum_lot, **terms)
    lots = Lots(tuple(lot * each for lot in cut.quantities), cut.steps)
    shown = lots.quantities or (max(offer.minimum_quantity, offer.order_multiple) * each,)
    return Candidate(offer, time, expected, rounded, lots, landed_cost_of_lots(offer, shown, rates, expected.ordered))
