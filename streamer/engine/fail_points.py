"""Places where a test may kill the process: `STREAMER_FAIL_POINT=rows-sent:3` ends it like `kill -9`, the third time.

Without the variable `reach` does nothing.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

Place = Literal["folded", "outputs-sent", "outputs-acknowledged", "rows-sent", "rows-acknowledged", "recovered"]
VARIABLE = "STREAMER_FAIL_POINT"


class FailPoint:
    """One place and how many passages it survives."""

    def __init__(self, wanted: str) -> None:
        self._place, _, count = wanted.partition(":")
        self._left = int(count or 1)

    def reach(self, place: Place) -> None:
        if place == self._place:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _nothing(_place: Place) -> None:
    pass


reach = FailPoint(os.environ[VARIABLE]).reach if VARIABLE in os.environ else _nothing
