"""Which policy an item gets when only patterns are written down."""

from __future__ import annotations

import pytest

from streamer.domain.checks import Invalid
from streamer.domain.defaults import Defaults, PatternRule


def rules(*patterns: tuple[str, str, str]) -> Defaults[str]:
    return Defaults(PatternRule(value=value, sku=sku, location=location) for value, sku, location in patterns)


def test_the_most_specific_rule_wins_wherever_it_stands() -> None:
    defaults = rules(("one", "PAD-1", "*"), ("pads", "PAD-*", "*"), ("all", "*", "*"))

    assert defaults.find("PAD-1", "MUC") == "one"
    assert defaults.find("PAD-2", "MUC") == "pads"
    assert defaults.find("OIL", "MUC") == "all"


def test_a_rule_for_the_sku_comes_before_one_for_the_location() -> None:
    defaults = rules(("munich", "*", "MUC"), ("pads", "PAD-*", "*"))

    assert defaults.find("PAD-1", "MUC") == "pads"
    assert defaults.find("OIL", "MUC") == "munich"


def test_of_two_equal_rules_the_later_one_holds() -> None:
    assert rules(("first", "PAD-*", "*"), ("second", "PAD-*", "*")).find("PAD-1", "MUC") == "second"


def test_upper_and_lower_case_are_different_skus() -> None:
    assert rules(("pads", "PAD-*", "*")).find("pad-1", "MUC") is None


def test_an_empty_pattern_is_refused() -> None:
    with pytest.raises(Invalid, match="sku: must not be empty"):
        PatternRule(value=1, sku="")
