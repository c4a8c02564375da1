"""What users of other systems complain of when parts are reordered, each as a test of the stream.

The complaints are those of public trackers: odoo/odoo (pull requests 31490, 33798, 76466, 78711; issues 20719, 17320),
frappe/erpnext (issues 36154, 50475, 53085, 13576, 7920), odoo/documentation (pull request 14853).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamer.domain import stock
from streamer.messages.purchasing import Need
from tests.domain.memory import Partition, of
from tests.domain.shop import SKU, ask, company, incoming, level, offer, policy

D = Decimal


def a_row(*events: Any, **changes: Any) -> Partition:
    partition = Partition(stock)
    partition.send(company(**changes), *events)
    return partition


def needs(partition: Partition) -> list[int]:
    return [int(need.quantity) for need in of(Need, partition.sent)]


# -- 1. double ordering


def test_two_looks_five_seconds_apart_order_once() -> None:
    partition = a_row(policy(10, 30), offer(), reconcile="* * * * *")
    partition.send(level(9))
    for _ in range(5):
        partition.tick(seconds=5)
    partition.tick(seconds=120)
    assert needs(partition) == [21]


def test_the_same_request_every_day_is_no_new_request() -> None:
    partition = a_row(policy(10, 30), offer(), level(9))
    for day in range(1, 15):
        partition.tick(days=1)
        partition.send(level(9, day * 1440))
    assert needs(partition) == [21]


def test_two_items_of_one_supplier_order_each_its_own() -> None:
    other: dict[str, Any] = {"sku": "OIL-10W40"}
    partition = a_row(policy(10, 30), offer(), policy(10, 30, **other), offer(**other), level(9), level(4, **other))
    partition.tick(days=2)
    assert {need.sku: int(need.quantity) for need in of(Need, partition.sent)} == {SKU: 21, "OIL-10W40": 26}
    assert len(needs(partition)) == 2


# -- 10. no explanation of the number


def test_the_numbers_of_a_suggestion_add_up_to_what_is_ordered() -> None:
    terms = offer(minimum_quantity=D(12), order_multiple=D(6))
    partition = a_row(terms, offer("BOLT", rank=2, unit_price=D(9)), policy(12, 30, safety=D(2)), level(20))
    partition.send(
        incoming("erp:77", 3, 1, expected_date="2026-03-04"), incoming("erp:78", 50, 1, expected_date="2026-05-04")
    )
    partition.send(ask("1/1", 17), ask("2/1", 4))
    why = of(Need, partition.sent)[-1].why
    assert why.projected == why.on_hand + why.incoming - why.reserved - why.waitlisted - why.safety
    assert (why.on_hand, why.incoming, why.incoming_later) == (20, 3, 50)
    assert why.wanted == why.order_up_to - why.projected
    assert why.cause.startswith("shop/")
    for told in (why.decision, why.supplier_words, why.alternative, why.lead_time, why.safety_words, why.policy):
        assert told
    assert why.rounding
