"""A mail that came in, as far as it is read: headers without their folds, and the parts that may hold a document.

Whatever is wrong with a mail, reading it raises nothing: what cannot be read is missing.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import cached_property

from streamer.platforms.documents.authentication import Result, proves, read_results, summary

LONGEST_HEADER = 1000
LARGEST_NESTING = 20
AUTOMATIC = ("x-auto-response-suppress", "x-autoreply", "x-autorespond", "list-id")


class IncomingMail:
    """`message` is the parsed mail; `receiving_server` is ours, whose word about the sender counts."""

    def __init__(self, body: bytes, *, receiving_server: str | None) -> None:
        self.message: Message = email.message_from_bytes(body, policy=email.policy.compat32)
        self._server = receiving_server

    def header(self, name: str) -> str | None:
        """The first header of this name on one line, shortened when it is very long."""
        return next(iter(self.headers(name)), None)

    def headers(self, name: str) -> list[str]:
        """All headers of this name."""
        texts = (" ".join(str(value).split()) for value in self.message.get_all(name) or ())
        return [text[:LONGEST_HEADER] for text in texts if text]

    @cached_property
    def senders(self) -> tuple[str, ...]:
        """The addresses in From; an honest mail has one."""
        return tuple(address.lower() for _, address in getaddresses(self.headers("From")) if "@" in address)

    @cached_property
    def subject(self) -> str:
        text = self.header("Subject") or ""
        try:
            return str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, ValueError):
            return text

    @cached_property
    def date(self) -> datetime | None:
        """None where it names no zone."""
        try:
            found = parsedate_to_datetime(self.header("Date") or "")
            return found.astimezone(UTC) if found.tzinfo is not None else None
        except (TypeError, ValueError, OverflowError):
            return None

    @cached_property
    def recipient(self) -> str | None:
        """Where the mail was delivered, as far as its headers say."""
        for name in ("Delivered-To", "X-Original-To", "To"):
            for _, address in getaddresses(self.headers(name)[:1]):
                if "@" in address:
                    return address
        return None

    def tag(self, prefix: str) -> str | None:
        """What stands behind `prefix` in the address that the mail was delivered to, such as `NW-7.k7q2`."""
        for name in ("Delivered-To", "X-Original-To", "To"):
            for _, address in getaddresses(self.headers(name)[:1]):
                local = address.rpartition("@")[0]
                if local.lower().startswith(prefix):
                    return local[len(prefix) :] or None
        return None

    @cached_property
    def _results(self) -> tuple[Result, ...]:
        return read_results(self.headers("Authentication-Results"), own=self._server)

    @property
    def authentication(self) -> dict[str, str]:
        """Method -> result, by our own server."""
        return summary(self._results)

    def doubt(self) -> str | None:
        """Why the sender is not proved, or None."""
        if len(self.senders) != 1 or len(self.headers("From")) != 1:
            return "the mail names no single sender"
        if not proves(self._results, self.senders[0].rpartition("@")[2]):
            return "the sender is not authenticated"
        return None

    @property
    def automatic(self) -> bool:
        """Whether no person and no order system meant it as an answer (RFC 3834)."""
        submitted = (self.header("Auto-Submitted") or "no").partition(";")[0].strip().lower()
        precedence = (self.header("Precedence") or "").lower()
        return (
            submitted != "no"
            or precedence in ("bulk", "auto_reply", "junk")
            or self.header("Return-Path") == "<>"
            or self.message.get_content_type() == "multipart/report"
            or any(self.header(name) for name in AUTOMATIC)
        )

    def documents(self) -> Iterator[bytes]:
        """Parts that may be a document: not the text, and nothing of a mail that is attached as a whole."""
        yield from _documents(self.message, 0)


def _documents(part: Message, depth: int) -> Iterator[bytes]:
    inner = part.get_payload()
    if part.get_content_maintype() == "message" or depth > LARGEST_NESTING:
        return
    if isinstance(inner, list):
        for one in inner:
            if isinstance(one, Message):
                yield from _documents(one, depth + 1)
        return
    if part.get_content_type() in ("text/plain", "text/html") and not part.get_filename():
        return
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        yield content
