"""A season, usually the week: a workshop sells little on Saturday and nothing on Sunday.

Additive Holt-Winters without trend (Winters 1960; Hyndman, Athanasopoulos, *Forecasting: Principles and Practice*,
section 8.3). Additive, since a day with no demand at all would end a multiplicative season.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from streamer.domain.forecasting.base import Fit, Parameters, check_history, choices, fit, mean_squared_error


def seasonal_week(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """Level and one term for each period of the season; two whole seasons at least."""
    season = parameters.season
    check_history(history, least=2 * season)
    runs = [
        (alpha, gamma, *_smoothed(history, alpha, gamma, season))
        for alpha, gamma in product(choices(parameters.alpha), choices(parameters.gamma))
    ]
    alpha, gamma, fitted, level, terms = min(runs, key=lambda run: mean_squared_error(history, run[2]))
    path = [level + terms[(len(history) + step) % season] for step in range(horizon)]
    return fit("seasonal_week", {"alpha": alpha, "gamma": gamma, "season": season}, history, fitted, path)


def _smoothed(
    history: Sequence[float], alpha: float, gamma: float, season: int
) -> tuple[list[float | None], float, list[float]]:
    """The first two seasons give the start: their mean, and the mean distance from it of each place in the season."""
    level = sum(history[: 2 * season]) / (2 * season)
    terms = [(history[place] + history[place + season]) / 2 - level for place in range(season)]
    fitted: list[float | None] = []
    for index, value in enumerate(history):
        place = index % season
        fitted.append(level + terms[place] if index >= season else None)
        before = level
        level += alpha * (value - terms[place] - level)
        terms[place] += gamma * (value - before - terms[place])
    return fitted, level, terms


YEAR_DAYS = 364  # whole weeks, so that a Monday is compared with Mondays
LEAST_HISTORY_DAYS = 350
HALF_WINDOW_DAYS = 14
LEAST_FACTOR, LARGEST_FACTOR = 0.5, 2.0


def year_factors(history: Sequence[float], horizon: int) -> tuple[float, ...] | None:
    """How much more (or less) was asked for around the same day of last year than around this one: one for each day.

    Ratios of two means over four weeks, between a half and two, since one year is one sample. None where the history
    is shorter than 350 days, or nothing was asked for around this day of last year.
    """
    start = len(history) - YEAR_DAYS
    if len(history) < LEAST_HISTORY_DAYS:
        return None
    now = _around(history, start)
    if not now:
        return None
    return tuple(
        min(max(_around(history, start + ahead) / now, LEAST_FACTOR), LARGEST_FACTOR) for ahead in range(horizon)
    )


def _around(history: Sequence[float], day: int) -> float:
    window = history[max(day - HALF_WINDOW_DAYS, 0) : max(day + HALF_WINDOW_DAYS + 1, 1)]
    return sum(window) / len(window) if window else 0.0
