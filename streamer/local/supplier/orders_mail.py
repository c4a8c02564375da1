"""The supplier's mail side: an SMTP server that books what is in an order's attachment, and answers as suppliers do."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from streamer.local.supplier.book import Book, Entry
from streamer.local.supplier.faults import Faults
from streamer.local.supplier.order_documents import order_lines

SUBJECT = re.compile(r"purchase order\s+([A-Z0-9]{1,8}-[0-9]+)", re.IGNORECASE)


class OrdersByMail:
    """Handler of aiosmtpd. `on_order` hears of each order that is new in the book.

    `taken` keeps the mails with orders, `others` every other mail.
    """

    def __init__(self, book: Book, faults: Faults, *, on_order: Callable[[Entry], None]) -> None:
        self._book = book
        self._faults = faults
        self._on_order = on_order
        self.taken: list[bytes] = []
        self.others: list[bytes] = []
        self.closing = asyncio.Event()  # ends what a fault keeps waiting

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """aiosmtpd calls this before the message."""
        fault = self._faults.next_mail("lost_before_data", "refuse_recipient")
        if fault == "refuse_recipient":
            return "550 5.1.1 no such user"
        if fault == "lost_before_data":
            _cut(server)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """aiosmtpd calls this with the whole message."""
        fault = self._faults.next_mail()
        if fault == "refuse":
            return "550 5.1.1 no such user"
        if fault == "try_later":
            return "451 4.7.1 try again later"
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        if fault == "lost_unread":
            _cut(server)
            return "421 4.3.2 going down"
        booked = self._book_order(content, envelope.rcpt_tos[0])
        (self.taken if booked else self.others).append(content)
        if fault == "lost_after_data":
            _cut(server)
        if fault == "silent":
            await self.closing.wait()
        return "250 2.0.0 Ok: queued"

    def _book_order(self, content: bytes, recipient: str) -> bool:
        mail = email.message_from_bytes(content, policy=email.policy.default)
        found = SUBJECT.match(str(mail["Subject"] or ""))
        if found is None or mail["Auto-Submitted"]:
            return False  # a notice may speak of an order, too
        reference = found.group(1).upper()
        known = self._book.find(reference)
        if known is not None and known.message_id == str(mail["Message-ID"]):
            return True  # the same mail once more: the server had it already
        entry = self._book.add(
            Entry(
                order_id=self._book.next_id("SO"),
                reference=reference,
                by=recipient,
                lines=order_lines(mail),
                reply_to=str(mail["Reply-To"] or mail["From"]),
                message_id=str(mail["Message-ID"]),
            )
        )
        if known is None:
            self._on_order(entry)
        return True


def _cut(server: Any) -> None:
    if server.transport is not None:
        server.transport.abort()
