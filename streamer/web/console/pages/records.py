"""Which records were copied where, what failed, what would change; copy one now, or read some again."""

from __future__ import annotations

import asyncio
from typing import cast, get_args
from urllib.parse import quote

from aiohttp import web

from streamer.domain.order_rows import read_row
from streamer.domain.record_rows import FAILED, CopyRow, CopyState, copy_key
from streamer.domain.view import SETTINGS_KEY
from streamer.errors import Malformed
from streamer.messages.applied import SettingsApplied
from streamer.messages.record_bounds import ids_of, time_of
from streamer.messages.records import RecordKind
from streamer.web.console.console import Console, form_of
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.console.read_model import Reader
from streamer.web.rights import Right
from streamer.web.security import SESSION

STATES: tuple[CopyState, ...] = get_args(CopyState)
KINDS = ("customer", "order", "lead", "deal")
MOST_AT_ONCE = 500  # records that one press of the button copies
RECORDS = ListOf(
    "record",
    "key",
    (
        Column("name", "Record", "link", sortable=True),
        Column("kind", "Kind"),
        Column("state", "State", "state"),
        Column("route", "Route", narrow=False),
        Column("external_reference", "Its id there", "code", narrow=False),
        Column("revision", "Revision", "number", narrow=False),
        Column("reason", "Why"),
        Column("at_ms", "Changed", "when", sortable=True),
    ),
    (
        Filter("state", "State", STATES),
        Filter("kind", "Kind", KINDS),
        Filter("route", "Route"),
        Filter("account", "From account"),
        Filter("asked", "Brought by the act", clause="asked_by = ?"),
    ),
    order="at_ms",
    descending=True,
)


def routes(console: Console) -> list[web.RouteDef]:
    pages = Records(console)
    return [
        web.get("/records", pages.index, allow_head=False),
        web.post("/records/copy", pages.copy_all),
        web.post("/records/backfill", pages.backfill),
        web.get("/records/{route}/{key:.+}", pages.one, allow_head=False),
        web.post("/records/{route}/{key:.+}", pages.copy),
    ]


