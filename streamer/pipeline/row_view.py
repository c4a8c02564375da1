"""One row of a fold, fresh from its owner: `GET /rows/{fold}/{key}` on the worker's private address, with the token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from aiohttp.web import Response as HttpResponse

from streamer.engine.sending import partition_of
from streamer.engine.shell import FoldShell

RETRY_AFTER_SECONDS = 2


class RowView:
    """Answers from this worker's memory. 421: another worker owns the row; 503: its rows are being recovered."""

    def __init__(self, shells: Mapping[str, FoldShell[Any]], partitions: int, token: str) -> None:
        self._shells = shells
        self._partitions = partitions
        self._token = token

    def answer(self, fold: str, key: str, log_key: str | None, authorization: str) -> HttpResponse:
        """`log_key` is the key of the log where the row's own is finer."""
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return HttpResponse(status=401)
        shell = self._shells.get(fold)
        if shell is None:
            return HttpResponse(status=404, text=f"no fold {fold[:40]}")
        partition = partition_of((log_key or key).encode(), self._partitions)
        fresh = shell.row(partition, key)
        if fresh.state == "row":
            return HttpResponse(body=fresh.value, content_type="application/json")
        if fresh.state == "recovering":
            return HttpResponse(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        return HttpResponse(status=404 if fresh.state == "no row" else 421)
