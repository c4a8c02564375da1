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
