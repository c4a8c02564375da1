"""What is special about Shopify, played against a shop that answers from a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from streamer.errors import Refused, Unavailable, Unclear
from streamer.messages.commands import (
    FetchCommand,
    RecallReplacementCommand,
    StockChange,
    StockCommand,
    WriteBackCommand,
)
from streamer.messages.people import Vehicle
from streamer.platforms.base import Platform, example
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, HttpRequest, Moment, Raw, RawPage, Reply, Span

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SHOP = {"base_url": "https://northgate.example", "access_token": "shop-token", "cancel_rejected": True}


class Server:
    """Answers each request by a function of it and keeps what it was asked."""

    def __init__(self, answer: Callable[[HttpRequest], Any], headers: dict[str, str] | None = None) -> None:
        self.asked: list[HttpRequest] = []
        self._answer = answer
        self._headers = headers or {}

    def __call__(self, request: Any) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        if not isinstance(request, HttpRequest):
            return None  # nothing was kept
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


def decision(state: Any) -> WriteBackCommand:
    return WriteBackCommand(
        command_id="W" * 26, account="example", object="o", cause="c", order_id="1001", revision=1, decision=state,
        lines=(),
    )  # fmt: skip


def test_an_item_is_asked_for_by_its_id_and_its_answer_names_the_sku() -> None:
    shop = example("shopify", SHOP)
    node = {"id": "gid://shopify/InventoryItem/77", "sku": "WIPER-24", "updatedAt": "2026-11-01T08:00:00Z"}
    server = Server(lambda _: {"data": {"nodes": [node]}})
    (item,) = read(shop, play(shop.fetch(fetch("inventory_item", "77")), server))
    assert (item.item_id, item.sku) == ("77", "WIPER-24")
    assert server.asked[0].headers["X-Shopify-Access-Token"] == "shop-token"
    assert server.variables == [{"ids": ["gid://shopify/InventoryItem/77"]}]


def test_an_item_that_the_shop_does_not_have_is_an_answer_too() -> None:
    shop = example("shopify", SHOP)
    server = Server(lambda _: {"data": {"nodes": [None]}})
    (item,) = read(shop, play(shop.fetch(fetch("inventory_item", "variant:9")), server))
    assert (item.item_id, item.sku) == ("variant:9", None)
    assert server.variables == [{"ids": ["gid://shopify/ProductVariant/9"]}]


def test_changed_orders_are_read_page_by_page_and_the_next_look_begins_with_the_latest_change() -> None:
    shop = example("shopify", SHOP)
    orders = [{"id": 5, "updated_at": "2026-11-02T11:30:00+00:00", "line_items": []}]
    link = '<https://northgate.example/admin/api/2026-07/orders.json?limit=100&page_info=abc>; rel="next"'
    first = play(shop.poll("orders", {}), server := Server(lambda _: {"orders": orders}, {"link": link}))
    assert server.asked[0].query["status"] == "any"  # else cancelled and closed ones stay away
    assert server.asked[0].query["updated_at_min"] == "2026-11-02T10:55:00+00:00"
    assert first.more
    second = play(shop.poll("orders", first.cursor), server := Server(lambda _: {"orders": []}))
    assert server.asked[0].query == {"limit": "100", "page_info": "abc"}
    assert not second.more
    play(shop.poll("orders", second.cursor), server := Server(lambda _: {"orders": []}))
    assert server.asked[0].query["updated_at_min"] == "2026-11-02T11:25:00+00:00"
    (order,) = read(shop, first.records[0])
    assert order.source_id == "5"


def test_records_are_read_again_by_time_and_by_id() -> None:
    shop = example("shopify", SHOP)
    since = datetime(2026, 11, 1, tzinfo=UTC)
    link = '<https://northgate.example/admin/api/2026-07/orders.json?limit=100&page_info=abc>; rel="next"'
    answer = {"orders": [{"id": 5, "updated_at": "2026-11-02T11:30:00+00:00", "line_items": []}]}
    first = play(shop.backfill("orders", Span(since=since), {}), server := Server(lambda _: answer, {"link": link}))
    assert server.asked[0].query == {"limit": "100", "status": "any", "updated_at_min": "2026-11-01T00:00:00+00:00"}
    assert first.more
    play(shop.backfill("orders", Span(since=since), first.cursor), server := Server(lambda _: {"orders": []}))
    assert server.asked[0].query == {"limit": "100", "page_info": "abc"}
    ids = tuple(map(str, range(101)))
    people = {"customers": [{"id": 7, "first_name": "Anna", "email": "anna@berg.example"}]}
    group = play(shop.backfill("customers", Span(ids=ids), {}), server := Server(lambda _: people))
    assert server.asked[0].query == {"limit": "100", "ids": ",".join(ids[:100])}
    (known,) = read(shop, group.records[0])
    assert known.customer.email == "anna@berg.example"
    last = play(shop.backfill("customers", Span(ids=ids), group.cursor), server := Server(lambda _: people))
    assert server.asked[0].query["ids"] == "100"
    assert not last.more


def test_a_decision_is_one_tag_on_the_order_and_takes_the_others_away() -> None:
    shop = example("shopify", SHOP)
    server = Server(lambda _: {"data": {"tagsRemove": {"userErrors": []}, "tagsAdd": {"userErrors": []}}})
    play(shop.write_back(decision("waitlisted")), server)
    removed, added = server.variables
    assert added == {"id": "gid://shopify/Order/1001", "tags": ["stock: waitlisted"]}
    assert "stock: approved" in removed["tags"]
    assert "stock: waitlisted" not in removed["tags"]


def test_an_order_of_which_nothing_can_be_had_is_cancelled_where_the_account_wants_it() -> None:
    job = {"job": {"id": "gid://shopify/Job/1", "done": False}, "orderCancelUserErrors": []}
    answer = {"data": {"tagsRemove": {}, "tagsAdd": {}, "orderCancel": job}}
    server = Server(lambda _: answer)
    shop = example("shopify", SHOP)
    assert play(shop.write_back(decision("rejected")), server).external_reference == "gid://shopify/Job/1"
    assert server.variables[-1]["reason"] == "INVENTORY"
    careful = example("shopify", {**SHOP, "cancel_rejected": False})
    play(careful.write_back(decision("rejected")), server := Server(lambda _: answer))
    assert len(server.asked) == 2


def test_what_the_shop_refuses_inside_a_success_is_refused() -> None:
    shop = example("shopify", SHOP)
    told = {"userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
    with pytest.raises(Refused, match="does not exist"):
        play(shop.write_back(decision("approved")), Server(lambda _: {"data": {"tagsRemove": told}}))


def test_a_shop_without_a_token_can_be_listened_to_but_not_asked() -> None:
    shop = example("shopify", {"base_url": "https://northgate.example"})
    with pytest.raises(Refused, match=r"accounts\.example\.access_token"):
        play(shop.fetch(fetch("inventory_item", "77")), Server(lambda _: {}))


def test_an_app_of_ones_own_gets_its_token_and_uses_it_a_day() -> None:
    shop = example("shopify", {"base_url": SHOP["base_url"], "client_id": "app", "client_secret": "hidden"})
    node = {"id": "gid://shopify/InventoryItem/77", "sku": "WIPER-24"}
    token = {"access_token": "fresh", "expires_in": 86399}
    server = Server(lambda request: token if request.form else {"data": {"nodes": [node]}})
    play(shop.fetch(fetch("inventory_item", "77")), server)
    told, asked = server.asked
    assert told.url == "https://northgate.example/admin/oauth/access_token"
    assert told.form == {"grant_type": "client_credentials", "client_id": "app", "client_secret": "hidden"}
    assert asked.headers["X-Shopify-Access-Token"] == "fresh"


def test_levels_are_looked_at_again_at_the_places_that_are_ours() -> None:
    level = {"inventory_item_id": 77, "location_id": 9, "available": 4, "updated_at": "2026-11-02T11:30:00Z"}
    shop = example("shopify", {**SHOP, "locations": {"9": "NORTHGATE", "10": "SOUTHGATE"}})
    page = play(shop.poll("levels", {}), server := Server(lambda _: {"inventory_levels": [level]}))
    assert server.asked[0].query["location_ids"] == "9,10"
    (told,) = read(shop, page.records[0])
    assert (told.item_id, told.location, told.level) == ("77", "NORTHGATE", 4)
    nowhere = example("shopify", SHOP)
    assert list(play(nowhere.poll("levels", {}), server := Server(lambda _: {})).records) == []
    assert server.asked == []


def test_a_back_fill_looks_within_its_span_and_at_customers_too() -> None:
    shop = example("shopify", SHOP)
    span = Span(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    page = play(
        shop.backfill("customers", span, {}),
        server := Server(lambda _: {"customers": [{"id": 5, "first_name": "Ada"}]}),
    )
    assert server.asked[0].query["updated_at_min"] == "2026-10-01T00:00:00+00:00"
    assert server.asked[0].query["updated_at_max"] == "2026-10-02T00:00:00+00:00"
    (customer,) = read(shop, page.records[0])
    assert customer.source_id == "5"
    assert not page.more
    play(shop.backfill("orders", Span(ids=("7", "8")), {}), server := Server(lambda _: {"orders": []}))
    assert (server.asked[0].query["ids"], server.asked[0].query["status"]) == ("7,8", "any")


def test_a_bucket_that_is_nearly_full_slows_us_down() -> None:
    shop = example("shopify", SHOP)
    assert shop.slow_down(Reply(200, {"x-shopify-shop-api-call-limit": "39/40"})) == 0.5
    assert shop.slow_down(Reply(200, {"x-shopify-shop-api-call-limit": "12/40"})) is None
    assert shop.slow_down(Reply(200, {})) is None


def test_a_recall_is_a_tag_on_the_appointment() -> None:
    shop = example("shopify", SHOP)
    server = Server(lambda _: {"data": {"tagsAdd": {"userErrors": []}}})
    command = RecallReplacementCommand(
        command_id="R" * 26, account="example", object="o", cause="26V001000", campaign="26V001000", order_id="1001",
        vehicle=Vehicle(), location="NORTHGATE", sku="HOSE-1", quantity=Decimal(1),
    )  # fmt: skip
    play(shop.recall_replacement(command), server)
    assert server.variables == [{"id": "gid://shopify/Order/1001", "tags": ["recall: 26V001000"]}]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"data": {"orderCancel": {"orderCancelUserErrors": [{"message": "Order does not exist"}]}}}, Refused),
        ({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}, Unavailable),
        ({"errors": [{"message": "Denied", "extensions": {"code": "ACCESS_DENIED"}}]}, Refused),
        ({"errors": [{"message": "Oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, Unclear),
        ({"unexpected": True}, Unclear),
        ([], Unclear),
    ],
)
def test_a_cancellation_that_fails_inside_a_success_is_no_success(told: Any, error: type[Exception]) -> None:
    command = decision("rejected").model_copy(update={"extra": {"cancel": "true"}})
    with pytest.raises(error):
        play(example("shopify", SHOP).write_back(command), Server(lambda _: told))


def test_a_stock_change_carries_a_key_made_of_the_command_and_the_shops_own_place() -> None:
    shop = example("shopify", {**SHOP, "locations": {"70112233": "NORTHGATE"}})
    change = StockChange(item_id="77", location="NORTHGATE", quantity=Decimal(4))
    command = StockCommand(command_id="S" * 26, account="example", object="o", cause="c", changes=(change,))
    server = Server(lambda _: {"data": {"inventorySetQuantities": {"userErrors": []}}})
    play(shop.set_stock(command), server)
    play(shop.set_stock(command), server)
    first, second = server.variables
    assert first == second
    assert first["input"]["quantities"] == [
        {"quantity": 4, "changeFromQuantity": None, "inventoryItemId": "gid://shopify/InventoryItem/77",
         "locationId": "gid://shopify/Location/70112233"}
    ]  # fmt: skip
