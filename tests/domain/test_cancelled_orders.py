"""An order that is cancelled after its decision was told: what others hear of it then, and in which order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from streamer.domain import dispatch
from streamer.domain.effects import StartCall
from streamer.domain.order_rows import OrderRow
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.commands import AttemptOutcome, AttemptResult, WriteBackCommand
from streamer.messages.status import OrderLineStatus
from tests.domain.memory import Partition, of
from tests.domain.shop import at
from tests.domain.test_allocation_over_rows import Shop, order, rules, there


class Ledger(Shop):
    """The shop with the ledger of its write-backs; the test says what comes of each call."""

    def __init__(self, applied: SettingsApplied, *stock: Message) -> None:
        super().__init__(applied, *stock)
        self.ledger = Partition(dispatch)
        self.ledger.send(applied)
        self.given = 0
        self.begun: list[StartCall] = []

    def calls(self) -> list[StartCall]:
        """Those that have begun since the last look."""
        answers = of(WriteBackCommand, self.partitions["orders"].sent)
        self.begun += self.tell_of(self.ledger.send(*answers[self.given :]))
        self.given = len(answers)
        begun, self.begun = self.begun, []
        return begun

    def comes_of(self, call: StartCall, result: AttemptResult) -> None:
        came = AttemptOutcome(
            account=call.account, command_id=call.command_id, attempt=call.attempt, result=result, at=at(0)
        )
        self.begun += self.tell_of(self.ledger.send(came))

    def tell_of(self, outcome: list[Any]) -> list[StartCall]:
        self.tell(*(item for item in outcome if isinstance(item, Message)))
        return [item for item in outcome if isinstance(item, StartCall)]


def told(shop: Shop, number: str) -> list[tuple[str, str, int]]:
    statuses = of(OrderLineStatus, shop.partitions["orders"].sent)
    return [(s.decision, s.fulfilment, int(s.approved)) for s in statuses if s.order_id == number]


def pads(version: int, quantity: int, **more: Any) -> Message:
    return order("1", version, lines={"PAD": quantity}, **more)


def test_an_order_that_is_cancelled_after_its_decision_was_told_is_told_as_released() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=2))
    shop.tell(pads(1, 2), pads(2, 2, state="cancelled"))
    assert told(shop, "1") == [("approved", "open", 2), ("released", "cancelled", 0)]
    assert shop.reserved() == {}
    row = shop.rows("orders", OrderRow)["shop/1"]
    assert (row.decision, row.state) == ("released", "cancelled")


def test_an_answer_that_comes_after_the_cancellation_changes_nothing() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=2))
    shop.publish(pads(1, 2))
    shop.read_one("orders")
    shop.publish(pads(2, 2, state="cancelled"))
    shop.read_one("orders")
    shop.read_all()
    assert told(shop, "1") == [("released", "cancelled", 0)]
    assert shop.reserved() == {}


def test_what_had_left_before_the_cancellation_stays_approved() -> None:
    shop = Shop(rules(), *there("MUNICH", PAD=5))
    shop.tell(
        pads(1, 5),
        pads(2, 5, line={"shipped": Decimal(2)}),
        pads(3, 5, state="cancelled", line={"shipped": Decimal(2)}),
    )
    assert told(shop, "1")[-1] == ("released", "cancelled", 2)
    assert shop.reserved() == {}


def test_a_write_back_under_way_is_not_overtaken_by_that_of_the_reopened_order() -> None:
    shop = Ledger(rules(), *there("MUNICH", PAD=2))
    shop.tell(pads(1, 2))
    (first,) = shop.calls()
    shop.tell(pads(2, 2, state="cancelled"))
    assert shop.calls() == []  # the platform knows that it was cancelled
    shop.tell(pads(3, 3))
    assert told(shop, "1")[-1] == ("partly_approved", "back_order", 2)
    assert shop.calls() == []
    shop.comes_of(first, "confirmed")
    (second,) = shop.calls()
    assert isinstance(second.command, WriteBackCommand)
    assert (second.command.decision, second.command.revision) == ("partly_approved", 2)
    assert shop.rows("orders", OrderRow)["shop/1"].answer_state is None
    shop.comes_of(second, "confirmed")
    assert shop.rows("orders", OrderRow)["shop/1"].answer_state == "confirmed"


def test_a_reopened_order_with_the_same_result_is_not_told_twice() -> None:
    shop = Ledger(rules(), *there("MUNICH", PAD=2))
    shop.tell(pads(1, 2))
    (first,) = shop.calls()
    shop.tell(pads(2, 2, state="cancelled"), pads(3, 2))
    shop.comes_of(first, "confirmed")
    assert shop.calls() == []
    assert shop.rows("orders", OrderRow)["shop/1"].answer_state == "confirmed"
    assert told(shop, "1")[-1] == ("approved", "open", 2)
