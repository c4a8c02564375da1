"""Random histories of one supplier: whatever happens in whatever order, nothing is bought twice or behind backs."""

from __future__ import annotations

import contextlib
from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain.purchasing_rows import OrderRow
from streamer.errors import Malformed, Refused
from streamer.messages.applied import ApprovalRule, PersonFacts
from streamer.messages.commands import AskApprovalCommand, CancelOrderCommand, ChangeOrderCommand, ReorderCommand
from streamer.messages.purchasing import SupplierLine
from streamer.messages.stock import Incoming
from tests.domain.buying import approval, buying, counted, ledger_says, need, supplier_says
from tests.domain.memory import Partition, of

PEOPLE = {
    "kim": PersonFacts(console="kim", email=True, limit=Decimal(200)),
    "lee": PersonFacts(console="lee", slack="U0LEE"),
    "max": PersonFacts(console="max", email=True, tier=2),
    "oil": PersonFacts(console="oil", sku_classes=("oil",)),
}
RULES = (
    ApprovalRule(name="all", deadline_seconds=3600.0),
    ApprovalRule(name="large", above=Decimal(100), tier=2),
    ApprovalRule(name="discs", sku_classes=("discs",), four_eyes=True, even_automatic=True),
)
SHOP: dict[str, Any] = {
    "people": PEOPLE,
    "approval_rules": RULES,
    "approval_accounts": ("mail", "slack"),
    "sku_classes": {"discs": ("DISC-*",), "oil": ("OIL-*",)},
}
WHO = st.sampled_from(
    [
        ("console", "lee"), ("console", "max"), ("slack", "U0LEE"), ("email", "max"), ("console", "kim"),
        ("email", "kim"), ("console", "oil"), ("console", "eve"), ("email", "lee"), ("slack", "U0EVE"),
    ]
)  # fmt: skip
REFERENCES = st.sampled_from([1, 1, 1, 2])  # few, so that much happens to one
STEPS = st.one_of(
    st.tuples(st.just("need"), st.sampled_from(["PAD-1", "DISC-9", "OIL-5"]), st.integers(1, 30), st.booleans()),
    st.tuples(
        st.just("decide"),
        REFERENCES,
        st.sampled_from(["approve"] * 8 + ["change"] * 4 + ["amend", "cancel", "close", "reject"]),
        WHO,
        st.sampled_from([0, 0, 0, -1]),  # the version on the screen, beside that of the order
        st.integers(0, 12),
    ),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 601, 4_000, 100_000])),
    st.tuples(st.just("ledger"), REFERENCES, st.sampled_from(["sent", "confirmed", "rejected", "unknown", "human"])),
    st.tuples(st.just("after"), REFERENCES, st.booleans()),
    st.tuples(
        st.just("supplier"),
        REFERENCES,
        st.sampled_from(["accepted", "rejected", "shipped", "partly_delivered", "delivered", "cancelled"]),
        st.none() | st.integers(0, 12),
    ),
    st.tuples(st.just("receipt"), REFERENCES, st.integers(1, 4), st.integers(0, 8)),
)


class History:
    """A partition, and what was asked of it."""

    def __init__(self, *, window: float, minimum: Decimal | None) -> None:
        self.partition: Partition = buying(SHOP, window_seconds=window, minimum_order=minimum, wait_seconds=90_000.0)
        self.needs: dict[str, tuple[str, int]] = {}
        self.decided = 0
        self.approvals: list[tuple[str, int, str]] = []  # reference, version, person: those that were taken

    def orders(self) -> list[OrderRow]:
        rows = [self.partition.row(key) for key in self.partition.rows]
        return [row for row in rows if isinstance(row, OrderRow)]

    def order(self, number: int) -> OrderRow | None:
        row = self.partition.row(f"ACME/ACME-{number}")
        return row if isinstance(row, OrderRow) else None

    def step(self, step: tuple[Any, ...]) -> None:
        kind, *rest = step
        with contextlib.suppress(Refused, Malformed):
            getattr(self, f"_{kind}")(*rest)

    def _need(self, sku: str, quantity: int, automatic: bool) -> None:
        number = len(self.needs) + 1
        event = need(number, sku, quantity, automatic=automatic)
        self.needs[event.need_id] = (sku, quantity)
        self.partition.send(event)

    def _decide(self, number: int, decision: str, who: tuple[str, str], version: int, quantity: int) -> None:
        row = self.order(number)
        if row is None:
            return
        self.decided += 1
        channel, actor = who
        quantities = {row.lines[0].line: Decimal(quantity)} if decision in ("change", "amend") else {}
        event = approval(
            decision, row.version + version, f"act-{self.decided}", reference=row.reference, actor=actor,
            channel=channel, account="slack" if channel == "slack" else None, quantities=quantities,
        )  # fmt: skip
        self.partition.send(event)
        if decision == "approve":
            person = next(name for name, known in PEOPLE.items() if actor in (name, known.slack))
            self.approvals.append((event.reference, event.version, person))

    def _wait(self, seconds: int) -> None:
        self.partition.tick(seconds=seconds)

    def _ledger(self, number: int, state: str) -> None:
        row = self.order(number)
        if row is not None and row.command_id is not None:
            self.partition.send(ledger_says(state, reference=row.reference, command_id=row.command_id))

    def _after(self, number: int, agreed: bool) -> None:
        """What the other side says to a cancellation or a change."""
        row = self.order(number)
        if row is not None and row.cancel_id is not None:
            state = "cancelled" if agreed else "cancel_refused"
            self.partition.send(ledger_says(state, reference=row.reference, command_id=row.cancel_id))
        elif row is not None and row.amendment is not None:
            state = "changed" if agreed else "change_refused"
            self.partition.send(ledger_says(state, reference=row.reference, command_id=row.amendment.command_id))

    def _supplier(self, number: int, state: str, quantity: int | None) -> None:
        line = SupplierLine(line="1", quantity=None if quantity is None else Decimal(quantity))
        lines = () if quantity is None else (line,)
        source = f"{state}-{quantity}"
        self.partition.send(supplier_says(state, *lines, reference=f"ACME-{number}", source_id=source))

    def _receipt(self, number: int, receipt: int, quantity: int) -> None:
        event = counted(f"r{receipt}", quantity).model_copy(update={"reference": f"ACME-{number}"})
        self.partition.send(event)


