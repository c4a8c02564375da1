"""What only the workers know: one row of a fold, fresh from its owner; how the connections of accounts stand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import aiohttp


@dataclass(frozen=True)
class Fresh:
    """What the owner said. `recovering`: ask again after `retry_after_seconds`; `away`: nobody answers."""

    state: Literal["fresh", "none", "recovering", "away"]
    value: bytes | None = None
    retry_after_seconds: int | None = None


class Owners:
    """Asks the workers in turn; one of them owns the row or knows who does."""

    def __init__(self, urls: Sequence[str], token: str, timeout_seconds: float = 0.8) -> None:
        self.urls = tuple(url.rstrip("/") for url in urls)
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        self._session = aiohttp.ClientSession(timeout=self._timeout, headers=headers, trust_env=False)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def standings(self) -> dict[str, Mapping[str, float | None]]:
        """Account -> the fields of its `Standing`, of all workers that answer; the least free one counts."""
        found: dict[str, Mapping[str, float | None]] = {}
        for told in await asyncio.gather(*(self._connections(url) for url in self.urls)):
            for account, standing in told.items():
                known = found.get(account)
                if known is None or _freedom(standing) < _freedom(known):
                    found[account] = standing
        return found

    async def _connections(self, url: str) -> dict[str, Mapping[str, float | None]]:
        assert self._session is not None
        try:
            async with self._session.get(f"{url}/connections", allow_redirects=False) as response:
                told = await response.json() if response.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    async def row(self, fold: str, key: str, log_key: str | None = None) -> Fresh:
        """GET /rows/{fold}/{key}; `log_key` where the row's key is finer than the log's."""
        answer = Fresh("away")
        assert self._session is not None
        for url in self.urls:
            params = {"log_key": log_key} if log_key is not None and log_key != key else None
            try:
                async with self._session.get(
                    f"{url}/rows/{quote(fold, safe='')}/{quote(key, safe='')}", params=params, allow_redirects=False
                ) as response:
                    if response.status == 200:
                        return Fresh("fresh", await response.read())
                    if response.status == 404:
                        return Fresh("none")
                    if response.status == 503:
                        return Fresh("recovering", None, _seconds(response.headers.get("Retry-After")))
            except (aiohttp.ClientError, TimeoutError, OSError):
                continue
        return answer


def _freedom(standing: Mapping[str, float | None]) -> tuple[bool, float]:
    return standing.get("breaker_seconds") is None, (standing.get("calls_left") or 0.0) / (standing.get("calls") or 1.0)


def _seconds(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 5
