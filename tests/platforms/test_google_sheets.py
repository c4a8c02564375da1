"""What is odd about sheets: text in a locale or numbers, ragged rows, blanks, rows that move, a look before a row."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from streamer.errors import BadSignature, Ignored, Malformed, Refused
from streamer.messages.commands import RecordCommand, WriteBackCommand
from streamer.messages.orders import Order, OrderLine
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.google_sheets import GoogleSheets
from streamer.platforms.google_sheets_rows import serial
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, Reply

NOW = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
STOCK: dict[str, Any] = {"name": "Stock A", "kind": "inventory_level"}
STOCK |= {"columns": {"sku": "SKU", "location": "Store", "on_hand": "On hand", "counted_at": "Counted"}}
JOBS: dict[str, Any] = {"name": "Jobs", "kind": "service_appointment"}
JOBS |= {"columns": {"record_id": "Id", "scheduled_date": "Day", "parts": "Parts", "status": "State"}}
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}


def sheets(**changes: Any) -> Platform[Any]:
    settings: dict[str, Any] = {"spreadsheet_id": "S1", "access_token": "t", "sheets": (STOCK, JOBS)}
    return example("google_sheets", settings | {"order_sheet": "Orders"} | changes)


def row(sheet: str, head: list[str], cells: list[Any], **more: Any) -> Raw:
    told = {"sheet": sheet, "row": 2, "head": head, "cells": cells, "as_of": NOW.isoformat()}
    return Raw(orjson.dumps(told | more))


class Sheet:
    """Answers every read with these rows, and keeps what was asked."""

    def __init__(self, *values: list[Any]) -> None:
        self.asked: list[HttpRequest] = []
        self._values = list(values)

    def __call__(self, request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        self.asked.append(request)
        sheet = request.url.rpartition("/values/")[2].partition("!")[0]
        told = {"range": f"{sheet.replace('%20', ' ').replace('%27', chr(39))}!A1:D9", "values": self._values}
        return Reply(200, {}, orjson.dumps(told), safe=request.safe)


def test_a_day_is_counted_from_the_end_of_1899_in_the_zone_of_the_sheet() -> None:
    assert serial(46091.5, ZoneInfo("Europe/Berlin")) == datetime(2026, 3, 10, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "day"), [("en_GB", "12/03/2026"), ("en_US", "03/12/2026"), ("de_DE", "12.03.2026"), ("en_US", 46093)]
)
def test_a_day_is_read_as_the_locale_of_the_sheet_writes_it(locale: str, day: Any) -> None:
    [order] = sheets().read(row("Jobs", ["Id", "Day"], ["J1", day], spreadsheetLocale=locale))
    assert isinstance(order, Order)
    assert order.appointment is not None
    assert order.appointment.scheduled_date == "2026-03-12"


def test_parts_are_read_with_their_numbers() -> None:
    [order] = sheets().read(row("Jobs", ["Id", "Parts"], ["J1", "PAD x 2; DISC\nOIL \u00d7 1,5"]))
    assert isinstance(order, Order)
    assert [(line.sku, line.quantity) for line in order.lines] == [("PAD", 2), ("DISC", 1), ("OIL", Decimal("1.5"))]


def test_the_same_row_has_the_same_version_and_a_changed_one_another() -> None:
    def version(parts: str) -> str:
        [order] = sheets().read(row("Jobs", ["Id", "Parts"], ["J1", parts]))
        assert isinstance(order, Order)
        return order.version

    assert version("PAD x 2") == version("PAD x 2") != version("PAD x 3")


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["A", "S1", ""], "on_hand"),
        (["", "S1", 4], "sku"),
        (["A", "S1", "#N/A"], "on_hand"),
        (["A", "S1", "four"], "on_hand"),
        ([1234567890123456, "S1", 4], "sku"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(cells: list[Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        sheets().read(row("Stock A", ["SKU", "Store", "On hand"], cells))
    assert refused.value.field == field


def test_a_row_of_a_sheet_that_nobody_named_is_ignored() -> None:
    with pytest.raises(Ignored, match="sheets"):
        sheets().read(row("Notes", ["A"], ["x"]))


def test_a_row_is_signed_with_its_time_and_an_old_one_is_refused() -> None:
    body = orjson.dumps({"sheetName": "Jobs", "sentAt": "2026-03-10T19:50:00Z"})
    account = sheets(webhook_secret="s")
    signed = Raw(body, {"x-row-signature": GoogleSheets.signature.sign(Raw(body), "s")})
    account.verify(signed, datetime(2026, 3, 10, 19, 54, tzinfo=UTC))
    with pytest.raises(BadSignature):
        account.verify(signed, NOW)


def test_the_poll_gives_a_record_for_each_row_that_holds_something() -> None:
    server = Sheet(["SKU", "Store", "On hand", "Counted"], ["A", "S1", 4], [], ["B", "S1", 2.5, 46091.5])
    page = play(sheets(sheets=(STOCK,)).poll("rows", {}), server)
    levels = [message for record in page.records for message in sheets().read(Raw(record.body))]
    found = [(one.sku, one.level, one.as_of) for one in levels if isinstance(one, StockLevel)]
    assert found == [("A", 4, NOW), ("B", Decimal("2.5"), datetime(2026, 3, 10, 12, 0, tzinfo=UTC))]


def listed(**changes: Any) -> RecordCommand:
    line = OrderLine(line_id="1", sku="00127", quantity=Decimal(4), unit_price=Decimal("11.990"))
    order = Order(
        account="example", platform="x", kind="purchase_order", source_id="1", version="1", lines=(line,), status="sent"
    )
    return RecordCommand(**KEYS, entity="order", reference="NW-7", revision=1, order=order, **changes)


def test_an_order_is_looked_for_before_its_rows_are_added() -> None:
    empty = Sheet(["reference", "sku", "status"])
    assert play(sheets().record(listed()), empty).external_reference == "NW-7"
    assert [request.method for request in empty.asked] == ["GET", "POST"]
    assert empty.asked[1].json["values"][0][:4] == ["NW-7", "00127", "4", "11.99"]

    there = Sheet(["sku", "status", "reference"], ["A", "draft", "NW-6"], ["A", "draft", "NW-7"])
    play(sheets().record(listed()), there)
    assert [(request.method, request.url.rpartition("/")[2]) for request in there.asked[1:]] == [("PUT", "Orders!B3")]
    assert there.asked[1].json == {"values": [["sent"]]}


def test_a_decision_goes_into_the_row_of_its_record_wherever_that_is_now() -> None:
    command = WriteBackCommand(**KEYS, order_id="J1", revision=1, decision="approved", lines=())
    server = Sheet(["Day", "Id", "State"], ["x", "J0"], ["y", "J1"])
    play(sheets().write_back(command), server)
    assert server.asked[-1].url.endswith("/values/Jobs!C3")
    assert server.asked[-1].json == {"values": [["approved"]]}
    with pytest.raises(Refused, match="no sheet"):
        play(sheets().write_back(command), Sheet(["Day", "Id", "State"]))
