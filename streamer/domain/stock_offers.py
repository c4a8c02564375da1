"""Offers as a stock row keeps them, as the values from which a decision is made."""

from __future__ import annotations

from streamer.domain.calendars import EVERY_DAY, calendar_of
from streamer.domain.economic import PriceBreak
from streamer.domain.offers import ONE, Offer
from streamer.domain.stock_rows import Offer as KeptOffer
from streamer.domain.stock_rows import Policy as KeptPolicy
from streamer.domain.stock_rows import StockRow
from streamer.domain.units import day_of
from streamer.messages.applied import SettingsApplied, SupplierFacts


def offer_of(code: str, kept: KeptOffer, supplier: SupplierFacts, policy: KeptPolicy, receipts: list[int]) -> Offer:
    """Raises Invalid, naming the field."""
    return Offer(
        supplier=code,
        currency=kept.currency,
        unit_price=kept.unit_price,
        price_breaks=tuple(
            PriceBreak(
                minimum_quantity=step.minimum_quantity,
                unit_price=step.unit_price,
                maximum_quantity=step.maximum_quantity,
            )
            for step in kept.price_breaks
        ),
        price_scheme=kept.price_scheme,
        minimum_quantity=kept.minimum_quantity,
        order_multiple=kept.order_multiple or ONE,
        maximum_lot=kept.maximum_lot,
        unit=kept.unit,
        units_per_purchase_unit=kept.units_each or ONE,
        priority=kept.rank,
        valid_from=day_of(kept.valid_from),
        valid_until=day_of(kept.valid_until),
        lead_time_days=kept.lead_time_days if policy.lead_time_days is None else policy.lead_time_days,
        supplier_lead_time_days=supplier.lead_time_days,
        measured_lead_times=tuple(receipts),
        lead_time_unit="working_days" if kept.working_days else "calendar_days",
        calendar=calendar_of(supplier.calendar) if supplier.calendar is not None else EVERY_DAY,
        freight_per_order=kept.freight_per_order,
        freight_per_unit=kept.freight_per_unit,
        duty_rate=kept.duty_rate,
        supplier_sku=kept.supplier_sku,
    )


def offers_of(row: StockRow, settings: SettingsApplied, policy: KeptPolicy) -> tuple[Offer, ...]:
    """Of suppliers that the settings know, whether or not they are valid today."""
    return tuple(
        offer_of(code, kept, settings.suppliers[code], policy, row.receipts.get(code, []))
        for code, kept in sorted(row.offers.items())
        if not kept.withdrawn and code in settings.suppliers
    )
