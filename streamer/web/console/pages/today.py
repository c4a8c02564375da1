"""The first page: is anything wrong, and what waits for me."""

# ruff: noqa: S608 - names of tables and columns are ours; what people type goes as parameters

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from aiohttp import web

from streamer.web.console.charts import sparkline
from streamer.web.console.console import Console
from streamer.web.console.pages.purchase_orders import WITH_THEM

DAYS = 30
DAY_MS = 86_400_000
MINUTE_MS = 60_000  # the lines of the last days are counted anew so often
AHEAD_DAYS = 14
OPEN_LETTERS = "id NOT IN (SELECT subject FROM settled)"


def routes(console: Console) -> list[web.RouteDef]:
    return [web.get("/", Today(console).show, allow_head=False)]


class Today:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader
        self._lines: dict[str, tuple[int, list[float]]] = {}  # query -> minute, and what it counted then

    async def show(self, request: web.Request) -> web.Response:
        reader = self.reader
        today = self.console.formats(request).today()
        soon = (today + timedelta(days=AHEAD_DAYS)).isoformat()
        origin = self.console.config.public_origin or str(request.url.origin())
        now_ms = int(self.console.clock().timestamp() * 1000)
        late = f"promised != '' AND promised < ? AND state IN {WITH_THEM}"
        short = "state = 'shortage' AND needed_by != '' AND needed_by <= ?"
        cards = [
            self._card(
                "Approvals waiting",
                "/approvals",
                reader.number("SELECT count(*) FROM purchase_order WHERE state = 'awaiting_approval'"),
                "purchase orders, asked for each day",
                self._by_day(
                    "SELECT at_ms FROM purchase_order_step WHERE state = 'awaiting_approval' AND at_ms > ?", now_ms
                ),
            ),
            self._card(
                "Short before an appointment",
                f"/stock?state=shortage&needed={soon}",
                reader.number(f"SELECT count(*) FROM stock WHERE {short}", soon),
                f"SKUs needed within {AHEAD_DAYS} days; lines waitlisted each day",
                self._by_day("SELECT at_ms FROM order_line WHERE decision = 'waitlisted' AND at_ms > ?", now_ms),
            ),
            self._card(
                "Late suppliers",
                f"/purchase-orders?late={today.isoformat()}",
                reader.number(f"SELECT count(*) FROM purchase_order WHERE {late}", today.isoformat()),
                "purchase orders past their date; sent each day",
                self._by_day("SELECT at_ms FROM purchase_order_step WHERE state = 'sent' AND at_ms > ?", now_ms),
            ),
            self._card(
                "Stuck calls",
                "/errors#calls",
                reader.number("SELECT count(*) FROM command WHERE state IN ('human', 'unknown')"),
                "calls with an unknown outcome; calls each day",
                self._by_day("SELECT at_ms FROM command WHERE at_ms > ?", now_ms),
            ),
            self._card(
                "Dead letters since yesterday",
                "/errors",
                reader.number(f"SELECT count(*) FROM dead_letter WHERE at_ms > ? AND {OPEN_LETTERS}", now_ms - DAY_MS),
                "events that could not be used, each day",
                self._by_day("SELECT at_ms FROM dead_letter WHERE at_ms > ?", now_ms),
            ),
        ]
        return self.console.page(
            request,
            "today.html",
            cards=cards,
            quiet=not any(card["number"] for card in cards),
            approvals=reader.all(
                "SELECT * FROM purchase_order WHERE state = 'awaiting_approval' ORDER BY at_ms LIMIT 8"
            ),
            shortages=reader.all(f"SELECT * FROM stock WHERE {short} ORDER BY needed_by, key LIMIT 8", soon),
            late=reader.all(f"SELECT * FROM purchase_order WHERE {late} ORDER BY promised LIMIT 8", today.isoformat()),
            days_late=lambda promised: (today - date.fromisoformat(promised[:10])).days,
            stuck=reader.all("SELECT * FROM command WHERE state IN ('human', 'unknown') ORDER BY at_ms LIMIT 8"),
            origin=origin,
            hooks=[f"{origin}/hooks/{name}" for name, one in self.console.config.accounts.items() if one.hook],
            fresh_install=not reader.number("SELECT EXISTS (SELECT 1 FROM stock) OR EXISTS (SELECT 1 FROM orders)"),
        )

    def _card(self, title: str, link: str, number: int, what: str, days: Sequence[float]) -> dict[str, object]:
        label = f"{what}: {int(sum(days))} in {DAYS} days, {int(days[-1])} today"
        return {"title": title, "link": link, "number": number, "what": what, "line": sparkline(days, label)}

    def _by_day(self, query: str, now_ms: int) -> list[float]:
        minute, known = self._lines.get(query, (0, []))
        if minute == now_ms // MINUTE_MS:
            return known
        first = now_ms - DAYS * DAY_MS
        days = self.reader.all(
            f"SELECT (at_ms - {first}) / {DAY_MS} AS day, count(*) FROM ({query}) GROUP BY day", first
        )
        counted: dict[int, int] = {row[0]: row[1] for row in days}
        line = [float(counted.get(day, 0)) for day in range(DAYS)]
        self._lines[query] = (now_ms // MINUTE_MS, line)
        return line
