"""The ledger among faults: lost answers, paused owners, late outcomes, repeated events, and a clock that lags behind.

The world here is a supplier and the processes that call it; the ledger is the real one. What holds in every history: in
classes A and B one order is placed and never two; what may have gone out by mail is never sent again by machine.
"""

from __future__ import annotations

import heapq
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain import dispatch, dispatch_ledger, dispatch_rules
from streamer.domain.effects import START_WITHIN_SECONDS, StartCall
from streamer.messages.applied import AccountFacts
from streamer.messages.commands import AttemptOutcome, ReorderCommand, ReorderLine
from streamer.messages.ids import command_id
from tests.domain.memory import START, Partition, settings

TIMEOUT, VISIBLE_AFTER, KEY_LIFETIME = 20.0, 5.0, 600.0
FAULTS_END = 4_000.0  # seconds; from then on everything answers
ORDER = ReorderCommand(
    command_id=command_id("reorder", "ACME-1", "1"),
    account="acme",
    object="order/ACME-1",
    cause="ACME-1 version 1",
    supplier="ACME",
    supplier_name="Acme",
    reference="ACME-1",
    order_date="2026-03-02",
    ship_to="main",
    currency="EUR",
    lines=(ReorderLine(line="1", sku="PAD-1", quantity=Decimal(1), location="main"),),
)


class World:
    """One order, one supplier, many faults. Times are seconds after START."""

    def __init__(self, seed: int, sink_class: str) -> None:
        self.random = random.Random(seed)
        self.sink_class = sink_class
        self.now = 0.0
        self.placed: list[float] = []  # when each order came into being at the supplier
        self.first_key_use: float | None = None
        self.sends = 0
        self.queue: list[tuple[float, int, AttemptOutcome]] = []
        self.partition = Partition(dispatch, twice=False)
        account = AccountFacts.model_validate(
            {
                "platform": "http",
                "sink_class": sink_class,
                "request_timeout_seconds": TIMEOUT,
                "visibility_seconds": VISIBLE_AFTER,
                "key_lifetime_seconds": KEY_LIFETIME,
                "attempts": 8,
            }
        )
        self.partition.send(settings(accounts={"acme": account}))

    def run(self) -> str:
        """The state in which the command ends."""
        self._start(self.partition.send(ORDER))
        key = f"acme/{ORDER.command_id}"
        while True:
            row = self.partition.row(key)
            due = None if row.closed_ms is not None else self.partition.due(key)
            due_at = None if due is None else (due / 1000 - START.timestamp()) + self.random.uniform(0, 5)
            if not self.queue and due_at is None:
                state: str = row.state
                return state
            if self.queue and (due_at is None or self.queue[0][0] <= due_at):
                self.now = max(self.now, self.queue[0][0])
                if self.random.random() < 0.5:
                    self._start(self.partition.tick(to=START + timedelta(seconds=self.now)))
                self._start(self.partition.send(heapq.heappop(self.queue)[2]))
            else:
                assert due_at is not None
                self.now = max(self.now, due_at)
                self._start(self.partition.tick(to=START + timedelta(seconds=self.now)))

    def _start(self, made: list[Any]) -> None:
        for effect in made:
            if isinstance(effect, StartCall):
                self._look_up(effect) if effect.mode == "look_up" else self._send(effect)

    def _send(self, call: StartCall) -> None:
        self.sends += 1
        fate = self.random.random() if self.now < FAULTS_END else 1.0
        begun = self.now + self.random.uniform(0, START_WITHIN_SECONDS)
        taken = begun + self.random.uniform(0, TIMEOUT)
        if fate < 0.10:
            self._says(call, "not_started", begun)
        elif fate < 0.20:
            self._says(call, "retry_later", begun)
        elif fate < 0.23:
            self._says(call, "rejected", taken)
        elif fate < 0.33:  # the process dies before the call; who takes over says so
            self._says(call, "unknown", self.now + self.random.uniform(0.1, 40))
        elif fate < 0.50:  # the owner is paused; who takes over reads the row while the call is still under way
            self._place(taken)
            self._says(call, "unknown", self.now + self.random.uniform(0.1, 40))
            if self.random.random() < 0.5:
                self._says(call, "confirmed", taken + self.random.uniform(0, 60))
        elif fate < 0.70:  # the answer is lost
            if self.random.random() < 0.7:
                self._place(taken)
            self._says(call, "unknown", begun + TIMEOUT)
        elif fate < 0.75:  # nobody ever says anything
            self._place(taken)
        else:
            self._place(taken)
            self._says(call, "confirmed", taken)

    def _place(self, at: float) -> None:
        if self.sink_class == "A":
            if self.first_key_use is not None and at < self.first_key_use + KEY_LIFETIME:
                return
            self.first_key_use = at if self.first_key_use is None else self.first_key_use
        self.placed.append(at)

    def _look_up(self, call: StartCall) -> None:
        if self.now < FAULTS_END and self.random.random() < 0.3:
            self._says(call, self.random.choice(["unknown", "retry_later", "not_started"]), self.now + TIMEOUT)
            return
        there = any(at + self.random.uniform(0, VISIBLE_AFTER) <= self.now for at in self.placed)
        self._says(call, "found" if there else "not_found", self.now + self.random.uniform(0, TIMEOUT))

    def _says(self, call: StartCall, result: str, at: float) -> None:
        for again in range(2 if self.random.random() < 0.2 else 1):
            when = at + again * self.random.uniform(0, 100)
            event = AttemptOutcome.model_validate(
                {
                    "account": "acme",
                    "command_id": call.command_id,
                    "attempt": call.attempt,
                    "result": result,
                    "external_reference": "PO-1" if result in ("confirmed", "found") else None,
                    "at": START + timedelta(seconds=at),
                }
            )
            heapq.heappush(self.queue, (when, len(self.queue) + self.sends * 1000, event))


seeds = st.integers(0, 2**32)


@examples(max_examples=400, deadline=None)
@given(seeds, st.sampled_from(["A", "B"]))
def test_with_a_key_or_a_look_up_an_order_is_never_placed_twice_and_never_lost(seed: int, sink_class: str) -> None:
    world = World(seed, sink_class)
    state = world.run()
    assert len(world.placed) <= 1
    if state == "confirmed":
        assert len(world.placed) == 1
    elif state == "rejected":
        assert world.placed == []
    else:
        assert state == "human"


@examples(max_examples=400, deadline=None)
@given(seeds)
def test_what_may_have_gone_out_by_mail_is_never_sent_again_by_machine(seed: int) -> None:
    world = World(seed, "C")
    state = world.run()
    assert len(world.placed) <= 1
    assert state in ("confirmed", "rejected", "human")
    if state == "confirmed":
        assert len(world.placed) == 1


def test_most_orders_need_no_person() -> None:
    ends = {sink_class: [World(seed, sink_class).run() for seed in range(200)] for sink_class in "AB"}
    for found in ends.values():
        assert found.count("confirmed") > 150


def test_without_the_settling_time_this_model_does_find_double_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_rules, "settle_ms", lambda _: 0)
    doubled = 0
    for seed in range(400):
        world = World(seed, "B")
        world.run()
        doubled += len(world.placed) > 1
    assert doubled > 5


def test_a_blind_repetition_of_mails_would_be_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch_ledger, "way_on", lambda *_: "send")
    doubled = 0
    for seed in range(200):
        world = World(seed, "C")
        world.run()
        doubled += len(world.placed) > 1
    assert doubled > 20
