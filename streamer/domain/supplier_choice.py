"""Which supplier gets the order, and why the next best one does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from streamer.domain.checks import Invalid
from streamer.domain.offers import Candidate
from streamer.messages.base import plain

SupplierChoice = Literal[
    "primary",  # the lowest priority number, then the supplier's code
    "cheapest",  # the lowest landed cost for a unit, in the company's currency
    "earliest",  # the earliest arrival
]


class Choice(NamedTuple):
    """The candidate taken, the best one not taken, and the words for both."""

    taken: Candidate
    alternative: Candidate | None
    words: str
    alternative_words: str | None


def choose(
    candidates: Sequence[Candidate], rule: SupplierChoice, currency: str, needed_by: date | None = None
) -> Choice:
    """One of at least one candidate. Those that arrive by `needed_by` come before those that do not."""
    if not candidates:
        raise Invalid("no offer is valid", field="offers")
    ranked = sorted(candidates, key=lambda each: (_is_late(each, needed_by), *_rank(each, rule)))
    taken, alternative = ranked[0], ranked[1] if len(ranked) > 1 else None
    if alternative is None:
        return Choice(taken, None, f"{describe(taken, currency)}: the only offer", None)
    passed_over = any(_is_late(each, needed_by) and _rank(each, rule) < _rank(taken, rule) for each in candidates)
    saved = passed_over and not _is_late(taken, needed_by)
    reason = f"arrives by {needed_by}" if saved else _REASONS[rule]
    against = _against(alternative, taken, rule, needed_by)
    return Choice(
        taken,
        alternative,
        f"{describe(taken, currency)}: {reason}",
        f"{describe(alternative, currency)}: not taken, {against}",
    )


def describe(candidate: Candidate, currency: str) -> str:
    """Supplier, landed price for a stock unit, arrival."""
    return f"{candidate.offer.supplier} at {money(candidate.landed.unit)} {currency}, {candidate.arrival.arrives}"


def money(amount: Decimal) -> str:
    """At most four decimals, as people write it."""
    return plain(Decimal(f"{amount:.4f}"))


_REASONS = {
    "primary": "the primary supplier",
    "cheapest": "the lowest landed cost",
    "earliest": "the earliest arrival",
}


def _rank(candidate: Candidate, rule: SupplierChoice) -> tuple[Decimal | int | str, ...]:
    offer, unit, day = candidate.offer, candidate.landed.unit, candidate.arrival.arrives.toordinal()
    if rule == "cheapest":
        return (unit, day, offer.priority, offer.supplier)
    if rule == "earliest":
        return (day, unit, offer.priority, offer.supplier)
    return (offer.priority, offer.supplier, unit, day)


def _is_late(candidate: Candidate, needed_by: date | None) -> bool:
    return needed_by is not None and candidate.arrival.arrives > needed_by


def _against(loser: Candidate, winner: Candidate, rule: SupplierChoice, needed_by: date | None) -> str:
    if _is_late(loser, needed_by) and not _is_late(winner, needed_by):
        return f"it arrives after {needed_by}"
    if rule == "primary":
        return f"priority {loser.offer.priority} comes after {winner.offer.priority}"
    if rule == "cheapest":
        dearer = loser.landed.unit - winner.landed.unit
        return f"{money(dearer)} a unit dearer" if dearer else "the same price, but later or of lower priority"
    later = (loser.arrival.arrives - winner.arrival.arrives).days
    return f"{later} days later" if later else "the same day, but dearer or of lower priority"
