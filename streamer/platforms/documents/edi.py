"""What X12 and EDIFACT share: ids of partners, control numbers, and texts that a form can hold."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from streamer.errors import Refused
from streamer.messages.commands import ReorderCommand

LONGEST_PARTNER = 15
LARGEST_CONTROL_NUMBER = 999_999_999


def partner_id(name: str) -> str:
    """A made-up id for a partner who has agreed on none: letters and digits of its name."""
    return re.sub(r"[^A-Z0-9]", "", _ascii(name).upper())[:LONGEST_PARTNER] or "UNKNOWN"


def control_number(order: ReorderCommand) -> int:
    """The interchange's number: the same for the same order and version, so that a repeat is known as one."""
    digest = hashlib.sha256(f"{order.reference}.{order.version}".encode()).digest()
    return int.from_bytes(digest[:8]) % LARGEST_CONTROL_NUMBER + 1


def exact(text: str, field: str, *, longest: int, forbidden: str = "") -> str:
    """A code, as it is. Raises Refused where the form cannot hold it: a code that is cut or changed is another part."""
    if not (text.isascii() and text.isprintable()) or len(text) > longest or any(one in text for one in forbidden):
        hint = f" and none of {forbidden}" if forbidden else ""
        raise Refused(f"{field} {text[:60]!r} does not fit the document: at most {longest} ASCII letters{hint}")
    return text


def words(text: str, *, longest: int) -> str:
    """A text for people: capitals, digits and spaces, cut."""
    return " ".join(re.sub(r"[^A-Z0-9./-]", " ", _ascii(text).upper()).split())[:longest].rstrip()


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
