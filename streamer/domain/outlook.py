"""What a policy is shown, and what it answers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from streamer.domain.checks import ZERO, Invalid
from streamer.domain.economic import PriceBreak, PriceScheme
from streamer.domain.policies import AnyPolicy, DaysOfCover, DynamicLot, FixedPeriod, LastBuy, OrderUpTo


class Outlook(NamedTuple):
    """What a policy may know. Days count from today, index 0.

    `expected` is demand that is not in `projected` yet (forecast and booked jobs, each once); `opening` is available
    stock today and `receipts` what arrives each day, for the policies that net day by day.
    """

    today: date
    lead_days: int  # until an order placed today arrives, calendars and cut-off included
    projected: Decimal
    opening: Decimal
    receipts: tuple[Decimal, ...]
    expected: tuple[Decimal, ...]
    breaks: tuple[PriceBreak, ...] = ()
    scheme: PriceScheme = "all_units"

    def demand(self, days: int) -> Decimal:
        """Expected over the next `days`. Raises Invalid where the outlook does not reach as far."""
        if days and not self.expected:
            raise Invalid(
                "is needed by this policy: a history, a daily mean, requirements or booked jobs", field="demand"
            )
        if days > len(self.expected):
            raise Invalid(f"reaches {len(self.expected)} days, the policy looks {days} days ahead", field="demand")
        return sum(self.expected[:days], ZERO)

    @property
    def daily(self) -> Decimal:
        return sum(self.expected, ZERO) / len(self.expected) if self.expected else ZERO


class Wanted(NamedTuple):
    """The quantity before rounding (0 for none), the words, and the levels that were compared where there are any."""

    quantity: Decimal
    words: str
    reorder_point: Decimal | None = None
    order_up_to: Decimal | None = None
    covers_until: date | None = None


def horizon_days(policy: AnyPolicy, lead_days: int, today: date) -> int:
    """How many days of expected demand the policy must be given."""
    match policy:
        case OrderUpTo():
            return lead_days + policy.review_days
        case FixedPeriod():
            return lead_days + policy.period_days + 1
        case DaysOfCover():
            return max(policy.target_days, lead_days)
        case LastBuy():
            return max((policy.until - today).days, 1)
        case DynamicLot():
            return lead_days + 1 + 26 * policy.bucket_days
        case _:
            return lead_days + 1
