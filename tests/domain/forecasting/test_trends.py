"""Demand that grows or fades."""

from __future__ import annotations

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.forecasting.base import Parameters
from streamer.domain.forecasting.trends import holt

# NIST/SEMATECH e-Handbook, 6.4.3.3 and 6.4.3.4: alpha 0.3623, gamma (the trend's parameter) 1.0
NIST = [6.4, 5.6, 7.8, 8.8, 11.0, 11.6, 16.7, 15.3, 21.6, 22.4]


def test_double_exponential_smoothing_gives_the_forecasts_of_nist() -> None:
    fit = holt(NIST, 5, Parameters(alpha=0.3623, beta=1.0))

    assert fit.forecast == pytest.approx([25.8, 28.7, 31.7, 34.6, 37.6], abs=0.05)


def test_a_straight_line_is_continued() -> None:
    assert holt([2, 4, 6, 8], 3, Parameters()).forecast == pytest.approx([10, 12, 14])


def test_a_damped_trend_levels_out() -> None:
    path = holt([2, 4, 6, 8], 3, Parameters(alpha=0.5, beta=0.5, damping=0.5)).forecast

    assert path[1] - path[0] == pytest.approx(2 * (path[2] - path[1]))


def test_demand_that_fades_never_goes_below_nothing() -> None:
    assert holt([9, 6, 3, 0], 5, Parameters()).forecast[-1] == 0


def test_one_period_shows_no_trend() -> None:
    with pytest.raises(Invalid, match="history: has 1 periods, at least 2"):
        holt([5], 1, Parameters())
