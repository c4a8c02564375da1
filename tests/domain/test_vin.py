"""Vehicle identification numbers are checked before anybody is asked about them."""

from __future__ import annotations

import pytest

from streamer.domain import vin


@pytest.mark.parametrize("number", ["1M8GDM9AXKP042788", "11111111111111111", " 1m8gdm9axkp042788 "])
def test_a_right_check_digit_is_accepted(number: str) -> None:
    assert vin.check(number) == (number.strip().upper(), None, None)


@pytest.mark.parametrize(
    "number", ["", "1M8GDM9AXKP04278", "1M8GDM9AXKPO42788", "1M8GDM9AXKP0427888", "ÄM8GDM9AXKP042788"]
)
def test_what_has_not_the_form_of_a_vin_is_an_error(number: str) -> None:
    assert vin.check(number).error is not None


def test_a_wrong_check_digit_is_an_error_in_north_america_and_a_warning_elsewhere() -> None:
    assert "mistyped" in (vin.check("1M8GDM9A1KP042788").error or "")
    european = vin.check("WVWZZZ1JZXW000001")
    assert european.error is None
    assert european.warning is not None


@pytest.mark.parametrize("place", [place for place in range(17) if place != 8])
def test_one_mistyped_digit_is_always_found(place: int) -> None:
    good = "11111111111111111"
    assert vin.check(f"{good[:place]}2{good[place + 1 :]}").error is not None


def test_the_year_letter_repeats_every_thirty_years() -> None:
    assert vin.model_years("1M8GDM9AXKP042788") == (1989,)
    assert vin.model_years("1FTFW11TXLFA00001") == (1990,)
    assert vin.model_years("1FTFW1ETXLFA00001") == (2020,)
    assert vin.model_years("WVWZZZ1JZXW000001") == (1999, 2029)
    assert vin.model_years("WVWZZZ1JZ0W000001") == ()


def test_a_range_may_be_given_by_the_beginning_of_its_vins() -> None:
    assert vin.in_range("1M8GDM9AXKP042788", "1M8GDM9A", "1M8GDM9B")
    assert vin.in_range("1M8GDM9AXKP042788", None, "1M8GDM9AXKP042788")
    assert not vin.in_range("1M8GDM9AXKP042788", "1M8GDM9AXKP042789", None)
    assert not vin.in_range("1M8GDM9AXKP042788", None, "1M8GDM8")
