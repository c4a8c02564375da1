"""Parts that are asked for now and then: each method once by hand, and what sets them apart."""

from __future__ import annotations

import random

import pytest

from streamer.domain.forecasting.base import Parameters
from streamer.domain.forecasting.intermittent import croston, sba, tsb

FIXED = Parameters(alpha=0.2, beta=0.1)
RARE = [0, 0, 6, 0, 0, 0, 4, 0]


def test_croston_smooths_size_and_interval_only_when_there_is_demand() -> None:
    fit = croston(RARE, 2, FIXED)

    # starts with 6 every 3; then size 6 + 0.2 * (4 - 6) = 5.6, interval 3 + 0.1 * (4 - 3) = 3.1
    assert fit.fitted == pytest.approx((None, None, None, 2, 2, 2, 2, 5.6 / 3.1))
    assert fit.forecast == pytest.approx((5.6 / 3.1, 5.6 / 3.1))


def test_syntetos_and_boylan_take_out_half_the_smoothing_parameter() -> None:
    assert sba(RARE, 1, FIXED).forecast[0] == pytest.approx(5.6 / 3.1 * 0.95)


def test_teunter_syntetos_and_babai_lower_the_chance_in_every_quiet_period() -> None:
    fit = tsb(RARE, 1, FIXED)

    chance = 1 / 3 * 0.9**3
    chance += 0.1 * (1 - chance)
    chance *= 0.9
    assert fit.forecast[0] == pytest.approx(5.6 * chance)


def test_a_part_that_nobody_asks_for_any_more_fades_with_tsb_and_stays_with_croston() -> None:
    dead = [0, 3, 0, 3, 0, 3] + [0] * 60

    assert tsb(dead, 1, FIXED).forecast[0] < 0.01
    assert croston(dead, 1, FIXED).forecast[0] > 1


def test_croston_is_biased_upwards_and_sba_is_nearly_not() -> None:
    # Syntetos and Boylan 2005: Croston overestimates by about alpha / 2 of the mean for rare demand
    chance = random.Random(2005)
    history = [chance.randint(1, 5) if chance.random() < 0.2 else 0 for _ in range(3600)]
    mean = sum(history) / len(history)
    parameters = Parameters(alpha=0.4, beta=0.4)

    guesses = [value for value in croston(history, 1, parameters).fitted if value is not None]
    corrected = [value for value in sba(history, 1, parameters).fitted if value is not None]
    assert sum(guesses) / len(guesses) > mean * 1.1
    assert abs(sum(corrected) / len(corrected) - mean) < mean * 0.1


@pytest.mark.parametrize("method", [croston, sba, tsb])
def test_a_part_that_was_never_asked_for_is_forecast_at_nothing(method: object) -> None:
    assert method([0, 0, 0], 2, Parameters()).forecast == (0, 0)  # type: ignore[operator]
