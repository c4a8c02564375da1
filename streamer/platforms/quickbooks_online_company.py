"""Records of one company in QuickBooks Online: asked for by query and id, written, and changed as they newest are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from streamer.errors import Refused, Unavailable
from streamer.platforms.paging import dig
from streamer.platforms.quickbooks_online_bodies import Fault, Row, digits, quoted
from streamer.platforms.wire import Call, HttpRequest, Reply, get, post

ITEM = "Id, Name, Sku, Type, TrackQtyOnHand, QtyOnHand, ReorderPoint, PurchaseCost, PrefVendorRef, MetaData"
MOST_ITEMS = 100  # that one query gives without being asked for more
MOST_RECORDS = 1000  # in one answer
STALE = "5010"


@dataclass(frozen=True, slots=True)
class Company:
    """`url` is its address, `ask` the account's exchange."""

    url: str
    ask: Callable[[HttpRequest], Call[Reply]]

    def items(self, ids: Iterable[str]) -> Call[tuple[list[Row], str | None]]:
        """Items, and when their figures were true."""
        wanted = sorted({one for one in ids if one.isascii() and one.isdigit()}, key=int)
        found: list[Row] = []
        first: str | None = None
        for place in range(0, len(wanted), MOST_ITEMS):
            some = quoted(wanted[place : place + MOST_ITEMS])
            rows, at = yield from self.query("Item", f"select {ITEM} from Item where Id in ({some})")  # noqa: S608
            found, first = [*found, *rows], first or at
        return found, first

    def query(self, entity: str, statement: str) -> Call[tuple[list[Row], str | None]]:
        reply = yield from self.ask(get(f"{self.url}/query", {"query": statement}))
        told = reply.json()
        if not isinstance(dig(told, "QueryResponse"), Mapping):
            raise reply.unreadable("holds no QueryResponse")
        rows = dig(told, "QueryResponse", entity) or ()
        return [row for row in rows if isinstance(row, Mapping) and digits(str(row.get("Id")))], dig(told, "time")

    def catalogue(self, field: Literal["Id", "Sku"], texts: Sequence[str]) -> Call[dict[str, Row]]:
        """Items by SKU or id. Raises Refused for a SKU that several have."""
        wanted = sorted({text for text in texts if text})
        found: dict[str, Row] = {}
        for place in range(0, len(wanted), MOST_ITEMS):
            some = quoted(wanted[place : place + MOST_ITEMS])
            statement = (
                f"select Id, Sku, UnitPrice, PurchaseCost from Item where {field} in ({some}) maxresults {MOST_RECORDS}"  # noqa: S608
            )
            rows, _ = yield from self.query("Item", statement)
            for row in rows:
                name = str(row.get(field))
                if name in found:
                    raise Refused(f"several items have the SKU {name}")
                found[name] = row
        return found

    def by_number(self, entity: str, number: str) -> Call[Row | None]:
        """Raises Refused where several have it."""
        rows, _ = yield from self.query(entity, f"select * from {entity} where DocNumber = {quoted([number])}")  # noqa: S608
        if len(rows) > 1:
            raise Refused(f"{len(rows)} records of {entity} have the number {number}; a person must look")
        return rows[0] if rows else None

    def change(self, entity: str, number: str, change: Callable[[Row], Mapping[str, Any] | None]) -> Call[Row]:
        """Read, change, write; once more when somebody else was faster. None of `change`: nothing is to be done."""
        for _ in range(2):
            row = yield from self.read(entity, number)
            wanted = change(row)
            if wanted is None:
                return row
            try:
                return (yield from self.write(entity, wanted, {}))
            except Fault as fault:
                if STALE not in fault.codes:
                    raise
        raise Unavailable(f"{entity} {number} is being changed by others")

    def read(self, entity: str, number: str) -> Call[Row]:
        return _record_in((yield from self.ask(get(f"{self.url}/{entity}/{number}"))))

    def write(self, entity: str, body: Mapping[str, Any], query: Mapping[str, str]) -> Call[Row]:
        return _record_in((yield from self.ask(post(f"{self.url}/{entity}", body, query=query))))


def _record_in(reply: Reply) -> Row:
    """The one record of an answer."""
    told = reply.json()
    found = [row for row in told.values() if isinstance(row, Mapping)] if isinstance(told, Mapping) else []
    if len(found) != 1 or digits(str(found[0].get("Id"))) is None:
        raise reply.unreadable("holds no record with an id")
    return found[0]
