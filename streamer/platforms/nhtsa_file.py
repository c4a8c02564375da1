"""NHTSA's file of all recalls: what is new in it, one record for each campaign. The file is made anew each day."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from streamer.errors import Unavailable
from streamer.platforms.wire import Call, Page, RawPage, get, moment, send

PATH = "/odi/ffdd/rcl/FLAT_RCL_POST_2010.zip"
LARGEST_FILE_BYTES = 200_000_000
LARGEST_TEXT_BYTES = 1_500_000_000
LARGEST_CAMPAIGN_BYTES = 3_500_000  # what the topic of raw events takes
DOWNLOAD_SECONDS = 240.0
ROWS_AT_ONCE = 5000
CAMPAIGN, MAKE, ADDED = 1, 2, 16  # columns, counted from 0: CAMPNO, MAKETXT, DATEA
OVERLAP = timedelta(days=7)  # rows appear later than the day that they name
NOT_CHANGED = 304


def changed_campaigns(
    base: str, cursor: Mapping[str, str], makes: Collection[str], back_fill_days: float
) -> Call[Page]:
    """The campaigns of these makes (none: of all) with a row that is newer than the last look; all of their rows."""
    told = {"If-None-Match": cursor["etag"]} if cursor.get("etag") else {}
    request = get(base + PATH, headers=told, accept=frozenset({NOT_CHANGED}), timeout_seconds=DOWNLOAD_SECONDS,
                  largest_reply_bytes=LARGEST_FILE_BYTES)  # fmt: skip
    now = (yield from moment()).now
    reply = yield from send(request)
    if reply.status == NOT_CHANGED:
        return Page((), cursor)
    last = datetime.fromisoformat(cursor["since"]) if "since" in cursor else now - timedelta(days=back_fill_days)
    first_day = (last - OVERLAP).strftime("%Y%m%d")
    wanted = {make.strip().upper() for make in makes}
    names: set[str] = set()
    for rows in _rows(reply.body):
        names |= {cells[CAMPAIGN] for cells in rows if cells[ADDED] >= first_day}
        yield from moment()  # lets others work
    campaigns: dict[str, list[str]] = {}
    ours: set[str] = set()
    for rows in _rows(reply.body):
        for cells in rows:
            if (name := cells[CAMPAIGN]) in names:
                campaigns.setdefault(name, []).append("\t".join(cells))
                if not wanted or cells[MAKE].strip().upper() in wanted:
                    ours.add(name)
        yield from moment()
    records = [
        RawPage(part, "flat_file", name, {"content-type": "text/tab-separated-values"})
        for name in sorted(ours)
        for part in [_body(campaigns[name])]
    ]
    moved = {"since": now.astimezone(UTC).isoformat()}
    if etag := reply.headers.get("etag"):
        moved["etag"] = etag
    return Page(records, moved)


def _rows(content: bytes) -> Iterator[list[list[str]]]:
    """The rows of the only text in the archive, some thousand at a time. Raises Unavailable for a broken download."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = next(one for one in archive.infolist() if one.filename.lower().endswith(".txt"))
            if member.file_size > LARGEST_TEXT_BYTES:
                raise Unavailable(f"the file of recalls has grown to {member.file_size} bytes")
            with archive.open(member) as text:
                found: list[list[str]] = []
                for line in text:
                    cells = _decoded(line).rstrip("\r\n").split("\t")
                    if len(cells) > ADDED:
                        found.append(cells)
                    if len(found) >= ROWS_AT_ONCE:
                        yield found
                        found = []
                yield found
    except (zipfile.BadZipFile, zlib.error, EOFError, StopIteration) as error:
        raise Unavailable(f"the file of recalls cannot be read: {type(error).__name__}") from error


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def _body(rows: list[str]) -> bytes:
    """Without repeated rows, and no more than a record takes: the vehicles that are left out are the last ones."""
    kept, size = [], 0
    for row in dict.fromkeys(rows):
        size += len(row.encode()) + 1
        if size > LARGEST_CAMPAIGN_BYTES:
            break
        kept.append(row)
    return "\n".join(kept).encode()
