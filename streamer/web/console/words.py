"""Names of the machine as people say them."""

from __future__ import annotations

import json

CURSOR_SHOWN = 60  # characters of one value


def poll_words(resource: str) -> str:
    """What a poll asks for, as people say it."""
    kind, mark, why = resource.partition("!")
    words = kind.replace("_", " ")
    if not mark:
        return words
    route = why.removeprefix("reconcile:")
    return f"{words}s that {route} may have missed" if route != why else f"back-fill of {words}s"


def cursor_words(text: str) -> list[tuple[str, str]]:
    """How far a poll has read, by the names of its own platform; long values are cut."""
    values: dict[str, str] = json.loads(text)
    return [
        (name, value if len(value) <= CURSOR_SHOWN else value[:CURSOR_SHOWN] + "…") for name, value in values.items()
    ]
