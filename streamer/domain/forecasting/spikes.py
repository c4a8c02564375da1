"""Spike guard: one fleet order must not set the reorder point for a year.

Hampel's identifier (Davies, Gather 1993): what lies further from the median than so many scaled median absolute
deviations is cut back to that limit. Days without demand are left out, else every sale of a rare part were a spike.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

_SCALE = 1.4826  # of a normal distribution: standard deviation over median absolute deviation
FEWEST = 5


class Guarded(NamedTuple):
    """The history with its spikes cut, and which periods they were."""

    history: tuple[float, ...]
    spikes: tuple[int, ...]
    limit: float | None  # None where there was too little to judge by


def cut_spikes(history: Sequence[float], deviations: float = 4.0) -> Guarded:
    """Demands above median + `deviations` * max(1.4826 * MAD, half the median) become that limit.

    The half of the median keeps a history of equal demands, whose MAD is 0, from calling each other size a spike.
    Fewer than five demands are left alone.
    """
    sizes = [value for value in history if value > 0]
    if len(sizes) < FEWEST:
        return Guarded(tuple(history), (), None)
    middle = median(sizes)
    spread = max(_SCALE * median(abs(size - middle) for size in sizes), middle / 2)
    limit = middle + deviations * spread
    spikes = tuple(index for index, value in enumerate(history) if value > limit)
    return Guarded(tuple(min(value, limit) for value in history), spikes, limit)
