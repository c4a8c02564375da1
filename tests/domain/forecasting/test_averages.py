"""Demand without trend or season; figures of the NIST/SEMATECH e-Handbook of Statistical Methods."""

from __future__ import annotations

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.forecasting.averages import exponential_smoothing, moving_average
from streamer.domain.forecasting.base import Parameters

# 6.4.3.1: alpha 0.1, mean of squared errors 19.0
NIST = [71, 70, 69, 68, 64, 65, 72, 78, 75, 75, 75, 70]


def test_single_exponential_smoothing_gives_the_table_of_nist() -> None:
    fit = exponential_smoothing(NIST, 1, Parameters(alpha=0.1))

    table = [71, 70.9, 70.71, 70.44, 69.80, 69.32, 69.58, 70.43, 70.88, 71.29, 71.67]
    assert fit.fitted[0] is None
    assert [round(value, 2) for value in fit.fitted[1:] if value is not None] == table
    assert fit.deviation**2 == pytest.approx(19.0, abs=0.05)


def test_the_next_value_after_the_table_of_nist_is_71_50() -> None:
    assert exponential_smoothing(NIST, 3, Parameters(alpha=0.1)).forecast == pytest.approx([71.50] * 3, abs=0.005)


def test_alpha_is_chosen_by_the_least_squared_error() -> None:
    free = exponential_smoothing(NIST, 1, Parameters())

    fixed = [exponential_smoothing(NIST, 1, Parameters(alpha=alpha / 20)).deviation for alpha in (1, 2, 4, 10)]
    assert free.deviation <= min(fixed)


def test_a_moving_average_forgets_what_left_its_window() -> None:
    fit = moving_average([100, 2, 4, 6], 2, Parameters(window=3))

    assert fit.fitted == (None, 100.0, 51.0, 106 / 3)
    assert fit.forecast == (4.0, 4.0)


def test_a_moving_average_of_a_short_history_takes_all_of_it() -> None:
    assert moving_average([3, 5], 1, Parameters(window=28)).forecast == (4,)


@pytest.mark.parametrize(
    ("history", "field"), [([], "history"), ([1, float("nan")], "history.1"), ([1, 2, -3], "history.2")]
)
def test_a_history_that_cannot_be_is_refused_by_its_place(history: list[float], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        moving_average(history, 1, Parameters())

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("values", "field"),
    [({"alpha": 0.0}, "alpha"), ({"beta": 1.1}, "beta"), ({"gamma": float("nan")}, "gamma"), ({"window": 0}, "window")],
)
def test_parameters_that_cannot_be_are_refused_by_name(values: dict[str, float], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Parameters(**values)  # type: ignore[arg-type]

    assert refused.value.field == field
