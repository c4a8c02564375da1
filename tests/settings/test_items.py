"""Items, offers, policies and calendars in the settings: what may stand there, and what is refused by its name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import Misconfigured
from streamer.messages.base import Message
from streamer.messages.stock import ItemPolicy, SupplierOffer
from streamer.pipeline.applying import settings_event
from streamer.pipeline.item_messages import item_messages
from streamer.settings import Settings, digest, load
from streamer.settings.items import check_days, policies_by_pattern, policy_for

SHOP = """
[company]
name = "Parts Ltd"
currency = "EUR"
time_zone = "Europe/Berlin"
[locations]
main = "Main street"
west = "West"
[accounts.mail]
platform = "email"
[suppliers.ACME]
name = "Acme"
account = "mail"
currency = "EUR"
[suppliers.BOLT]
name = "Bolt"
account = "mail"
currency = "USD"
"""


def shop(tmp_path: Path, more: str) -> Settings:
    path = tmp_path / "streamer.toml"
    path.write_text(SHOP + more, encoding="utf-8")
    return load(path)


def item(more: str = "", offer: str = "") -> str:
    offer_text = f'{{ supplier = "ACME", unit_price = "4.20"{offer} }}'
    return f'[[items]]\nsku = "PAD-1"\noffers = [{offer_text}]\n{more}\n'


def messages(settings: Settings, location: str = "main") -> list[Message]:
    policies = policies_by_pattern(settings.policies)
    return [each for one in settings.items for each in item_messages(settings, one, location, 7, policies)]


def of_kind(kind: type[Any], told: list[Message]) -> Any:
    (only,) = [message for message in told if isinstance(message, kind)]
    return only


POLICIES = [
    "reorder_point = 4\norder_up_to = 10",
    'policy = { kind = "min_max", reorder_point = 4, order_up_to = 10, trigger = "at_or_below" }',
    'policy = { kind = "reorder_point", quantity = 12, reorder_point = 4 }',
    'policy = { kind = "order_up_to", review_days = 7, first_review = 2026-03-02, order_up_to = 40 }',
    'policy = { kind = "lot_for_lot" }',
    'policy = { kind = "fixed_period", period_days = 14 }',
    'policy = { kind = "days_of_cover", minimum_days = 7, target_days = 28, rounding = "nearest" }',
    'policy = { kind = "economic_order_quantity", order_cost = 30, holding_rate = 0.2 }',
    'policy = { kind = "wagner_whitin", order_cost = 30, holding_cost = 0.1 }',
    'policy = { kind = "silver_meal", order_cost = 30, holding_cost = 0.1 }',
    'policy = { kind = "least_unit_cost", order_cost = 30, holding_cost = 0.1 }',
    'policy = { kind = "part_period", order_cost = 30, holding_cost = 0.1 }',
    'policy = { kind = "newsvendor", underage_cost = 5, overage_cost = 2, until = 2027-03-01, mean = 20.0 }',
]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_kind_of_policy_may_stand_in_the_settings_and_reaches_the_stock_row(tmp_path: Path, policy: str) -> None:
    settings = shop(tmp_path, item(policy))
    told = of_kind(ItemPolicy, messages(settings))
    assert ItemPolicy.from_json(told.to_json()) == told
    assert digest(settings) == digest(shop(tmp_path, item(policy)))


def test_safety_demand_and_choice_stand_beside_the_policy(tmp_path: Path) -> None:
    more = """
policy = { kind = "days_of_cover", minimum_days = 7, target_days = 28 }
safety_stock = { kind = "cycle_service", level = 0.95 }
demand = { method = "best", spike_deviations = 0, phase = { phase_out = 2027-06-01 } }
supplier_choice = "cheapest"
snoozed_until = 2026-12-24
automatic = true
"""
    told = of_kind(ItemPolicy, messages(shop(tmp_path, item(more))))
    assert (told.supplier_choice, told.snoozed_until, told.automatic) == ("cheapest", "2026-12-24", True)
    assert (told.safety_stock.kind, told.safety_stock.level) == ("cycle_service", 0.95)
    assert (told.demand.method, told.demand.spike_deviations) == ("best", 0)
    assert told.demand.phase.phase_out == "2027-06-01"


def test_an_offer_carries_all_its_terms(tmp_path: Path) -> None:
    terms = (
        ', unit = "BOX", units_per_purchase_unit = 12, minimum_quantity = 2, order_multiple = 2, maximum_lot = 20'
        ", price_breaks = [{ minimum_quantity = 10, unit_price = 3.9 }], lead_time_days = 4"
        ', lead_time_unit = "working_days", valid_until = 2027-01-31, freight_per_order = 15, priority = 3'
    )
    offer = of_kind(SupplierOffer, messages(shop(tmp_path, item(POLICIES[0], terms))))
    assert (offer.units_per_purchase_unit, offer.maximum_lot, offer.rank) == (12, 20, 3)
    assert (offer.valid_until, offer.lead_time_unit) == ("2027-01-31", "working_days")
    assert [(step.minimum_quantity, step.unit_price) for step in offer.price_breaks] == [(10, Decimal("3.9"))]


def test_the_most_specific_policy_holds_and_only_for_what_somebody_offers(tmp_path: Path) -> None:
    patterns = """
