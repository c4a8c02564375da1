"""What is odd about Keyloop: orders that nobody may place twice, lines that are read until they are over, part ids that
are one dealer's alone, baskets that not every dealer knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from streamer.domain.supplier_answers import Facts, facts_of_status, join
from streamer.errors import Ignored, Malformed, NotSent, Refused, Unclear, Unsupported
from streamer.messages.commands import FetchCommand, ReorderCommand, ReorderLine
from streamer.messages.orders import Order
from streamer.messages.purchasing import SupplierStatus
from streamer.messages.stock import Item
from streamer.platforms.base import Platform, build, example
from streamer.platforms.judging import judge, play
from streamer.platforms.wire import NOTE, AskMoment, HttpRequest, Keep, Moment, Raw, Recall, Reply
from tests.contracts.recorded import OWN

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
KEYS: dict[str, Any] = {"command_id": "A" * 26, "account": "example", "object": "o", "cause": "c"}
ROOT = "/40211/97/v1/"
PART = {"partId": "FO*1", "brandCode": "FO", "partCode": "0178193", "description": "Pad set"}
GBP = {"netValue": 14.72, "currencyCode": "GBP"}


class Dealer:
    """Answers by method and path below the store; keeps what a worker keeps, and what it was asked."""

    def __init__(self, **answers: Callable[[HttpRequest], Any]) -> None:
        self.asked: list[HttpRequest] = []
        self.kept: dict[str, str | None] = {}
        self.now = NOW
        self.answers = answers

    def __call__(self, request: Any) -> Any:
        match request:
            case AskMoment():
                return Moment(self.now, "0" * 32)
            case Recall():
                return self.kept.get(request.name)
            case Keep():
                self.kept[request.name] = request.value
                return None
            case HttpRequest():
                pass
            case _:
                return None
        self.asked.append(request)
        path = urlsplit(request.url).path.partition("/v1/")[2]
        name = f"{request.method}_{path}".replace("/", "_").replace("-", "_").replace("*", "_")
        answer = self.answers[name](request) if name in self.answers else Reply(404, {}, b"")
        if not isinstance(answer, Reply):
            answer = Reply(200, {}, orjson.dumps(answer))
        return judge(request, Reply(answer.status, answer.headers, answer.body, request.safe))


def keyloop(**changes: Any) -> Platform[Any]:
    settings = {"enterprise_id": "40211", "store_id": "97", "access_token": "t", "company_id": "C-3100", "brand": "FO"}
    return example("keyloop", settings | changes)


def reorder(**changes: Any) -> ReorderCommand:
    line = ReorderLine(line="1", sku="0178193", quantity=Decimal(4), location="main", item_id="FO*1")
    fields: dict[str, Any] = {"supplier": "KL", "supplier_name": "Dealer", "reference": "KL-7", "currency": "GBP"}
    fields |= {"order_date": "2026-03-02", "ship_to": "main", "lines": (line,)}
    return ReorderCommand(**KEYS, **(fields | changes))


def order(*lines: tuple[str, str], status: str = "INPROGRESS", number: Any = "PO-1", **more: Any) -> dict[str, Any]:
    """An order whose lines are (part id, state)."""
    parts = [
        {"orderLineId": str(place), "partId": part, "quantity": 2, "partsOrderLineStatus": state, "orderPrice": GBP}
        for place, (part, state) in enumerate(lines, 1)
    ]
    return {"partsOrderId": number, "orderStatus": status, "orderReference": "KL-7", "parts": parts, **more}


def read(body: Any, **more: Any) -> list[Any]:
    return keyloop(**more).read(Raw(orjson.dumps(body), received_at=NOW))


# --- orders


def test_an_order_is_placed_once_and_then_followed_until_it_is_over() -> None:
    state = "OPEN"
    dealer = Dealer(
        POST_parts_orders=lambda _: order(("FO*1", "OPEN"), status="CREATED"),
        GET_parts_orders_PO_1=lambda _: order(("FO*1", state)),
    )
    assert play(keyloop().place_order(reorder()), dealer).external_reference == "PO-1"
    assert all(name.startswith(NOTE) for name in dealer.kept), "it is no secret, and masks nothing"
    page = play(keyloop().poll("parts_orders", {}), dealer)
    assert len(page.records) == 1
    again = play(keyloop().poll("parts_orders", page.cursor), dealer)
    assert list(again.records) == [], "nothing changed, so nothing is told"
    state = "INVOICED"
    last = play(keyloop().poll("parts_orders", again.cursor), dealer)
    assert len(last.records) == 1
    asked = len(dealer.asked)
    assert play(keyloop().poll("parts_orders", last.cursor), dealer).cursor == {}
    assert len(dealer.asked) == asked, "what is over is not asked for any more"


def test_an_order_that_cannot_be_read_does_not_keep_the_others_from_being_read() -> None:
    dealer = Dealer(
        GET_parts_orders_PO_1=lambda _: Reply(403, {}, b"{}"), GET_parts_orders_PO_2=lambda _: order(number="PO-2")
    )
    dealer.kept[f"{NOTE}parts_orders"] = '{"PO-0": "2025-01-01", "PO-1": "2026-03-01", "PO-2": "2026-03-01"}'
    page = play(keyloop().poll("parts_orders", {"PO-1": "before"}), dealer)
    assert [record.key for record in page.records] == ["PO-2"]
    assert page.cursor["PO-1"] == "before"
    assert orjson.loads(dealer.kept[f"{NOTE}parts_orders"] or "") == {"PO-1": "2026-03-01", "PO-2": "2026-03-01"}


def test_an_order_stands_although_it_could_not_be_noted() -> None:
    dealer = Dealer(POST_parts_orders=lambda _: Reply(201, {}, orjson.dumps(order(("FO*1", "OPEN"), number=771219))))

    def answer(request: Any) -> Any:
        if isinstance(request, Keep):
            raise NotSent("the account has another owner now")
        return dealer(request)

    assert play(keyloop().place_order(reorder()), answer).external_reference == "771219"


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"orderStatus": "CREATED"}', b'{"partsOrderId": "1", "orderReference": "NW-9"}']
)
def test_an_answer_that_does_not_name_our_order_leaves_it_open(answer: bytes) -> None:
    with pytest.raises(Unclear):
        play(keyloop().place_order(reorder()), Dealer(POST_parts_orders=lambda _: Reply(200, {}, answer)))


def test_what_may_have_been_booked_goes_to_a_person() -> None:
    assert keyloop().facts().sink_class == "C"
    with pytest.raises(Unsupported, match="person"):
        play(keyloop().find_order(reorder()), Dealer())


def test_a_part_without_its_id_is_searched_by_brand_and_number() -> None:
    line = ReorderLine(line="1", sku="PAD", supplier_sku="0178193", quantity=Decimal("1.5"), location="main")
    dealer = Dealer(
        GET_parts=lambda _: {"parts": [PART, PART | {"partId": "FO*2", "partCode": "0178193X"}]},
        POST_parts_orders=lambda _: order(("FO*1", "OPEN")),
    )
    play(keyloop().place_order(reorder(lines=(line,))), dealer)
    assert dealer.asked[0].query["partCode"] == "0178193"
    assert dealer.asked[1].json["parts"] == [{"part": {"partId": "FO*1"}, "quantity": 1.5}]
    by_id = keyloop(supplier_sku="part_id")
    play(by_id.place_order(reorder(lines=(line.model_copy(update={"supplier_sku": "FO*9"}),))), dealer)
    assert dealer.asked[-1].json["parts"][0]["part"] == {"partId": "FO*9"}


@pytest.mark.parametrize(
    ("found", "brand", "says"),
    [
        ([], "FO", "0 parts"),
        ([PART, PART | {"partId": "FO*2"}], "FO", "2 parts"),
        ([PART], None, "brand"),
        (
            [PART | {"alternativeParts": {"alternativeType": "SUPERSESSION_SINGLE", "supersessionDate": "2026-03-02",
                                          "parts": [{"partId": "FO*9", "partCode": "2201548"}]}}],
            "FO",
            "superseded by 2201548",
        ),
    ],
)  # fmt: skip
def test_a_number_that_is_unknown_unclear_or_superseded_is_not_ordered(found: Any, brand: Any, says: str) -> None:
    line = ReorderLine(line="1", sku="0178193", quantity=Decimal(1), location="main")
    dealer = Dealer(GET_parts=lambda _: {"parts": found} if found else Reply(404, {}, b""))
    with pytest.raises(Refused, match=says):
        play(keyloop(brand=brand).place_order(reorder(lines=(line,))), dealer)
    assert all(request.safe for request in dealer.asked)


def test_a_dealer_takes_some_kinds_of_orders_only() -> None:
    with pytest.raises(Refused, match="order_types"):
        play(keyloop(order_types=("STK",)).place_order(reorder(extra={"order_type": "VOR"})), Dealer())


def test_another_address_goes_along() -> None:
    dealer = Dealer(POST_parts_orders=lambda _: order())
    extra = {"ship_to.street": "9 Dock Lane", "ship_to.city": "Leeds", "ship_to.country": "GB"}
    play(keyloop().place_order(reorder(extra=extra)), dealer)
    address = {"streetName": "9 Dock Lane", "city": "Leeds", "countryCode": "GB"}
    assert dealer.asked[0].json["alternateDeliveryAddress"] == address


# --- the states of lines


@pytest.mark.parametrize(
    ("body", "states"),
    [
        (order(("a", "OPEN"), ("b", "BACKORDER"), status="CREATED"), ["received"]),
        (order(("a", "ISSUED"), ("b", "BACKORDER")), ["accepted"]),
        (order(("a", "ISSUED"), ("b", "CANCELLED")), ["accepted_with_changes"]),
        (order(("a", "INTRANSIT"), ("b", "BACKORDER")), ["accepted", "partly_shipped"]),
        (order(("a", "INTRANSIT"), ("b", "CANCELLED")), ["accepted_with_changes", "shipped"]),
        (order(("a", "DELIVERED"), ("b", "ISSUED")), ["accepted", "partly_shipped", "partly_delivered"]),
        (order(("a", "DELIVERED"), ("b", "DELIVERED")), ["accepted", "shipped", "delivered"]),
        (order(("a", "INVOICED"), status="CLOSED"), ["invoiced", "shipped"]),
        (order(("a", "CANCELLED")), ["cancelled"]),
        (order(("a", "OPEN"), status="CANCELLED"), ["cancelled"]),
    ],
)
def test_lines_move_one_by_one_and_what_left_and_what_arrived_is_said_of_them_alone(
    body: Any, states: list[str]
) -> None:
    told = read(body)
    assert [one.state for one in told] == states
    for one in told:
        gone = {"shipped": 1, "partly_shipped": 1, "partly_delivered": 1, "delivered": 1}
        if one.state in gone:
            assert all(line.quantity == 2 for line in one.lines)
            assert len(one.lines) < len(body["parts"]) or one.state in ("shipped", "delivered")


class Ours:
    """A line as we ordered it."""

    def __init__(self, line: str, sku: str, supplier_sku: str) -> None:
        self.line, self.sku, self.supplier_sku = line, sku, supplier_sku
        self.quantity, self.unit_price = Decimal(2), Decimal("14.72")


def test_a_back_order_ends_in_whatever_order_the_looks_arrive() -> None:
    ordered = [Ours("1", "PAD", "FO*1"), Ours("2", "DISC", "FO*2")]
    looks = [
        order(("FO*1", "ISSUED"), ("FO*2", "BACKORDER"), read_at="2026-03-02T20:00:00Z"),
        order(("FO*1", "INTRANSIT"), ("FO*2", "ISSUED"), read_at="2026-03-02T20:05:00Z"),
    ]
    for arrival in (looks, looks[::-1], [*looks, *looks]):
        known = Facts()
        for status in (status for look in arrival for status in read(look)):
            assert isinstance(status, SupplierStatus)
            known = join(known, facts_of_status(status, ordered))
        assert known.strange_lines == ()
        assert known.lines["2"].back_order is not None
        assert known.lines["2"].back_order[2] == 0
        assert (known.lines["1"].shipped, known.lines["2"].shipped) == (2, 0)
        assert known.lines["1"].price is not None
        assert known.lines["1"].price[2] == Decimal("14.72")


def test_the_same_look_twice_is_the_same_statement_and_another_state_is_another() -> None:
    first, again, other = (
        read(order(("a", state), read_at=at))[0].message_id()
        for state, at in (("OPEN", "2026-03-02T20:00:00Z"), ("OPEN", "2026-03-02T20:05:00Z"), ("ISSUED", None))
    )
    assert first == again != other


def test_a_time_without_offset_is_the_stores_own() -> None:
    [status] = read(order(partsOrderDateTime="2026-06-02T09:00:00", status="CREATED"), time_zone="Europe/London")
    assert status.occurred_at == datetime(2026, 6, 2, 8, tzinfo=UTC)


# --- parts and prices


def test_a_part_is_read_with_its_price_as_one_item() -> None:
    dealer = Dealer(
        GET_parts_FO_1=lambda _: PART,
        GET_parts_FO_1_price_availability=lambda _: {
            "partId": "FO*1", "listPrice": {"netValue": 18.4, "currencyCode": "GBP"}, "availableStock": 12,
            "orderPrices": {"STK": GBP, "VOR": {"netValue": 16, "currencyCode": "GBP"}}, "salesBlocked": True,
            "salesBlockedDescription": "on recall", "mandatoryVehicleReferences": [{"type": "VIN"}],
        },
    )  # fmt: skip
    page = play(keyloop().fetch(keyloop().fetch_command("inventory_item", ["FO*1"], "test")), dealer)
    [item] = keyloop().read(Raw(page.body, received_at=NOW))
    assert isinstance(item, Item)
    assert (item.item_id, item.sku, item.description) == ("FO*1", "0178193", "Pad set")
    assert (item.list_price, item.price, item.currency) == (Decimal("18.4"), Decimal("14.72"), "GBP")
    assert (item.available, item.sales_blocked, item.sales_blocked_because) == (12, True, "on recall")
    assert (item.store, item.vehicle_references) == ("40211/97", ("VIN",))
    assert dealer.asked[1].query == {"companyId": "C-3100"}


def test_a_part_that_the_dealer_does_not_know_has_no_sku() -> None:
    page = play(keyloop().fetch(keyloop().fetch_command("inventory_item", ["FO*1"], "test")), Dealer())
    [item] = keyloop().read(Raw(page.body, received_at=NOW))
    assert isinstance(item, Item)
    assert (item.item_id, item.sku) == ("FO*1", None)


@pytest.mark.parametrize("status", [400, 404, 405])
def test_where_baskets_are_unknown_the_parts_are_asked_for_one_by_one(status: int) -> None:
    dealer = Dealer(
        POST_parts_price_availability=lambda _: Reply(status, {}, b"{}"),
        GET_parts_FO_1_price_availability=lambda _: {"partId": "FO*1", "availableStock": 1},
    )
    command = keyloop().fetch_command("price_availability", ["FO*1", "FO*2"], "test")
    page = play(keyloop().fetch(command), dealer)
    one, two = keyloop().read(Raw(page.body, received_at=NOW))
    assert isinstance(one, Item)
    assert isinstance(two, Item)
    assert (one.available, two.sku) == (1, None)
    play(keyloop(basket=False).fetch(command), dealer)
    assert [request.method for request in dealer.asked].count("POST") == 1


def test_several_parts_may_stand_for_one_and_some_only_instead() -> None:
    new = [{"partId": f"FO*{number}", "partCode": f"N{number}"} for number in (8, 9)]
    told = [
        {"alternativeType": "SUPERSESSION_MULTIPLE", "supersessionDate": "2026-09-01", "parts": new},
        {"alternativeType": "ALTERNATIVE", "parts": [{"partId": "FO*5", "partCode": "N5"}]},
    ]
    [item] = read({"parts": [PART | {"alternativeParts": told}]})
    assert item.superseded_by is None, "not one part stands for it, but two together"
    assert [(one.sku, one.kind) for one in item.replacements] == [
        ("N8", "supersedes_together"),
        ("N9", "supersedes_together"),
        ("N5", "alternative"),
    ]


def test_a_search_by_brand_and_number_keeps_leading_zeros_and_may_find_nothing() -> None:
    command = keyloop().fetch_command("parts", ["FO:0178193"], "test")
    dealer = Dealer(GET_parts=lambda _: {"parts": [PART]})
    [item] = keyloop().read(Raw(play(keyloop().fetch(command), dealer).body, received_at=NOW))
    assert isinstance(item, Item)
    assert item.sku == "0178193"
    with pytest.raises(Ignored):
        keyloop().read(Raw(play(keyloop().fetch(command), Dealer()).body))


# --- events and clients' orders


def test_an_event_names_its_store_at_the_top_or_in_its_context() -> None:
    old = {"type": "x", "context": {"enterpriseId": "40211", "storeId": "97"}, "data": {"repairOrderId": "R-1"}}
    new = {"type": "x", "EnterpriseID": "40211", "storeid": "97", "data": {"RepairOrderId": "R-1"}}
    for body in (old, new):
        [asked] = read(body)
        assert isinstance(asked, FetchCommand)
        assert (asked.resource, asked.ids) == ("repair_order", ("40211/97/R-1",))
        assert keyloop().realm(Raw(orjson.dumps(body))) == "40211/97"
    with pytest.raises(Ignored, match="another store"):
        read(new | {"storeid": "98"})


def test_an_event_with_the_whole_object_is_not_read_back() -> None:
    told = orjson.loads((OWN / "keyloop" / "repair_order_read.json").read_bytes())
    whole = told["followups"][0]["response"]["body"]
    [visit] = read({"type": "repair-order.updated", "data": whole}, default_location="LEEDS")
    assert isinstance(visit, Order)
    assert (visit.source_id, visit.location, [line.sku for line in visit.lines]) == (
        "repair_order:R-7",
        "LEEDS",
        ["0178193"],
    )


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ([1], Malformed, "object"),
        ({"data": {}}, Malformed, "type"),
        ({"type": "customer.updated", "data": {"CustomerId": "1"}}, Ignored, "not read"),
        ({"orderReference": "X", "parts": []}, Malformed, "parts"),
        ({"parts": [{"part": {"partId": "1"}, "quantity": 0}]}, Malformed, "quantity"),
        ({"partsOrderId": "1", "partsOrderDateTime": "yesterday"}, Malformed, "partsOrderDateTime"),
    ],
)
def test_what_cannot_be_read_says_why(body: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read(body)


def test_a_repeated_order_of_a_client_is_the_same_and_an_urgent_one_goes_first() -> None:
    body = {"companyId": "C-1", "orderReference": "NG-1", "orderType": "VOR", "parts": [{"part": PART, "quantity": 1}]}
    [first], [again] = read(body), read(body)
    assert first.message_id() == again.message_id()
    assert first.priority == 1
    [stock] = read(body | {"orderType": "STK"})
    assert (stock.source_id, stock.priority) == (first.source_id, 0)


# --- who we are


def test_a_dealers_gateway_may_want_the_client_in_a_header() -> None:
    account = build(
        "dealer",
        {"platform": "keyloop", "client_id": "app", "client_authentication": "basic", "scope": "api.parts/read"},
        {"STREAMER_DEALER_CLIENT_SECRET": "s"},
    )
    forms: list[HttpRequest] = []

    def answer(request: Any) -> Any:
        if isinstance(request, HttpRequest):
            forms.append(request)
            return Reply(200, {}, b'{"access_token": "t", "expires_in": "3599"}')
        return None

    play(account.sign_in(), answer)
    assert forms[0].url == "https://api.eu.keyloop.io/oauth/client_credential/accesstoken"
    assert forms[0].form == {"grant_type": "client_credentials", "scope": "api.parts/read"}
    assert forms[0].headers["Authorization"].startswith("Basic ")


def test_an_account_without_a_store_says_what_it_lacks() -> None:
    with pytest.raises(Refused, match="enterprise_id"):
        play(keyloop(store_id=None).place_order(reorder()), Dealer())
