"""What the owner of an account keeps for its calls: tokens, sessions. Only ciphertext comes here.

The youngest stands. What is forgotten, or has expired, goes a day later: a repeated older message must not bring it
back.
"""

from __future__ import annotations

from streamer.domain.dispatch_rows import Rows, SecretRow, secret_key
from streamer.domain.times import DAY_MS, in_ms
from streamer.domain.view import Outcome
from streamer.messages.commands import SecretKept


def kept(rows: Rows, event: SecretKept) -> Outcome:
    """The row of this name, unless it is younger than the event."""
    key = secret_key(event.account, event.name)
    known = rows.read(key)
    at_ms = in_ms(event.at)
    if isinstance(known, SecretRow) and known.at_ms > at_ms:
        return ()
    expires_ms = in_ms(event.expires_at) if event.expires_at is not None else None
    ends_ms = at_ms if event.sealed is None else expires_ms
    due_ms = ends_ms + DAY_MS if ends_ms is not None else None
    row = SecretRow(event.sealed, expires_ms, at_ms, due_ms)
    if known != row:
        rows.put(key, row)
    return ()
