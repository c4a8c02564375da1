"""What may be done outside once the ledger's rows are durable. The result comes back as an event of `commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from streamer.domain.view import Effect
from streamer.messages.commands import Command

Mode = Literal["send", "look_up"]


class Bounds(msgspec.Struct, omit_defaults=True, frozen=True):
    """What a back-fill or a reconciliation looks at: records changed in a time, or those of some ids."""

    resource: str
    act_id: str
    since: str | None = None  # RFC 3339
    until: str | None = None
    ids: tuple[str, ...] = ()
    route: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StartCall(Effect):
    """Carry out `attempt` of a command, or look up what became of an earlier one. Answered by `AttemptOutcome`.

    No byte may leave later than START_WITHIN_SECONDS after the row was given to the producer; otherwise `not_started`.
    """

    account: str
    command_id: str
    attempt: int
    mode: Mode
    command: Command


@dataclass(frozen=True, slots=True)
class StartPoll(Effect):
    """Look at `resource` from `cursor` on, within `bounds` if there are any. Answered by `PollMoved` of the sequence.

    With bounds, `resource` is only the name of the row; theirs is the platform's.
    """

    account: str
    resource: str
    sequence: int
    cursor: dict[str, str]
    bounds: Bounds | None = None


START_WITHIN_SECONDS = 2.0
"""D of the ledger's rules: what the settle time and the caller's deadline share."""
