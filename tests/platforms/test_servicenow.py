"""What is odd about ServiceNow: references in four shapes, rows that are missing, writes that are ignored, parcels."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.commands import FetchCommand, WriteBackCommand
from streamer.messages.orders import Order
from streamer.messages.stock import StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.servicenow import value
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, Reply

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
ROW = {"sys_id": "a" * 32, "number": "WO1", "state": "16", "sys_updated_on": "2026-03-02 19:00:00"}


@pytest.fixture
def desk() -> Platform[Any]:
    settings = {"base_url": "https://example.service-now.com", "username": "u", "password": "p"}
    return example("servicenow", {**settings, "reference_field": "correlation_id", "field_map": {"vin": "u_vin"}})


def raw(body: Any) -> Raw:
    return Raw(orjson.dumps(body))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("", ""),
        ({"link": "https://x/y", "value": "id1"}, "id1"),
        ({"display_value": "Acme", "link": "https://x/y"}, "Acme"),
        ({"display_value": "Acme", "value": "id1"}, "id1"),
        ("id1", "id1"),
        (None, ""),
        (["x"], ""),
    ],
)
def test_a_field_is_read_in_each_of_its_shapes(field: Any, text: str) -> None:
    assert value(field) == text


@pytest.mark.parametrize(
    "body", [ROW, {"record": ROW}, {"result": ROW}, {"result": [ROW]}, {"table": "wm_order"} | ROW]
)
def test_a_row_is_read_however_it_was_sent(desk: Platform[Any], body: Any) -> None:
    [order] = desk.read(raw(body))
    assert isinstance(order, Order)
    assert (order.number, order.state) == ("WO1", "open")


@pytest.mark.parametrize(("state", "means"), [("3", "closed"), ("4", "cancelled"), ("7", "cancelled"), ("18", "open")])
def test_states_say_whether_parts_are_still_wanted(desk: Platform[Any], state: str, means: str) -> None:
    [order] = desk.read(raw(ROW | {"state": state}))
    assert isinstance(order, Order)
    assert order.state == means


def test_the_vehicle_stands_in_the_field_that_the_settings_name(desk: Platform[Any]) -> None:
    [order] = desk.read(raw(ROW | {"u_vin": "1M8GDM9AXKP042788"}))
    assert isinstance(order, Order)
    assert order.appointment is not None
    assert order.appointment.vehicle is not None
    assert order.appointment.vehicle.vin == "1M8GDM9AXKP042788"


def test_an_event_with_an_id_alone_has_its_row_fetched(desk: Platform[Any]) -> None:
    [asked] = desk.read(raw({"event": "wm_order.updated", "table": "wm_order", "sys_id": "b" * 32}))
    assert isinstance(asked, FetchCommand)
    page = play(desk.fetch(asked), lambda _: Reply(200, {}, orjson.dumps({"result": ROW})))
    [order] = desk.read(Raw(page.body, resource=page.resource))
    assert isinstance(order, Order)


def test_rows_of_other_tables_are_ignored_and_times_that_are_none_are_named(desk: Platform[Any]) -> None:
    with pytest.raises(Ignored, match="table"):
        desk.read(raw({"event": "incident.inserted", "table": "incident", "record": ROW}))
    with pytest.raises(Malformed, match="opened_at"):
        desk.read(raw(ROW | {"opened_at": "04.03.2025"}))


def test_a_write_that_the_table_ignored_is_no_success(desk: Platform[Any]) -> None:
    command = WriteBackCommand(
        command_id="A" * 26, account="example", object="o", cause="c", order_id="a" * 32, revision=1,
        decision="approved", lines=(),
    )  # fmt: skip
    answer = Reply(200, {}, orjson.dumps({"result": {"sys_id": "a" * 32, "correlation_id": ""}}))
    with pytest.raises(Refused, match="reference_field"):
        play(desk.write_back(command), lambda _: answer)


def test_the_stock_poll_adds_up_parcels_page_by_page(desk: Platform[Any]) -> None:
    asked: list[HttpRequest] = []

    def parcel(quantity: str) -> dict[str, Any]:
        return {"model.model_number": "A", "stockroom": {"link": "x", "value": "room1"}, "quantity": quantity}

    def answer(request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        asked.append(request)
        found = [parcel("1")] * 500 if len(asked) == 1 else [parcel("2.5")]
        return Reply(200, {}, orjson.dumps({"result": found}))

    page = play(desk.poll("alm_consumable", {}), answer)

    assert [request.query.get("sysparm_offset") for request in asked] == [None, "500"]
    [level] = desk.read(Raw(page.records[0].body))
    assert isinstance(level, StockLevel)
    assert (level.sku, level.location, level.level, level.as_of) == ("A", "room1", Decimal("502.5"), NOW)
