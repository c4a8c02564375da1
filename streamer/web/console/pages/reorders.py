"""What will be ordered and why: the dry run of the next look, and what a person may do about it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice

from aiohttp import web

from streamer.web.console.console import Console, form_of
from streamer.web.console.dry_run import Proposed, look, look_some
from streamer.web.console.lists import csv_response
from streamer.web.rights import Right
from streamer.web.security import SESSION

MOST = 20  # on one page, each with its reasons
ROWS = 200  # that one page looks at
CSV_MOST = 5_000
COLUMNS = (
    *("location", "sku", "quantity", "unit", "supplier", "landed_cost", "currency", "needed_by", "automatic", "held"),
    "why",
)
SNOOZE_DAYS = 7  # unless the person names a day


def routes(console: Console) -> list[web.RouteDef]:
    pages = Reorders(console)
    return [
        web.get("/reorders", pages.index, allow_head=False),
        web.post("/reorders/{key:.+}", pages.decide),
    ]


class Reorders:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        chosen = {name: request.query[name][:200] for name in ("location", "sku") if request.query.get(name)}
        after = request.query.get("after", "")
        where = {"location": chosen.get("location"), "sku": chosen.get("sku")}
        now = self.console.clock()
        if request.query.get("format") == "csv":
            found = look(self.reader, now, **where, only_due=True)
            return csv_response("reorders", COLUMNS, (_cells(one) for one in islice(found, CSV_MOST)))
        looked = look_some(self.reader, now, **where, after=after, most=MOST, rows=ROWS)
        return self.console.page(
            request,
            "reorders.html",
            proposed=looked.proposed,
            chosen=chosen,
            first=not after,
            next=looked.last,
            snooze_until=(self.console.formats(request).today() + timedelta(days=SNOOZE_DAYS)).isoformat(),
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Order now, or leave it until a day."""
        self.console.security.need(request, Right.APPROVE)
        location, _, sku = request.match_info["key"].partition("/")
        form = await form_of(request)
        act = form.get("act")
        until = form.get("until", "")
        if act not in ("order_now", "snooze") or not sku or (act == "snooze" and not _is_day(until)):
            raise web.HTTPBadRequest(text="the form is not one of ours; load the page again\n")
        return await self.console.act(
            request,
            Right.APPROVE,
            lambda: self.console.acts.reorder(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                location=location,
                sku=sku,
                act="order_now" if act == "order_now" else "snooze",
                until=until if act == "snooze" else None,
                reason=form.get("reason") or None,
            ),
            f"{sku}: " + ("it is ordered now" if act == "order_now" else f"nothing is ordered until {until}"),
            "/reorders",
        )


def _cells(one: Proposed) -> list[object]:
    location, _, sku = one.key.partition("/")
    if not one.needs:
        return [location, sku, *[None] * (len(COLUMNS) - 4), one.held, None]
    first = one.needs[0]
    quantity = sum(need.quantity for need in one.needs)
    bought = [quantity, first.unit, first.supplier, first.why.landed_cost, first.why.currency]
    return [location, sku, *bought, first.needed_by, str(first.automatic).lower(), one.held, first.why.decision]


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