@examples(max_examples=200, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=50), st.sampled_from([0.0, 600.0]), st.sampled_from([None, Decimal(60)]))
def test_whatever_happens_every_rule_of_buying_is_kept(
    steps: list[tuple[Any, ...]], window: float, minimum: Decimal | None
) -> None:
    history = History(window=window, minimum=minimum)
    first: tuple[Any, ...] = ("need", "DISC-9" if len(steps) % 2 else "PAD-1", 8, False)
    for step in (first, *steps):
        history.step(step)
    partition = history.partition
    _every_need_is_in_one_order(history)
    _nothing_was_sent_twice(partition)
    _nothing_was_sent_without_its_approvals(history)
    _goods_are_counted_once(history)
    _only_who_may_was_asked(partition)


def _every_need_is_in_one_order(history: History) -> None:
    covered = Counter(cover.need_id for row in history.orders() for line in row.lines for cover in line.needs)
    assert all(times == 1 for times in covered.values())
    last: dict[str, Incoming] = {}
    for told in of(Incoming, history.partition.sent):
        assert told.need_id not in last or told.reference == last[told.need_id].reference
        last[told.need_id] = told
    assert last.keys() == history.needs.keys()
    for need_id in history.needs:  # taken out of its order: the stock row knows that it is open again
        assert covered[need_id] == 1 or last[need_id].state == "cancelled"
    for row in history.orders():
        if row.state in ("rejected", "cancelled"):
            ids = [cover.need_id for line in row.lines for cover in line.needs]
            assert all(last[need_id].quantity == 0 for need_id in ids)


def _nothing_was_sent_twice(partition: Partition) -> None:
    for kind in (ReorderCommand, CancelOrderCommand, ChangeOrderCommand):
        sent = of(kind, partition.sent)
        assert len({command.command_id for command in sent}) == len(sent)
    references = Counter(command.reference for command in of(ReorderCommand, partition.sent))
    assert all(times == 1 for times in references.values())


def _nothing_was_sent_without_its_approvals(history: History) -> None:
    for order in of(ReorderCommand, history.partition.sent):
        people = {
            person
            for reference, version, person in history.approvals
            if (reference, version) == (order.reference, order.version)
        }
        total = sum((line.quantity * (line.unit_price or Decimal(0)) for line in order.lines), Decimal(0))
        discs = any(line.sku.startswith("DISC-") for line in order.lines)
        row = history.partition.row(f"ACME/{order.reference}")
        automatic = isinstance(row, OrderRow) and row.automatic and not discs
        if people:
            assert not discs or len(people) == 2
            assert total <= 100 or automatic or discs or "max" in people
            assert "kim" not in people or total <= 200
            assert "oil" not in people or all(line.sku.startswith("OIL-") for line in order.lines)
            assert not discs or row.changed_by not in people
        else:
            assert automatic


def _goods_are_counted_once(history: History) -> None:
    received: dict[str, Decimal] = {}
    for told in of(Incoming, history.partition.sent):
        assert told.received >= received.get(told.need_id, Decimal(0))
        received[told.need_id] = told.received
    for row in history.orders():
        for line in row.lines:
            told_of = sum((received.get(cover.need_id, Decimal(0)) for cover in line.needs), Decimal(0))
            said = row.facts.lines.get(line.line)
            sums = [sum((n for k, n in said.documents.items() if k.startswith("counted:")), Decimal(0))] if said else []
            claimed = [said.received] if said else []
            whole = [line.quantity, *([said.confirmed[2]] if said and said.confirmed else [])]
            assert told_of <= max([*sums, *claimed, *(whole if row.facts.all_received else [Decimal(0)])])


def _only_who_may_was_asked(partition: Partition) -> None:
    for ask in of(AskApprovalCommand, partition.sent):
        assert ask.channel == ("slack" if ask.person == "lee" else "email")
        total = sum((line.quantity * (line.unit_price or Decimal(0)) for line in ask.order.lines), Decimal(0))
        assert ask.person != "kim" or total <= 200
        assert ask.order.reply_token is None
