"""Policies and offers as a stock row keeps them: checked when they are told, so that no decision meets a bad one."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.offers import ONE
from streamer.domain.offers import Offer as CheckedOffer
from streamer.domain.policies import MinMax
from streamer.domain.stock_offers import offer_of
from streamer.domain.stock_rows import Offer, Policy, PriceStep, StockRow
from streamer.domain.terms import demand_of, policy_of, safety_of
from streamer.domain.units import day_of
from streamer.errors import Malformed
from streamer.messages.applied import SupplierFacts
from streamer.messages.stock import ItemPolicy, SupplierOffer

RECEIPTS_KEPT = 12  # of each supplier, for the lead time that is measured
_ANYBODY = SupplierFacts(name="anybody", account="any", currency="XXX")
_NO_POLICY = Policy(0, Decimal(0), Decimal(0))


def policy_row(event: ItemPolicy) -> Policy:
    """Raises Invalid, naming the field."""
    safety = safety_of(event.safety_stock) if event.safety_stock is not None else None
    rule = policy_of(event.rule) if event.rule is not None else None
    if rule is None and (safety is not None or event.follow_demand):
        rule = MinMax(
            reorder_point=event.reorder_point,
            order_up_to=event.order_up_to,
            trigger=event.trigger,
            rounding=event.rounding,
        )
    _is_day("snoozed_until", event.snoozed_until)
    return Policy(
        event.version, event.reorder_point, event.order_up_to, event.trigger, event.rounding, event.safety,
        event.automatic, event.lead_time_days, rule, safety, event.supplier_choice,
        demand_of(event.demand) if event.demand is not None else None, event.follow_demand, event.snoozed_until,
    )  # fmt: skip


def offer_row(event: SupplierOffer) -> Offer:
    """Raises Invalid, naming the field, for an offer that could never be ordered from."""
    offer = Offer(
        version=event.version,
        unit_price=event.unit_price,
        currency=event.currency,
        unit=event.unit,
        supplier_sku=event.supplier_sku,
        minimum_quantity=event.minimum_quantity,
        order_multiple=event.order_multiple if event.order_multiple != ONE else None,
        lead_time_days=event.lead_time_days,
        rank=event.rank,
        withdrawn=event.withdrawn,
        price_breaks=[
            PriceStep(step.minimum_quantity, step.unit_price, step.maximum_quantity) for step in event.price_breaks
        ],
        price_scheme=event.price_scheme,
        maximum_lot=event.maximum_lot,
        units_each=event.units_per_purchase_unit if event.units_per_purchase_unit != ONE else None,
        valid_from=event.valid_from,
        valid_until=event.valid_until,
        working_days=event.lead_time_unit == "working_days",
        freight_per_order=event.freight_per_order,
        freight_per_unit=event.freight_per_unit,
        duty_rate=event.duty_rate,
    )
    if not event.withdrawn:
        _is_day("valid_from", event.valid_from)
        _is_day("valid_until", event.valid_until)
        checked(event.supplier, offer)
    return offer


def checked(supplier: str, offer: Offer) -> CheckedOffer:
    """The offer as decisions see it, of a supplier without terms of its own."""
    return offer_of(supplier, offer, _ANYBODY, _NO_POLICY, [])


def measure(row: StockRow, supplier: str, took_days: int) -> None:
    """A delivery of a supplier took so long; the last of them are kept."""
    if took_days >= 0:
        row.receipts[supplier] = [*row.receipts.get(supplier, ())[1 - RECEIPTS_KEPT :], min(took_days, 3660)]


def _is_day(field: str, text: str | None) -> None:
    if text is not None and day_of(text) is None:
        raise Malformed(f"{text!r} is no ISO date", field=field)
