"""Are the connections well: what came last each way, what is left of limits and tokens, and the polls of each."""

from __future__ import annotations

from typing import Any, Literal, cast

from aiohttp import web

from streamer.web.console.console import Console, form_of
from streamer.web.console.pages.records import applied_settings, sources_of
from streamer.web.console.words import poll_words
from streamer.web.rights import Right
from streamer.web.security import SESSION

HOUR_MS = 3_600_000
DONE = {
    "look_now": "is looked at now",
    "pause": "is not looked at until somebody resumes it; webhooks and calls go on",
    "resume": "is looked at again",
}


def routes(console: Console) -> list[web.RouteDef]:
    pages = Accounts(console)
    return [
        web.get("/accounts", pages.index, allow_head=False),
        web.post("/accounts/{account}", pages.decide),
    ]


class Accounts:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        reader = self.reader
        now_ms = int(self.console.clock().timestamp() * 1000)
        names = {row[0] for row in reader.all("SELECT account FROM poll UNION SELECT account FROM command")}
        standings = await self.console.owners.standings()
        return self.console.page(
            request,
            "accounts.html",
            accounts=[
                self._account(name, standings.get(name), now_ms)
                for name in sorted(names | self.console.config.accounts.keys())
            ],
            sources=sources_of(applied_settings(reader)),
            now_ms=now_ms,
        )

    def _account(self, name: str, standing: Any, now_ms: int) -> dict[str, Any]:
        reader = self.reader
        known = self.console.config.accounts.get(name)
        return {
            "name": name,
            "platform": (known.title or known.platform) if known else "no longer in the settings",
            "standing": standing,
            "polls": reader.all("SELECT * FROM poll WHERE account = ? AND every_ms > 0 ORDER BY resource", name),
            "tokens": reader.all("SELECT * FROM token WHERE account = ? ORDER BY name", name),
            "last_call": reader.one("SELECT * FROM command WHERE account = ? ORDER BY at_ms DESC LIMIT 1", name),
            "calls": reader.number(
                "SELECT count(*) FROM command WHERE account = ? AND at_ms > ?", name, now_ms - HOUR_MS
            ),
            "last_order": reader.number("SELECT max(at_ms) FROM orders WHERE account = ?", name),
            "stuck": reader.number(
                "SELECT count(*) FROM command WHERE account = ? AND state IN ('human', 'unknown')", name
            ),
            "letters": reader.number(
                "SELECT count(*) FROM dead_letter WHERE account = ? AND id NOT IN (SELECT subject FROM settled)", name
            ),
        }

    async def decide(self, request: web.Request) -> web.Response:
        """Look now, stop looking, look again."""
        self.console.security.need(request, Right.MEND)
        account, form = request.match_info["account"], await form_of(request)
        act, resource = form.get("act", ""), form.get("resource") or None
        polls = self.reader.all("SELECT resource FROM poll WHERE account = ? AND every_ms > 0", account)
        if act not in DONE or not polls or (resource is not None and resource not in {row[0] for row in polls}):
            raise web.HTTPBadRequest(text="the form is not one of ours; load the page again\n")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.poll(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                account=account,
                resource=resource,
                act=cast(Literal["look_now", "pause", "resume"], act),
                reason=form.get("reason") or None,
            ),
            f"{account}{f', {poll_words(resource)}' if resource else ''} {DONE[act]}.",
            "/accounts",
        )
