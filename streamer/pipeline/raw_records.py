"""Records for `raw.<platform>` out of what polls and fetches bring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from streamer.engine.fold import Output
from streamer.errors import Malformed
from streamer.messages.base import Message
from streamer.messages.commands import FetchCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.records import Asked
from streamer.platforms.base import Platform, RawPage
from streamer.platforms.raw_record import raw_headers
from streamer.platforms.wire import Raw

ASKED = "asked"
"""Header of a raw record that somebody asked for. A webhook cannot set it: its headers begin with `http-`."""


def raw_output(platform: Platform[Any], page: RawPage, *, cause: str | None, asked: Asked | None = None) -> Output:
    """One record of an account; `cause` is the command that asked for it, `asked` the act or reconciliation."""
    account = platform.account
    headers = {name.lower(): value for name, value in page.headers.items()}
    raw = Raw(page.body, headers, account, page.resource)
    source = f"/accounts/{account}/{page.resource}"
    kafka = raw_headers(raw, platform=platform.name, source=source, event_id=cause, reads=tuple(headers))
    if asked is not None:
        kafka = (*kafka, (ASKED, asked.model_dump_json(exclude_none=True).encode()))
    return Output(f"raw.{platform.name}", f"{account}/{page.key}" if page.key else account, page.body, kafka)


def asked_of(headers: Iterable[tuple[str, bytes]]) -> Asked | None:
    """Who asked for a raw record. Raises Malformed for a header that is not ours."""
    for name, value in headers:
        if name == ASKED:
            try:
                return Asked.model_validate_json(value)
            except ValidationError as error:
                raise Malformed("is no JSON of ours", field=ASKED) from error
    return None


def as_asked(message: Message, asked: Asked) -> Message:
    """The message with who asked for it, where that means something; a fetch carries it on to its answer."""
    if isinstance(message, Order | CustomerRecord):
        return message.model_copy(update={"asked": asked})
    if isinstance(message, FetchCommand):
        other = command_id("fetch", message.command_id, asked.act_id)
        return message.model_copy(update={"asked": asked, "command_id": other})
    return message
