"""Whether a contender decided right: an independent reader of its topics, which knows nothing of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from benchmarks.decide.records import Decided, Event
from benchmarks.decide.workload import decided
from streamer.domain.stock import read_row
from streamer.domain.view import SETTINGS_KEY
from streamer.messages.orders import LineDecision
from streamer.messages.stock import LineRelease, LineRequest


class Wrong(Exception):
    """A contender's decisions are not those of the log: its time does not count."""


def read_decided(records: Sequence[Any]) -> dict[str, Decided]:
    """Decisions by CloudEvents id. Raises Wrong where one id was decided twice in two ways."""
    found: dict[str, Decided] = {}
    for record in records:
        decision = LineDecision.from_json(record.value)
        headers = dict(record.headers)
        if headers.get("ce_type") != b"line-decision" or headers.get("ce_id", b"").decode() != decision.message_id():
            raise Wrong(f"a decision of {decision.line_key} has not the product's headers")
        if found.setdefault(decision.message_id(), decided(decision)) != decided(decision):
            raise Wrong(f"{decision.message_id()} was decided twice in two ways")
    return found


def compare(found: dict[str, Decided], expected: dict[str, Decided]) -> None:
    """Raises Wrong with the first difference."""
    if found != expected:
        missing = sorted(expected.keys() - found.keys())
        extra = sorted(found.keys() - expected.keys())
        other = sorted(key for key in found.keys() & expected.keys() if found[key] != expected[key])
        raise Wrong(
            f"{len(missing)} decisions are missing {missing[:2]}, {len(extra)} were not asked for {extra[:2]}, "
            f"{len(other)} are others {[(key, found[key], expected[key]) for key in other[:2]]}"
        )


def never_oversold(events: Sequence[Event], rows: dict[str, bytes], found: dict[str, Decided]) -> int:
    """Adds up what was promised, event by event; gives back for how many SKUs all that was there has been promised.

    Raises Wrong where more was promised than lay there.
    """
    left: dict[str, Decimal] = {}
    held: dict[str, dict[str, Decimal]] = {}
    for key, value in rows.items():
        if key != SETTINGS_KEY:
            row: Any = read_row(key, value)
            held[key] = {name: line.open for name, line in row.lines.items()}
            left[key] = row.level - sum(held[key].values())
    used_up = set()
    promised = dict(found)
    for event in events:
        key = event.key.decode()
        kind = dict(event.headers)["ce_type"]
        if kind == b"line-release":
            release = LineRelease.from_json(event.value)
            left[key] += held[key].pop(release.line_key, Decimal(0))
        elif kind == b"line-request":
            request = LineRequest.from_json(event.value)
            decision = promised.pop(f"{request.message_id()}.1", None)  # a repeated request promises nothing again
            if decision is not None:
                approved = Decimal(decision.approved)
                held[key][request.line_key] = approved
                left[key] -= approved
                if left[key] < 0:
                    raise Wrong(f"{key}: {-left[key]} promised that were not there, with line {request.line_key}")
                if not left[key]:
                    used_up.add(key)
    if promised:
        raise Wrong(f"{len(promised)} decisions answer nothing in the log, {list(promised)[:2]}")
    return len(used_up)


def rows_written(records: Sequence[Any], decided_keys: set[str]) -> None:
    """Raises Wrong where a SKU was decided and its row never reached the changelog (Quix: with its store's key)."""
    written = {record.key.split(b"|")[0].strip(b'"') for record in records}
    missing = sorted(key for key in decided_keys if key.encode() not in written)
    if missing:
        raise Wrong(f"{len(missing)} rows were not written to the changelog, {missing[:2]}")
