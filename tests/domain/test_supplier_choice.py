"""Which supplier gets the order, and why the next best one does not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain.economic import PriceBreak
from streamer.domain.exchange import Rate, Rates
from streamer.domain.offers import Candidate, Offer, candidate
from streamer.domain.supplier_choice import choose

D = Decimal
TODAY = date(2026, 11, 24)  # a Tuesday
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
EUROS = Rates(
    "EUR",
    (
        Rate(currency="USD", day=date(2026, 1, 1), rate=D("0.95")),
        Rate(currency="USD", day=date(2026, 11, 1), rate=D("0.90")),
        Rate(currency="USD", day=date(2026, 12, 1), rate=D("0.80")),
    ),
)


def offer(**terms: Any) -> Offer:
    return Offer(**{"supplier": "ACME", "currency": "EUR", "unit_price": D(10), **terms})


def applied(wanted: int, **terms: Any) -> Candidate:
    return candidate(offer(**terms), D(wanted), NOW, EUROS)


CHEAP = {"supplier": "SLOW", "currency": "USD", "unit_price": D("10.50"), "lead_time_days": 20, "priority": 2}
FAST = {"supplier": "FAST", "unit_price": D(11), "lead_time_days": 2, "priority": 3}
PRIMARY = {"supplier": "MAIN", "unit_price": D(10), "lead_time_days": 7, "priority": 1}


@pytest.mark.parametrize(
    ("rule", "supplier", "other", "reason"),
    [
        ("primary", "MAIN", "SLOW", "priority 2 comes after 1"),
        ("cheapest", "SLOW", "MAIN", "0.55 a unit dearer"),
        ("earliest", "FAST", "MAIN", "5 days later"),
    ],
)
def test_the_supplier_is_chosen_by_rule_and_the_alternative_is_named(
    rule: Any, supplier: str, other: str, reason: str
) -> None:
    choice = choose([applied(10, **terms) for terms in (CHEAP, FAST, PRIMARY)], rule, "EUR")

    assert choice.taken.offer.supplier == supplier
    assert choice.alternative is not None
    assert choice.alternative.offer.supplier == other
    assert choice.alternative_words is not None
    assert choice.alternative_words.endswith(reason)


def test_price_breaks_can_make_the_dearer_list_price_the_cheaper_offer() -> None:
    breaks = (PriceBreak(minimum_quantity=D(50), unit_price=D(8)),)
    offers = ({"supplier": "A", "unit_price": D(9)}, {"supplier": "B", "unit_price": D(10), "price_breaks": breaks})

    assert choose([applied(40, **terms) for terms in offers], "cheapest", "EUR").taken.offer.supplier == "A"
    assert choose([applied(60, **terms) for terms in offers], "cheapest", "EUR").taken.offer.supplier == "B"


def test_a_supplier_who_would_be_too_late_is_passed_over_if_another_is_in_time() -> None:
    candidates = [applied(10, **terms) for terms in (CHEAP, FAST, PRIMARY)]

    choice = choose(candidates, "cheapest", "EUR", needed_by=date(2026, 12, 1))

    assert choice.taken.offer.supplier == "MAIN"
    assert choice.words.endswith("arrives by 2026-12-01")
    assert choose(candidates, "cheapest", "EUR", needed_by=TODAY).taken.offer.supplier == "SLOW"
