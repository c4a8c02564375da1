"""Recalls by class of vehicle and out of the flat file, and what the decoder says of a vehicle number."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from streamer.errors import Malformed, Unavailable
from streamer.messages.commands import FetchCommand
from streamer.messages.recalls import VehicleDecoded
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, RawPage, Reply

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Server:
    """Answers each request by a function of it and keeps what it was asked."""

    def __init__(self, answer: Callable[[HttpRequest], Any], headers: dict[str, str] | None = None) -> None:
        self.asked: list[HttpRequest] = []
        self._answer = answer
        self._headers = headers or {}

    def __call__(self, request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        self.asked.append(request)
        return Reply(200, self._headers, orjson.dumps(self._answer(request)), safe=request.safe)

    @property
    def variables(self) -> list[Any]:
        return [request.json["variables"] for request in self.asked]


def read(platform: Platform[Any], page: RawPage) -> list[Any]:
    headers = {name.lower(): value for name, value in page.headers.items()}
    return platform.read(Raw(page.body, headers, platform.account, page.resource, received_at=NOW))


def fetch(resource: str, *ids: str) -> FetchCommand:
    return FetchCommand(
        command_id="F" * 26, account="example", object="o", cause="c", resource=resource, ids=ids, requested_for="c"
    )


VEHICLE = {"make": "honda", "model": "fit", "year": 2011}
CAMPAIGN = {"NHTSACampaignNumber": "26V001000", "Make": "HONDA", "Model": "FIT", "ModelYear": "2011"}


def test_recalls_of_each_class_of_vehicles_come_once_and_again_when_they_change() -> None:
    nhtsa = example("nhtsa_recalls", {"vehicles": [VEHICLE], "remedy_parts": {"26V001000": "HOSE-1"}})
    first = play(nhtsa.poll("recalls_by_vehicle", {}), server := Server(lambda _: {"results": [CAMPAIGN]}))
    assert server.asked[0].query == {"make": "honda", "model": "fit", "modelYear": "2011"}
    (recall,) = read(nhtsa, first.records[0])
    assert (recall.campaign, recall.remedy_parts) == ("26V001000", ("HOSE-1",))
    again = play(nhtsa.poll("recalls_by_vehicle", first.cursor), Server(lambda _: {"results": [CAMPAIGN]}))
    assert again.records == []
    changed = {**CAMPAIGN, "Summary": "more is known"}
    assert len(play(nhtsa.poll("recalls_by_vehicle", again.cursor), Server(lambda _: {"results": [changed]})).records)


def test_a_vehicle_that_the_service_spells_otherwise_does_not_hold_up_the_others() -> None:
    nhtsa = example("nhtsa_recalls", {"vehicles": [{**VEHICLE, "model": "phit"}, VEHICLE]})

    def answer(request: Any) -> Reply:
        if request.query["model"] == "phit":
            return Reply(400, {}, b"{}")
        return Reply(200, {}, orjson.dumps({"results": [CAMPAIGN]}))

    page = play(nhtsa.poll("recalls_by_vehicle", {}), answer)
    assert [record.key for record in page.records] == ["honda/fit/2011"]


def test_a_vin_is_asked_for_and_its_answer_names_the_class_of_the_vehicle() -> None:
    nhtsa = example("nhtsa_recalls", {})
    row = {"VIN": "1HGCM82633A004352", "Make": "HONDA", "Model": "Accord", "ModelYear": "2003", "ErrorCode": "0"}
    page = play(nhtsa.fetch(fetch("vin", "1HGCM82633A004352")), server := Server(lambda _: {"Results": [row]}))
    assert server.asked[0].url == "https://vpic.nhtsa.dot.gov/api/vehicles/DecodeVinValues/1HGCM82633A004352"
    (decoded,) = read(nhtsa, page)
    assert (decoded.make, decoded.model, decoded.year) == ("HONDA", "Accord", 2003)


def test_a_vehicle_number_that_the_decoder_does_not_know_is_told_with_its_reason() -> None:
    row = {"VIN": "1HGCM82633A004352", "Make": "", "Model": "", "ModelYear": "", "ErrorCode": "1",
           "ErrorText": "1 - Check Digit (9th position) does not calculate properly"}  # fmt: skip
    [told] = example("nhtsa_recalls").read(Raw(orjson.dumps({"Results": [row]}), resource="vin"))
    assert isinstance(told, VehicleDecoded)
    assert told.make is None
    assert "Check Digit" in str(told.error)


def test_a_row_with_too_few_columns_is_refused_with_its_number() -> None:
    with pytest.raises(Malformed, match="row 1"):
        example("nhtsa_recalls").read(Raw(b"1\t25V104000\tACME"))


def archive(*rows: list[str]) -> bytes:
    """The file as it is downloaded."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("FLAT_RCL_POST_2010.txt", "\r\n".join("\t".join(row) for row in rows))
    return content.getvalue()


def row(campaign: str, make: str, model: str, added: str) -> list[str]:
    cells = [""] * 29
    cells[1:5] = [campaign, make, model, "2020"]
    cells[10], cells[15], cells[16] = "V", "20261001", added
    return cells


def look(content: bytes, cursor: dict[str, str], status: int = 200, **settings: Any) -> tuple[Any, list[HttpRequest]]:
    asked: list[HttpRequest] = []

    def world(request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        asked.append(request)
        return Reply(status, {"etag": '"7"'}, content)

    return play(example("nhtsa_recalls", {"flat_file": True, **settings}).poll("flat_file", cursor), world), asked


def test_of_the_file_only_campaigns_with_a_new_row_come_with_all_their_rows_and_of_our_makes() -> None:
    content = archive(
        row("26V100000", "ACME", "ROADSTER", "20260101"),
        row("26V100000", "ACME", "COUPE", "20261101"),
        row("26V100000", "ACME", "COUPE", "20261101"),
        row("26V200000", "OTHER", "VAN", "20261101"),
        row("25V300000", "ACME", "ROADSTER", "20250101"),
    )
    page, [asked] = look(content, {}, makes=("acme",), back_fill_days=10)
    assert asked.url == "https://static.nhtsa.gov/odi/ffdd/rcl/FLAT_RCL_POST_2010.zip"
    [record] = page.records
    assert record.key == "26V100000"
    (recall,) = read(example("nhtsa_recalls", {}), record)
    assert [vehicle.model for vehicle in recall.vehicles] == ["COUPE", "ROADSTER"]
    assert page.cursor == {"since": NOW.isoformat(), "etag": '"7"'}


def test_a_file_that_has_not_changed_is_not_read_again() -> None:
    cursor = {"since": NOW.isoformat(), "etag": '"7"'}
    page, [asked] = look(b"", cursor, status=304)
    assert asked.headers == {"If-None-Match": '"7"'}
    assert (list(page.records), page.cursor) == ([], cursor)


def test_a_download_that_broke_off_ends_no_recall_and_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="file of recalls"):
        look(archive(row("26V100000", "ACME", "ROADSTER", "20261101"))[:-30], {})
    with pytest.raises(Unavailable, match="file of recalls"):
        look(b"<html>maintenance</html>", {})


def test_an_account_that_does_not_want_the_file_does_not_ask_for_it() -> None:
    assert look(b"", {}, flat_file=False)[1] == []
