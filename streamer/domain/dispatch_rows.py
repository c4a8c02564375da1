"""Rows of the ledger: commands, queues of objects, ids that other systems gave, polls.

Keys: `<account>/<command id>`, `<account>/object/<object>`, `<account>/external/<their id>`,
`<account>/known/<object>`, `<account>/match/<entity>/<hash of a match key>`, `<account>/poll/<resource>` and
`<account>/secret/<name>`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from streamer.domain.effects import Bounds, Mode
from streamer.domain.view import SETTINGS_KEY, View
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.commands import AttemptResult, Command
from streamer.messages.registry import MESSAGES

LedgerState = Literal["intended", "sending", "looking_up", "unknown", "confirmed", "rejected", "human"]


class Attempt(msgspec.Struct, omit_defaults=True):
    """One call, and what is known of it. `result` is None while it is on its way."""

    number: int
    mode: Mode
    started_ms: int
    result: AttemptResult | None = None
    reason: str | None = None


class LedgerRow(msgspec.Struct, tag="command", omit_defaults=True):
    """One command. Its body is frozen: the same id never carries another one."""

    kind: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")
    object: str = ""
    state: LedgerState = "intended"
    created_ms: int = 0
    due_ms: int | None = None
    attempt: int = 0  # number of the last one
    attempts: list[Attempt] = []  # the last of them
    first_sent_ms: int | None = None  # an idempotency key lives from here
    unclear: int = 0  # sends since a person last looked whose result is not known
    pauses: int = 0  # tries in a row that came to nothing: makes the next pause longer
    retry_since_ms: int | None = None
    external_reference: str | None = None
    reason: str | None = None
    conflict: str | None = None
    evidence: dict[str, str] = {}
    acts: list[str] = []  # ids of what people did
    sent_again: bool = False  # by a person, though it may have been carried out: marked as a copy
    reports: int = 0  # how often other folds were told of it
    closed_ms: int | None = None
    source: tuple[str, int] | None = None  # of the event that brought the command
    quarantined: str | None = None

    def command(self) -> Command:
        """The message as it came."""
        command = MESSAGES[self.kind].from_json(bytes(self.body))
        if not isinstance(command, Command):
            raise TypeError(f"{self.kind} is no command")
        return command

    def current(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


class QueueRow(msgspec.Struct, tag="queue", omit_defaults=True):
    """Commands for one object of the other system; the first is under way, the others wait."""

    waiting: list[str] = []
    latest: str = ""  # the last command that came for it: what a person repeats must not overtake it
    due_ms: int | None = None
    quarantined: str | None = None


class ExternalRow(msgspec.Struct, tag="external", omit_defaults=True):
    """Which command made the object with this id of theirs; before that is known, the statuses that wait for it."""

    command_id: str | None = None
    reference: str | None = None
    parked: list[msgspec.Raw] = []
    due_ms: int | None = None
    quarantined: str | None = None


class KnownRow(msgspec.Struct, tag="known", omit_defaults=True):
    """The id that the other system gave to an object; before it is known, the commands that need it."""

    external_reference: str | None = None
    waiting: list[str] = []
    due_ms: int | None = None
    quarantined: str | None = None


class MatchRow(msgspec.Struct, tag="match", omit_defaults=True):
    """Which object a match key (a hash of it) means."""

    object: str = ""
    due_ms: int | None = None
    quarantined: str | None = None


class PollRow(msgspec.Struct, tag="poll", omit_defaults=True):
    """A question that is asked again and again."""

    account: str = ""
    resource: str = ""
    every_ms: int = 0
    sequence: int = 0
    cursor: dict[str, str] = {}
    started_ms: int | None = None  # of the one under way
    due_ms: int | None = None  # None: no longer in the settings
    ended_ms: int | None = None
    records: int = 0
    error: str | None = None
    bounds: Bounds | None = None  # of a back-fill or a reconciliation
    overlap_ms: int = 0  # of a reconciliation
    reached_ms: int | None = None  # when its last look that went well began
    tries: int = 0  # of a back-fill, that came to nothing
    paused_by: str | None = None  # who stopped it: nothing is asked until somebody resumes it
    acts: list[str] = []  # ids of what people did
    quarantined: str | None = None


class SecretRow(msgspec.Struct, tag="secret", omit_defaults=True):
    """What the owner of an account keeps for its calls, as ciphertext; None: forgotten, and older news stay out."""

    sealed: str | None = None
    expires_ms: int | None = None
    at_ms: int = 0
    due_ms: int | None = None
    quarantined: str | None = None


Row = SecretRow | LedgerRow | QueueRow | ExternalRow | KnownRow | MatchRow | PollRow
Rows = View[Row | SettingsApplied]

_DECODER: msgspec.json.Decoder[Row] = msgspec.json.Decoder(Row)
_ENCODER = msgspec.json.Encoder()


def command_key(account: str, command_id: str) -> str:
    return f"{account}/{command_id}"


def queue_key(account: str, name: str) -> str:
    return f"{account}/object/{name}"


def external_key(account: str, external_reference: str) -> str:
    return f"{account}/external/{external_reference}"


def poll_key(account: str, resource: str) -> str:
    return f"{account}/poll/{resource}"


def secret_key(account: str, name: str) -> str:
    return f"{account}/secret/{name}"


def known_key(account: str, name: str) -> str:
    return f"{account}/known/{name}"


def match_key(account: str, entity: str, identity: str) -> str:
    return f"{account}/match/{entity}/{identity}"


def empty_row(key: str) -> Row:
    """A row of the kind that belongs to `key`, with nothing in it."""
    place = key.split("/", 2)[1:2]
    kinds: dict[str, type[Row]] = {
        "object": QueueRow,
        "external": ExternalRow,
        "known": KnownRow,
        "match": MatchRow,
        "poll": PollRow,
        "secret": SecretRow,
    }
    return kinds.get(place[0] if place else "", LedgerRow)()


def read_row(key: str, value: bytes) -> Row | SettingsApplied:
    """Raises msgspec.DecodeError or pydantic's ValidationError."""
    return SettingsApplied.from_json(value) if key == SETTINGS_KEY else _DECODER.decode(value)


def write_row(row: Row | SettingsApplied) -> bytes:
    return row.to_json() if isinstance(row, SettingsApplied) else _ENCODER.encode(row)


def due_ms(row: Row | SettingsApplied) -> int | None:
    if isinstance(row, SettingsApplied) or row.quarantined is not None:
        return None
    if isinstance(row, PollRow) and row.paused_by is not None:
        return None
    return row.due_ms


def known_command(rows: Rows, account: str, command_id: str) -> LedgerRow:
    """The row of a command, not to be changed. Raises Refused."""
    row = rows.read(command_key(account, command_id))
    if not isinstance(row, LedgerRow) or not row.kind:
        raise Refused(f"command {command_id} of account {account} is not known")
    return row


def not_quarantined(row: LedgerRow | ExternalRow) -> None:
    """Raises Refused."""
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")
