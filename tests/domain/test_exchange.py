"""Money of suppliers in our own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.exchange import Rate, Rates

D = Decimal
TODAY = date(2026, 11, 24)  # a Tuesday
EUROS = Rates(
    "EUR",
    (
        Rate(currency="USD", day=date(2026, 1, 1), rate=D("0.95")),
        Rate(currency="USD", day=date(2026, 11, 1), rate=D("0.90")),
        Rate(currency="USD", day=date(2026, 12, 1), rate=D("0.80")),
    ),
)


def test_the_rate_is_the_last_one_before_the_day() -> None:
    assert EUROS.convert(D(100), "USD", date(2026, 10, 31)) == 95
    assert EUROS.convert(D(100), "USD", TODAY) == 90
    assert EUROS.convert(D(100), "EUR", TODAY) == 100


def test_a_currency_without_a_rate_is_refused() -> None:
    with pytest.raises(Invalid, match="rates: no rate from GBP to EUR"):
        EUROS.rate("GBP", TODAY)
    with pytest.raises(Invalid, match="rates: no rate from USD to EUR on or before 2025"):
        EUROS.rate("USD", date(2025, 12, 31))
    with pytest.raises(Invalid, match=r"rates\.1\.day: a second rate for USD"):
        Rates("EUR", (Rate(currency="USD", day=TODAY, rate=D(1)), Rate(currency="USD", day=TODAY, rate=D(2))))
