"""What may be done outside once the ledger's rows are durable. The result comes back as an event of `commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamer.domain.view import Effect
from streamer.messages.commands import Command

Mode = Literal["send", "look_up"]


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
    """Look at `resource` from `cursor` on. Answered by `PollMoved` with the same sequence."""

    account: str
    resource: str
    sequence: int
    cursor: dict[str, str]


START_WITHIN_SECONDS = 2.0
"""D of the ledger's rules: what the settle time and the caller's deadline share."""
