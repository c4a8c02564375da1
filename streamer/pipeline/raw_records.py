"""Records for `raw.<platform>` out of what polls and fetches bring."""

from __future__ import annotations

from typing import Any

from streamer.engine.fold import Output
from streamer.platforms.base import Platform, RawPage
from streamer.platforms.raw_record import raw_headers
from streamer.platforms.wire import Raw


def raw_output(platform: Platform[Any], page: RawPage, *, cause: str | None) -> Output:
    """One record of an account; `cause` is the command that asked for it."""
    account = platform.account
    headers = {name.lower(): value for name, value in page.headers.items()}
    raw = Raw(page.body, headers, account, page.resource)
    source = f"/accounts/{account}/{page.resource}"
    kafka = raw_headers(raw, platform=platform.name, source=source, event_id=cause, reads=tuple(headers))
    return Output(f"raw.{platform.name}", f"{account}/{page.key}" if page.key else account, page.body, kafka)
