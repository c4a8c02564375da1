"""The four classes of Syntetos, Boylan and Croston, and the method that goes with each."""

from __future__ import annotations

import pytest

from streamer.domain.forecasting.classes import classify


@pytest.mark.parametrize(
    ("history", "demand_class", "method"),
    [
        ([5, 6, 5, 4, 5, 6], "smooth", "exponential_smoothing"),
        ([1, 20, 1, 1, 15, 1], "erratic", "sba"),
        ([0, 5, 0, 5, 0, 5], "intermittent", "sba"),
        ([0, 1, 0, 20, 0, 1], "lumpy", "sba"),
        ([0, 0, 0], "none", "moving_average"),
        ([0, 5, 0, 5] + [0] * 20, "intermittent", "tsb"),
    ],
)
def test_the_pattern_of_demand_names_the_method(history: list[float], demand_class: str, method: str) -> None:
    classified = classify(history)

    assert (classified.demand_class, classified.method) == (demand_class, method)


def test_the_cuts_are_1_32_and_0_49() -> None:
    thirty_three = [1.0] * 25 + [0.0] * 8  # 33 / 25 = 1.32 exactly
    assert classify(thirty_three).demand_class == "intermittent"
    assert classify([1.0] * 26 + [0.0] * 8).demand_class == "smooth"
    assert classify([3.0, 17.0]).variation == pytest.approx(0.49)
    assert classify([3.0, 17.0]).demand_class == "erratic"


def test_the_words_carry_the_measures() -> None:
    assert classify([0, 5, 0, 5]).words == ("intermittent: a demand every 2 periods, squared variation of its size 0")
