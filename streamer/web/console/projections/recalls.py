"""Rows of the fold `recalls`: one entry for each campaign, and for each class or part that it names."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from streamer.domain.recalls_matching import covers, is_done, uncalled
from streamer.domain.recalls_rows import CampaignRow, PartRow, VehicleRow, read_row
from streamer.web.console import search_index
from streamer.web.console.projections.changes import Change, quarantined


class Entry(NamedTuple):
    """What the list of campaigns adds up."""

    subject: str
    component: str = ""
    remedy: str = ""
    urgent: bool = False
    vehicles: int = 0  # with an appointment
    waiting: int = 0  # of these, without a part
    uncalled: int = 0  # known here, without an appointment
    holdings: int = 0
    remedies: str = ""
    withdrawn: bool = False


def take(database: sqlite3.Connection, key: str, value: bytes | None, _at_ms: int) -> set[Change]:
    row = read_row(key, value) if value is not None else None
    database.execute("DELETE FROM recall WHERE row_key = ?", (key,))
    subject = key.split("/", 1)[-1].replace("/", " ")
    if isinstance(row, VehicleRow):
        for name in row.campaigns:
            _put(database, key, name, _of_class(row, name, subject))
    elif isinstance(row, PartRow):
        for name in row.campaigns:
            _put(database, key, name, Entry(f"part {subject}", holdings=len(row.holdings)))
    elif isinstance(row, CampaignRow):
        skus = ", ".join(row.remedies)
        words = row.component or "", row.remedy or ""
        _put(database, key, row.name, Entry("", *words, row.urgent, remedies=skus, withdrawn=row.withdrawn))
    changes = {Change.RECALLS}
    if quarantined(database, "recalls", key, getattr(row, "quarantined", None)):
        changes.add(Change.ERRORS)
    return changes


def _of_class(row: VehicleRow, name: str, subject: str) -> Entry:
    campaign = row.campaigns[name]
    concerned = [
        visit
        for visit in row.visits.values()
        if visit.booked and covers(campaign, visit.vin) is not False and not is_done(row, name, visit.vin)
    ]
    supplied = {visit.vin or visit.order_id for visit in concerned if any(one[0] == name for one in visit.added)}
    return Entry(
        subject,
        campaign.component or "",
        campaign.remedy or "",
        campaign.urgent,
        vehicles=len({visit.vin or visit.order_id for visit in concerned}),
        waiting=len({visit.vin or visit.order_id for visit in concerned} - supplied),
        uncalled=len(uncalled(row, name)),
        remedies=", ".join(part.sku for part in campaign.remedies),
    )


def _put(database: sqlite3.Connection, key: str, name: str, entry: Entry) -> None:
    ref = f"{name}#{key}"
    values = (ref, name, entry.subject, entry.component, entry.remedy, int(entry.urgent), *entry[4:9])
    database.execute(
        "INSERT OR REPLACE INTO recall VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, int(entry.withdrawn), key),
    )
    search_index.put(database, "recall", ref, name, entry.component, entry.subject, entry.remedies)
