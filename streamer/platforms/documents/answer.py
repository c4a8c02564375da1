"""What a supplier's document says, whatever its form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamer.messages.purchasing import SupplierLine, SupplierState


@dataclass(frozen=True, slots=True)
class Answer:
    """`document_id` is the document's own id with its sender's, so that one that comes twice is known."""

    document_id: str
    reference: str
    state: SupplierState
    status: str
    lines: tuple[SupplierLine, ...] = ()
    external_reference: str | None = None
    occurred_at: datetime | None = None
    occurred_date: str | None = None  # where no zone is given
    currency: str | None = None
