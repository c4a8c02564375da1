"""The week of a workshop."""

from __future__ import annotations

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.forecasting.base import Parameters
from streamer.domain.forecasting.seasons import seasonal_week

WEEK = [10, 12, 11, 13, 14, 4, 0]


def test_an_unchanging_week_is_repeated_from_the_right_day_on() -> None:
    path = seasonal_week((WEEK * 5)[:33], 9, Parameters()).forecast

    assert path == pytest.approx([4, 0, *WEEK], abs=1e-9)


def test_the_week_follows_a_rising_level() -> None:
    history = [value + 2 * (index // 7) for index, value in enumerate(WEEK * 12)]

    path = seasonal_week(history, 7, Parameters()).forecast

    assert sum(path) == pytest.approx(sum(history[-7:]), rel=0.1)
    assert path[4] > path[0] > path[5] > path[6]


def test_one_step_by_hand() -> None:
    # season of 2: level 5, terms -2 and +2; then 5: level 5 + 0.5 * (5 + 2 - 5), term -2 + 0.5 * (5 - 5 + 2)
    fit = seasonal_week([3, 7, 3, 7, 5], 2, Parameters(alpha=0.5, gamma=0.5, season=2))

    assert fit.fitted == (None, None, 3.0, 7.0, 3.0)
    assert fit.forecast == (8.0, 5.0)


def test_less_than_two_weeks_show_no_season() -> None:
    with pytest.raises(Invalid, match="at least 14 are needed"):
        seasonal_week(WEEK, 7, Parameters())
