"""Rows of the fold `recalls`: one entry for each campaign and class of vehicles or part."""

from __future__ import annotations

import sqlite3

from streamer.domain.recalls_rows import Campaign, PartRow, VehicleRow, read_row
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    row = read_row(key, value) if value is not None else None
    database.execute("DELETE FROM recall WHERE row_key = ?", (key,))
    subject = key.split("/", 1)[-1].replace("/", " ")
    if isinstance(row, VehicleRow):
        booked = [visit for visit in row.visits.values() if visit.booked]
        for name, campaign in row.campaigns.items():
            supplied = [visit for visit in booked if any(added[0] == name for added in visit.added)]
            _put(database, key, name, subject, campaign, (len(booked), len(booked) - len(supplied), 0))
    elif isinstance(row, PartRow):
        for name in row.campaigns:
            _put(database, key, name, f"part {subject}", Campaign(""), (0, 0, len(row.holdings)))
    changes = {Change.RECALLS}
    if quarantined(database, "recalls", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    return changes


def _put(
    database: sqlite3.Connection, key: str, name: str, subject: str, campaign: Campaign, counts: tuple[int, int, int]
) -> None:
    component, remedy, urgent = campaign.component or "", campaign.remedy or "", int(campaign.urgent)
    database.execute(
        "INSERT OR REPLACE INTO recall VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (f"{name}#{key}", name, subject, component, remedy, urgent, *counts, key),
    )
    search_index.put(
        database, "recall", f"{name}#{key}", name, component, subject, *(part.sku for part in campaign.remedies)
    )
