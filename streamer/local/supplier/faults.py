"""What the supplier does wrong on purpose: a queue of faults, each used once, for orders by HTTP and by mail."""

from __future__ import annotations

from collections import deque
from typing import Literal

HttpFault = Literal[
    "reset_before", "reset_after", "time_out", "too_many", "error", "error_after", "failure_inside", "nonsense"
]
MailFault = Literal["lost_after_data", "refuse", "try_later", "lost_before_data"]


class Faults:
    """`http` and `mail` hold what goes wrong next; None in between is an order that goes well."""

    def __init__(self) -> None:
        self.http: deque[HttpFault | None] = deque()
        self.mail: deque[MailFault | None] = deque()

    def next_http(self) -> HttpFault | None:
        return self.http.popleft() if self.http else None

    def next_mail(self) -> MailFault | None:
        return self.mail.popleft() if self.mail else None
