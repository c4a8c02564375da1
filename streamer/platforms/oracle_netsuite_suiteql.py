"""Questions in SuiteQL. Texts of others are quoted, ids are digits."""

from __future__ import annotations

from collections.abc import Iterable

LEVELS = (
    "SELECT item.id, item.itemid, ail.location, ail.quantityonhand, ail.quantityavailable, ail.reorderpoint "
    "FROM aggregateitemlocation ail INNER JOIN item ON item.id = ail.item ORDER BY item.id, ail.location"
)


def literal(value: str) -> str:
    """A text, with its quotes doubled."""
    return "'" + value.replace("'", "''") + "'"


def time(told: str) -> str:
    """`YYYY-MM-DD HH:MM:SS` in the account's zone."""
    return f"TO_DATE({literal(told)}, 'YYYY-MM-DD HH24:MI:SS')"


def changed(source: str, start: str, after_id: str | None, end: str | None = None) -> str:
    """Ids of what changed from `start` on, oldest first.

    With `after_id` only what comes behind that id of that time, so that pages neither overlap nor leave out anything.
    """
    at = time(start)
    bound = f"lastmodifieddate >= {at}"
    if after_id is not None:
        bound = f"(lastmodifieddate > {at} OR (lastmodifieddate = {at} AND id > {after_id}))"
    if end is not None:
        bound += f" AND lastmodifieddate <= {time(end)}"
    columns = "id, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS changed"
    return f"SELECT {columns} FROM {source} AND {bound} ORDER BY lastmodifieddate, id"  # noqa: S608 - quoted


def item(number: str) -> str:
    return f"SELECT id, itemid, displayname FROM item WHERE id = {number}"  # noqa: S608 - digits


def items(names: Iterable[str]) -> str:
    return f"SELECT id, itemid FROM item WHERE itemid IN ({', '.join(map(literal, names))})"  # noqa: S608 - quoted


def vendor(name: str) -> str:
    return f"SELECT id FROM vendor WHERE entityid = {literal(name)}"  # noqa: S608 - quoted


def customer(column: str, value: str) -> str:
    """`column` is one of ours or of the settings."""
    return f"SELECT id FROM customer WHERE {column} = {literal(value)}"  # noqa: S608 - quoted
