"""Recalls, accounts, the audit trail, and the search over everything."""

from __future__ import annotations

import json
from urllib.parse import quote

from aiohttp import web

from streamer.domain.recalls_rows import PartRow, VehicleRow, Visit
from streamer.domain.recalls_rows import read_row as read_recalls_row
from streamer.web.console.console import Console
from streamer.web.console.lists import Column, Filter, ListOf
from streamer.web.console.search_index import match_of

AUDIT = ListOf(
    "audit",
    "act_id",
    (
        Column("at_ms", "When", "when", sortable=True),
        Column("actor", "Who"),
        Column("act", "Did", "code"),
        Column("subject", "To", "code"),
        Column("origin", "Origin", narrow=False),
    ),
    (
        Filter("actor", "Who"),
        Filter("act", "Did"),
        Filter("subject", "To"),
        Filter("origin", "Origin", ("person", "fold")),
    ),
    order="at_ms",
    descending=True,
)
PAGES = {
    "order": "/orders/",
    "stock": "/stock/",
    "purchase order": "/purchase-orders/",
    "command": "/errors/calls/",
    "dead letter": "/errors/",
    "recall": "/recalls/",
    "appointment": "/orders/",
}
FOUND = 50
RANKED = 5_000  # of a word that everything carries, not all are put in order


def routes(console: Console) -> list[web.RouteDef]:
    pages = Others(console)
    return [
        web.get("/recalls", pages.recalls, allow_head=False),
        web.get("/recalls/{key:.+}", pages.recall, allow_head=False),
        web.get("/accounts", pages.accounts, allow_head=False),
        web.get("/audit", pages.audit, allow_head=False),
        web.get("/search", pages.search, allow_head=False),
    ]


class Others:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def recalls(self, request: web.Request) -> web.Response:
        campaigns = self.reader.all(
            "SELECT campaign, max(component) AS component, max(urgent) AS urgent, sum(vehicles) AS vehicles, "
            "sum(waiting) AS waiting, sum(holdings) AS holdings, count(*) AS subjects FROM recall GROUP BY campaign "
            "ORDER BY urgent DESC, waiting DESC, campaign DESC LIMIT 200"
        )
        return self.console.page(request, "recalls.html", campaigns=campaigns)

    async def recall(self, request: web.Request) -> web.Response:
        campaign = request.match_info["key"].partition("#")[0]
        subjects = self.reader.all("SELECT * FROM recall WHERE campaign = ? ORDER BY subject", campaign)
        if not subjects:
            raise web.HTTPNotFound(text="no such campaign\n")
        visits: list[tuple[str, Visit, list[tuple[str, str, str]]]] = []
        holdings: list[tuple[str, str]] = []
        for subject in subjects:
            value = self.reader.fold_row("recalls", subject["row_key"])
            row = read_recalls_row(subject["row_key"], value) if value else None
            if isinstance(row, VehicleRow):
                for visit in row.visits.values():
                    visits.append((subject["subject"], visit, [added for added in visit.added if added[0] == campaign]))
            elif isinstance(row, PartRow):
                holdings += row.holdings
        return self.console.page(
            request, "recall.html", campaign=campaign, subjects=subjects, visits=visits, holdings=holdings
        )

    async def accounts(self, request: web.Request) -> web.Response:
        reader = self.reader
        names = {
            row[0] for row in reader.all("SELECT DISTINCT account FROM poll UNION SELECT DISTINCT account FROM command")
        }
        accounts = []
        for name in sorted(names | self.console.config.accounts.keys()):
            known = self.console.config.accounts.get(name)
            accounts.append(
                {
                    "name": name,
                    "platform": (known.title or known.platform) if known else "",
                    "polls": reader.all("SELECT * FROM poll WHERE account = ? ORDER BY resource", name),
                    "last_call": reader.one(
                        "SELECT * FROM command WHERE account = ? ORDER BY at_ms DESC LIMIT 1", name
                    ),
                    "last_order": reader.number("SELECT max(at_ms) FROM orders WHERE account = ?", name),
                    "stuck": reader.number(
                        "SELECT count(*) FROM command WHERE account = ? AND state IN ('human', 'unknown')", name
                    ),
                    "letters": reader.number(
                        "SELECT count(*) FROM dead_letter "
                        "WHERE account = ? AND id NOT IN (SELECT subject FROM settled)",
                        name,
                    ),
                }
            )
        return self.console.page(request, "accounts.html", accounts=accounts)

    async def audit(self, request: web.Request) -> web.Response:
        return self.console.list_page(
            request,
            "audit.html",
            AUDIT,
            title="Audit",
            live="audit",
            base="",
            entry=lambda row: json.loads(row["json"]),
            empty="Nobody has done anything yet. Every act of a person shows here, with before and after.",
        )

    async def search(self, request: web.Request) -> web.Response:
        words = request.query.get("q", "").strip()
        match = match_of(words)
        rows = (
            self.reader.all(
                "SELECT kind, ref, document.text FROM "
                "(SELECT rowid AS found, rank AS place FROM search WHERE search MATCH ? LIMIT ?) "
                "JOIN document ON document.id = found ORDER BY place LIMIT ?",
                match,
                RANKED,
                FOUND,
            )
            if match
            else []
        )
        found = [
            {"kind": row["kind"], "ref": row["ref"], "text": row["text"], "link": link_of(row["kind"], row["ref"])}
            for row in rows
        ]
        if len(found) == 1 and request.query.get("go") == "1":
            raise web.HTTPSeeOther(found[0]["link"])
        return self.console.page(request, "search.html", q=words, found=found, most=FOUND)


def link_of(kind: str, ref: str) -> str:
    """The page of a thing that was found."""
    return PAGES[kind] + quote(ref, safe="/")
