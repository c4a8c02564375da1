"""Google Sheets: rows of service records and stock, by a script's push or by reading the sheet; order rows are added
and status cells written.

Good to know:
- Google sends nothing itself: a script in the sheet posts a row and signs it with our secret; `sentAt` in the body
  bounds its age. The poll reads whole sheets, since there are neither row ids nor changes to ask for.
- What a form sends is text in the sheet's locale and zone; what the poll reads are numbers, and days counted from
  1899-12-30.
- Empty cells at the end of a row are missing. A blank is not zero, and a SKU kept as a number has lost its zeros.
- `columns` of each sheet say which heading holds what; a row whose key column is empty is none.
- Adding a row is not idempotent: our reference is looked up in its column first. Row numbers move when people sort, so
  a cell is found by its key immediately before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, SecretStr

from streamer.errors import BadSignature, Ignored, Malformed, Refused
from streamer.messages.base import Message, plain
from streamer.messages.commands import RecordCommand, WriteBackCommand
from streamer.messages.orders import Order
from streamer.messages.records import RecordKind
from streamer.platforms.auth import Auth, ask_as
from streamer.platforms.base import (
    Call,
    Hmac,
    HttpRequest,
    OAuth2,
    OAuthSettings,
    Page,
    Placed,
    Platform,
    Raw,
    RawPage,
    Reply,
    Role,
    get,
    moment,
    post,
    put,
)
from streamer.platforms.google_sheets_rows import Kind, Row, appointment, level, newest, rows_of

JSON = {"content-type": "application/json"}
ROWS = "rows"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
LAST_COLUMN = "ZZ"


class SheetMap(BaseModel):
    """One sheet: what its rows are, and which heading holds what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Kind
    columns: dict[str, str]  # our field -> their heading


class GoogleSheetsSettings(OAuthSettings):
    """A service account (`client_email`, `private_key`) that the sheet is shared with, or an OAuth client."""

    spreadsheet_id: str | None = None
    sheets: tuple[SheetMap, ...] = ()
    locale: str = "en_US"  # of the spreadsheet, for what is read as text
    client_email: str | None = None
    private_key: SecretStr | None = None
    order_sheet: str | None = None
    order_columns: tuple[str, ...] = ("reference", "sku", "quantity", "unit_price", "currency", "status", "sent_at")


