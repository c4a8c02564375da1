"""What suppliers ask, and which of them gets the order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain.calendars import Calendar
from streamer.domain.checks import Invalid
from streamer.domain.economic import PriceBreak
from streamer.domain.exchange import Rate, Rates
from streamer.domain.offers import Candidate, Offer, candidate, check_offer, is_valid, landed_cost

D = Decimal
TODAY = date(2026, 11, 24)  # a Tuesday
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
EUROS = Rates(
    "EUR",
    (
        Rate(currency="USD", day=date(2026, 1, 1), rate=D("0.95")),
        Rate(currency="USD", day=date(2026, 11, 1), rate=D("0.90")),
        Rate(currency="USD", day=date(2026, 12, 1), rate=D("0.80")),
    ),
)


def offer(**terms: Any) -> Offer:
    return Offer(**{"supplier": "ACME", "currency": "EUR", "unit_price": D(10), **terms})


def applied(wanted: int, **terms: Any) -> Candidate:
    return candidate(offer(**terms), D(wanted), NOW, EUROS)


def test_landed_cost_adds_freight_and_duty_in_the_companys_currency() -> None:
    imported = offer(
        currency="USD", duty_rate=D("0.05"), freight_per_order=D(20), freight_per_unit=D("0.5"), unit_price=D(10)
    )

    cost = landed_cost(imported, D(40), EUROS, TODAY)

    assert (cost.goods, cost.freight, cost.duty) == (D(400), D(40), D(20))
    assert (cost.total, cost.unit) == (D(414), D("10.35"))


def test_a_price_by_the_box_is_a_price_for_twelve() -> None:
    boxes = offer(unit="box", units_per_purchase_unit=D(12), unit_price=D(60), minimum_quantity=D(2))

    got = candidate(boxes, D(30), NOW, EUROS)

    assert got.rounded.quantity == 36
    assert got.landed.goods == 180
    assert got.landed.unit == 5


def test_a_lot_above_the_maximum_is_split_and_each_order_pays_its_freight() -> None:
    got = applied(250, maximum_lot=D(100), freight_per_order=D(5))

    assert got.lots.quantities == (D(100), D(100), D(50))
    assert got.landed.freight == 15


def test_a_supplier_that_ships_on_weekdays_only_arrives_later() -> None:
    weekdays = applied(1, calendar=Calendar(), lead_time_unit="working_days", lead_time_days=4)

    assert weekdays.arrival.arrives == date(2026, 11, 30)
    assert applied(1, lead_time_days=4).arrival.arrives == date(2026, 11, 28)


def test_an_offer_is_valid_to_the_end_of_its_last_day() -> None:
    dated = offer(valid_from=TODAY, valid_until=TODAY)

    assert is_valid(dated, TODAY)
    assert not is_valid(dated, date(2026, 11, 25))
    assert not is_valid(dated, date(2026, 11, 23))
    check_offer(dated, TODAY)
    with pytest.raises(Invalid, match="valid_until: 2026-11-24 lies in the past"):
        check_offer(dated, date(2026, 11, 25))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"supplier": ""}, "supplier"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XQX"}, "currency"),
        ({"unit_price": None}, "unit_price"),
        ({"unit_price": D(-1)}, "unit_price"),
        ({"unit_price": D("NaN")}, "unit_price"),
        ({"minimum_quantity": D(-5)}, "minimum_quantity"),
        ({"order_multiple": D(0)}, "order_multiple"),
        ({"units_per_purchase_unit": D(0)}, "units_per_purchase_unit"),
        ({"minimum_quantity": D(50), "maximum_lot": D(40)}, "maximum_lot"),
        ({"lead_time_days": -1}, "lead_time_days"),
        ({"measured_lead_times": (3, -1)}, "measured_lead_times.1"),
        ({"duty_rate": D(-1)}, "duty_rate"),
        ({"valid_from": TODAY, "valid_until": date(2026, 1, 1)}, "valid_until"),
        (
            {"unit_price": None, "price_breaks": (PriceBreak(minimum_quantity=D(10), unit_price=D(1)),)},
            "price_breaks.0.minimum_quantity",
        ),
    ],
)
def test_an_offer_that_cannot_be_is_refused_by_the_name_of_its_field(terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        offer(**terms)

    assert refused.value.field == field
