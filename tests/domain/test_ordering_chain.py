"""Purchasing and the ledger together: an order goes out, answers come back, and both agree in the end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain import dispatch, purchasing
from streamer.domain.effects import StartCall
from streamer.domain.times import utc
from streamer.messages.base import Message
from streamer.messages.commands import AttemptOutcome, CommandStatus, ReorderCommand
from streamer.messages.orders import ObjectKnown
from streamer.messages.status import PurchaseOrderStatus
from tests.domain.buying import company, need, supplier_says
from tests.domain.memory import Partition, of


class Shop:
    """The two folds, joined as Kafka joins them: each message goes to the logs that it names."""

    def __init__(self, sink_class: str = "B") -> None:
        self.folds = {"purchasing": Partition(purchasing), "commands": Partition(dispatch)}
        applied = company()
        account = applied.accounts["erp"].model_copy(update={"sink_class": sink_class})
        applied = applied.model_copy(update={"accounts": applied.accounts | {"erp": account}})
        for fold in self.folds.values():
            fold.send(applied)
        self.seen: list[Message] = []
        self.calls: list[StartCall] = []

    def send(self, *messages: Any) -> None:
        waiting = list(messages)
        rounds = 0
        while waiting:
            message = waiting.pop(0)
            rounds += 1
            assert rounds < 200, "the folds never stop answering each other"
            if isinstance(message, StartCall):
                if isinstance(message.command, ReorderCommand):
                    self.calls.append(message)
                continue
            self.seen.append(message)
            for topic, _ in message.places():
                if topic in self.folds:
                    waiting += self.folds[topic].send(message)

    def tick(self, seconds: float) -> None:
        for fold in self.folds.values():
            self.send(*fold.tick(seconds=seconds))

    def answer(self, result: str, **changes: Any) -> None:
        call = self.calls[-1]
        now = utc(self.folds["commands"].now_ms)
        fields = {"account": "erp", "command_id": call.command_id, "attempt": call.attempt, "result": result, "at": now}
        self.send(AttemptOutcome.model_validate(fields | changes))

    @property
    def order(self) -> str:
        return of(PurchaseOrderStatus, self.seen)[-1].state

    @property
    def command(self) -> str:
        state: str = self.folds["commands"].row(f"erp/{self.calls[0].command_id}").state
        return state


def test_an_order_whose_answer_was_lost_is_confirmed_by_what_the_supplier_says() -> None:
    shop = Shop("C")
    shop.send(need())
    shop.answer("unknown")
    assert (shop.order, shop.command) == ("human", "human")
    shop.send(supplier_says("accepted"))
    assert (shop.order, shop.command) == ("confirmed", "confirmed")
    assert len(of(CommandStatus, shop.seen)) == 1
    assert len(shop.calls) == 1


def test_a_status_that_overtakes_the_answer_of_its_order_is_not_lost() -> None:
    shop = Shop()
    shop.send(need())
    shop.send(supplier_says("shipped", reference=None, external_reference="PO-7"))
    assert shop.order == "sending"
    shop.answer("confirmed", external_reference="PO-7")
    assert shop.order == "shipped"
    assert [known.source_id for known in of(ObjectKnown, shop.seen)] == ["PO-7"]


def test_what_the_supplier_rejects_is_not_sent_again() -> None:
    shop = Shop()
    shop.send(need())
    shop.answer("unknown")
    shop.send(supplier_says("rejected"))
    shop.tick(3600)
    assert (shop.order, shop.command) == ("rejected", "rejected")
    assert len(shop.calls) == 1


RESULTS = st.sampled_from(["confirmed", "unknown", "rejected", "retry_later", "not_started", "found", "not_found"])
SAID = st.sampled_from(["received", "accepted", "rejected", "shipped", "delivered", "cancelled", "bounced"])


@examples(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["answer", "status", "tick"]), RESULTS, SAID), max_size=10),
    st.sampled_from("ABC"),
)
def test_whatever_is_answered_the_two_folds_come_to_rest(history: list[tuple[str, str, str]], sink_class: str) -> None:
    shop = Shop(sink_class)
    shop.send(need())
    for what, result, said in history:
        if what == "tick":
            shop.tick(40)
        elif what == "status":
            shop.send(supplier_says(said, account="erp", external_reference="SO-1"))
        elif result != "not_found" or shop.calls[-1].mode == "look_up":
            shop.answer(result, external_reference="PO-7" if result in ("confirmed", "found") else None)
    for _ in range(40):
        shop.tick(2_000)
    assert shop.command in ("confirmed", "rejected", "human")
    words = {said for what, _, said in history if what == "status"} - {"bounced"}
    if words and "rejected" not in words:
        assert shop.command == "confirmed"
