"""Moving average and simple exponential smoothing: demand without trend or season.

Brown 1959; NIST/SEMATECH e-Handbook of Statistical Methods, 6.4.3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamer.domain.forecasting.base import Fit, Parameters, check_history, choices, fit, mean_squared_error


def moving_average(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """The mean of the last `window` periods, or of all while there are fewer."""
    check_history(history)
    window = parameters.window
    fitted: list[float | None] = []
    total = 0.0
    for index, value in enumerate(history):
        fitted.append(total / min(index, window) if index else None)
        total += value - (history[index - window] if index >= window else 0.0)
    mean = sum(history[-window:]) / min(len(history), window)
    return fit("moving_average", {"window": window}, history, fitted, [mean] * horizon)


def exponential_smoothing(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """S' = alpha * y + (1 - alpha) * S, from the first value (or `initial`) on."""
    check_history(history)
    runs = [(alpha, *_smoothed(history, alpha, parameters.initial)) for alpha in choices(parameters.alpha)]
    alpha, fitted, level = min(runs, key=lambda run: mean_squared_error(history, run[1]))
    return fit("exponential_smoothing", {"alpha": alpha}, history, fitted, [level] * horizon)


def _smoothed(history: Sequence[float], alpha: float, initial: float | None) -> tuple[list[float | None], float]:
    fitted: list[float | None] = []
    level = initial
    for value in history:
        fitted.append(level)
        level = value if level is None else level + alpha * (value - level)
    return fitted, level if level is not None else 0.0
