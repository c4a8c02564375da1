"""Classes of demand after Syntetos, Boylan, Croston, *On the categorization of demand patterns*, JORS 56 (2005)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from streamer.domain.forecasting.base import Method

DemandClass = Literal["smooth", "erratic", "intermittent", "lumpy", "none"]
INTERVAL_CUT = 1.32
VARIATION_CUT = 0.49
_FADED = 5.0  # usual intervals without demand: by chance less than one in a hundred, so the part may be dying


class Classified(NamedTuple):
    """The class, its two measures, and the method that goes with it."""

    demand_class: DemandClass
    interval: float  # average periods between demands (ADI)
    variation: float  # squared coefficient of variation of the demands that are not 0 (CV2)
    method: Method
    words: str


def classify(history: Sequence[float]) -> Classified:
    """Smooth demand is smoothed; the paper recommends SBA for the other three classes.

    TSB where a part that is asked for now and then has not been asked for during five of its usual intervals: SBA
    would go on as before, TSB fades.
    """
    sizes = [value for value in history if value]
    if not sizes:
        return Classified("none", float("inf"), 0.0, "moving_average", "no demand at all")
    interval = len(history) / len(sizes)
    mean = sum(sizes) / len(sizes)
    variation = sum((size - mean) ** 2 for size in sizes) / len(sizes) / mean**2
    rare, varied = interval >= INTERVAL_CUT, variation >= VARIATION_CUT
    names: dict[tuple[bool, bool], DemandClass] = {
        (False, False): "smooth",
        (False, True): "erratic",
        (True, False): "intermittent",
        (True, True): "lumpy",
    }
    demand_class = names[rare, varied]
    quiet = next(index for index, value in enumerate(reversed(history)) if value)
    method: Method = "exponential_smoothing" if demand_class == "smooth" else "sba"
    words = f"{demand_class}: a demand every {interval:.3g} periods, squared variation of its size {variation:.3g}"
    usual = (len(history) - quiet) / len(sizes)
    if rare and len(sizes) > 1 and quiet > _FADED * usual:
        return Classified(demand_class, interval, variation, "tsb", f"{words}; none for {quiet} periods")
    return Classified(demand_class, interval, variation, method, words)
