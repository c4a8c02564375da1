"""A circuit breaker for each account: after failures in a row it answers for the other side until a pause is over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Opens after `failures` in a row for `pause_seconds`; then one call may try, and its end decides."""

    failures: int = 5
    pause_seconds: float = 30.0
    _in_a_row: int = 0
    _open_until: float | None = None
    _trying: bool = False

    def wait_seconds(self, now: float) -> float:
        """How long calls must still wait; 0 lets this one begin."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if self._trying:
            return self.pause_seconds
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        """The other side answered, whatever it said."""
        self._in_a_row, self._open_until, self._trying = 0, None, False

    def failed(self, now: float) -> None:
        """The other side did not answer, or with a failure of its own."""
        self._in_a_row += 1
        if self._trying or self._in_a_row >= self.failures:
            self._open_until, self._trying = now + self.pause_seconds, False

    def undecided(self) -> None:
        """The call ended before the other side was asked."""
        self._trying = False

    def open_seconds(self, now: float) -> float | None:
        """Until the next call may try; None: closed."""
        return None if self._open_until is None else max(0.0, self._open_until - now)

    @property
    def is_open(self) -> bool:
        return self._open_until is not None
