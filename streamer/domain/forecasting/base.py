"""What every method of forecasting takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, sqrt
from typing import Literal, NamedTuple, get_args

import msgspec

from streamer.domain.checks import Invalid, days
from streamer.messages.base import LARGEST_QUANTITY

Method = Literal[
    "moving_average",
    "exponential_smoothing",
    "holt",
    "seasonal_week",
    "croston",
    "sba",
    "tsb",
]
METHODS: tuple[Method, ...] = get_args(Method)
GRID = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)  # smoothing parameters tried where none is given


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be fixed; what is None is chosen by the least squared one-step error over the history."""

    window: int = 28  # moving average: periods
    alpha: float | None = None  # level, or size of demand
    beta: float | None = None  # trend (Holt), or interval and probability of demand (Croston, SBA, TSB)
    gamma: float | None = None  # season
    damping: float = 1.0  # of Holt's trend: 1 for none
    season: int = 7  # periods in a season: days in a week
    initial: float | None = None  # exponential smoothing: the first forecast; the first value where None

    def __post_init__(self) -> None:
        days("window", self.window, least=1)
        days("season", self.season, least=2)
        for field in ("alpha", "beta", "gamma"):
            value = getattr(self, field)
            if value is not None and (not isfinite(value) or not 0 < value <= 1):
                raise Invalid(f"must be above 0 and at most 1, is {value}", field=field)
        if not isfinite(self.damping) or not 0 < self.damping <= 1:
            raise Invalid(f"must be above 0 and at most 1, is {self.damping}", field="damping")
        if self.initial is not None and not isfinite(self.initial):
            raise Invalid(f"{self.initial} is not a number", field="initial")


class Fit(NamedTuple):
    """A method applied to a history.

    `fitted[i]` is the forecast of period i made from the periods before it, None while there is nothing to make it
    from; `forecast` is the path from the first period after the history on, never below 0.
    """

    method: Method
    parameters: dict[str, float]
    fitted: tuple[float | None, ...]
    forecast: tuple[float, ...]
    deviation: float  # of one-step errors (root mean square)


Fitter = Callable[[Sequence[float], int, Parameters], Fit]


def fit(
    method: Method,
    parameters: dict[str, float],
    history: Sequence[float],
    fitted: Sequence[float | None],
    forecast: Sequence[float],
) -> Fit:
    """A `Fit` with its deviation; forecasts below 0 become 0, since nobody demands less than nothing."""
    path = tuple(max(0.0, value) for value in forecast)
    return Fit(method, parameters, tuple(fitted), path, sqrt(mean_squared_error(history, fitted)))


def mean_squared_error(history: Sequence[float], fitted: Sequence[float | None], start: int = 0) -> float:
    """Over the periods from `start` on that have a forecast; 0 where none has."""
    errors = [
        (value - guess) ** 2 for value, guess in zip(history[start:], fitted[start:], strict=True) if guess is not None
    ]
    return sum(errors) / len(errors) if errors else 0.0


def check_history(history: Sequence[float], least: int = 1) -> None:
    """Raises Invalid, naming the period, for a history that is too short, negative or not a number."""
    if len(history) < least:
        raise Invalid(f"has {len(history)} periods, at least {least} are needed", field="history")
    if len(history) > 3660:
        raise Invalid(f"has {len(history)} periods, at most 3660 are used", field="history")
    for index, value in enumerate(history):
        if not isfinite(value):
            raise Invalid(f"{value} is not a number", field=f"history.{index}")
        if not 0 <= value <= LARGEST_QUANTITY:
            problem = "must not be negative" if value < 0 else f"must be at most {LARGEST_QUANTITY}"
            raise Invalid(f"{problem}, is {value}", field=f"history.{index}")


def choices(value: float | None) -> tuple[float, ...]:
    """The one value that is given, else those to try."""
    return GRID if value is None else (value,)
