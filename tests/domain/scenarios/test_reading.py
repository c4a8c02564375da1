"""What cannot be planned is refused when it is read, by the name of its field."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.domain.checks import Invalid
from streamer.domain.scenarios.reading import MEMBERS, read

REPLENISHMENT: dict[str, Any] = {
    "kind": "replenishment",
    "now": "2026-11-24T09:00:00Z",
    "policy": {"kind": "min_max", "reorder_point": 10, "order_up_to": 40},
    "stock": {"on_hand": 3},
    "offers": [{"supplier": "ACME", "currency": "EUR", "unit_price": 2}],
}
ALLOCATION: dict[str, Any] = {
    "kind": "allocation",
    "lines": [{"line": "1", "sku": "A", "quantity": 3}],
    "locations": [{"location": "X", "stock": {"A": {"on_hand": 2}, "B": {"on_hand": 1}}}],
}
LOTS: dict[str, Any] = {"kind": "lots", "demand": [1, 2], "order_cost": 3, "holding_cost": 1}
FORECAST: dict[str, Any] = {"kind": "forecast", "history": [1, 2, 3]}
ECONOMIC: dict[str, Any] = {
    "kind": "parameters",
    "calculate": {"kind": "economic_order_quantity", "yearly_demand": 9, "order_cost": 1, "holding_cost": 1},
}
BASES = (REPLENISHMENT, ALLOCATION, LOTS, FORECAST, ECONOMIC)


def changed(base: dict[str, Any], place: str, value: object) -> bytes:
    """The scenario with one value, named in dotted form, put in or replaced."""
    document: Any = deepcopy(base)
    *way, last = place.split(".")
    parent = document
    for step in way:
        parent = parent[int(step)] if isinstance(parent, list) else parent.setdefault(step, {})
    if isinstance(parent, list):
        parent[int(last)] = value
    else:
        parent[last] = value
    return json.dumps(document).encode()


def test_each_base_of_this_file_is_a_scenario() -> None:
    for base in BASES:
        assert read(json.dumps(base).encode()).answer()["kind"] == base["kind"]


@pytest.mark.parametrize(
    ("base", "field", "value"),
    [
        (REPLENISHMENT, "kind", "magic"),
        (REPLENISHMENT, "now", "2026-11-24T09:00:00"),
        (REPLENISHMENT, "now", "yesterday"),
        (REPLENISHMENT, "policy.kind", "minmax"),
        (REPLENISHMENT, "policy.trigger", "under"),
        (REPLENISHMENT, "policy.rounding", "sideways"),
        (REPLENISHMENT, "policy.reorder_point", -1),
        (REPLENISHMENT, "policy.reorder_point", "many"),
        (REPLENISHMENT, "policy.order_up_to", 9),
        (REPLENISHMENT, "policy.minimum", 9),
        (REPLENISHMENT, "stock.on_hand", "NaN"),
        (REPLENISHMENT, "stock.on_hand", float("nan")),
        (REPLENISHMENT, "stock.on_hand", float("inf")),
        (REPLENISHMENT, "stock.on_hand", 1e12),
        (REPLENISHMENT, "stock.on_hand", "1e-30"),
        (REPLENISHMENT, "offers.0.order_multiple", "1e-30"),
        (REPLENISHMENT, "now", "9999-12-31T23:59:59Z"),
        (REPLENISHMENT, "policy", {"kind": "newsvendor", "underage_cost": 1, "overage_cost": 1, "until": "9999-12-31"}),
        (REPLENISHMENT, "stock.reserved", -1),
        (REPLENISHMENT, "offers", []),
        (REPLENISHMENT, "offers.0.minimum_quantity", -5),
        (REPLENISHMENT, "offers.0.order_multiple", 0),
        (REPLENISHMENT, "offers.0.currency", "XQX"),
        (REPLENISHMENT, "offers.0.valid_until", "2026-11-23"),
        (REPLENISHMENT, "offers.0.calendar.weekdays", []),
        (REPLENISHMENT, "calendar.country", "XX"),
        (REPLENISHMENT, "calendar.time_zone", "Mars"),
        (REPLENISHMENT, "calendar.weekdays", ["someday"]),
        (REPLENISHMENT, "safety_stock", {"kind": "cycle_service", "level": 95}),
        (REPLENISHMENT, "safety_stock", {"kind": "hope"}),
        (REPLENISHMENT, "demand.method", "magic"),
        (REPLENISHMENT, "demand.history", [1, -1]),
        (REPLENISHMENT, "demand.requirements", [{"day": "2026-11-01", "quantity": 1}]),
        (REPLENISHMENT, "demand.booked", [{"day": "2026-12-01", "quantity": 1, "reserved": 2}]),
        (REPLENISHMENT, "supplier_choice", "luckiest"),
        (REPLENISHMENT, "default_lead_time_days", -1),
        (REPLENISHMENT, "enough_receipts", 1),
        (REPLENISHMENT, "rates", [{"currency": "USD", "day": "2026-01-01", "rate": 0}]),
        (ALLOCATION, "rule", "nicest"),
        (ALLOCATION, "lines", []),
        (ALLOCATION, "lines.0.quantity", 0),
        (ALLOCATION, "lines.0.kit", [{"sku": "A", "quantity_each": 0}]),
        (ALLOCATION, "locations.0.stock.B.reserved", -1),
        (ALLOCATION, "on", "soon"),
        (LOTS, "technique", "guess"),
        (LOTS, "demand.1", -2),
        (LOTS, "order_cost", [1, 2, 3]),
        (FORECAST, "method", "magic"),
        (FORECAST, "history.2", -3),
        (FORECAST, "history.1", float("nan")),
        (FORECAST, "history.1", 1e300),
        (FORECAST, "start", "9999-12-31"),
        (FORECAST, "horizon", 0),
        (FORECAST, "parameters.alpha", 2),
        (ECONOMIC, "calculate.kind", "guess"),
        (ECONOMIC, "calculate.yearly_demand", 0),
        (ECONOMIC, "calculate.holding_cost", None),
    ],
)
def test_what_cannot_be_names_its_field(base: dict[str, Any], field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        read(changed(base, field, value)).answer()

    assert refused.value.field is not None
    assert refused.value.field.startswith(field)


@pytest.mark.parametrize(
    ("base", "change", "field", "reason"),
    [
        (ALLOCATION, ("supersessions", [{"old": "A", "new": "A"}]), "on", "is needed beside supersessions"),
        (REPLENISHMENT, ("currency", "GBP"), "rates", "no rate from EUR to GBP"),
        (REPLENISHMENT, ("offers.0.valid_from", "2027-01-01"), "offers", "none is valid on 2026-11-24"),
        (REPLENISHMENT, ("policy", {"kind": "lot_for_lot"}), "demand", "is needed by this policy"),
        (REPLENISHMENT, ("safety_stock", {"kind": "days", "days": 3}), "demand", "is needed for a safety stock"),
        (FORECAST, ("method", "seasonal_week"), "history", "at least 14 are needed"),
        (FORECAST, ("booked", [{"day": "2026-12-01", "quantity": 1}]), "start", "is needed beside booked jobs"),
        (LOTS, ("technique", "fixed_quantity"), "quantity", "is needed for fixed_quantity"),
    ],
)
def test_what_is_missing_is_named(base: dict[str, Any], change: tuple[str, object], field: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refused:
        read(changed(base, *change)).answer()

    assert refused.value.field == field


def test_a_circular_supersession_is_refused_with_its_hops() -> None:
    links = [{"old": "A", "new": "B"}, {"old": "B", "new": "A"}]

    with pytest.raises(Invalid, match=r"supersessions\.1\.new: circular supersession: B > A > B"):
        read(json.dumps(ALLOCATION | {"supersessions": links, "on": "2026-11-24"}).encode()).answer()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"kind": 3}', b"\xff", b"[" * 100_000])
def test_what_is_no_scenario_is_refused_and_not_a_crash(text: bytes) -> None:
    with pytest.raises(Invalid):
        read(text)


STRANGE: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(0, -1, 1, 0.5, 1e-9, 1e7, 1e300, 10**30, "NaN", "sNaN", "1E+5", "-0", None, True, "", [], {}, "A"),
        *("2026-11-24", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "incremental", "best", "down", "cheapest"),
    ]
)


def places(value: Any, before: str = "") -> list[str]:
    """All places of a scenario, in dotted form."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in items for place in (f"{before}{key}", *places(each, f"{before}{key}."))]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_is_written_into_a_scenario_it_is_answered_or_refused(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(BASES))
    text = changed(base, data.draw(st.sampled_from(places(base))), data.draw(STRANGE))

    try:
        answer = read(text).answer()
    except Invalid:
        return
    json.dumps(answer, allow_nan=False)


def test_a_wrong_choice_is_answered_with_the_right_ones() -> None:
    with pytest.raises(Invalid, match=", ".join(MEMBERS["policy.kind"])):
        read(changed(REPLENISHMENT, "policy.kind", "minmax"))
    with pytest.raises(Invalid, match="one of below, at_or_below"):
        read(changed(REPLENISHMENT, "policy.trigger", "under"))
    with pytest.raises(Invalid, match=", ".join(MEMBERS["kind"])):
        read(b'{"kind": "magic"}')


def test_periods_without_any_demand_need_no_lot() -> None:
    answer = read(changed(LOTS, "demand", [0, 0])).answer()

    assert (answer["lots"], answer["total_cost"]) == ([], "0")
