"""Why this number: a suggestion in numbers and words, the same for `streamer plan`, a need and the console."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from streamer.domain.checks import ZERO
from streamer.domain.planning import Suggestion


class Explained(NamedTuple):
    """What led to a suggestion. Amounts in the company's currency, quantities in stock units."""

    policy: str
    trigger: str
    decision: str
    reorder_point: Decimal | None
    order_up_to: Decimal | None
    covers_until: date | None
    safety: str
    demand: str
    expected_demand: Decimal  # until an order placed now arrives
    runs_out: date | None
    lead_time: str
    lead_days: int  # until what is ordered now can be used
    arrival: tuple[str, ...]
    wanted: Decimal
    rounding: tuple[str, ...]
    supplier: str
    alternative: str | None
    landed_cost: Decimal
    notes: tuple[str, ...]


def explain(suggestion: Suggestion) -> Explained:
    """All numbers and words of a suggestion."""
    view, choice, taken = suggestion.view, suggestion.choice, suggestion.choice.taken
    return Explained(
        policy=suggestion.policy.__struct_config__.tag,  # type: ignore[arg-type]  # every policy has a tag
        trigger=suggestion.policy.trigger,
        decision=view.wanted.words,
        reorder_point=view.wanted.reorder_point,
        order_up_to=view.wanted.order_up_to,
        covers_until=view.wanted.covers_until,
        safety=view.safety.words,
        demand=suggestion.expectation.words,
        expected_demand=sum(suggestion.expectation.by_day[: view.lead_days], ZERO),
        runs_out=suggestion.runs_out,
        lead_time=taken.lead_time.words,
        lead_days=view.lead_days,
        arrival=taken.arrival.steps,
        wanted=view.wanted.quantity,
        rounding=(*taken.rounded.steps, *taken.lots.steps),
        supplier=choice.words,
        alternative=choice.alternative_words,
        landed_cost=taken.landed.total,
        notes=suggestion.notes,
    )
