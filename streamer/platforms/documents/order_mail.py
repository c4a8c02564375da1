"""The mail that carries a purchase order: text for people, attachments for their systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import NamedTuple

from streamer.messages.base import plain
from streamer.messages.commands import AskApprovalCommand, ReorderCommand
from streamer.platforms.documents.totals import line_amount, order_total


class Attachment(NamedTuple):
    name: str
    kind: str  # such as application/pdf
    content: bytes


def order_text(order: ReorderCommand) -> str:
    """What a person reads."""
    by = f" by {order.needed_by}" if order.needed_by else ""
    lines = [f"Purchase order {order.reference}, deliver to {order.ship_to}{by}"]
    if order.copy_of is not None:
        lines.append("COPY: this order was sent before. Please deliver it once.")
    for line in order.lines:
        price = (
            f" @ {plain(line.unit_price)} {order.currency} = {line_amount(line, order.currency)}"
            if line.unit_price is not None
            else ""
        )
        lines.append(f"{plain(line.quantity)} x {line.sku}{price}")
    if (total := order_total(order)) is not None:
        lines.append(f"Total {total} {order.currency}")
    if order.note:
        lines += ["", order.note]
    return "\n".join(lines) + "\n"


def approval_text(question: AskApprovalCommand, link: str) -> str:
    """What a person reads who is asked whether an order may go out."""
    order = question.order
    lines = [
        f"Purchase order {order.reference} to {order.supplier_name} waits for your decision: {question.worth}.",
        f"Why you are asked: {question.because}.",
    ]
    if question.urgent:
        lines.append("Somebody else was asked before and has not decided.")
    if question.changes:
        lines += ["", "Changed since it was last shown:", *(f"- {change}" for change in question.changes)]
    lines += [
        "",
        "Approve or reject it on this page, which shows it once more:",
        link,
        f"The link is yours alone and can be used until {question.expires_at:%Y-%m-%d %H:%M} UTC.",
        "An answer to this mail decides nothing.",
        "",
        "The order as it will be sent, dated the day it goes out:",
        "",
    ]
    return "\n".join(lines) + "\n" + order_text(order)


def compose(
    *,
    sender: str,
    recipient: str,
    contact: str | None,
    reply_to: str | None,
    subject: str,
    message_id: str,
    at: datetime,
    text: str,
    attachments: Sequence[Attachment] = (),
    automatic: bool = False,
) -> bytes:
    """The mail as bytes with CRLF. Names and subject lose their line breaks, so nobody can add a header by them."""
    mail = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    mail["From"] = Address(display_name=_shown(name), addr_spec=address)
    to_name, to_address = parseaddr(recipient)
    mail["To"] = Address(display_name=_shown(contact or to_name), addr_spec=to_address)
    if reply_to is not None:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail["Subject"] = _shown(subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    if automatic:
        mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="quoted-printable")
    for attachment in attachments:
        main, _, sub = attachment.kind.partition("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
        part = list(mail.iter_attachments())[-1]
        part.set_param("name", attachment.name)
    return mail.as_bytes()


def _shown(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
