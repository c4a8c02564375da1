"""Keeps processes of ours running: what ends is started again, with growing pauses, until `stop`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from streamer.local import tether

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 20.0  # a process that ran so long begins again with the first pause
GRACE_SECONDS = 20.0

OnEnd = Callable[[str, int], None]


def _nobody(_name: str, _code: int) -> None:
    pass


class Supervised:
    """One process under supervision. `on_end(name, exit code)` hears of every end that was not asked for."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str] | None = None,
        on_end: OnEnd = _nobody,
    ) -> None:
        self.name = name
        self.restarts = 0
        self._argv = list(argv)
        self._log = log
        self._environ = dict(environ if environ is not None else os.environ)
        self._on_end = on_end
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Returns at once; the process is kept running from now on."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._task = asyncio.get_running_loop().create_task(self._keep_running())

    @property
    def pid(self) -> int | None:
        """Of the process itself (not of the tether around it), once it runs."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._pid_file.read_text())
        return None

    def kill(self) -> bool:
        """SIGKILL, as a crash would be. Returns whether there was a process."""
        pid = self.pid
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    async def stop(self) -> None:
        """SIGTERM, after the grace time SIGKILL; no restart."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        if self._task is not None:
            try:
                await asyncio.wait_for(self._task, GRACE_SECONDS + 5)
            except TimeoutError:
                if self._process is not None:
                    self._process.kill()
        self._pid_file.unlink(missing_ok=True)

    def _is_stopping(self) -> bool:
        return self._stopping

    @property
    def _pid_file(self) -> Path:
        return self._log.with_suffix(".pid")

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping:
            began = time.monotonic()
            with self._log.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *tether.command(self._argv, pid_file=self._pid_file, grace_seconds=GRACE_SECONDS),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env=self._environ,
                    start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
                )
                code = await self._process.wait()
            if self._is_stopping():
                return
            self._on_end(self.name, code)
            self.restarts += 1
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
