"""Statuses of objects that carry no reference of ours: found by the other side's id, or parked until we learn it."""

from __future__ import annotations

import re

import msgspec

from streamer.domain.acts import notice
from streamer.domain.dispatch_reports import EXTERNAL_KEPT_MS, for_purchasing
from streamer.domain.dispatch_rows import (
    ExternalRow,
    LedgerRow,
    Rows,
    command_key,
    external_key,
    not_quarantined,
)
from streamer.domain.times import DAY_MS
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.purchasing import SupplierStatus

MOST_PARKED = 50
_OURS = re.compile(r"(?i)(?<![a-z0-9])([a-z2-7]{26})(?=[.@])")  # our id in a Message-ID that we made


def supplier_status(rows: Rows, event: SupplierStatus) -> Outcome:
    """Passed on to purchasing with our reference; or kept until the ledger learns whose it is. Raises Refused."""
    reference = _reference_of(rows, event)
    if reference is not None:
        return [for_purchasing(event, reference)]
    if event.external_reference is None:
        raise Refused("names no order: neither a reference of ours nor an id that we know")
    key = external_key(event.account, event.external_reference)
    known = rows.read(key)
    body = event.to_json()
    if isinstance(known, ExternalRow):
        not_quarantined(known)
        if any(bytes(parked) == body for parked in known.parked):
            return ()
        if len(known.parked) >= MOST_PARKED:
            raise Refused(f"{MOST_PARKED} statuses wait for {event.external_reference} already")
    row = rows.edit(key)
    if not isinstance(row, ExternalRow):
        settings = settings_of(rows)
        row = ExternalRow(due_ms=rows.now_ms + (settings.remember_days if settings else 40) * DAY_MS)
        rows.put(key, row)
    row.parked.append(msgspec.Raw(body))
    return ()


def _reference_of(rows: Rows, event: SupplierStatus) -> str | None:
    """Our reference, by an id of theirs that the ledger knows or by the Message-ID that we made."""
    for named in (event.external_reference, event.in_reply_to, event.original_message_id, event.envelope_id):
        if named is None:
            continue
        known = rows.read(external_key(event.account, named))
        if isinstance(known, ExternalRow) and known.reference is not None:
            if known.due_ms is not None and known.due_ms < rows.now_ms + EXTERNAL_KEPT_MS - 30 * DAY_MS:
                used = rows.edit(external_key(event.account, named))
                assert isinstance(used, ExternalRow)
                used.due_ms = rows.now_ms + EXTERNAL_KEPT_MS
            return known.reference
        for made in _OURS.findall(named):
            row = rows.read(command_key(event.account, made.upper()))
            if isinstance(row, LedgerRow) and row.kind == "reorder":
                reference: str | None = getattr(row.command(), "reference", None)
                return reference
    return None


def give_up(rows: Rows, key: str, row: ExternalRow) -> Outcome:
    """Nobody will learn whose statuses these are."""
    account, _, external_reference = key.split("/", 2)
    return notice(
        settings_of(rows),
        ("parked", account, external_reference, str(row.due_ms)),
        "Statuses of an unknown order",
        f"{len(row.parked)} statuses of {external_reference} came at account {account}: no order of ours has that id",
    )
