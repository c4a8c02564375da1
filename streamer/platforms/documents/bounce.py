"""Delivery reports (RFC 3464): what became of a mail of ours on its way."""

from __future__ import annotations

import re
from email.message import Message as Mail
from typing import NamedTuple

LONGEST_FIELD = 1000
MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>\r\n]{1,900}>)", re.IGNORECASE | re.MULTILINE)


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
    if mail.get_content_type() != "multipart/report":
        return None
    parts = mail.get_payload()
    fields: dict[str, str] = {}
    original = None
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, Mail):
            continue
        kind, inner = part.get_content_type(), part.get_payload()
        if kind == "message/delivery-status":
            for block in inner if isinstance(inner, list) else ():
                for name, value in block.items() if isinstance(block, Mail) else ():
                    fields.setdefault(name.lower(), " ".join(str(value).split())[:LONGEST_FIELD])
        elif kind == "message/rfc822" and isinstance(inner, list) and isinstance(inner[0], Mail):
            original = original or _one_line(inner[0]["Message-ID"])
        elif kind == "text/rfc822-headers":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and (found := MESSAGE_ID.search(content)):
                original = original or found.group(1).decode("ascii", "replace")
    if "action" not in fields:
        return None
    recipient = fields.get("final-recipient") or fields.get("original-recipient") or ""
    return Bounce(
        fields["action"].partition(" ")[0].lower(),
        (fields.get("status") or "").partition(" ")[0] or None,
        recipient.partition(";")[2].strip() or None,
        fields.get("original-envelope-id"),
        original,
    )


def _one_line(value: object) -> str | None:
    return " ".join(str(value).split())[:LONGEST_FIELD] or None if value is not None else None