class Records:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def index(self, request: web.Request) -> web.Response:
        settings = applied_settings(self.reader)
        counts = self.reader.all("SELECT route, state, count(*) AS number FROM record GROUP BY route, state")
        looks = self.reader.all("SELECT * FROM poll WHERE resource LIKE '%!%' ORDER BY ended_ms DESC LIMIT 20")
        return self.console.list_page(
            request,
            "records.html",
            RECORDS,
            title="Records",
            live="records commands",
            base="/records/",
            routes=settings.routes if settings is not None else (),
            sources=sources_of(settings),
            counts={(row["route"], row["state"]): row["number"] for row in counts},
            states=STATES,
            looks=looks,
            most=MOST_AT_ONCE,
            empty="No record was copied yet. Which go where is said by [[routes]] in the settings.",
        )

    async def one(self, request: web.Request) -> web.Response:
        route, order_key = request.match_info["route"], request.match_info["key"]
        key = copy_key(route, order_key)
        found = self.reader.one("SELECT * FROM record WHERE key = ?", f"{route}/{order_key}")
        fresh = await self.console.owners.row("orders", key, order_key)
        value = fresh.value or self.reader.fold_row("orders", key)
        row = read_row(key, value) if value else None
        if found is None or not isinstance(row, CopyRow):
            raise web.HTTPNotFound(text="no such record\n")
        settings = applied_settings(self.reader)
        known = {one.name: one for one in settings.routes} if settings is not None else {}
        return self.console.page(
            request,
            "record.html",
            found=found,
            row=row,
            route=known.get(route),
            owner=fresh,
            failed=row.state in FAILED,
            calls=self.reader.all(
                "SELECT * FROM command WHERE order_id = ? AND kind = 'record' ORDER BY at_ms", order_key
            ),
            acts=self.reader.all("SELECT * FROM audit WHERE subject = ? ORDER BY at_ms", f"{route}/{order_key}"),
        )

    async def copy(self, request: web.Request) -> web.Response:
        """Copies one record now."""
        form = await form_of(request)
        route, order_key = request.match_info["route"], request.match_info["key"]
        if self.reader.one("SELECT 1 FROM record WHERE key = ?", f"{route}/{order_key}") is None:
            raise web.HTTPNotFound(text="no such record\n")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.copy_record(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                route=route,
                order_key=order_key,
                reason=form.get("reason") or None,
            ),
            "It is copied now; what comes of it shows here.",
            f"/records/{quote(route)}/{quote(order_key, safe='/')}",
        )

    async def copy_all(self, request: web.Request) -> web.Response:
        """Copies everything of a route that is in one state, oldest first."""
        form = await form_of(request)
        route, state = form.get("route", ""), form.get("state", "")
        if state not in ("held", "dry_run", "failed", "waiting"):
            raise web.HTTPBadRequest(text="state: only what is held, failed, waiting or a dry run can be copied\n")
        rows = self.reader.all(
            "SELECT order_key FROM record WHERE route = ? AND state = ? ORDER BY at_ms, key LIMIT ?",
            route,
            state,
            MOST_AT_ONCE,
        )

        async def copy_each() -> None:
            now = self.console.clock()
            for group in range(0, len(rows), 50):
                await asyncio.gather(
                    *(
                        self.console.acts.copy_record(
                            request[SESSION].user,
                            f"{form['act_id']}-{group + place}",
                            now,
                            route=route,
                            order_key=row["order_key"],
                            reason=form.get("reason") or None,
                        )
                        for place, row in enumerate(rows[group : group + 50])
                    )
                )

        return await self.console.act(
            request, Right.MEND, copy_each, f"{len(rows)} records of {route} are copied now.", "/records"
        )

    async def backfill(self, request: web.Request) -> web.Response:
        """Has records of an account read again."""
        form = await form_of(request)
        settings = applied_settings(self.reader)
        account, kind, zone = form.get("account", ""), form.get("kind", ""), self.console.config.time_zone
        if (account, kind) not in {(one, each) for one, kinds in sources_of(settings).items() for each in kinds}:
            raise web.HTTPBadRequest(text="account, kind: no route copies such records that can be read again\n")
        try:
            since = time_of(form["since"], zone, "since") if form.get("since") else None
            until = time_of(form["until"], zone, "until", whole_day=True) if form.get("until") else None
            ids = ids_of(form.get("ids", ""), "ids")
        except Malformed as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        if since is None and not ids:
            raise web.HTTPBadRequest(text="since, or ids: a back-fill needs bounds\n")
        return await self.console.act(
            request,
            Right.MEND,
            lambda: self.console.acts.backfill(
                request[SESSION].user,
                form["act_id"],
                self.console.clock(),
                account=account,
                kind=cast(RecordKind, kind),
                since=since,
                until=until,
                ids=ids,
                dry_run="dry_run" in form,
            ),
            f"{account} is asked for {kind} records again.",
            f"/records?asked={quote(form['act_id'])}",
        )


def applied_settings(reader: Reader) -> SettingsApplied | None:
    """The settings last applied."""
    value = reader.fold_row("orders", SETTINGS_KEY)
    return SettingsApplied.from_json(value) if value else None


def sources_of(settings: SettingsApplied | None) -> dict[str, list[str]]:
    """Account -> kinds of records that routes carry from it and that it can read again."""
    found: dict[str, list[str]] = {}
    for route in settings.routes if settings is not None else ():
        facts = settings.accounts.get(route.source) if settings is not None else None
        for kind in route.kinds if facts is not None else ():
            if facts is not None and kind in facts.backfills and kind not in found.setdefault(route.source, []):
                found[route.source].append(kind)
    return {account: kinds for account, kinds in found.items() if kinds}
