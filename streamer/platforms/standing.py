"""How the connection to an account stands in the process that calls it."""

from __future__ import annotations

from typing import NamedTuple


class Standing(NamedTuple):
    """`calls_left` of `calls` may go out at once by our own count of the account's tightest limit."""

    calls_left: float
    calls: float
    per_seconds: float
    held_seconds: float  # the other side asked us to wait so long; 0: it did not
    breaker_seconds: float | None  # no call before so many seconds, as it keeps failing; None: the breaker is closed
