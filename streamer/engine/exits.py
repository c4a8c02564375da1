"""How a process ends when its infrastructure fails: at once, with one clear line, so that the supervisor starts it
again."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import NoReturn

EXIT_INFRASTRUCTURE = 70  # EX_SOFTWARE: start again
EXIT_LOST = 75  # something that was acknowledged is gone: a person must look

log = logging.getLogger("streamer.engine")


def die(reason: str, error: BaseException | None = None, *, code: int = EXIT_INFRASTRUCTURE) -> NoReturn:
    """Says why, flushes the log and ends the process without any clean-up that could send or commit more."""
    text = reason if error is None else f"{reason}: {type(error).__name__}: {error}"
    log.critical("worker ends: %s", text, exc_info=error if error is not None and error.__traceback__ else None)
    for handler in logging.getLogger().handlers:
        with contextlib.suppress(Exception):
            handler.flush()
    with contextlib.suppress(Exception):
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(code)
