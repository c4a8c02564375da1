"""Links by which a mailed person approves: made and checked with the key that the processes share, and kept nowhere.

A link is bound to supplier, order, version, person and expiry. It is good for one decision: the act that comes of it
has an id made from the link, and an order that was decided, or changed, takes no second one. Whoever holds the link is
taken for the person it was mailed to, so it stands in that mail only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from streamer.errors import BadSignature, Refused
from streamer.messages.commands import AskApprovalCommand

PATH = "/approve/"
_FORM = re.compile(r"^([A-Z0-9]{1,8})/([A-Z0-9]{1,8}-[0-9]{1,12})/([0-9]{1,6})/([a-z0-9_-]{1,32})/([0-9]{1,12})$")


class Claim(NamedTuple):
    """What a link says once it has proved itself. `act_id` is the hash of its proof."""

    supplier: str
    reference: str
    version: int
    person: str
    expires_at: datetime
    act_id: str


def link_key(shared: str) -> bytes:
    """The key of links, from the secret that the processes share: knowing one does not give the other."""
    return hmac.digest(shared.encode(), b"approval links", "sha256")


def path_of(key: bytes, command: AskApprovalCommand) -> str:
    """The path of the page for the person who is asked."""
    expires = int(command.expires_at.timestamp())
    claim = f"{command.supplier}/{command.reference}/{command.version}/{command.person}/{expires}"
    return f"{PATH}{quote(claim)}/{_proof(key, claim)}"


def read_path(key: bytes, path: str, now: datetime) -> Claim:
    """What stands behind PATH. Raises BadSignature for what we did not make, Refused for a link that has expired."""
    claim, _, proof = path.rpartition("/")
    found = _FORM.fullmatch(claim)
    if found is None or not hmac.compare_digest(proof.encode("utf-8", "replace"), _proof(key, claim).encode()):
        raise BadSignature("the link is none of ours, or was cut off")
    supplier, reference, version, person, expires = found.groups()
    expires_at = datetime.fromtimestamp(int(expires), UTC)
    if now >= expires_at:
        raise Refused(f"the link could be used until {expires_at:%Y-%m-%d %H:%M} UTC")
    return Claim(supplier, reference, int(version), person, expires_at, act_id_of(proof))


def act_id_of(proof: str) -> str:
    """The id of the one act that a link allows; the link cannot be made from it."""
    return "link-" + hashlib.sha256(proof.encode()).hexdigest()[:32]


def _proof(key: bytes, claim: str) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, claim.encode(), "sha256")).decode().rstrip("=")
