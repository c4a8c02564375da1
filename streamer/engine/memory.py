"""What a recovery leaves behind: large buffers that the C library keeps for later, and objects that stay."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def settle_memory() -> None:
    """After a recovery: what is there stays, so the collector need not look at it again; what was freed is given back.

    The second is glibc's `malloc_trim`; where there is none, nothing happens.
    """
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