def _sent_at(raw: Raw) -> datetime:
    told = raw.json()
    try:
        time = datetime.fromisoformat(str(told["sentAt"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadSignature("sentAt is no time, so the row's age cannot be known") from error
    if time.tzinfo is None:
        raise BadSignature("sentAt has no offset, so the row's age cannot be known")
    return time


def _claims(settings: Any) -> dict[str, str]:
    """Who signs in, as Google wants it of a service account."""
    return {"iss": str(settings.client_email), "scope": SCOPE, "aud": "https://oauth2.googleapis.com/token"}


class GoogleSheets(Platform[GoogleSheetsSettings]):
    title = "Google Sheets"
    docs = "https://developers.google.com/workspace/sheets/api/reference/rest"
    hosts = ("sheets.googleapis.com", "oauth2.googleapis.com")
    roles = frozenset({Role.SOURCE, Role.STOCK_SOURCE, Role.RECORD_SINK, Role.STATUS_TARGET})
    settings_type = GoogleSheetsSettings
    signature = Hmac(header="X-Row-Signature", timestamp=_sent_at)
    auth = OAuth2("https://oauth2.googleapis.com/token", grant="refresh_token")
    record_kinds: ClassVar[frozenset[RecordKind]] = frozenset({"order"})
    polls: ClassVar[Mapping[str, float]] = {ROWS: 300.0}
    resources: ClassVar[Mapping[str, str]] = {ROWS: r"^GET .*/v4/spreadsheets/[^/]+/values/"}
    unsupported: ClassVar[Mapping[Any, str]] = {
        "place_order": "a sheet reaches no supplier; orders are listed there as records of a route",
    }
    limits = "60 reads and 60 writes a minute for each user, 300 for each project"

    # --- what arrives -------------------------------------------------------------------------------------------------

    def object_key(self, raw: Raw) -> str:
        try:
            told = raw.json()
            return f"{told['sheetName']}/{told['rowNumber']}"
        except (Malformed, KeyError, TypeError):
            return super().object_key(raw)

    def split(self, resource: str, body: bytes) -> Iterable[RawPage]:
        """One record for each row, so that a bad one holds up no other."""
        yield from self._pages(body, None)

    def _pages(self, body: bytes, read_at: datetime | None) -> Iterable[RawPage]:
        told = orjson.loads(body)
        name = str(told.get("range", "")).partition("!")[0].strip("'").replace("''", "'")
        head, *rest = told.get("values") or [[]]
        sheet = self._sheet(name)
        as_of = read_at or (newest(rest, head, sheet.columns, self.settings.zone) if sheet else None)
        for number, cells in enumerate(rest, 2):
            if not any(str(cell).strip() for cell in cells):
                continue
            row = {"sheet": name, "row": number, "head": head, "cells": cells}
            if as_of is not None:
                row["as_of"] = as_of.isoformat()
            yield RawPage(orjson.dumps(row), ROWS, f"{name}/{number}", JSON)

    def _sheet(self, name: str) -> SheetMap | None:
        return next((sheet for sheet in self.settings.sheets if sheet.name == name), None)

    def normalise(self, raw: Raw) -> Iterable[Message]:
        told = raw.json()
        if not isinstance(told, dict):
            raise Malformed("is no object")
        name = str(told.get("sheetName") or told.get("sheet") or "")
        sheet = self._sheet(name)
        if sheet is None:
            raise Ignored(f"a row of a sheet that accounts.{self.account}.sheets does not name")
        for row in rows_of(told, sheet.columns, zone=self.settings.zone, locale=self.settings.locale):
            yield self._message(sheet.kind, row, raw)

    def _message(self, kind: Kind, row: Row, raw: Raw) -> Message:
        place = row.text("location")
        if kind == "inventory_level":
            return level(row, self.account, self.name, self.level_place(place), raw.received_at)
        return appointment(row, self.account, self.name, self.place(place))

    # --- what we ask and send -----------------------------------------------------------------------------------------

    def ask(self, request: HttpRequest) -> Call[Reply]:
        by_key = OAuth2("https://oauth2.googleapis.com/token", grant="jwt_bearer", claims=_claims)
        auth: Auth | None = by_key if self.settings.private_key else self.auth
        return (yield from ask_as(auth, self.settings, request))

    def poll(self, resource: str, cursor: Mapping[str, str]) -> Call[Page]:
        """Every row of every sheet that the settings name; what did not change changes nothing."""
        now = (yield from moment()).now
        records: list[RawPage] = []
        for sheet in self.settings.sheets:
            reply = yield from self._read(sheet.name)
            records += self._pages(reply.body, now)
        return Page(records, cursor)

    def _read(self, sheet: str) -> Call[Reply]:
        query = {"valueRenderOption": "UNFORMATTED_VALUE", "dateTimeRenderOption": "SERIAL_NUMBER"}
        return (yield from self.ask(get(self._url(f"{_quoted(sheet)}!A1:{LAST_COLUMN}"), query)))

    def record(self, command: RecordCommand) -> Call[Placed]:
        """One row for each line of the order; rows that are there get the new status."""
        sheet, order = self.settings.order_sheet, command.order
        if sheet is None or order is None:
            raise Refused(f"accounts.{self.account}.order_sheet is not set")
        if command.operation != "create":
            where = {"reference": command.reference}
            status = "cancelled" if command.operation == "cancel" else order.status
            if (yield from self._write_cell(sheet, where, "status", status)):
                return Placed(command.reference)
        if command.operation in ("cancel", "find"):
            return Placed(None)
        values = [[_cell(name, command, order, place) for name in self.settings.order_columns]
                  for place in range(len(order.lines))]  # fmt: skip
        query = {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS", "includeValuesInResponse": "false"}
        url = self._url(f"{_quoted(sheet)}!A1:append")
        reply = yield from self.ask(post(url, {"majorDimension": "ROWS", "values": values}, query=query))
        updates = reply.json().get("updates", {})
        return Placed(command.reference, {"rows": str(updates.get("updatedRange", ""))})

    def write_back(self, command: WriteBackCommand) -> Call[Placed]:
        """The decision in the column that `status` names, of the row with the record's id."""
        for sheet in self.settings.sheets:
            heading, key = sheet.columns.get("status"), sheet.columns.get("record_id")
            if heading and key and (
                yield from self._write_cell(sheet.name, {key: command.order_id}, heading, command.decision)
            ):  # fmt: skip
                return Placed(command.order_id)
        raise Refused(f"no sheet of accounts.{self.account}.sheets has columns status and record_id with this record")

    def _write_cell(self, sheet: str, where: Mapping[str, str], heading: str, text: str | None) -> Call[int]:
        """Writes one column of every row with that key; how many rows there are."""
        told = (yield from self._read(sheet)).json()
        head, *rest = told.get("values") or [[]]
        names = [str(name).strip() for name in head]
        [(key, wanted)] = where.items()
        if key not in names or heading not in names:
            raise Refused(f"the sheet {sheet} has no columns {key} and {heading}")
        at, column = names.index(key), _letters(names.index(heading))
        found = [number for number, row in enumerate(rest, 2) if at < len(row) and str(row[at]).strip() == wanted]
        for number in found:
            url = self._url(f"{_quoted(sheet)}!{column}{number}")
            yield from self.ask(put(url, {"values": [[text or ""]]}, query={"valueInputOption": "RAW"}, safe=True))
        return len(found)

    def _url(self, place: str) -> str:
        if not self.settings.spreadsheet_id:
            raise Refused(f"accounts.{self.account}.spreadsheet_id is not set")
        base = self.base("https://sheets.googleapis.com")
        return f"{base}/v4/spreadsheets/{self.settings.spreadsheet_id}/values/{quote(place, safe='!:')}"


def _quoted(sheet: str) -> str:
    """A sheet's name in A1 notation: in quotes unless it is a plain word."""
    return sheet if sheet.isidentifier() else "'" + sheet.replace("'", "''") + "'"


def _letters(index: int) -> str:
    """0 -> A, 26 -> AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _cell(name: str, command: RecordCommand, order: Order, place: int) -> str:
    line = order.lines[place]
    values: dict[str, object] = {
        "reference": command.reference,
        "number": order.number,
        "sku": line.sku or line.item_id,
        "quantity": plain(line.quantity),
        "unit_price": None if line.unit_price is None else plain(line.unit_price),
        "currency": order.currency,
        "status": order.status or order.state,
        "sent_at": None if order.occurred_at is None else order.occurred_at.isoformat().replace("+00:00", "Z"),
        "supplier": order.supplier.name if order.supplier else None,
    }
    found = values.get(name, command.fields.get(name))
    return "" if found is None else str(found)
