"""What is odd about WooCommerce: rounding, deletions, drafts, variations, products that are gone, and its poll."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.commands import FetchCommand, StockChange, StockCommand
from streamer.messages.orders import Order
from streamer.messages.stock import Item, StockLevel
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, Reply

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)


@pytest.fixture
def shop() -> Platform[Any]:
    settings = {"base_url": "https://shop.example.com", "consumer_key": "ck", "consumer_secret": "cs"}
    return example("woocommerce", {**settings, "default_location": "MAIN"})


def raw(body: Any, topic: str = "", **more: Any) -> Raw:
    return Raw(orjson.dumps(body), {"x-wc-webhook-topic": topic} if topic else {}, **more)


def order(**changes: Any) -> dict[str, Any]:
    line = {"id": 1, "sku": "A", "product_id": 5, "variation_id": 0, "quantity": 3, "total": "50.00"}
    whole = {"id": 7, "number": "7", "status": "processing", "currency": "EUR", "line_items": [line]}
    return whole | {"date_created_gmt": "2026-03-02T19:05:11", "date_modified_gmt": "2026-03-02T19:05:14"} | changes


@pytest.mark.parametrize(
    ("total", "quantity", "price"), [("50.00", 3, "16.6667"), ("54.00", 3, "18.00"), ("1.125", 1, "1.125")]
)
def test_a_unit_price_is_the_total_by_the_quantity(shop: Platform[Any], total: str, quantity: int, price: str) -> None:
    line = {"id": 1, "sku": "A", "quantity": quantity, "total": total}
    [message] = shop.read(raw(order(line_items=[line])))
    assert isinstance(message, Order)
    assert str(message.lines[0].unit_price) == price


def test_a_line_whose_product_has_no_sku_names_its_variation(shop: Platform[Any]) -> None:
    line = {"id": 1, "sku": None, "product_id": 5, "variation_id": 6, "quantity": 1.5, "total": ""}
    [message] = shop.read(raw(order(line_items=[line])))
    assert isinstance(message, Order)
    assert (message.lines[0].item_id, message.lines[0].quantity) == ("6", Decimal("1.5"))


def test_a_draft_is_no_order_yet(shop: Platform[Any]) -> None:
    with pytest.raises(Ignored, match="placed"):
        shop.read(raw(order(status="checkout-draft"), "order.updated"))


def test_a_deleted_order_is_cancelled_as_of_now(shop: Platform[Any]) -> None:
    [message] = shop.read(raw({"id": 7}, "order.deleted", received_at=NOW))
    assert isinstance(message, Order)
    assert (message.source_id, message.state, message.version) == ("7", "cancelled", "2026-03-02T20:00:00.000000Z")


def test_what_varies_has_its_variations_fetched_and_they_have_the_levels(shop: Platform[Any]) -> None:
    parent = {"id": 5, "type": "variable", "sku": "", "variations": [6], "manage_stock": False}
    parent |= {"stock_quantity": None, "date_modified_gmt": "2026-03-02T19:00:00"}
    [asked] = shop.read(raw(parent, "product.updated"))
    assert isinstance(asked, FetchCommand)
    assert (asked.resource, asked.ids) == ("variations", ("5",))

    variation = {"id": 6, "sku": "A-RED", "manage_stock": True, "stock_quantity": -2}
    found = shop.read(raw([variation | {"date_modified_gmt": "2026-03-02T19:00:00"}]))
    assert [message.level for message in found if isinstance(message, StockLevel)] == [Decimal(-2)]


def test_stock_that_nobody_counts_gives_no_level(shop: Platform[Any]) -> None:
    product = {"id": 5, "sku": "A", "manage_stock": False, "stock_quantity": None}
    [item] = shop.read(raw(product | {"date_modified_gmt": "2026-03-02T19:00:00"}, "product.updated"))
    assert isinstance(item, Item)


def test_a_product_that_is_gone_is_an_answer_too(shop: Platform[Any]) -> None:
    command = shop.fetch_command("inventory_item", ["5"], "test")
    page = play(shop.fetch(command), lambda _: Reply(404, {}, b"{}"))
    [item] = shop.read(Raw(page.body, resource=page.resource))
    assert isinstance(item, Item)
    assert (item.item_id, item.sku, item.version) == ("5", None, "gone")


def test_a_body_of_nothing_known_names_what_is_missing(shop: Platform[Any]) -> None:
    with pytest.raises(Malformed, match="neither an order"):
        shop.read(raw({"id": 5}))


def test_the_poll_asks_for_all_states_and_goes_on_page_by_page(shop: Platform[Any]) -> None:
    asked: list[HttpRequest] = []

    def answer(request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        asked.append(request)
        link = '<https://shop.example.com/wp-json/wc/v3/orders?page=2>; rel="next"' if len(asked) == 1 else ""
        return Reply(200, {"link": link}, orjson.dumps([order(id=len(asked))]), safe=True)

    page = play(shop.poll("orders", {"since": "2026-03-02T19:30:00+00:00"}), answer)

    assert [record.key for record in page.records] == ["1", "2"]
    assert asked[0].query["status"] == "any"
    assert asked[0].query["modified_after"] == "2026-03-02T19:25:00"
    assert asked[0].headers["Authorization"].startswith("Basic ")
    assert page.cursor["since"].startswith("2026-03-02T20:00:00")


def test_levels_are_set_and_never_changed_by_so_many(shop: Platform[Any]) -> None:
    change = StockChange(item_id="5", delta=Decimal(1))
    common: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "stock/5", "cause": "test"}
    with pytest.raises(Refused, match="absolute"):
        play(shop.set_stock(StockCommand(**common, changes=(change,))), lambda _: Reply(200))
