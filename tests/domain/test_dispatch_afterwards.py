"""The ledger about orders that were sent: changes and cancellations in their turn, questions to people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamer.domain.effects import StartCall
from streamer.domain.times import utc
from streamer.messages.commands import (
    AskApprovalCommand,
    AttemptOutcome,
    CancelOrderCommand,
    ChangeOrderCommand,
    Command,
    NotifyCommand,
)
from streamer.messages.ids import command_id
from streamer.messages.purchasing import PurchaseOrderOutcome
from tests.domain.memory import START, Partition, of
from tests.domain.test_dispatch import ledger, reorder


def change(account: str = "erp", number: int = 1) -> ChangeOrderCommand:
    order = reorder(account)
    return ChangeOrderCommand(
        command_id=command_id("change-order", account, order.reference, str(number)), account=account,
        object=order.object, cause="fewer", supplier="ACME", reference=order.reference, replaces=order.command_id,
        order=order.model_copy(update={"version": 1 + number}), reason="fewer",
    )  # fmt: skip


def cancel(account: str = "erp") -> CancelOrderCommand:
    order = reorder(account)
    return CancelOrderCommand(
        command_id=command_id("cancel-order", account, order.reference, "1"), account=account, object=order.object,
        cause="x", supplier="ACME", reference=order.reference, replaces=order.command_id, reason="x",
    )  # fmt: skip


def question(account: str = "mail") -> AskApprovalCommand:
    order = reorder(account)
    return AskApprovalCommand(
        command_id=command_id("ask-approval", order.reference), account=account, object="approval/ACME-1.1/kim",
        cause="x", person="kim", channel="email", supplier="ACME", reference=order.reference, version=1, order=order,
        worth="1 EUR", because="x", expires_at=START + timedelta(days=7),
    )  # fmt: skip


def calls(outcome: list[Any]) -> list[str]:
    return [item.command.ce_type for item in outcome if isinstance(item, StartCall)]


def ended(partition: Partition, command: Command, result: str, attempt: int = 1, **more: Any) -> list[Any]:
    fields = {
        "account": command.account,
        "command_id": command.command_id,
        "attempt": attempt,
        "result": result,
        "at": utc(partition.now_ms),
    }
    return partition.send(AttemptOutcome.model_validate(fields | more))


def told(outcome: list[Any]) -> list[tuple[str, str]]:
    return [(said.command_id, said.state) for said in of(PurchaseOrderOutcome, outcome)]


def test_what_is_asked_of_one_order_is_done_one_after_the_other() -> None:
    partition = ledger()
    assert calls(partition.send(reorder(), change(), change(number=2), cancel())) == ["reorder"]
    assert calls(ended(partition, reorder(), "confirmed")) == ["change-order"]
    assert calls(ended(partition, change(), "confirmed")) == ["change-order"]
    assert calls(ended(partition, change(number=2), "confirmed")) == ["cancel-order"]


def test_a_change_does_not_overtake_an_order_of_unknown_fate() -> None:
    partition = ledger()
    partition.send(reorder(), change())
    assert calls(ended(partition, reorder(), "unknown")) == []
    assert calls(partition.tick(seconds=120)) == ["reorder"]  # looked up
    assert calls(ended(partition, reorder(), "found", 2)) == ["change-order"]


@pytest.mark.parametrize(
    ("account", "made", "result", "state"),
    [
        ("erp", change, "confirmed", "changed"),
        ("erp", change, "rejected", "change_refused"),
        ("erp", change, "unsupported", "change_refused"),
        ("mail", change, "confirmed", "change_sent"),
        ("mail", change, "rejected", "change_refused"),
        ("erp", cancel, "confirmed", "cancelled"),
        ("erp", cancel, "rejected", "cancel_refused"),
        ("mail", cancel, "rejected", "cancel_refused"),
    ],
)
def test_purchasing_hears_how_it_ended(account: str, made: Any, result: str, state: str) -> None:
    partition = ledger()
    partition.send(reorder(account), made(account))
    ended(partition, reorder(account), "confirmed")
    outcome = ended(partition, made(account), result, reason="no")
    assert told(outcome) == [(made(account).command_id, state)]
    assert of(NotifyCommand, outcome) == []  # purchasing tells people, once


def test_a_letter_of_unknown_fate_is_not_written_again_by_machine_and_a_call_is() -> None:
    for account, then in (("mail", []), ("erp", ["change-order"])):
        partition = ledger()
        partition.send(reorder(account), change(account))
        ended(partition, reorder(account), "confirmed")
        ended(partition, change(account), "unknown")
        assert calls(partition.tick(seconds=120)) == then


def test_a_question_is_asked_again_until_it_went_out_and_a_failure_is_told() -> None:
    partition = ledger()
    assert calls(partition.send(question())) == ["ask-approval"]
    ended(partition, question(), "unknown")
    assert calls(partition.tick(seconds=30)) == ["ask-approval"]
    outcome = ended(partition, question(), "rejected", 2, reason="no such person")
    assert told(outcome) == []
    partition = ledger()
    partition.send(question())
    outcome = ended(partition, question(), "rejected", reason="people.kim is not in the settings")
    assert [note.subject for note in of(NotifyCommand, outcome)] == ["ask-approval refused"]


def test_a_question_waits_for_no_other_one() -> None:
    partition = ledger()
    other = question().model_copy(update={"command_id": command_id("ask-approval", "other"), "person": "lee"})
    assert calls(partition.send(question(), other)) == ["ask-approval", "ask-approval"]
