"""How often somebody may try to log in."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOW_SECONDS = 300.0
PER_PERSON = 5  # wrong passwords for one name from one address
PER_ADDRESS = 30
PER_PROCESS = 300
MOST_KEYS = 10_000


class Attempts:
    """Counts wrong passwords in a sliding window, by name and address, by address, and in all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def pause_seconds(self, address: str, name: str) -> float:
        """How long this person has to wait; 0 when a try is allowed."""
        return max(
            self._pause((address, name), PER_PERSON), self._pause((address,), PER_ADDRESS), self._pause((), PER_PROCESS)
        )

    def failed(self, address: str, name: str) -> None:
        """A wrong password."""
        for key in ((address, name), (address,), ()):
            times = self._failures.setdefault(key, deque(maxlen=PER_PROCESS))
            times.append(self._clock())
            self._failures.move_to_end(key)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        """The right password: the wrong ones before it were slips."""
        self._failures.pop((address, name), None)

    def _pause(self, key: tuple[str, ...], allowed: int) -> float:
        times = self._failures.get(key)
        if times is None:
            return 0.0
        now = self._clock()
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        return times[-allowed] + WINDOW_SECONDS - now if len(times) >= allowed else 0.0
