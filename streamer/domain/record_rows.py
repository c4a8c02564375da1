"""The row of one record on one route: what waits, what is under way, what the other system has."""

from __future__ import annotations

from typing import Literal

import msgspec

from streamer.messages.records import RecordKind

COPY = "/copy/"
"""Keys of these rows begin so, as no order's does: an account's name is never empty."""

CopyState = Literal[
    "waiting",  # for its batch, or until an echo of ours would have been recognised
    "held",  # until an operator presses the button
    "dry_run",  # the difference is known, nothing was sent
    "under_way",
    "blocked",  # its customer could not be copied
    "confirmed",
    "failed",  # refused by the other system, or it cannot be mapped
    "human",  # nobody knows whether it was carried out
    "dropped",  # cancelled before it was copied
]
FAILED: tuple[CopyState, ...] = ("failed", "blocked", "human")


class CopyRow(msgspec.Struct, tag="copy", omit_defaults=True):
    """Personal data is in `wanted` and `content` only, until it is there; `known` keeps hashes of it."""

    kind: RecordKind
    entity: RecordKind
    state: CopyState
    version: str  # of the source record, the newest that was seen
    reference: str
    number: str | None = None
    wanted: str | None = None  # newest content that was not sent yet
    wanted_hash: str | None = None
    wanted_cancels: bool = False
    content: str | None = None  # of the revision under way, or of the one that failed
    sent_hash: str | None = None
    cancels: bool = False  # the revision sent last was a cancellation
    revision: int = 0  # of what was sent last
    command: str | None = None  # its id
    reported: int = 0  # the newest report about it
    there: bool = False  # it was made there, or may have been
    external_reference: str | None = None
    known: dict[str, str] = {}  # field -> value (a hash of a personal one) that the other system has from us
    difference: list[tuple[str, str, str]] = []  # field, what is there, what would be
    companions: dict[str, str] = {}  # identity of a customer or address -> command that sees to it
    reason: str | None = None
    asked_by: str | None = None  # the act that brought it, where no notice of the platform did
    acts: list[str] = []
    changed_ms: int = 0
    due: int | None = None
    quarantined: str | None = None


def copy_key(route: str, order_key: str) -> str:
    return f"{COPY}{route}/{order_key}"


def split_key(key: str) -> tuple[str, str]:
    """The route and the record of a row's key."""
    route, _, order_key = key.removeprefix(COPY).partition("/")
    return route, order_key
