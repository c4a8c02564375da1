"""Which SKU an item id means, and what waits until the platform has said so."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain import catalogue
from streamer.errors import Malformed, Refused
from streamer.messages.applied import AccountFacts
from streamer.messages.commands import FetchCommand, NotifyCommand
from streamer.messages.orders import ItemResolved, KitPart
from streamer.messages.stock import Item, ItemFacts, ResolveItem, RowRelease, StockLevel
from tests.domain.memory import Partition, of
from tests.domain.shop import at, company, shop_level

KEY = "shop/77"


def a_catalogue(**changes: Any) -> Partition:
    partition = Partition(catalogue)
    partition.send(company(**changes))
    return partition


def level(quantity: int, minutes: float = 0, **changes: Any) -> StockLevel:
    return shop_level(quantity, minutes, **({"sku": None, "item_id": "77"} | changes))


def item(sku: str | None = "OIL", version: str = "1", **changes: Any) -> Item:
    fields: dict[str, Any] = {"account": "shop", "platform": "shopify", "item_id": "77", "sku": sku, "version": version}
    return Item(**(fields | changes))


def resolve(order: str = "1001") -> ResolveItem:
    return ResolveItem(account="shop", item_id="77", order_key=f"shop/{order}")


def test_a_level_of_an_unknown_item_waits_and_the_platform_is_asked_once() -> None:
    partition = a_catalogue()
    (fetch,) = of(FetchCommand, partition.send(level(5)))
    assert (fetch.resource, fetch.ids, fetch.account, fetch.sequence) == ("inventory_item", ("77",), "shop", 1)
    assert partition.send(level(4, 1), resolve()) == []


def test_when_the_item_is_known_the_latest_level_of_each_location_goes_on_with_its_sku() -> None:
    partition = a_catalogue()
    partition.send(level(5), level(3, 2), level(4, 1), level(9, location="north"))
    levels = of(StockLevel, partition.send(item()))
    assert [(entry.sku, entry.location, int(entry.level)) for entry in levels] == [
        ("OIL", "main", 3),
        ("OIL", "north", 9),
    ]
    assert partition.row(KEY).levels == {}


def test_later_levels_go_on_at_once_and_follow_a_changed_sku() -> None:
    partition = a_catalogue()
    partition.send(item())
    assert [entry.sku for entry in of(StockLevel, partition.send(level(5)))] == ["OIL"]
    partition.send(item("OIL-2", "2"), item("OLD", "1"))
    assert [entry.sku for entry in of(StockLevel, partition.send(level(4, 1)))] == ["OIL-2"]


def test_an_order_that_asks_is_answered_when_the_item_is_known() -> None:
    partition = a_catalogue()
    assert len(of(FetchCommand, partition.send(resolve("1"), resolve("2")))) == 1
    answers = of(ItemResolved, partition.send(item()))
    assert [(answer.order_key, answer.sku) for answer in answers] == [("shop/1", "OIL"), ("shop/2", "OIL")]
    (answer,) = of(ItemResolved, partition.send(resolve("3")))
    assert answer.sku == "OIL"


def test_the_platform_is_asked_a_few_times_and_then_the_sku_is_unknown() -> None:
    partition = a_catalogue(item_wait_seconds=90.0)
    partition.send(level(5), resolve())
    sequences = []
    for _ in range(2):
        sequences += [fetch.sequence for fetch in of(FetchCommand, partition.tick(seconds=30))]
    assert sequences == [2, 3]
    outcome = partition.tick(seconds=30)
    (answer,) = of(ItemResolved, outcome)
    assert (answer.order_key, answer.sku) == ("shop/1001", None)
    assert (answer.reason or "").startswith("unknown SKU")
    assert len(of(NotifyCommand, outcome)) == 1
    row = partition.row(KEY)
    assert (row.unresolved, list(row.levels)) == (1, ["main"])
    assert partition.tick(days=3) == []


def test_after_giving_up_a_later_question_asks_again_and_a_late_answer_still_counts() -> None:
    partition = a_catalogue(item_wait_seconds=30.0)
    partition.send(level(5))
    partition.tick(seconds=31)
    (answer,) = of(ItemResolved, partition.send(resolve("1")))
    assert answer.sku is None
    partition.tick(seconds=3600)
    (fetch,) = of(FetchCommand, partition.send(resolve("2")))
    assert fetch.sequence > 1
    outcome = partition.send(item())
    assert [entry.sku for entry in of(StockLevel, outcome)] == ["OIL"]
    assert [entry.order_key for entry in of(ItemResolved, outcome)] == ["shop/2"]


def test_an_item_without_sku_answers_no_and_people_are_told_once() -> None:
    partition = a_catalogue()
    partition.send(level(5), resolve("1"))
    outcome = partition.send(item(None))
    assert [answer.sku for answer in of(ItemResolved, outcome)] == [None]
    assert len(of(NotifyCommand, outcome)) == 1
    assert of(NotifyCommand, partition.send(level(4, 1))) == []
    assert partition.row(KEY).unresolved == 2
    assert [entry.sku for entry in of(StockLevel, partition.send(item("OIL", "2")))] == ["OIL"]


def test_kit_and_supersession_go_to_the_stock_rows_of_the_accounts_locations() -> None:
    accounts = {"shop": AccountFacts(platform="shopify", default_location="main", authority=("north",))}
    partition = a_catalogue(accounts=accounts)
    event = item(description="Oil", kit=(KitPart(sku="CAN", quantity_each=Decimal("4.5")),), superseded_by="OIL-2")
    facts = of(ItemFacts, partition.send(event))
    assert [entry.location for entry in facts] == ["north", "main"]
    assert (facts[0].kit, facts[0].superseded_by, facts[0].source) == (event.kit, "OIL-2", "catalogue")
    assert (
        of(ItemFacts, partition.send(item(version="2", description="Oil", kit=event.kit, superseded_by="OIL-2"))) == []
    )
    (cleared, _) = of(ItemFacts, partition.send(item(version="3", description="Oil")))
    assert (cleared.kit, cleared.superseded_by) == ((), None)


def test_an_item_that_brings_no_facts_tells_none() -> None:
    partition = a_catalogue()
    partition.send(level(5))
    assert of(ItemFacts, partition.send(item())) == []


def test_a_supersession_holds_from_its_day_on() -> None:
    partition = a_catalogue()
    tomorrow = (at() + timedelta(days=1)).date().isoformat()
    (facts,) = of(ItemFacts, partition.send(item(description="Oil", superseded_by="OIL-2", superseded_from=tomorrow)))
    assert facts.superseded_by is None
    (facts,) = of(ItemFacts, partition.tick(days=1))
    assert facts.superseded_by == "OIL-2"


def test_a_level_with_a_sku_does_not_belong_here() -> None:
    with pytest.raises(Malformed, match="sku"):
        a_catalogue().send(shop_level(5, item_id="77"))


def test_an_item_in_quarantine_learns_its_sku_and_passes_on_when_released() -> None:
    partition = a_catalogue()
    partition.send(level(5))
    partition.quarantine(KEY, "bad luck")
    with pytest.raises(Refused, match="bad luck"):
        partition.send(resolve())
    assert partition.send(item()) == []
    event = RowRelease(topic="catalogue", row_key=KEY, log_key=KEY, actor="eve", act_id="a1")
    assert [entry.sku for entry in of(StockLevel, partition.send(event))] == ["OIL"]


def test_quarantine_of_anything_never_raises() -> None:
    partition = Partition(catalogue)
    for key in ("", "~settings", "never/seen"):
        partition.quarantine(key)
    assert list(partition.rows) == ["never/seen"]
