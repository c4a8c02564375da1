"""What will be ordered and why: the dry run of the next look, and what a person may do about it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice

from aiohttp import web

from streamer.web.console.console import Console, form_of
from streamer.web.console.dry_run import look
from streamer.web.rights import Right
from streamer.web.security import SESSION

MOST = 50  # on one page
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
        now = self.console.clock()
        location, sku = request.query.get("location") or None, request.query.get("sku") or None
        found = look(self.reader, now, location=location, sku=sku, only_due=True)
        proposed = list(islice(found, MOST + 1))
        return self.console.page(
            request,
            "reorders.html",
            proposed=proposed[:MOST],
            more=len(proposed) > MOST,
            suppliers=self.console.config.suppliers,
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


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
