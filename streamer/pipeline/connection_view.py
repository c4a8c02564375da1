"""How this worker's connections stand: `GET /connections` on its private address, with the token."""

from __future__ import annotations

import hmac
import json

from aiohttp.web import Response as HttpResponse

from streamer.platforms.http import Runner


class ConnectionView:
    """Answers with a JSON object: account -> the fields of its `Standing`. Another worker may call other accounts."""

    def __init__(self, runner: Runner, token: str) -> None:
        self._runner = runner
        self._token = token

    def answer(self, authorization: str) -> HttpResponse:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return HttpResponse(status=401)
        standings = {account: standing._asdict() for account, standing in self._runner.standings().items()}
        return HttpResponse(body=json.dumps(standings).encode(), content_type="application/json")
