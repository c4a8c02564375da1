"""Secrets do not get out: texts with every secret of an account replaced."""

from __future__ import annotations

from collections.abc import Iterable

MASK = "***"
SHORTEST_SECRET = 4  # shorter ones would blot out ordinary words


class Mask:
    """Replaces what must not be seen."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Also hide these."""
        fresh = {secret for secret in secrets if len(secret) >= SHORTEST_SECRET}
        self._secrets = sorted(fresh | set(self._secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text
