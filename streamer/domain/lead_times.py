"""How long a supplier takes: the most specific figure wins, and what was measured wins over what was said."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, sqrt
from typing import Literal, NamedTuple

from streamer.domain.checks import days

LeadTimeSource = Literal["measured", "item", "supplier", "default"]


class LeadTime(NamedTuple):
    """Days that are planned with, their standard deviation (0 unless measured), and where they come from."""

    days: int
    deviation: float
    source: LeadTimeSource
    words: str


def lead_time(
    *,
    default_days: int = 0,
    supplier_days: int | None = None,
    item_days: int | None = None,
    measured_days: Sequence[int] = (),
    enough_receipts: int = 5,
) -> LeadTime:
    """Measured from receipts where there are at least `enough_receipts`, else of the item, the supplier, the default.

    Measured: the mean of the receipts, rounded up to whole days, with their sample deviation.
    """
    if len(measured_days) >= max(enough_receipts, 2):
        count = len(measured_days)
        mean = Fraction(sum(measured_days), count)
        deviation = sqrt(sum((Fraction(each) - mean) ** 2 for each in measured_days) / (count - 1))
        planned = ceil(mean)
        return LeadTime(planned, deviation, "measured", f"{planned} days, the mean of {count} receipts, rounded up")
    if item_days is not None:
        return LeadTime(item_days, 0.0, "item", f"{item_days} days for this item")
    if supplier_days is not None:
        return LeadTime(supplier_days, 0.0, "supplier", f"{supplier_days} days for this supplier")
    return LeadTime(default_days, 0.0, "default", f"{default_days} days by default")


def check_lead_times(
    *, supplier_days: int | None, item_days: int | None, measured_days: Sequence[int], prefix: str = ""
) -> None:
    """Raises Invalid, naming the field, for a negative or absurd number of days."""
    if item_days is not None:
        days(f"{prefix}lead_time_days", item_days)
    if supplier_days is not None:
        days(f"{prefix}supplier_lead_time_days", supplier_days)
    for index, each in enumerate(measured_days):
        days(f"{prefix}measured_lead_times.{index}", each)
