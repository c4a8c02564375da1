"""What will be asked for, by which method, and why that one?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from streamer.domain.checks import Invalid, days, plausible, statistic
from streamer.domain.demand import Booked, Phase, consumed, phased
from streamer.domain.forecasting.base import Parameters
from streamer.domain.forecasting.choice import METHOD_CHOICES, MethodChoice, back_test, forecast
from streamer.domain.scenarios.answers import Answer, as_json


class Forecasting(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="forecast"
):
    """A series, the oldest period first. With `start`, the day after it, booked jobs and a phase can be given."""

    history: tuple[float, ...]
    horizon: int = 28
    method: MethodChoice = "by_class"
    parameters: Parameters = Parameters()
    spike_deviations: float | None = 4.0
    start: date | None = None
    booked: tuple[Booked, ...] = ()
    bucket_days: int = 7
    phase: Phase = Phase()

    def __post_init__(self) -> None:
        days("horizon", self.horizon, least=1)
        days("bucket_days", self.bucket_days, least=1)
        if self.method not in METHOD_CHOICES:
            raise Invalid(f"{self.method!r} is none of {', '.join(METHOD_CHOICES)}", field="method")
        if self.spike_deviations is not None:
            statistic("spike_deviations", self.spike_deviations, positive=True)
        if self.start is not None:
            plausible("start", self.start)
        if self.start is None and (self.booked or self.phase != Phase()):
            raise Invalid("is needed beside booked jobs or a phase: the day after the history", field="start")

    def answer(self) -> Answer:
        """Raises Invalid, naming the field."""
        made = forecast(
            self.history, self.horizon, self.method, self.parameters, spike_deviations=self.spike_deviations
        )
        path = tuple(Decimal(f"{value:.6f}") for value in made.fit.forecast)
        demand = path
        if self.start is not None:
            demand = consumed(phased(path, self.start, self.phase), self.booked, self.start, self.bucket_days)
        errors = made.errors or back_test(made.guarded.history, self.parameters)
        return {
            "kind": "forecast",
            "method": made.fit.method,
            "parameters": as_json(made.fit.parameters),
            "forecast": [float(value) for value in path],
            "mean": as_json(made.mean),
            "deviation": as_json(made.fit.deviation),
            "demand": [float(value) for value in demand],  # with booked jobs, each once, and phases
            "why": {
                "words": made.words,
                "class": made.classified.demand_class,
                "class_words": made.classified.words,
                "spikes": [
                    {"period": index, "quantity": as_json(self.history[index]), "cut_to": as_json(made.guarded.limit)}
                    for index in made.guarded.spikes
                ],
                "back_test_errors": as_json(errors),
            },
        }
