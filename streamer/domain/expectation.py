"""What will be asked for, day by day: a history and its forecast, given numbers, dated requirements, booked jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec

from streamer.domain.checks import ZERO, Invalid, days, not_negative, not_past, statistic
from streamer.domain.demand import Booked, Phase, consumed, phased
from streamer.domain.forecasting.base import Parameters, check_history
from streamer.domain.forecasting.choice import METHOD_CHOICES, Forecast, MethodChoice, forecast
from streamer.domain.forecasting.seasons import year_factors


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A demand that is known: so many on that day."""

    day: date
    quantity: Decimal

    def __post_init__(self) -> None:
        not_negative("quantity", self.quantity)


class Demand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Demand of one item at one location. Give one of `history`, `daily_mean`, `requirements`; jobs come on top of any.

    `history` is daily, the oldest day first, yesterday last. `carried_over` are histories of superseded SKUs, which end
    yesterday too and are added.
    """

    history: tuple[float, ...] = ()
    carried_over: tuple[tuple[float, ...], ...] = ()
    method: MethodChoice = "by_class"
    parameters: Parameters = Parameters()  # frozen
    spike_deviations: float | None = 4.0  # None: spikes are left in
    daily_mean: Decimal | None = None
    daily_deviation: float | None = None  # where None: of the forecast's errors, or 0
    requirements: tuple[Requirement, ...] = ()
    booked: tuple[Booked, ...] = ()
    yearly_season: bool = False  # the forecast follows the same weeks of last year
    bucket_days: int = 7  # within which a booked job uses up forecast
    phase: Phase = Phase()  # frozen

    def __post_init__(self) -> None:
        given = [name for name in ("history", "daily_mean", "requirements") if getattr(self, name) not in ((), None)]
        if len(given) > 1:
            raise Invalid(f"is not used beside {given[0]}: give one of them", field=given[1])
        if self.history:
            check_history(self.history)
        for index, other in enumerate(self.carried_over):
            try:
                check_history(other)
            except Invalid as error:
                raise Invalid(error.reason, field=f"carried_over.{index}") from error
        if self.daily_mean is not None:
            not_negative("daily_mean", self.daily_mean)
        if self.daily_deviation is not None:
            statistic("daily_deviation", self.daily_deviation)
        if self.method not in METHOD_CHOICES:
            raise Invalid(f"{self.method!r} is none of {', '.join(METHOD_CHOICES)}", field="method")
        if self.spike_deviations is not None:
            statistic("spike_deviations", self.spike_deviations, positive=True)
        days("bucket_days", self.bucket_days, least=1)

    def check_today(self, today: date) -> None:
        """Requirements that should have been met are refused; overdue jobs are not: their parts are still needed."""
        for index, requirement in enumerate(self.requirements):
            not_past(f"requirements.{index}.day", requirement.day, today)


class Expectation(NamedTuple):
    """Expected demand for each day from today on; empty where nothing is known about it."""

    by_day: tuple[Decimal, ...]  # booked jobs in it, each once, less what is reserved for them
    daily_mean: float
    daily_deviation: float
    forecast: Forecast | None
    words: str


def expect(demand: Demand, today: date, horizon: int) -> Expectation:
    """The next `horizon` days."""
    made = None
    if demand.history or demand.carried_over:
        made = forecast(
            _carried(demand),
            max(horizon, 1),
            demand.method,
            demand.parameters,
            spike_deviations=demand.spike_deviations,
        )
        words, deviation = made.words, made.fit.deviation
        values = made.fit.forecast[:horizon]
        factors = year_factors(made.guarded.history, horizon) if demand.yearly_season else None
        if factors:
            values = tuple(value * factor for value, factor in zip(values, factors, strict=True))
            words += f"; as last year, {sum(factors) / len(factors):.2f} times what it is now"
        path = tuple(Decimal(f"{value:.6f}") for value in values)
    elif demand.daily_mean is not None:
        path, words, deviation = (demand.daily_mean,) * horizon, f"{demand.daily_mean:f} a day, given", 0.0
    elif demand.requirements or demand.booked:
        path, words, deviation = _dated(demand.requirements, today, horizon), "dated requirements", 0.0
    else:
        return Expectation((), 0.0, demand.daily_deviation or 0.0, None, "no demand is known")
    by_day = consumed(phased(path, today, demand.phase), demand.booked, today, demand.bucket_days)
    if demand.booked:
        words += f"; {len(demand.booked)} booked jobs, each counted once"
    mean = float(sum(path, ZERO)) / len(path) if path else 0.0
    if demand.requirements:
        deviation = 0.0
    given = demand.daily_deviation
    return Expectation(by_day, mean, deviation if given is None else given, made, words)


def _dated(requirements: Sequence[Requirement], today: date, horizon: int) -> tuple[Decimal, ...]:
    path = [ZERO] * horizon
    last = today + timedelta(days=horizon)
    for requirement in requirements:
        if requirement.day < last:
            path[(requirement.day - today).days] += requirement.quantity
    return tuple(path)


def _carried(demand: Demand) -> tuple[float, ...]:
    """The sum of all histories, which end on the same day."""
    rows = [row for row in (demand.history, *demand.carried_over) if row]
    length = max(len(row) for row in rows)
    return tuple(
        sum(row[index - length + len(row)] for row in rows if index - length + len(row) >= 0) for index in range(length)
    )
