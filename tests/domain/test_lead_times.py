"""How long a supplier takes, as far as anybody knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamer.domain.lead_times import lead_time
from streamer.domain.offers import Offer, lead_time_of

D = Decimal


def offer(**terms: Any) -> Offer:
    return Offer(**{"supplier": "ACME", "currency": "EUR", "unit_price": D(10), **terms})


def test_the_most_specific_lead_time_wins() -> None:
    assert lead_time_of(offer(), default_days=9) == (9, 0.0, "default", "9 days by default")
    assert lead_time_of(offer(supplier_lead_time_days=7), default_days=9).days == 7
    assert lead_time_of(offer(supplier_lead_time_days=7, lead_time_days=5), default_days=9).days == 5


def test_measured_lead_times_win_when_there_are_enough_receipts() -> None:
    few, enough = (4, 5, 6, 5), (4, 5, 6, 5, 4)

    assert lead_time_of(offer(lead_time_days=2, measured_lead_times=few)).source == "item"
    measured = lead_time_of(offer(lead_time_days=2, measured_lead_times=enough))
    assert (measured.days, measured.source) == (5, "measured")
    assert measured.deviation == pytest.approx(0.83666, abs=1e-5)
    assert lead_time(item_days=2, measured_days=few, enough_receipts=4).days == 5
