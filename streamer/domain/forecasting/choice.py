"""Which method for this item: named, by the class of its demand, or by back-test."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal, NamedTuple, get_args

from streamer.domain.checks import Invalid, days
from streamer.domain.forecasting.averages import exponential_smoothing, moving_average
from streamer.domain.forecasting.base import METHODS, Fit, Fitter, Method, Parameters, check_history, mean_squared_error
from streamer.domain.forecasting.classes import Classified, classify
from streamer.domain.forecasting.intermittent import croston, sba, tsb
from streamer.domain.forecasting.seasons import seasonal_week
from streamer.domain.forecasting.spikes import Guarded, cut_spikes
from streamer.domain.forecasting.trends import holt

Selection = Literal[
    "by_class",  # the class of Syntetos and Boylan names the method
    "best",  # the least error over the last periods, which no method has seen when its parameters are chosen
]
MethodChoice = Method | Selection
METHOD_CHOICES: tuple[str, ...] = (*METHODS, *get_args(Selection))
FITTERS: dict[Method, Fitter] = {
    "moving_average": moving_average,
    "exponential_smoothing": exponential_smoothing,
    "holt": holt,
    "seasonal_week": seasonal_week,
    "croston": croston,
    "sba": sba,
    "tsb": tsb,
}


class Forecast(NamedTuple):
    """The fit that was chosen, the class of the demand, and why."""

    fit: Fit
    classified: Classified
    guarded: Guarded
    errors: dict[Method, float]  # root mean squared error of each method in the back-test; empty without one
    words: str

    @property
    def mean(self) -> float:
        """For one period, over the horizon."""
        return sum(self.fit.forecast) / len(self.fit.forecast)


def forecast(
    history: Sequence[float],
    horizon: int,
    method: MethodChoice = "by_class",
    parameters: Parameters | None = None,
    *,
    spike_deviations: float | None = 4.0,
) -> Forecast:
    """The demand of the next `horizon` periods. `spike_deviations` None leaves spikes as they are.

    Raises Invalid where the history is too short for the method named; by class or by back-test one that fits is taken.
    """
    check_history(history)
    days("horizon", horizon, least=1)
    guarded = cut_spikes(history, spike_deviations) if spike_deviations else Guarded(tuple(history), (), None)
    classified = classify(guarded.history)
    chosen = parameters or Parameters()
    errors: dict[Method, float] = {}
    if method == "best":
        errors = back_test(guarded.history, chosen)
        name = min(errors, key=lambda each: errors[each]) if errors else classified.method
        words = f"the least error in the back-test ({errors[name]:.4g})" if errors else "too short for a back-test"
    elif method == "by_class":
        name, words = classified.method, classified.words
    elif method in FITTERS:
        name, words = method, "as named"
    else:
        raise Invalid(f"{method!r} is none of {', '.join(METHOD_CHOICES)}", field="method")
    return Forecast(FITTERS[name](guarded.history, horizon, chosen), classified, guarded, errors, f"{name}: {words}")


def back_test(history: Sequence[float], parameters: Parameters, test_periods: int | None = None) -> dict[Method, float]:
    """Root mean squared one-step error of each method over the last periods (a quarter of the history, 4 to 56).

    Parameters are chosen on what lies before. Squared errors, since absolute ones would prefer a forecast of nothing
    for a part that is asked for on fewer than half the days. Methods for which the history is too short are left out.
    """
    periods = test_periods or min(56, max(4, len(history) // 4))
    start = len(history) - periods
    errors: dict[Method, float] = {}
    for method, fitter in FITTERS.items():
        try:
            trained = fitter(history[:start], 1, parameters).parameters
        except Invalid:
            continue
        fitted = fitter(history, 1, _fixed(parameters, trained)).fitted
        errors[method] = sqrt(mean_squared_error(history, fitted, start))
    return errors


def _fixed(parameters: Parameters, trained: dict[str, float]) -> Parameters:
    return Parameters(
        window=parameters.window,
        alpha=trained.get("alpha", parameters.alpha),
        beta=trained.get("beta", parameters.beta),
        gamma=trained.get("gamma", parameters.gamma),
        damping=parameters.damping,
        season=parameters.season,
        initial=parameters.initial,
    )
