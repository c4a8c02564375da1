"""Lists: the filter stands in the URL, pages go by key, and the same rows come as CSV."""

# ruff: noqa: S608 - names of tables and columns are ours; what people type goes as parameters

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from streamer.web.console.formats import cell_text
from streamer.web.console.read_model import Reader

PAGE = 50
CSV_ROWS = 50_000

Kind = Literal["text", "link", "number", "money", "when", "day", "state", "code", "supplier"]


@dataclass(frozen=True)
class Column:
    """A column of a table and of its page. `unit` stands in the head; `sortable` ones have an index."""

    name: str
    label: str
    kind: Kind = "text"
    unit: str = ""
    sortable: bool = False
    narrow: bool = True  # also shown on a telephone


@dataclass(frozen=True)
class Filter:
    """A field of the filter: a choice among `choices`, or (none given) any text that must be equal."""

    name: str
    label: str
    choices: tuple[str, ...] = ()
    clause: str = ""  # SQL with one `?`; by default equality


@dataclass(frozen=True)
class ListOf:
    """What a list shows. `key` is unique; `order` is the column that it is sorted by if nobody says otherwise."""

    table: str
    key: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    order: str
    descending: bool = False
    where: str = "1"
    name: str = ""  # of the file, where the table's does not say it


@dataclass(frozen=True)
class Page:
    """One page of a list. `after` leads on to the next one."""

    rows: Sequence[Any]
    total: int
    chosen: Mapping[str, str]
    order: str
    descending: bool
    after: str | None
    first: bool


def page_of(listed: ListOf, reader: Reader, query: Mapping[str, str], *, limit: int = PAGE) -> Page:
    """The page that the URL's query asks for; what it does not know in the query it leaves alone."""
    chosen = {one.name: query[one.name][:200] for one in listed.filters if query.get(one.name)}
    clauses, values = [listed.where], []
    for one in listed.filters:
        if one.name in chosen:
            clauses.append(one.clause or f"{one.name} = ?")
            values.append(chosen[one.name])
    where = " AND ".join(f"({clause})" for clause in clauses)
    total = reader.number(f"SELECT count(*) FROM {listed.table} WHERE {where}", *values)

    sortable = {column.name for column in listed.columns if column.sortable}
    wanted = query.get("sort", "")
    descending = wanted.startswith("-")
    order = wanted.removeprefix("-")
    if order not in sortable:
        order, descending = listed.order, listed.descending
    start = _start(query.get("after"))
    if start is not None:
        where += f" AND ({order}, {listed.key}) {'<' if descending else '>'} (?, ?)"
        values += start
    way = "DESC" if descending else "ASC"
    rows = reader.all(
        f"SELECT * FROM {listed.table} WHERE {where} ORDER BY {order} {way}, {listed.key} {way} LIMIT ?",
        *values,
        limit + 1,
    )
    after = _after(rows[limit - 1], order, listed.key) if len(rows) > limit else None
    return Page(rows[:limit], total, chosen, order, descending, after, first=start is None)


def csv_of(listed: ListOf, reader: Reader, query: Mapping[str, str]) -> web.Response:
    """All rows of the filter (at most CSV_ROWS), for a spreadsheet."""
    page = page_of(listed, reader, {**query, "after": ""}, limit=CSV_ROWS)
    names = [column.name for column in listed.columns]
    return csv_response(listed.name or listed.table, names, ([row[name] for name in names] for row in page.rows))


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> web.Response:
    """A file for a spreadsheet that holds no formula, whatever people typed."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([cell_text(value) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return web.Response(text=out.getvalue(), content_type="text/csv", headers=headers)


def _after(row: Any, order: str, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([row[order], row[key]]).encode()).decode()


def _start(after: str | None) -> list[Any] | None:
    if not after:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(after))
    except ValueError:
        return None
    good = isinstance(values, list) and len(values) == 2 and all(isinstance(one, str | int | float) for one in values)
    return values if good else None
