"""What suppliers say may come in any order, twice, and late."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamer.domain.order_standing import arrived, contradictions, standing, state_of
from streamer.domain.purchasing_rows import OrderedLine
from streamer.domain.supplier_answers import Facts, facts_of_outcome, facts_of_receipt, facts_of_status, join
from streamer.messages.purchasing import (
    GoodsReceipt,
    PurchaseOrderOutcome,
    ReceivedLine,
    SupplierLine,
    SupplierPart,
    SupplierStatus,
)

ORDERED = [
    OrderedLine("1", "PAD-1", "main", Decimal(10), Decimal("4.50"), supplier_sku="V-1"),
    OrderedLine("2", "DISC-9", "main", Decimal(4), Decimal(30)),
]
QUANTITIES = {line.line: line.quantity for line in ORDERED}

quantities = st.none() | st.integers(0, 12).map(Decimal)
lines = st.builds(
    SupplierLine,
    line=st.sampled_from([None, "1", "2", "3"]),
    sku=st.sampled_from([None, "PAD-1", "DISC-9", "OTHER"]),
    supplier_sku=st.sampled_from([None, "V-1"]),
    quantity=quantities,
    unit_price=st.none() | st.sampled_from([Decimal("4.50"), Decimal("4.5"), Decimal(5)]),
    back_order_quantity=quantities,
    promised_date=st.none() | st.dates().map(str),
    status=st.none() | st.sampled_from(["IA", "IB"]),
)
statuses = st.builds(
    SupplierStatus,
    account=st.just("erp"),
    platform=st.just("http"),
    source_id=st.sampled_from(["a", "b"]),
    state=st.sampled_from(
        ["received", "accepted", "accepted_with_changes", "rejected", "partly_shipped", "shipped", "partly_delivered",
         "delivered", "invoiced", "cancelled"]
    ),
    external_reference=st.none() | st.sampled_from(["SO-1", "SO-2"]),
    occurred_date=st.none() | st.sampled_from(["2026-03-03", "2026-03-04"]),
    sequence=st.none() | st.integers(1, 3),
    lines=st.lists(lines, max_size=3).map(tuple),
    adds_up=st.booleans(),
).map(lambda status: facts_of_status(status, ORDERED))  # fmt: skip
outcomes = st.builds(
    PurchaseOrderOutcome,
    supplier=st.just("ACME"),
    reference=st.just("ACME-1"),
    command_id=st.just("A" * 26),
    state=st.sampled_from(["sent", "confirmed", "rejected", "unknown", "human", "cancelled"]),
    external_reference=st.none() | st.sampled_from(["7", "8"]),
    at=st.just(datetime(2026, 3, 3, tzinfo=UTC)),
).map(facts_of_outcome)
receipts = st.builds(
    GoodsReceipt,
    supplier=st.just("ACME"),
    reference=st.just("ACME-1"),
    receipt_id=st.sampled_from(["r1", "r2"]),
    lines=st.lists(
        st.builds(ReceivedLine, line=st.sampled_from(["1", "2"]), quantity=st.integers(0, 12).map(Decimal)), max_size=3
    ).map(tuple),
    actor=st.just("kim"),
    at=st.just(datetime(2026, 3, 3, tzinfo=UTC)),
).map(facts_of_receipt)
closings = st.just(Facts(closed=True))
statements = statuses | outcomes | receipts | closings


def all_of(said: list[Facts]) -> Facts:
    known = Facts()
    for facts in said:
        known = join(known, facts)
    return known


@given(statements, statements)
def test_the_order_of_two_statements_does_not_matter(one: Facts, other: Facts) -> None:
    assert join(one, other) == join(other, one)


@given(statements, statements, statements)
def test_three_statements_may_be_joined_in_any_grouping(one: Facts, two: Facts, three: Facts) -> None:
    assert join(join(one, two), three) == join(one, join(two, three))


@given(st.lists(statements, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_repeated_and_shuffled_statements_give_the_same_order(said: list[Facts], random: Any) -> None:
    again = said + said[: len(said) // 2]
    random.shuffle(again)
    one, other = all_of(said), all_of(again)
    assert one == other
    assert state_of(one, QUANTITIES) == state_of(other, QUANTITIES)
    assert contradictions(one, ORDERED) == contradictions(other, ORDERED)


@given(st.lists(statements, max_size=6), statements)
def test_what_has_arrived_never_becomes_less(said: list[Facts], late: Facts) -> None:
    before, after = all_of(said), all_of([*said, late])
    for line in ORDERED:
        old, new = (facts.lines.get(line.line) for facts in (before, after))
        assert old is None or (new is not None and new.received >= old.received and new.shipped >= old.shipped)
        assert old is None or new is None or arrived(new) >= arrived(old)


def status(state: str, *said: SupplierLine, **changes: Any) -> Facts:
    event = SupplierStatus.model_validate(
        {"account": "erp", "platform": "http", "source_id": "d", "state": state, "lines": said} | changes
    )
    return facts_of_status(event, ORDERED)


def of_line(facts: Facts, line: str) -> Any:
    return standing(facts, line, QUANTITIES[line])


def test_a_line_split_into_now_and_later_is_added_up() -> None:
    facts = status(
        "accepted_with_changes",
        SupplierLine(line="1", quantity=Decimal(6), promised_date="2026-03-05"),
        SupplierLine(line="1", quantity=Decimal(4), promised_date="2026-03-20"),
    )
    assert of_line(facts, "1").expected == 10
    assert of_line(facts, "1").promised_date == "2026-03-20"


def test_what_is_on_back_order_still_comes() -> None:
    facts = status("accepted_with_changes", SupplierLine(line="1", quantity=Decimal(6), back_order_quantity=Decimal(4)))
    assert (of_line(facts, "1").confirmed, of_line(facts, "1").expected) == (6, 10)


def test_less_confirmed_means_less_comes() -> None:
    facts = status("accepted_with_changes", SupplierLine(sku="PAD-1", quantity=Decimal(6)))
    assert of_line(facts, "1").expected == 6
    assert of_line(facts, "2").expected == 4


def test_lines_are_found_by_sku_before_their_number() -> None:
    facts = status("shipped", SupplierLine(line="1", sku="DISC-9", quantity=Decimal(4)))
    assert of_line(facts, "2").shipped == 4
    assert of_line(status("shipped", SupplierLine(line="00010", supplier_sku="V-1")), "1").shipped == 10


def test_a_document_about_some_lines_does_not_speak_for_the_others() -> None:
    facts = status("delivered", SupplierLine(line="1", quantity=Decimal(10)))
    assert state_of(facts, QUANTITIES) == "partly_shipped"
    assert state_of(join(facts, status("delivered", SupplierLine(line="2"))), QUANTITIES) == "received"
    assert state_of(status("delivered"), QUANTITIES) == "received"


def test_contradictions_are_put_in_words() -> None:
    facts = join(status("rejected"), status("shipped", SupplierLine(line="1", quantity=Decimal(12))))
    assert contradictions(facts, ORDERED) == ["rejected, and yet shipped", "line 1: 12 shipped of 10 ordered"]
    changed = status("accepted", SupplierLine(line="1", unit_price=Decimal(5)), SupplierLine(sku="X"))
    assert contradictions(changed, ORDERED) == ["line 1: price 5 instead of 4.5", "not ordered: X"]
    assert contradictions(status("accepted", SupplierLine(line="1", unit_price=Decimal("4.500"))), ORDERED) == []


def test_a_cancellation_after_an_acceptance_is_no_contradiction() -> None:
    facts = join(status("accepted"), status("cancelled"))
    assert contradictions(facts, ORDERED) == []
    assert state_of(facts, QUANTITIES) == "cancelled"


def test_a_line_in_parts_is_confirmed_as_a_whole_and_promised_for_the_last_of_them() -> None:
    parts = (
        SupplierPart(quantity=Decimal(4), status="accept", promised_date="2026-03-13"),
        SupplierPart(quantity=Decimal(2), status="backordered", promised_date="2026-03-20"),
    )
    line = SupplierLine(line="1", quantity=Decimal(6), parts=parts)
    split = tuple(SupplierLine(line="1", quantity=part.quantity, status=part.status, promised_date=part.promised_date)
                  for part in parts)  # fmt: skip
    common: dict[str, Any] = {"account": "erp", "platform": "cxml", "source_id": "a", "state": "accepted_with_changes"}
    whole = facts_of_status(SupplierStatus(**common, lines=(line,)), ORDERED)
    assert whole == facts_of_status(SupplierStatus(**common, lines=split), ORDERED)
    assert whole.lines["1"].confirmed is not None
    assert whole.lines["1"].confirmed[2] == 6
    assert whole.lines["1"].promised is not None
    assert whole.lines["1"].promised[2] == "2026-03-20"
