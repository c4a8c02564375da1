"""Needs of one supplier and place are collected: for a window, until the cut-off, and longer when it is too little."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from streamer.domain.consolidation import closes_ms
from streamer.domain.times import utc
from streamer.messages.applied import CalendarFacts, SupplierFacts
from streamer.messages.commands import AskApprovalCommand, NotifyCommand, ReorderCommand
from tests.domain.buying import approval, buying, last_status, need, row, the_order
from tests.domain.memory import START, Partition, ms, of

BERLIN = CalendarFacts(cut_off="16:00", time_zone="Europe/Berlin", country="DE", closed=("2026-03-04",))
CUT_OFF: dict[str, Any] = {"calendar": BERLIN, "until_cut_off": True}
DAY = 86_400.0


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def orders(partition: Partition) -> list[ReorderCommand]:
    return of(ReorderCommand, partition.sent)


@pytest.mark.parametrize(
    ("now", "closes"),
    [
        (at(2, 8), at(2, 14, 45)),  # 16:00 in Berlin, a quarter of an hour before
        (at(2, 14, 44), at(2, 14, 45)),
        (at(2, 14, 45), at(3, 14, 45)),
        (at(2, 15, 30), at(3, 14, 45)),
        (at(3, 15), at(5, 14, 45)),  # Wednesday the 4th is closed
        (at(6, 15), at(9, 14, 45)),  # Friday evening
        (at(2, 15, month=4), at(7, 13, 45, month=4)),  # Good Friday to Easter Monday, and summer time
    ],
)
def test_a_draft_closes_a_little_before_the_suppliers_next_cut_off(now: datetime, closes: datetime) -> None:
    supplier = SupplierFacts(name="Acme", account="erp", currency="EUR", calendar=BERLIN, until_cut_off=True)
    assert utc(closes_ms(supplier, ms(now))) == closes


def test_needs_of_a_day_go_out_together_before_the_cut_off() -> None:
    partition = buying(**CUT_OFF)
    partition.send(need(1))
    partition.tick(to=at(2, 13))
    partition.send(need(1, "DISC-9"))
    assert orders(partition) == []
    order = the_order(partition.tick(to=at(2, 14, 45)))
    assert [line.sku for line in order.lines] == ["PAD-1", "DISC-9"]
    partition.send(need(2))
    assert of(ReorderCommand, partition.tick(to=at(3, 14))) == []
    the_order(partition.tick(to=at(3, 14, 46)))


def small(**more: Any) -> Partition:
    """45 EUR are needed, the supplier takes 100 and more."""
    partition = buying(minimum_order=Decimal(100), wait_seconds=3 * DAY, window_seconds=600.0, **more)
    partition.send(need())
    return partition


def test_an_order_below_the_suppliers_minimum_waits_and_says_so() -> None:
    partition = small()
    status = last_status(partition.tick(seconds=601))
    assert orders(partition) == []
    assert (status.state, status.waits_for) == (
        "draft",
        "45 of 100 EUR, below which the supplier takes no order",
    )
    assert status.waits_until == START.replace(day=5)


def test_it_goes_out_as_soon_as_it_is_large_enough() -> None:
    partition = small()
    partition.tick(days=1)
    order = the_order(partition.send(need(2, quantity=13)))
    assert order.lines[0].quantity == 23
    assert last_status(partition.sent).waits_for is None


def test_with_a_cut_off_it_goes_out_at_the_next_one() -> None:
    partition = small(**CUT_OFF)
    partition.tick(to=at(2, 15))
    assert last_status(partition.sent).waits_for is not None
    partition.send(need(2, quantity=13))
    assert orders(partition) == []
    the_order(partition.tick(to=at(3, 14, 45)))


def test_at_the_latest_a_person_decides_about_what_is_below_the_minimum() -> None:
    partition = small()
    made = partition.tick(days=3)
    assert orders(partition) == []
    status = last_status(made)
    assert (status.state, status.waits_for) == ("awaiting_approval", "Below the supplier's minimum of 100 EUR")
    assert [note.subject for note in of(NotifyCommand, made)] == ["Purchase order waits for approval"]
    the_order(partition.send(approval()))


def test_for_free_delivery_one_waits_and_no_longer_than_was_said() -> None:
    partition = buying(freight_free_from=Decimal(100), wait_seconds=2 * DAY, window_seconds=600.0)
    partition.send(need())
    status = last_status(partition.tick(seconds=601))
    assert status.waits_for == "45 of 100 EUR, from which delivery is free"
    the_order(partition.tick(days=2))
    assert of(AskApprovalCommand, partition.sent) == []


def test_what_an_appointment_needs_does_not_wait_until_it_is_late() -> None:
    partition = buying(minimum_order=Decimal(10), freight_free_from=Decimal(100), wait_seconds=9 * DAY)
    partition.send(need(needed_by="2026-03-07"))  # three days of lead time: it must go on Wednesday the 4th
    assert last_status(partition.sent).waits_until == datetime(2026, 3, 3, 23, tzinfo=UTC)  # midnight in Berlin
    the_order(partition.tick(to=datetime(2026, 3, 3, 23, tzinfo=UTC)))
    assert [order.needed_by for order in orders(buying_now("2026-03-05"))] == ["2026-03-05"]


def buying_now(needed_by: str) -> Partition:
    partition = buying(freight_free_from=Decimal(100), wait_seconds=9 * DAY)
    partition.send(need(needed_by=needed_by))
    return partition


def test_the_last_day_to_order_is_one_on_which_the_supplier_works() -> None:
    partition = buying(freight_free_from=Decimal(100), wait_seconds=9 * DAY, **CUT_OFF)
    partition.send(need(needed_by="2026-03-07"))  # the 4th is closed, so Tuesday the 3rd
    partition.tick(to=at(2, 14, 45))
    assert last_status(partition.sent).waits_until == datetime(2026, 3, 2, 23, tzinfo=UTC)


def test_limits_of_a_supplier_say_nothing_about_orders_in_another_currency() -> None:
    partition = buying(minimum_order=Decimal(100), wait_seconds=DAY)
    the_order(partition.send(need(currency="USD")))


def test_what_is_not_confirmed_waits_for_more_before_anybody_is_asked() -> None:
    partition = buying(minimum_order=Decimal(100), wait_seconds=DAY, window_seconds=60.0)
    partition.send(need(automatic=False))
    partition.tick(seconds=61)
    assert row(partition).state == "draft"
    partition.send(need(2, quantity=20, automatic=False))
    assert row(partition).state == "awaiting_approval"
