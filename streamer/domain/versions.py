"""Which of two versions of one object is the newer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}[T ]")
_NUMBER = re.compile(r"^\d{1,24}$")


@lru_cache(maxsize=4096)
def _rank(version: str) -> tuple[str, float | int] | None:
    if _TIME.match(version):
        try:
            time = datetime.fromisoformat(version)
        except ValueError:
            return None
        return ("time", (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    return ("number", int(version)) if _NUMBER.match(version) else None


def time_of(version: str) -> datetime | None:
    """The time that a version names, if it is one."""
    rank = _rank(version)
    return datetime.fromtimestamp(rank[1], UTC) if rank is not None and rank[0] == "time" else None


def newer(version: str, than: str) -> bool:
    """Whether `version` replaces `than`: later as a time, higher as a number; of two content hashes the last to come.

    A hash says only that something differs, so it replaces whatever came before it.
    """
    if version == than:
        return False
    left, right = _rank(version), _rank(than)
    if left is None or right is None or left[0] != right[0]:
        return True
    return left[1] > right[1]
