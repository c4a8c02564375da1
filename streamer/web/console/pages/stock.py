"""Do we have it, and when do we get it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from aiohttp import web

from streamer.domain.stock_needs import position
from streamer.domain.stock_rows import StockRow, read_row
from streamer.web.console.charts import Mark, Point, stock_chart
from streamer.web.console.console import Console
from streamer.web.console.line_names import LineName, names_of
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.console.projections.stock import STATES, description, lead_days, state_of

STOCK = ListOf(
    "stock",
    "key",
    (
        Column("sku", "SKU", "link", sortable=True),
        Column("location", "Location", sortable=True),
        Column("description", "Description", narrow=False),
        Column("state", "State", "state"),
        Column("on_hand", "On hand", "number", "pcs", sortable=True, narrow=False),
        Column("reserved", "Reserved", "number", "pcs", narrow=False),
        Column("available", "Available", "number", "pcs", sortable=True),
        Column("incoming", "Incoming", "number", "pcs", narrow=False),
        Column("projected", "Projected", "number", "pcs", sortable=True, narrow=False),
        Column("waiting", "Waiting", "number", "pcs", sortable=True, narrow=False),
        Column("reorder_point", "Reorder at", "number", "pcs", narrow=False),
        Column("next_arrival", "Next arrival", "day", narrow=False),
    ),
    (
        Filter("state", "State", STATES),
        Filter("location", "Location"),
        Filter("sku", "SKU"),
        Filter("needed", "Needed by", clause="needed_by != '' AND needed_by <= ?"),
    ),
    order="key",
)
AHEAD_DAYS = 30
PAST_DAYS = 60
SHOWN = 50  # lines of one table; what is more is a list of its own
NAMED = 3  # needs of one day that a mark names


def routes(console: Console) -> list[web.RouteDef]:
    pages = Stock(console)
    return [
        web.get("/stock", pages.index, allow_head=False),
        web.get("/stock/{key:.+}", pages.one, allow_head=False),
    ]


class Stock:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        return self.console.list_page(
            request,
            "list.html",
            STOCK,
            title="Stock",
            live="stock",
            base="/stock/",
            empty=("No stock here yet. Levels come from the accounts that have authority for a location."),
        )

    async def one(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        fresh = await self.console.owners.row("stock", key)
        value = fresh.value or self.reader.fold_row("stock", key)
        row = read_row(key, value) if value else None
        if not isinstance(row, StockRow):
            raise web.HTTPNotFound(text="no such stock\n")
        now = self.console.clock()
        today = self.console.formats(request).today()
        stand = position(row, int(now.timestamp() * 1000), lead_days(row))
        policy = row.policy
        past = self._past(key, today, row)
        waits = row.queue[:SHOWN]
        reserved = [(name, line) for name, line in row.lines.items() if line.granted > 0]
        reserved.sort(key=lambda each: (each[1].needed_by or "9999", each[0]))
        wanted = [(name, line) for name, line in row.lines.items() if line.needed_by][:SHOWN]
        shown = dict([*reserved[:SHOWN], *wanted]) | {wait.line_key: row.lines.get(wait.line_key) for wait in waits}
        names = names_of(shown.items(), self.reader)
        future, marks = projection(row, today, names)
        location, _, sku = key.partition("/")
        return self.console.page(
            request,
            "stock.html",
            key=key,
            sku=sku,
            location=location,
            place=self.console.config.locations.get(location, location),
            row=row,
            owner=fresh,
            stand=stand,
            rule=_rule(row),
            snoozed=max(row.snoozed_until or "", (policy.snoozed_until or "") if policy else ""),
            state=state_of(row, stand.projected, stand.waitlisted, stand.incoming + stand.incoming_later),
            description=description(row),
            chart=stock_chart(
                past,
                future,
                marks,
                today,
                float(policy.reorder_point) if policy else None,
                float(policy.order_up_to) if policy else None,
            ),
            points=[*past, *future],
            marks=marks,
            names=names,
            waits=waits,
            reserved=reserved[:SHOWN],
            more_reserved=max(0, len(reserved) - SHOWN),
            more_waits=max(0, len(row.queue) - SHOWN),
            incoming=sorted(row.incoming.items(), key=lambda each: (each[1].expected or "9999", each[0]))[:SHOWN],
            today=today,
            offers=sorted(row.offers.items(), key=lambda offer: offer[1].rank),
            purchase_orders=self.reader.all(
                "SELECT purchase_order.* FROM purchase_order_line JOIN purchase_order USING (reference) "
                "WHERE stock_key = ? ORDER BY at_ms DESC LIMIT 20",
                key,
            ),
            elsewhere=self.reader.all("SELECT * FROM stock WHERE sku = ? AND key != ? ORDER BY key LIMIT 50", sku, key),
        )

    def _past(self, key: str, today: date, row: StockRow) -> list[Point]:
        days = self.reader.all(
            "SELECT day, on_hand FROM stock_day WHERE key = ? AND day >= ? ORDER BY day",
            key,
            (today - timedelta(days=PAST_DAYS)).isoformat(),
        )
        past = [Point(date.fromisoformat(one["day"]), one["on_hand"]) for one in days]
        past = [point for point in past if point.day < today]
        return [*past, Point(today, float(row.on_hand))]


def _rule(row: StockRow) -> str | None:
    """The kind of a policy whose levels are worked out."""
    if row.policy is None or row.policy.rule is None:
        return None
    return str(row.policy.rule.__struct_config__.tag).replace("_", " ")


def projection(
    row: StockRow, today: date, names: Mapping[str, LineName] | None = None
) -> tuple[list[Point], list[Mark]]:
    """What will lie there at the end of each day on which something comes or goes, if nothing else happens.

    Lines leave on the day that they are needed, those without a day tomorrow; late arrivals are expected tomorrow.
    Each day has at most one mark of a kind, which names the first of what it stands for.
    """
    tomorrow, last = today + timedelta(days=1), today + timedelta(days=AHEAD_DAYS)
    changes: dict[date, Decimal] = {}
    told: dict[tuple[date, str], list[str]] = {}
    for line_key, line in row.lines.items():
        wanted = line.quantity - line.shipped
        if wanted > 0:
            day = max(tomorrow, _day(line.needed_by) or tomorrow)
            changes[day] = changes.get(day, Decimal(0)) - wanted
            name = (names or {}).get(line_key) or line_key
            told.setdefault((day, "appointment" if line.because or line.needed_by else "need"), []).append(
                f"{wanted:f} for {name}"
            )
    for need_id, need in row.incoming.items():
        if need.quantity > 0 and need.expected is not None:
            day = max(tomorrow, _day(need.expected) or tomorrow)
            changes[day] = changes.get(day, Decimal(0)) + need.quantity
            from_whom = f"{need.quantity:f} from {need.supplier}, {need.reference or need_id}"
            told.setdefault((day, "receipt"), []).append(from_whom)
    level = row.on_hand + sum((change.delta for change in row.arrived), Decimal(0))
    points = []
    for day in sorted({*changes, last}):
        level += changes.get(day, Decimal(0))
        points.append(Point(day, float(level)))
    return points, [Mark(day, kind, _told(texts)) for (day, kind), texts in sorted(told.items())]


def _told(texts: list[str]) -> str:
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None
