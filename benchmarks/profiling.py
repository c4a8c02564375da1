"""Where a process spends its CPU: samples of every thread, taken by the kernel's CPU timer. No tool need be installed.

Set `BENCH_PROFILE` to a file and a contender writes its table there when it ends.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import TextIO

SAMPLE_SECONDS = 0.002  # of CPU, all threads together; the kernel may round it up to its own tick
LONGEST_TABLE = 60
Place = tuple[str, str]


class Profile:
    """Samples by function: on top of the stack, and anywhere on it. Threads that wait for something do not count."""

    def __init__(self) -> None:
        self.samples = 0
        self.on_top: Counter[Place] = Counter()
        self.anywhere: Counter[Place] = Counter()
        self._main = threading.main_thread().ident

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _take(self, _number: int, frame: FrameType | None) -> None:
        frames = sys._current_frames()
        stacks = [frame] + [other for thread, other in frames.items() if thread != self._main]
        for top in stacks:
            if top is None or top.f_code.co_name in {"wait", "select", "run_forever", "epoll", "poll", "_worker"}:
                continue
            self.samples += 1
            self.on_top[_place(top)] += 1
            seen = set()
            at: FrameType | None = top
            while at is not None:
                seen.add(_place(at))
                at = at.f_back
            self.anywhere.update(seen)

    def write(self, out: TextIO) -> None:
        """Percent of the samples."""
        for title, counted in (("on top of the stack", self.on_top), ("anywhere on it", self.anywhere)):
            out.write(f"{self.samples} samples, {title}\n")
            shares = [
                (100 * count / max(1, self.samples), place) for place, count in counted.most_common(LONGEST_TABLE)
            ]
            out.writelines(f"{share:6.1f} %  {file}:{name}\n" for share, (file, name) in shares)


def _place(frame: FrameType) -> Place:
    return "/".join(frame.f_code.co_filename.rsplit("/", 2)[-2:]), frame.f_code.co_name


def profile_if_asked() -> None:
    """Begins where `BENCH_PROFILE` names a file."""
    file = os.environ.get("BENCH_PROFILE")
    if file:
        profile = Profile()
        profile.start()
        atexit.register(_finish, profile, Path(file))


def _finish(profile: Profile, file: Path) -> None:
    profile.stop()
    with file.open("w") as out:
        profile.write(out)