[[policies]]
reorder_point = 1
order_up_to = 2
[[policies]]
sku = "PAD-*"
reorder_point = 3
order_up_to = 6
[[policies]]
sku = "PAD-1"
location = "west"
policy = { kind = "lot_for_lot" }
[[items]]
sku = "SVC-1"
kit = [{ sku = "PAD-1" }]
"""
    settings = shop(tmp_path, patterns + item())
    policies = policies_by_pattern(settings.policies)
    kit, pad = settings.items
    main, west = policy_for(pad, "main", policies), policy_for(pad, "west", policies)
    assert main is not None and west is not None and west.policy is not None
    assert (main.reorder_point, west.policy.__struct_config__.tag) == (3, "lot_for_lot")
    assert policy_for(kit, "main", policies) is None
    own = shop(tmp_path, patterns + item("reorder_point = 9\norder_up_to = 9")).items[1]
    assert [policy_for(own, location, policies) == own for location in ("main", "west")] == [True, False]


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        (item("reorder_point = -1\norder_up_to = 3"), "items.0.reorder_point"),
        (item("reorder_point = nan\norder_up_to = 3"), "items.0.reorder_point"),
        (item("reorder_point = 5\norder_up_to = 3"), "items.0.order_up_to"),
        (item("reorder_point = 5"), "items.0"),
        (item(POLICIES[0] + "\n" + POLICIES[4]), "items.0.policy"),
        (item('policy = { kind = "min_max", reorder_point = -4, order_up_to = 10 }'), "items.0.policy.reorder_point"),
        (item('policy = { kind = "lot_for_lot", period_days = 3 }'), "items.0.policy.period_days"),
        (item('policy = { kind = "days_of_cover", target_days = 3 }'), "items.0.policy.minimum_days"),
        (item('safety_stock = { kind = "fill_rate", level = 95 }'), "items.0.safety_stock.level"),
        (item("demand = { history = [1.0, 2.0] }"), "items.0.demand.history"),
        (item("demand = { parameters = { alpha = nan } }"), "items.0.demand.parameters.alpha"),
        (item(offer=", minimum_quantity = -5"), "items.0.offers.0.minimum_quantity"),
        (item(offer=", order_multiple = 0"), "items.0.offers.0.order_multiple"),
        (item(offer=", maximum_lot = 3, minimum_quantity = 5"), "items.0.offers.0.maximum_lot"),
        (item(offer=', currency = "ZZZ"'), "items.0.offers.0.currency"),
        (item(offer=', currency = "USD"'), "items.0.offers.0.currency"),
        (
            item(offer=", price_breaks = [{ minimum_quantity = 9, unit_price = 3, maximum_quantity = 20 }, "
                       "{ minimum_quantity = 40, unit_price = 2 }]"),
            "items.0.offers.0.price_breaks.1.minimum_quantity",
        ),
        (item(offer=", valid_from = 2026-05-01, valid_until = 2026-04-01"), "items.0.offers.0.valid_until"),
        ('[replenishment]\nreconcile = "every morning"', "replenishment.reconcile"),
        ('[replenishment]\nreconcile = "0 0 31 2 *"', "replenishment.reconcile"),
        ('[receiving_calendars.north]', "receiving_calendars.north"),
        ('[[items]]\nsku = "A"\nsuperseded_by = "B"\n[[items]]\nsku = "B"\nsuperseded_by = "A"', "superseded_by"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_name_of_its_setting(tmp_path: Path, more: str, setting: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        shop(tmp_path, more)
    assert setting in str(refused.value)


def test_an_empty_calendar_is_refused_with_its_name(tmp_path: Path) -> None:
    settings = shop(tmp_path, "[receiving_calendars.main]\nweekdays = []\n")
    with pytest.raises(Misconfigured, match=r"receiving_calendars\.main\.weekdays"):
        settings_event(settings, {}, 1)


def test_what_is_over_is_refused_when_it_is_told_and_no_restart_fails_when_it_grows_old(tmp_path: Path) -> None:
    offers = item("snoozed_until = 2026-01-05\n" + POLICIES[0], ", valid_until = 2026-02-01")
    old = shop(tmp_path, offers).items[0]
    with pytest.raises(Misconfigured, match=r"snoozed_until: 2026-01-05 lies in the past"):
        raise_as_told(old, date(2026, 1, 20))
    ended = shop(tmp_path, item(POLICIES[0], ", valid_until = 2026-02-01")).items[0]
    with pytest.raises(Misconfigured, match=r"offers.0.valid_until: 2026-02-01 lies in the past"):
        raise_as_told(ended, date(2026, 3, 2))
    last = shop(tmp_path, item(POLICIES[-1])).items[0]
    with pytest.raises(Misconfigured, match=r"policy.until"):
        raise_as_told(last, date(2027, 4, 1))
    check_days(ended, ended, date(2026, 2, 1))


def raise_as_told(item_told: Any, today: date) -> None:
    from streamer.pipeline.applying import _not_in_the_past

    _not_in_the_past(item_told, item_told, today)


def test_suppliers_places_and_schedule_are_told_to_every_partition(tmp_path: Path) -> None:
    more = """
[replenishment]
lead_time_days = 3
enough_receipts = 4
reconcile = "0 6 * * mon-fri"
[receiving_calendars.main]
country = "DE"
subdivision = "BY"
"""
    toml = more.replace(
        "[replenishment]",
        '[suppliers.COLD]\nname = "Cold"\naccount = "mail"\ncurrency = "EUR"\nlead_time_days = 9\n[replenishment]',
    )
    applied = settings_event(shop(tmp_path, toml), {}, 1)
    assert (applied.lead_time_days, applied.enough_receipts, applied.reconcile) == (3, 4, "0 6 * * mon-fri")
    assert applied.receiving_calendars["main"].subdivision == "BY"
    assert applied.suppliers["COLD"].lead_time_days == 9
