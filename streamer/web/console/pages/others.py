"""Recalls, the audit trail, and the search over everything."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from streamer.domain.recalls_matching import covers, is_done, uncalled
from streamer.domain.recalls_rows import PartRow, VehicleRow, Visit
from streamer.domain.recalls_rows import read_row as read_recalls_row
from streamer.domain.stock_rows import StockRow
from streamer.domain.stock_rows import read_row as read_stock_row
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
SHOWN = {"ours": "ours", "urgent": "urgent", "open": "NOT withdrawn", "withdrawn": "withdrawn"}
_SUMS = """(
    SELECT *, (NOT withdrawn) * 16 + ours * 8 + urgent * 4 + (waiting > 0) * 2 + (uncalled > 0) AS weight FROM (
        SELECT campaign, max(component) AS component, max(urgent) AS urgent, sum(vehicles) AS vehicles,
            sum(waiting) AS waiting, sum(uncalled) AS uncalled, sum(holdings) AS holdings, max(remedies) AS remedies,
            max(withdrawn) AS withdrawn, sum(vehicles) + sum(uncalled) + sum(holdings) > 0 AS ours
        FROM recall GROUP BY campaign
    )
)"""
RECALLS = ListOf(
    _SUMS,
    "campaign",
    (
        Column("campaign", "Campaign", "link", sortable=True),
        Column("component", "Component", narrow=False),
        Column("vehicles", "Booked", "number", sortable=True),
        Column("waiting", "No part", "number", sortable=True),
        Column("uncalled", "To call", "number", sortable=True),
        Column("holdings", "Held at", "number", sortable=True, narrow=False),
        Column("remedies", "Remedy part", narrow=False),
    ),
    (
        Filter("campaign", "Campaign"),
        Filter(
            "shown",
            "Which",
            tuple(SHOWN),
            clause="CASE ? " + " ".join(f"WHEN '{name}' THEN {clause}" for name, clause in SHOWN.items()) + " END",
        ),
    ),
    order="weight",  # what is urgent and touches us comes first
    descending=True,
    name="recalls",
)
PAGES = {
    "order": "/orders/",
    "stock": "/stock/",
    "purchase order": "/purchase-orders/",
    "command": "/errors/calls/",
    "dead letter": "/errors/",
    "recall": "/recalls/",
    "record": "/records/",
    "appointment": "/orders/",
}
FOUND = 50
RANKED = 5_000  # of a word that everything carries, not all are put in order


def routes(console: Console) -> list[web.RouteDef]:
    pages = Others(console)
    return [
        web.get("/recalls", pages.recalls, allow_head=False),
        web.get("/recalls/{key:.+}", pages.recall, allow_head=False),
        web.get("/audit", pages.audit, allow_head=False),
        web.get("/search", pages.search, allow_head=False),
    ]


class Others:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.reader = console.reader

    async def recalls(self, request: web.Request) -> web.Response:
        return self.console.list_page(request, "recalls.html", RECALLS)

    async def recall(self, request: web.Request) -> web.Response:
        campaign = request.match_info["key"].partition("#")[0]
        subjects = self.reader.all("SELECT * FROM recall WHERE campaign = ? ORDER BY subject", campaign)
        if not subjects:
            raise web.HTTPNotFound(text="no such campaign\n")
        visits: list[tuple[str, Visit, list[tuple[str, str, str]]]] = []
        known: list[tuple[str, str, str, str]] = []
        holdings: dict[tuple[str, str], None] = {}
        remedies: dict[str, None] = {}
        for subject in subjects:
            value = self.reader.fold_row("recalls", subject["row_key"])
            row = read_recalls_row(subject["row_key"], value) if value else None
            if isinstance(row, VehicleRow):
                for visit in row.visits.values():
                    if covers(row.campaigns[campaign], visit.vin) is not False:
                        added = [one for one in visit.added if one[0] == campaign]
                        visits.append((subject["subject"], visit, added))
                known += _known(row, campaign, subject["subject"])
                remedies |= dict.fromkeys(part.sku for part in row.campaigns[campaign].remedies)
            elif isinstance(row, PartRow):
                holdings |= dict.fromkeys(row.holdings)
        holdings |= {
            (held["location"], held["sku"]): None
            for held in self.reader.all("SELECT key, location, sku FROM stock WHERE state = 'held' ORDER BY key")
            if f"recall {campaign}" in self._holds(held["key"])
        }
        visits.sort(key=lambda each: (not each[1].booked, each[1].scheduled_at or ""))
        return self.console.page(
            request,
            "recall.html",
            campaign=campaign,
            about=max(subjects, key=lambda one: (one["subject"] == "", one["component"])),
            subjects=[one for one in subjects if one["subject"]],
            visits=visits,
            known=known,
            holdings=[(place, sku, self._stock(place, sku)) for place, sku in holdings],
            remedies=[
                (sku, self.reader.all("SELECT * FROM stock WHERE sku = ? ORDER BY key", sku)) for sku in remedies
            ],
        )

    def _stock(self, location: str, sku: str) -> Any:
        return self.reader.one("SELECT * FROM stock WHERE key = ?", f"{location}/{sku}")

    def _holds(self, key: str) -> list[str]:
        value = self.reader.fold_row("stock", key)
        row = read_stock_row(key, value) if value else None
        return row.holds if isinstance(row, StockRow) else []

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


def _known(row: VehicleRow, campaign: str, subject: str) -> list[tuple[str, str, str, str]]:
    """Vehicles that were here: class, VIN, order of the last visit, and how the campaign stands for them."""
    calls = set(uncalled(row, campaign))
    told = []
    for number, seen in row.seen.items():
        if is_done(row, campaign, number):
            told.append((subject, number, seen.order, "done"))
        elif number in calls:
            told.append((subject, number, seen.order, "no appointment"))
    return sorted(told, key=lambda each: (each[3] == "done", each[1]))


def link_of(kind: str, ref: str) -> str:
    """The page of a thing that was found."""
    return PAGES[kind] + quote(ref, safe="/")
