"""Delivery reports (RFC 3464): what became of a mail of ours on its way."""

from __future__ import annotations

import re
from email.message import Message as Mail
from typing import NamedTuple


class Bounce(NamedTuple):
    """`action` is failed, delayed, delivered, relayed or expanded; `status` an RFC 3463 code such as 5.1.1."""

    action: str
    status: str | None
    recipient: str | None
    envelope_id: str | None
    original_message_id: str | None

    @property
    def permanent(self) -> bool:
        return self.action == "failed" and (self.status or "5").startswith("5")


def read_bounce(mail: Mail) -> Bounce | None:
    """The report in a mail, or None. The first recipient's block counts; we write to one at a time."""
    fields: dict[str, str] = {}
    original = None
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            blocks = part.get_payload()
            for block in blocks if isinstance(blocks, list) else []:
                for name, value in block.items() if isinstance(block, Mail) else ():
                    fields.setdefault(name.lower(), " ".join(str(value).split()))
        elif kind in ("text/rfc822-headers", "message/rfc822"):
            content = part.get_payload(decode=True) if kind == "text/rfc822-headers" else part.as_bytes()
            text = content if isinstance(content, bytes) else b""
            if found := re.search(rb"^Message-ID:\s*(<[^>\r\n]+>)", text, re.IGNORECASE | re.MULTILINE):
                original = found.group(1).decode("ascii", "replace")
    if "action" not in fields:
        return None
    recipient = fields.get("final-recipient") or fields.get("original-recipient") or ""
    return Bounce(
        fields["action"].lower(),
        fields.get("status"),
        recipient.partition(";")[2].strip() or None,
        fields.get("original-envelope-id"),
        original,
    )
