"""The needs that a suggestion for a stock row becomes, with the numbers and words that led to them."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.explaining import explain
from streamer.domain.offers import unit_price_of
from streamer.domain.planning import Suggestion
from streamer.domain.stock_jobs import why_jobs
from streamer.domain.stock_planning import needed_by, needs_demand
from streamer.domain.stock_rows import Open, Policy, StockRow
from streamer.domain.units import ZERO, utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.purchasing import Need, Why


def needs_of(
    key: str, row: StockRow, now_ms: int, cause: str, policy: Policy, suggestion: Suggestion, settings: SettingsApplied
) -> list[Message]:
    """One need for each lot, each added to what is on its way in the same step."""
    location, _, sku = key.partition("/")
    taken, view = suggestion.choice.taken, suggestion.view
    offer = taken.offer
    each = offer.units_per_purchase_unit
    why = _why(suggestion, cause, settings.currency, row)
    first_day = needed_by(row)
    needs: list[Message] = []
    for lot in suggestion.lots:
        need_id = _next_id(key, row)
        row.incoming = {**row.incoming, need_id: Open(lot, offer.supplier)}
        needs.append(
            Need(
                need_id=need_id,
                supplier=offer.supplier,
                sku=sku,
                location=location,
                quantity=lot / each,
                unit=offer.unit,
                supplier_sku=offer.supplier_sku,
                description=_description(row),
                unit_price=unit_price_of(offer, lot / each),
                currency=offer.currency,
                units_each=each,
                maximum_lot=offer.maximum_lot,
                lead_time_days=view.lead_days,
                needed_by=first_day,
                automatic=policy.automatic,
                at=utc(now_ms),
                why=why,
            )
        )
    return needs


def _next_id(key: str, row: StockRow) -> str:
    need_id = ""
    while not need_id or need_id in row.incoming or need_id in row.finished:
        row.reorder_seq += 1
        need_id = f"need:{key}/{row.reorder_seq}"
    return need_id


def _why(suggestion: Suggestion, cause: str, currency: str, row: StockRow) -> Why:
    told, numbers = explain(suggestion), suggestion.view.projection
    level = told.reorder_point
    forecast = row.policy is not None and needs_demand(row.policy)
    up_to = told.order_up_to if told.order_up_to is not None else numbers.projected + told.wanted
    return Why(
        on_hand=numbers.on_hand,
        reserved=numbers.reserved,
        waitlisted=numbers.waitlisted,
        incoming=numbers.incoming,
        incoming_later=numbers.incoming_later,
        safety=numbers.safety,
        projected=numbers.projected,
        reorder_point=_amount(level if level is not None else ZERO),
        order_up_to=_amount(max(up_to, ZERO)),
        trigger=told.trigger,
        wanted=_amount(told.wanted),
        rounding=told.rounding,
        lead_time_days=told.lead_days,
        supplier=suggestion.choice.taken.offer.supplier,
        alternative=told.alternative,
        cause=cause,
        policy=told.policy if row.policy is not None else "waiting only",
        decision=told.decision,
        safety_words=told.safety,
        demand=told.demand if forecast else None,
        expected_demand=_amount(told.expected_demand) if forecast else None,
        lead_time=told.lead_time,
        arrival=told.arrival,
        supplier_words=told.supplier,
        landed_cost=_amount(told.landed_cost),
        currency=currency,
        runs_out=told.runs_out.isoformat() if told.runs_out else None,
        covers_until=told.covers_until.isoformat() if told.covers_until else None,
        lots=suggestion.lots if len(suggestion.lots) > 1 else (),
        notes=(*told.notes, *((row.policy.raised_because,) if row.policy and row.policy.raised_because else ())),
        jobs=why_jobs(row),
    )


def _amount(number: Decimal) -> Decimal:
    """At most six places, as messages carry them."""
    return number if -int(number.as_tuple().exponent) <= 6 else Decimal(plain(Decimal(f"{number:.6f}")))


def _description(row: StockRow) -> str | None:
    return next((facts.description for facts in row.facts.values() if facts.description), None)
