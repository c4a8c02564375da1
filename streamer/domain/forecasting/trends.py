"""Holt's linear trend, damped on request: demand that grows or fades.

Holt 1957; NIST/SEMATECH e-Handbook, 6.4.3.3 (start of the trend: the mean of the first differences); damping after
Gardner, McKenzie 1985.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from streamer.domain.forecasting.base import Fit, Parameters, check_history, choices, fit, mean_squared_error


def holt(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """Level and trend; two periods at least. The trend starts as the mean of the first three differences."""
    check_history(history, least=2)
    damping = parameters.damping
    runs = [
        (alpha, beta, *_smoothed(history, alpha, beta, damping))
        for alpha, beta in product(choices(parameters.alpha), choices(parameters.beta))
    ]
    alpha, beta, fitted, level, trend = min(runs, key=lambda run: mean_squared_error(history, run[2]))
    path, weight, step = [], 0.0, 1.0
    for _ in range(horizon):
        step *= damping
        weight += step
        path.append(level + weight * trend)
    used = {"alpha": alpha, "beta": beta, "damping": damping}
    return fit("holt", used, history, fitted, path)


def _smoothed(
    history: Sequence[float], alpha: float, beta: float, damping: float
) -> tuple[list[float | None], float, float]:
    first = min(3, len(history) - 1)
    level, trend = history[0], (history[first] - history[0]) / first
    fitted: list[float | None] = [None]
    for value in history[1:]:
        guess = level + damping * trend
        fitted.append(guess)
        before, level = level, guess + alpha * (value - guess)
        trend = beta * (level - before) + (1 - beta) * damping * trend
    return fitted, level, trend
