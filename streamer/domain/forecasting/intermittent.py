"""Parts that are asked for now and then: Croston, its correction SBA, and TSB for parts that fade away.

Croston 1972; Syntetos, Boylan, *The accuracy of intermittent demand estimates*, Int. J. of Forecasting 21 (2005): the
factor 1 - beta / 2 takes out Croston's bias; Teunter, Syntetos, Babai, *Intermittent demand: linking forecasting to
inventory obsolescence*, EJOR 214 (2011): the probability of demand is updated in every period, so it falls to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from streamer.domain.forecasting.base import Fit, Method, Parameters, check_history, choices, fit, mean_squared_error

Run = tuple[list[float | None], float]


def croston(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """Size of demand over the interval between demands, each smoothed when there is demand."""
    return _best("croston", _croston, history, horizon, parameters)


def sba(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """Croston times 1 - beta / 2, where beta smooths the interval."""
    return _best("sba", _sba, history, horizon, parameters)


def tsb(history: Sequence[float], horizon: int, parameters: Parameters) -> Fit:
    """Size of demand times its probability; the probability also falls in periods without demand."""
    return _best("tsb", _tsb, history, horizon, parameters)


def _best(
    method: Method,
    run: Callable[[Sequence[float], float, float], Run],
    history: Sequence[float],
    horizon: int,
    parameters: Parameters,
) -> Fit:
    check_history(history)
    if not any(history):
        return fit(method, {}, history, [0.0] * len(history), [0.0] * horizon)
    runs = [
        (alpha, beta, *run(history, alpha, beta))
        for alpha, beta in product(choices(parameters.alpha), choices(parameters.beta))
    ]
    alpha, beta, fitted, level = min(runs, key=lambda each: mean_squared_error(history, each[2]))
    return fit(method, {"alpha": alpha, "beta": beta}, history, fitted, [level] * horizon)


def _croston(history: Sequence[float], alpha: float, beta: float) -> Run:
    """Starts with the first demand: its size, and the number of periods up to it as the interval."""
    fitted: list[float | None] = []
    size, interval, since, guess = 0.0, 0.0, 1, None
    for value in history:
        fitted.append(guess)
        if not value:
            since += 1
            continue
        if guess is None:
            size, interval = value, float(since)
        else:
            size += alpha * (value - size)
            interval += beta * (since - interval)
        guess, since = size / interval, 1
    return fitted, guess or 0.0


def _sba(history: Sequence[float], alpha: float, beta: float) -> Run:
    fitted, level = _croston(history, alpha, beta)
    factor = 1 - beta / 2
    return [None if guess is None else guess * factor for guess in fitted], level * factor


def _tsb(history: Sequence[float], alpha: float, beta: float) -> Run:
    """Starts with the first demand: its size, and the share of periods with demand up to it."""
    fitted: list[float | None] = []
    size, chance, guess = 0.0, 0.0, None
    for index, value in enumerate(history):
        fitted.append(guess)
        if guess is None:
            if not value:
                continue
            size, chance = value, 1 / (index + 1)
        elif value:
            size += alpha * (value - size)
            chance += beta * (1 - chance)
        else:
            chance -= beta * chance
        guess = size * chance
    return fitted, guess or 0.0
