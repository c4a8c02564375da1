"""A thread that ends a process which limps: a blocked loop, work or recovery that stands still, no group."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from streamer.engine.exits import die

LOOP_BLOCKED_SECONDS = 20.0
NO_PROGRESS_SECONDS = 60.0
RECOVERY_STALLED_SECONDS = 120.0
NO_GROUP_SECONDS = 120.0
LOOK_SECONDS = 1.0


class Watched:
    """Something whose progress is watched. `progress` changes whenever it moves; while `busy` it must."""

    def __init__(
        self,
        name: str,
        *,
        busy: Callable[[], bool],
        progress: Callable[[], object],
        within_seconds: float = NO_PROGRESS_SECONDS,
    ) -> None:
        self.name = name
        self.within_seconds = within_seconds
        self._busy = busy
        self._progress = progress
        self._seen: object = None
        self._since = time.monotonic()

    def stuck_seconds(self, now: float) -> float:
        """For how long it has been busy without moving."""
        progress = self._progress()
        if progress != self._seen or not self._busy():
            self._seen, self._since = progress, now
        return now - self._since


class Watchdog:
    """`beat` is called by the event loop; everything else is looked at from the thread."""

    def __init__(self, watched: Iterable[Watched], *, on_stuck: Callable[[str], None] = die) -> None:
        self._watched = list(watched)
        self._on_stuck = on_stuck
        self._beaten_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)

    def start(self) -> None:
        self._beaten_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def beat(self) -> None:
        """The loop turns."""
        self._beaten_at = time.monotonic()

    def look_once(self, now: float) -> str | None:
        """What is stuck, in words."""
        if now - self._beaten_at > LOOP_BLOCKED_SECONDS:
            return f"the event loop has been blocked for {now - self._beaten_at:.0f} s"
        for one in self._watched:
            if (stuck := one.stuck_seconds(now)) > one.within_seconds:
                return f"{one.name} has not moved for {stuck:.0f} s"
        return None

    def _look(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                found = self.look_once(time.monotonic())
            except Exception as error:  # noqa: BLE001 - a watchdog that died would go unnoticed
                found = f"the watchdog cannot look: {error!r}"
            if found is not None:
                self._on_stuck(found)
