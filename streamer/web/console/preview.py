"""A purchase order as its account will send it: the mail with its attachments, or the request with its body."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import orjson

from streamer.errors import StreamerError
from streamer.messages.commands import ReorderCommand
from streamer.platforms.base import Platform
from streamer.platforms.documents.order_mail import order_text
from streamer.platforms.samples import Aside
from streamer.platforms.showing import Shown
from streamer.platforms.wire import HttpRequest, MailRequest

KEPT = 300
FORM_HASH = 32  # characters


@dataclass(frozen=True)
class Preview:
    """What goes out. `digest` names the document, so that a decision is bound to what was on the screen."""

    way: str  # in words: to whom, by what
    text: str
    attachments: tuple[tuple[str, str, bytes], ...] = ()  # name, kind, content
    digest: str = ""


class Previews:
    """Makes them, and keeps the last ones: a PDF takes a few milliseconds."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Preview] = OrderedDict()

    def of(self, platform: Any, order: ReorderCommand) -> Preview:
        """`platform` is the adapter of the order's account; without one the order is shown as plain text."""
        digest = hashlib.sha256(order.to_json()).hexdigest()[:FORM_HASH]
        known = self._made.get(digest)
        if known is None:
            known = _made(platform, order, digest)
            self._made[digest] = known
            if len(self._made) > KEPT:
                self._made.popitem(last=False)
        return known


def _made(platform: Any, order: ReorderCommand, digest: str) -> Preview:
    plain = Preview(f"by {order.account}", order_text(order), digest=digest)
    if not isinstance(platform, Platform):
        return plain
    try:
        request = _first_request(platform, order)
    except StreamerError as error:
        return Preview(f"by {platform.title}, which would refuse it: {error}", order_text(order), digest=digest)
    if isinstance(request, MailRequest):
        return _mail(request, digest)
    if isinstance(request, HttpRequest) and not request.safe and request.json is not None:
        shown = Shown(platform)
        body = orjson.dumps(request.json, option=orjson.OPT_INDENT_2).decode()
        return Preview(f"{platform.title}: {request.method} {shown.mask(request.url)}", shown.mask(body), digest=digest)
    return Preview(f"by {platform.title}, after it has looked up what it needs", order_text(order), digest=digest)


def _first_request(platform: Platform[Any], order: ReorderCommand) -> Any:
    """What leaves first. Raises what the adapter raises, and NotSent for what only an answer could tell."""
    call, aside = platform.place_order(order), Aside()
    request = next(call)
    while not isinstance(request, HttpRequest | MailRequest):
        request = call.send(aside(request))
    call.close()
    return request


def _mail(request: MailRequest, digest: str) -> Preview:
    mail = email.message_from_bytes(request.message, policy=email.policy.default)
    body = mail.get_body(("plain",))
    attachments = tuple(
        (part.get_filename() or "attachment", part.get_content_type(), _bytes(part)) for part in mail.iter_attachments()
    )
    way = f"Mail to {mail['To']}: {mail['Subject']}"
    return Preview(way, body.get_content() if body is not None else "", attachments, digest)


def _bytes(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
