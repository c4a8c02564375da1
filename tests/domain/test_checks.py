"""Numbers and days that no shop has."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from streamer.domain.checks import Invalid, days, finite, not_past, plausible, positive, share, statistic
from streamer.errors import Malformed

D = Decimal


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "10000001", "-10000001", "1e-7"])
def test_a_quantity_is_a_number_of_this_world(number: str) -> None:
    with pytest.raises(Invalid) as refused:
        finite("quantity", D(number))

    assert refused.value.field == "quantity"


@pytest.mark.parametrize("number", ["0", "-3", "0.000001", "10000000"])
def test_usual_quantities_pass(number: str) -> None:
    finite("quantity", D(number))


def test_what_is_refused_is_a_dead_letter_with_its_field_and_a_value_error_too() -> None:
    with pytest.raises(Malformed, match="price: must be above 0, is 0") as refused:
        positive("price", D(0))

    assert isinstance(refused.value, ValueError)


def test_days_statistics_and_shares_have_their_bounds() -> None:
    days("days", 3660)
    with pytest.raises(Invalid, match="days: must be 1 to 3660 days, is 0"):
        days("days", 0, least=1)
    with pytest.raises(Invalid, match="mean: must be at most 1000000000"):
        statistic("mean", 2e9)
    with pytest.raises(Invalid, match="level: must lie between 0 and 1"):
        share("level", 95)


def test_days_in_the_past_and_of_another_millennium_are_refused() -> None:
    not_past("day", date(2026, 11, 24), date(2026, 11, 24))
    with pytest.raises(Invalid, match="day: 2026-11-23 lies in the past"):
        not_past("day", date(2026, 11, 23), date(2026, 11, 24))
    with pytest.raises(Invalid, match="now: must lie between the years 2000 and 2200"):
        plausible("now", date(9999, 12, 31))
