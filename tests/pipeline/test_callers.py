"""Calls under way when their worker is asked to end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamer.domain.effects import StartCall
from streamer.engine.fold import Output
from streamer.messages.commands import AttemptOutcome, NotifyCommand
from streamer.pipeline import callers
from streamer.pipeline.callers import Callers
from streamer.platforms.base import Placed, example

NOTICE = NotifyCommand(
    command_id="N" * 26, account="mail", object="o", cause="c", subject="s", text="t", severity="information"
)
CALL = StartCall("mail", NOTICE.command_id, 1, "send", NOTICE)


class Slow:
    """Stands where calls go out: each one takes so long."""

    def __init__(self, seconds: float) -> None:
        self.begun = asyncio.Event()
        self._seconds = seconds

    async def run(self, *_: Any, **__: Any) -> Placed:
        self.begun.set()
        await asyncio.sleep(self._seconds)
        return Placed("done")


async def ended_after(seconds: float) -> list[Output]:
    """What is known of a call of so many seconds whose worker ended soon after it had begun."""
    told: list[Output] = []

    async def send(outputs: list[Output]) -> None:
        told.extend(outputs)

    network: Any = Slow(seconds)
    working = Callers({"mail": example("email")}, network, send)
    working.start([CALL], lambda: None)
    await network.begun.wait()
    await working.finish()
    return told


async def test_a_call_that_was_under_way_ends_and_its_outcome_is_known() -> None:
    [output] = await ended_after(0.05)
    outcome = AttemptOutcome.from_json(output.value)
    assert (outcome.result, outcome.external_reference) == ("confirmed", "done")


async def test_a_call_that_takes_too_long_is_left_to_the_next_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "FINISH_SECONDS", 0.05)
    assert await ended_after(60) == []
