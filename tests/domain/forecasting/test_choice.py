"""Which method for this item."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.forecasting.base import METHODS, Parameters
from streamer.domain.forecasting.choice import FITTERS, METHOD_CHOICES, Selection, back_test, forecast


def a_workshops_weeks(count: int, seed: int = 7) -> list[float]:
    chance = random.Random(seed)
    return [max(0.0, day + chance.gauss(0, 1)) for _ in range(count) for day in (10, 12, 11, 13, 14, 4, 0)]


def test_every_method_that_can_be_named_is_there() -> None:
    assert tuple(FITTERS) == METHODS
    assert set(METHOD_CHOICES) == {*METHODS, *get_args(Selection)}
    history = a_workshops_weeks(4)
    for method in METHODS:
        assert forecast(history, 3, method).fit.method == method
        assert len(forecast(history, 3, method).fit.forecast) == 3


def test_the_back_test_finds_the_week_of_a_workshop() -> None:
    chosen = forecast(a_workshops_weeks(30), 7, "best")

    assert chosen.fit.method == "seasonal_week"
    assert chosen.errors["seasonal_week"] == min(chosen.errors.values())
    assert chosen.words.startswith("seasonal_week: the least error in the back-test")


def test_the_back_test_finds_a_trend() -> None:
    assert forecast([10 + 3 * week for week in range(40)], 4, "best").fit.method == "holt"


def test_parameters_of_a_back_test_are_chosen_without_its_test_periods() -> None:
    quiet = a_workshops_weeks(30)
    shifted = quiet[:-7] + [value + 50 for value in quiet[-7:]]

    errors = back_test(shifted, Parameters(), 7)
    trained = FITTERS["exponential_smoothing"](quiet[:-7], 1, Parameters()).parameters["alpha"]
    fixed = back_test(shifted, Parameters(alpha=trained), 7)
    assert errors["exponential_smoothing"] == fixed["exponential_smoothing"]


def test_a_history_too_short_for_a_season_is_tested_without_it() -> None:
    assert "seasonal_week" not in back_test([1, 2, 3, 4, 5, 6, 7, 8], Parameters())


def test_one_day_of_history_still_has_a_forecast() -> None:
    for method in get_args(Selection):
        assert forecast([3], 2, method).fit.forecast == (3, 3)


def test_by_class_a_rare_part_gets_sba_and_says_why() -> None:
    chosen = forecast([0, 0, 2, 0, 0, 3, 0, 2, 0, 0, 0, 2], 5)

    assert chosen.fit.method == "sba"
    assert "intermittent" in chosen.words


def test_a_spike_is_cut_before_the_forecast_unless_that_is_not_wanted() -> None:
    history = [4, 5, 6, 5, 4, 200, 5, 6]

    assert forecast(history, 1, "moving_average").fit.forecast[0] == pytest.approx(6.25)
    assert forecast(history, 1, "moving_average", spike_deviations=None).fit.forecast[0] == pytest.approx(29.375)


def test_what_cannot_be_forecast_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="method: 'magic' is none of moving_average"):
        forecast([1, 2], 1, "magic")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="horizon: must be 1 to 3660 days"):
        forecast([1, 2], 0)
    with pytest.raises(Invalid, match="history: has 5 periods, at least 14"):
        forecast([1, 2, 3, 4, 5], 1, "seasonal_week")
