"""Every error that the product raises on purpose, named by what happens next."""

from __future__ import annotations


class StreamerError(Exception):
    """Root of all errors below; `str()` is one sentence for people, without secrets or personal data."""


class Malformed(StreamerError):
    """The input cannot be read: dead letter. `field` names the place, in dotted form."""

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


class Ignored(StreamerError):
    """The input is understood and means nothing to us: counted by `reason`, never a dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadSignature(StreamerError):
    """The sender could not prove who it is: answer 401 and count it."""


class NotSent(StreamerError):
    """The call was never begun: the attempt goes back to `intended`."""


class Unavailable(StreamerError):
    """The other side promises that nothing was done: retry after `retry_after_seconds`, or with growing pauses."""

    def __init__(self, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Unclear(StreamerError):
    """The call may have been carried out: the ledger decides between key, look-up and a person."""


class Refused(StreamerError):
    """The other side, or a rule of ours, said no for good: show it, do not repeat.

    `status` is the HTTP or SMTP code if there was one.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Unsupported(StreamerError):
    """A declared answer: the platform cannot do this; the message gives the reason and the way round."""


class Misconfigured(StreamerError):
    """A setting is missing or contradicts another: refused at start. `setting` is its full name."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}")
        self.setting = setting


class Lost(StreamerError):
    """Something that was acknowledged is not there any more: the process exits with an alarm."""
