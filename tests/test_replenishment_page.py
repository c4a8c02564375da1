"""The page about replenishment is true: its settings load, reach the stock rows, and order what they say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from streamer.domain.policies import AnyPolicy
from streamer.domain.scenarios.reading import MEMBERS
from streamer.messages.stock import StockLevel
from streamer.messages.terms import DemandRule, PolicyKind, SafetyStockRule
from streamer.pipeline.simulating import simulate

PAGE = (Path(__file__).parents[1] / "docs/replenishment.md").read_text(encoding="utf-8")
(SETTINGS,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
HEAD = """
[company]
name = "Parts Ltd"
currency = "EUR"
time_zone = "Europe/Berlin"
[locations]
MAIN = "Main street"
[accounts.mail]
platform = "email"
purchase_orders = "supply"
[accounts.shop]
platform = "woocommerce"
authority = ["MAIN"]
"""
NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def table() -> dict[str, Any]:
    import tomllib

    return tomllib.loads(HEAD + SETTINGS)


def level(sku: str, quantity: int) -> dict[str, Any]:
    event = StockLevel(
        account="shop", platform="woocommerce", location="MAIN", sku=sku, level=Decimal(quantity), counts="on_hand",
        as_of=NOON,
    )  # fmt: skip
    return {"time": NOON.isoformat(), "type": event.ce_type, **event.model_dump(mode="json", exclude_none=True)}


def test_the_settings_of_the_page_order_from_the_cheapest_at_our_door() -> None:
    (need,) = [line["data"] for line in simulate(table(), [level("BRK-PAD-F22", 3)]) if line["type"] == "need"]
    # Four boxes of 12 at 42 dollars and 12 for freight, at 0.90: 162 EUR for 48 pieces, 3.375 each
    assert (need["supplier"], need["quantity"], need["unit"], need["automatic"]) == ("BOLT", "4", "BOX", True)
    why = need["why"]
    assert why["decision"] == "projected 3 is below the reorder point 10: order up to 40"
    assert why["rounding"][0] == "37 stock units are 3.083333 BOX of 12"
    assert Decimal(why["landed_cost"]) == 162
    assert why["lead_time"] == "9 days for this item"
    assert why["alternative"] == "ACME at 3.5 EUR, 2026-11-30: not taken, 0.125 a unit dearer"


def test_the_pattern_of_the_page_holds_for_what_has_no_policy_of_its_own() -> None:
    lines = list(simulate(table(), [level("BRK-FLUID-1L", 0)]))
    assert [line for line in lines if line["type"] in ("need", "dead-letter")] == []  # no demand yet, nobody waits


@pytest.mark.parametrize("kind", get_args(PolicyKind))
def test_every_kind_of_policy_stands_on_the_page_and_is_one_of_the_domain(kind: str) -> None:
    assert f"`{kind}`" in PAGE
    assert kind in MEMBERS["policy.kind"]


def test_messages_know_every_kind_that_decides() -> None:
    """The closed sets of messages and domain are the same."""
    assert (
        set(get_args(PolicyKind))
        == set(MEMBERS["policy.kind"])
        == {p.__struct_config__.tag for p in get_args(AnyPolicy)}
    )
    assert set(get_args(SafetyStockRule.model_fields["kind"].annotation)) == set(MEMBERS["safety_stock.kind"])
    assert set(get_args(DemandRule.model_fields["method"].annotation)) == set(MEMBERS["method"])


def test_a_fresh_installation_orders_nothing_before_it_has_seen_a_level() -> None:
    silent = list(simulate(table(), [{"time": NOON.isoformat()}, {"time": (NOON + timedelta(days=9)).isoformat()}]))
    assert silent == []
