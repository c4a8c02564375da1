"""Runs a command that may not outlive the process that asked for it.

`python tether.py PID_FILE GRACE_SECONDS COMMAND...` starts the command and waits. When standard input ends, or the
parent process is gone, the command gets SIGTERM and, after the grace time, SIGKILL. If the tether itself is killed,
Linux kills the command (`PR_SET_PDEATHSIG`; elsewhere only the first two hold). That signal follows the *thread* that
forked, which is why a process of its own, with one thread, stands between.

Runs as a plain script with nothing but the standard library, so that it costs little memory and starts at once.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def command(argv: Sequence[str], *, pid_file: Path, grace_seconds: float) -> list[str]:
    """The command line that runs `argv` on a tether; give it a pipe as standard input and keep the other end open."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(pid_file), str(grace_seconds), *argv]


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _until_over(child: subprocess.Popen[bytes], parent: int) -> None:
    """Returns when the command has ended, standard input has ended, or `parent` is gone."""
    standard_input = sys.stdin.fileno()
    while child.poll() is None and os.getppid() == parent:
        readable, _, _ = select.select([standard_input], [], [], 0.5)
        if readable and not os.read(standard_input, 4096):
            return


def _terminate(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    deadline = time.monotonic() + grace_seconds
    child.send_signal(signal.SIGCONT)  # a stopped process would not see the next one
    child.terminate()
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main(pid_file: str, grace_seconds: str, *argv: str) -> int:
    """Runs `argv` to its end and gives its exit code (128 + signal number where a signal ended it)."""
    parent = os.getppid()
    inherited = [int(fd) for fd in os.environ.pop("TETHER_FDS", "").split(",") if fd]
    # Forking with a function of ours is safe here: there is one thread only.
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, pass_fds=inherited)  # noqa: PLW1509
    Path(pid_file).write_text(str(child.pid))

    def ended(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, ended)
    try:
        _until_over(child, parent)
    finally:
        if child.poll() is None:
            _terminate(child, float(grace_seconds))
        Path(pid_file).unlink(missing_ok=True)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
