"""What folds tell people: notices, and entries of the audit trail."""

from __future__ import annotations

from typing import Literal

from streamer.domain.times import utc
from streamer.messages.applied import SettingsApplied
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id
from streamer.messages.status import AuditEntry
from streamer.messages.stock import RowRelease

Severity = Literal["information", "warning", "urgent"]


def notice(
    settings: SettingsApplied | None,
    cause: tuple[str, ...],
    subject: str,
    text: str,
    *,
    severity: Severity = "warning",
    link: str | None = None,
) -> list[NotifyCommand]:
    """One notice for one cause (a cause that comes again has the same id), or none where no `notify_account` is set."""
    if settings is None or settings.notify_account is None:
        return []
    notice_id = command_id("notify", *cause)
    return [
        NotifyCommand(
            command_id=notice_id,
            account=settings.notify_account,
            object=f"notice/{notice_id}",
            cause="/".join(cause),
            subject=subject,
            text=text,
            severity=severity,
            link=link,
        )
    ]


def released(event: RowRelease, reason: str | None, now_ms: int) -> AuditEntry:
    """A person lets a quarantined row decide again; `reason` is why it was put there."""
    return AuditEntry(
        actor=event.actor,
        act="row.release",
        subject=f"{event.topic}/{event.row_key}",
        before={"quarantined": reason or ""},
        reason=reason,
        act_id=event.act_id,
        at=utc(now_ms),
    )
