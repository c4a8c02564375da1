"""Policies by pattern: a rule for all brake pads at all locations, another for one SKU at one of them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

import msgspec

from streamer.domain.checks import Invalid

Value = TypeVar("Value")
_WILD = frozenset("*?[")


class PatternRule(msgspec.Struct, Generic[Value], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`value` for every SKU and location that match; `*` any text, `?` one character, `[ab]` one of these."""

    value: Value
    sku: str = "*"
    location: str = "*"

    def __post_init__(self) -> None:
        for field in ("sku", "location"):
            if not getattr(self, field):
                raise Invalid("must not be empty; * matches all", field=field)


class Defaults(Generic[Value]):
    """The most specific rule wins: an exact SKU before a pattern, the longer pattern before the shorter, the same for
    the location; of equals the later rule, so that a file can be read from top to bottom.
    """

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[PatternRule[Value]]) -> None:
        numbered = list(enumerate(rules))
        self._rules = [rule for _, rule in sorted(numbered, key=lambda each: _rank(*each), reverse=True)]

    def find(self, sku: str, location: str) -> Value | None:
        """The value of the most specific rule that matches, or None."""
        for rule in self._rules:
            if fnmatchcase(sku, rule.sku) and fnmatchcase(location, rule.location):
                return rule.value
        return None


def _rank(number: int, rule: PatternRule[Value]) -> tuple[bool, int, bool, int, int]:
    return (*_specific(rule.sku), *_specific(rule.location), number)


def _specific(pattern: str) -> tuple[bool, int]:
    """Whether it is exact, and how many characters it pins down."""
    return not _WILD & set(pattern), sum(character not in "*?" for character in pattern)
