"""Until when this process may be sure that nobody else owns its partitions.

`h` is the time at which the last heartbeat was *sent* that the coordinator answered without error. Past `h` + session
- margin the process produces nothing and starts no effect. The clock counts through a suspend of the machine.
"""

from __future__ import annotations

import time
from typing import Any

from streamer.engine.exits import die

MARGIN_SECONDS = 1.0
RENEWING = frozenset({"HeartbeatRequest", "SyncGroupRequest"})
"""After each of these the coordinator counts the session from the start."""


def now_seconds() -> float:
    """A clock that never jumps and counts while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Of one process in one consumer group."""

    def __init__(self, session_seconds: float) -> None:
        self._session_seconds = session_seconds
        self._sent_at: float | None = None

    def watch(self, coordinator: Any) -> None:
        """Renew with every heartbeat and sync of `coordinator` (aiokafka's) that is answered without error.

        `_send_req` is aiokafka's own and private; a contract test holds it.
        """
        send = coordinator._send_req

        async def send_and_note(request: Any) -> Any:
            sent_at = now_seconds()
            response = await send(request)
            if type(request).__name__ in RENEWING and response.error_code == 0:
                self.renew(sent_at)
            return response

        coordinator._send_req = send_and_note

    def renew(self, sent_at_seconds: float) -> None:
        """A heartbeat sent then was answered."""
        if self._sent_at is None or sent_at_seconds > self._sent_at:
            self._sent_at = sent_at_seconds

    @property
    def left_seconds(self) -> float:
        """How long it still holds; negative when it is over."""
        if self._sent_at is None:
            return 0.0
        return self._sent_at + self._session_seconds - MARGIN_SECONDS - now_seconds()

    def holds(self) -> bool:
        """Whether something may be produced or started now."""
        return self.left_seconds > 0

    def require(self) -> None:
        """Ends the process when the lease is over."""
        if not self.holds():
            die(f"no heartbeat was answered for {self._session_seconds - self.left_seconds - MARGIN_SECONDS:.1f} s")
