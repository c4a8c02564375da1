"""Money of suppliers in the company's currency, by rates that have a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache

import msgspec

from streamer.domain.checks import LARGEST_AMOUNT, Invalid, positive


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `day` on, one unit of `currency` is `rate` units of the company's currency."""

    currency: str
    day: date
    rate: Decimal

    def __post_init__(self) -> None:
        check_currency("currency", self.currency)
        positive("rate", self.rate, LARGEST_AMOUNT)


class Rates:
    """The company's currency and the dated rates of others.

    Raises Invalid for two rates of one currency on one day.
    """

    __slots__ = ("_by_currency", "company")

    def __init__(self, company: str, rates: Sequence[Rate] = ()) -> None:
        check_currency("currency", company)
        self.company = company
        self._by_currency: dict[str, list[Rate]] = {}
        for index, rate in sorted(enumerate(rates), key=lambda each: each[1].day):
            known = self._by_currency.setdefault(rate.currency, [])
            if known and known[-1].day == rate.day:
                raise Invalid(f"a second rate for {rate.currency} on {rate.day}", field=f"rates.{index}.day")
            known.append(rate)

    def rate(self, currency: str, on: date) -> Decimal:
        """The last rate that is not after `on`. Raises Invalid where there is none."""
        if currency == self.company:
            return Decimal(1)
        found = None
        for rate in self._by_currency.get(currency, ()):
            if rate.day > on:
                break
            found = rate.rate
        if found is None:
            raise Invalid(f"no rate from {currency} to {self.company} on or before {on}", field="rates")
        return found

    def convert(self, amount: Decimal, currency: str, on: date) -> Decimal:
        """`amount` in the company's currency; not rounded."""
        return amount * self.rate(currency, on)


def check_currency(field: str, code: str) -> None:
    """Refuses what is no currency of ISO 4217 (past ones included: an old offer may still name them)."""
    if code not in _known_currencies():
        raise Invalid(f"{code!r} is not a currency of ISO 4217", field=field)


@cache
def _known_currencies() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("all_currencies"))
