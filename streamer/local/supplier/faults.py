"""What the supplier does wrong on purpose: a queue of faults, each used once, for orders by HTTP and by mail."""

from __future__ import annotations

from collections import deque
from typing import Literal

HttpFault = Literal[
    "reset_before", "reset_after", "time_out", "too_many", "error", "error_after", "failure_inside", "nonsense"
]
MailFault = Literal[
    "lost_before_data",  # at the recipient, when nothing of the message was written
    "lost_unread",  # after the final dot; the order is in no book
    "lost_after_data",  # after the final dot; the order is in the book
    "silent",  # the same, and the connection stays open
    "refuse",
    "refuse_recipient",
    "try_later",
]


class Faults:
    """`http` and `mail` hold what goes wrong next; None in between is an order that goes well."""

    def __init__(self) -> None:
        self.http: deque[HttpFault | None] = deque()
        self.mail: deque[MailFault | None] = deque()

    def next_http(self) -> HttpFault | None:
        return self.http.popleft() if self.http else None

    def next_mail(self, *those: MailFault) -> MailFault | None:
        """The next one, if it is one of `those`; without any, whatever it is."""
        return self.mail.popleft() if self.mail and (not those or self.mail[0] in those) else None
