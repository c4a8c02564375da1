"""What would be ordered, from the rows that the read model has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from streamer.domain.dry_run import would_order
from streamer.domain.units import ms
from streamer.messages.base import plain
from streamer.messages.purchasing import Need
from streamer.web.console.read_model import Reader


class Proposed(NamedTuple):
    """What a look would order for one row; `held` says why it is not ordered all the same."""

    key: str
    needs: list[Need]
    held: str | None

    def in_words(self) -> str:
        """A paragraph for people: what, from whom, and why this number."""
        if not self.needs:
            return f"{self.key}: nothing; {self.held}"
        first = self.needs[0]
        why = first.why
        amounts = " + ".join(plain(need.quantity) for need in self.needs)
        numbers = {
            "on hand": why.on_hand,
            "reserved": why.reserved,
            "waiting": why.waitlisted,
            "incoming": why.incoming,
            "safety": why.safety,
        }
        lines = [
            f"{self.key}: {amounts} {first.unit} from {why.supplier_words}"
            + (f" (not now: {self.held})" if self.held else ""),
            f"  {why.decision}",
            "  " + ", ".join(f"{name} {plain(number)}" for name, number in numbers.items()),
            f"  lead time: {why.lead_time}",
            *(f"  {step}" for step in (*why.rounding, *why.arrival, *why.notes)),
        ]
        if why.demand is not None:
            lines.insert(3, f"  demand: {why.demand}")
        if why.alternative is not None:
            lines.append(f"  {why.alternative}")
        return "\n".join(lines)


class Looked(NamedTuple):
    """What a bounded look found; `last` is the key where it stopped, None where it saw everything."""

    proposed: list[Proposed]
    last: str | None


def look(
    reader: Reader, now: datetime, *, location: str | None = None, sku: str | None = None, only_due: bool = False
) -> Iterator[Proposed]:
    """Each row that would order something, or must and cannot, in the order of the keys.

    `only_due` leaves out rows that are not below their level as last worked out: a review, or a policy that was not
    looked at yet, may order all the same.
    """
    for key in _keys(reader, location, sku, only_due=only_due, after="", limit=-1):
        if (found := _propose(reader, key, now)) is not None:
            yield found


def look_some(
    reader: Reader, now: datetime, *, location: str | None, sku: str | None, after: str, most: int, rows: int
) -> Looked:
    """The first `most` of what is due behind the key `after`, of at most so many `rows`: a page must not wait."""
    keys = _keys(reader, location, sku, only_due=True, after=after, limit=rows + 1)
    proposed: list[Proposed] = []
    for place, key in enumerate(keys):
        if place == rows or len(proposed) == most:
            return Looked(proposed, keys[place - 1])
        if (found := _propose(reader, key, now)) is not None:
            proposed.append(found)
    return Looked(proposed, None)


def _keys(
    reader: Reader, location: str | None, sku: str | None, *, only_due: bool, after: str, limit: int
) -> list[str]:
    rows = reader.all(
        "SELECT key FROM stock WHERE (?1 IS NULL OR location = ?1) AND (?2 IS NULL OR sku = ?2) "
        "AND key > ?4 AND (waiting > 0 OR (reorder_point IS NOT NULL AND (NOT ?3 OR projected <= reorder_point))) "
        "ORDER BY key LIMIT ?5",
        location,
        sku,
        only_due,
        after,
        limit,
    )
    return [row[0] for row in rows]


def _propose(reader: Reader, key: str, now: datetime) -> Proposed | None:
    needs, held = would_order(lambda name: reader.fold_row("stock", name), key, ms(now))
    return Proposed(key, needs, held) if needs or held else None
