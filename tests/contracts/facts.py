"""Whether events hold the facts that a recorded payload must give. Values count; names are ours to choose.

What must stand together (the values of one list entry) must be found in one place of the events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

INSTRUCTIONS = {"note", "notes", "must", "kind", "status", "entity", "operation", "service", "units_affected"}


def missing_facts(expected: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is not there, in words; nothing when all is well."""
    dead = [event for event in events if event.get("type") == "dead-letter"]
    wanted = [*expected.get("events", ()), *expected.get("after_followups", ())]
    found = []
    if "refused" in expected and not dead:
        found.append("a dead letter was to come")
    if "nothing" in expected and dead:
        found.append(f"nothing was to come, a dead letter came: {dead[0].get('reason')}")
    if not wanted and len(events) > len(dead):
        found.append(f"no event was to come, {len(events) - len(dead)} came")
    if wanted and dead and "refused" not in expected:
        found.append(f"a dead letter came: {dead[0].get('reason')}")
    places = [set(spellings_below(place)) for event in events for place in together(event)]
    everything = set().union(*(set(spellings_below(event)) for event in events)) if events else set()
    for entry in wanted:
        found += _lacking(entry, everything, places)
    return found


def _lacking(entry: Any, everything: set[str], places: list[set[str]]) -> Iterator[str]:
    for path, value in scalars(entry):
        if not fits(value, everything):
            yield f"{path}={value}"
    for rows in lists_below(entry):
        for row in rows:
            values = [text for _, text in scalars(row)]
            if values and not any(all(fits(text, place) for text in values) for place in places):
                yield f"not in one place: {values}"


def fits(text: str, known: set[str]) -> bool:
    """Equal in one of its spellings, or the end of a longer id."""
    if known & exact(text):
        return True
    folded = text.casefold().strip()
    mark = r"[^0-9a-z]" if len(folded) > 3 else r"[/:#]"
    return any(re.search(f"{mark}{re.escape(folded)}$", other) for other in known if other.endswith(folded))


def scalars(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every value that is a fact."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in INSTRUCTIONS:
                yield from scalars(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars(inner, path)
    elif value is not None and not isinstance(value, bool) and str(value).strip():
        yield path, str(value)


def lists_below(value: Any) -> Iterator[list[Any]]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        yield value
    for one in inner:
        yield from lists_below(one)


def together(event: Any) -> Iterator[Any]:
    """An event with one list at most is one place; every entry of a list is one."""
    if sum(len(rows) > 1 for rows in lists_below(event)) == 0:
        yield event
    for rows in lists_below(event):
        yield from rows


def spellings_below(value: Any) -> Iterator[str]:
    for _, text in scalars(value):
        yield from spellings(text)


def spellings(text: str) -> set[str]:
    """How a value of an event may be told."""
    plain = " ".join(text.split()).casefold()
    found = exact(text) | {plain}
    if re.match(r"\d{4}-\d\d-\d\d", plain):
        found.add(plain[:10])
    return found


def exact(text: str) -> set[str]:
    plain = " ".join(text.split()).casefold()
    found = {plain}
    try:
        if (number := Decimal(plain)).is_finite():
            found.add(f"number {number.normalize():f}")
    except InvalidOperation:
        pass
    if re.match(r"\d{4}-\d\d-\d\dt", plain):
        try:
            time = datetime.fromisoformat(text.strip())
            found.add(f"time {time.astimezone(UTC).isoformat() if time.tzinfo else time.isoformat()}")
            if time.tzinfo is None:
                found.add(plain[:10])
        except ValueError:
            pass
    if re.fullmatch(r"\+?[\d\s()./-]{8,}", plain):
        found.add("telephone " + re.sub(r"\D", "", plain))
    return found
