"""Settings of the allocation: what folds are told, and what is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from streamer.settings.allocation import Allocation, check_allocation, older_of
from streamer.settings.items import Item

ACCOUNTS: dict[str, Any] = {"shop": {}}
LOCATIONS = {"NORTH": "", "SOUTH": ""}


def check(*items: Item, **table: Any) -> Allocation:
    allocation = Allocation.model_validate(table)
    check_allocation(allocation, ACCOUNTS, LOCATIONS, items)
    return allocation


def test_the_folds_are_told_every_rule() -> None:
    allocation = check(
        waitlist="best_fit",
        shortage="tell_only",
        priorities={"fleet": 10},
        customers={"shop/4711": "fleet"},
        distances_km={"DE-80": {"SOUTH": 5.0}},
        channels={"shop": {"share": "0.5", "buffer": 2, "sourcing": "nearest", "locations": ["NORTH", "SOUTH"]}},
    )
    rules = allocation.rules()
    assert (rules.waitlist, rules.shortage, rules.priorities) == ("best_fit", "tell_only", {"fleet": 10})
    channel = rules.channels["shop"]
    assert (channel.share, channel.buffer, channel.locations) == (Decimal("0.5"), Decimal(2), ("NORTH", "SOUTH"))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"channels": {"mail": {}}}, "allocation.channels.mail"),
        ({"channels": {"shop": {"locations": ["EAST"]}}}, "allocation.channels.shop.locations: 'EAST'"),
        ({"channels": {"shop": {"locations": ["NORTH", "NORTH"]}}}, "names a location twice"),
        ({"channels": {"shop": {"sourcing": "nearest"}}}, "nearest needs allocation.distances_km"),
        ({"channels": {"shop": {"share": "1.5"}}}, "share"),
        ({"channels": {"shop": {"buffer": -1}}}, "buffer"),
        ({"distances_km": {"DE": {"EAST": 1.0}}}, "allocation.distances_km.DE"),
        ({"customers": {"shop/1": "fleet"}}, "'fleet' is not in allocation.priorities"),
        ({"priorities": {"fleet": 1}, "customers": {"4711": "fleet"}}, "must begin with an account"),
        ({"waitlist": "last_come"}, "waitlist"),
    ],
)
def test_what_cannot_be_is_refused_by_name(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        check(**table)


def test_a_share_of_an_item_needs_an_account_and_both_directions_need_one_for_one() -> None:
    with pytest.raises(ValueError, match=r"items\.PAD\.shares\.mail"):
        check(Item(sku="PAD", shares={"mail": Decimal(1)}))
    with pytest.raises(ValueError, match=r"items\.PAD\.interchange"):
        check(Item(sku="PAD", superseded_by="NEW", superseded_each=Decimal(2), interchange="both"))


def test_the_oldest_interchangeable_part_is_used_up_first() -> None:
    items = (
        Item(sku="A", superseded_by="B", interchange="both"),
        Item(sku="B", superseded_by="C", interchange="both"),
        Item(sku="X", superseded_by="C"),
    )
    assert older_of(items, "C") == ("A", "B")
    assert older_of(items, "B") == ("A",)
