"""A call to a supplier in time: its owner is frozen or cut off from the coordinator, another one takes over.

Real parts: the lease and the permit that is asked immediately before the first byte. A class B supplier can be looked
up, so the next owner waits until nothing can arrive any more and looks; a class C supplier cannot.
"""

from __future__ import annotations

import os
import random
from typing import Literal, NamedTuple
from unittest.mock import Mock

import pytest

from streamer.engine import lease as lease_module
from streamer.engine import owner as owner_module
from streamer.engine.lease import MARGIN_SECONDS, Lease
from streamer.engine.owner import Permit
from streamer.errors import NotSent

MORE = int(os.environ.get("STREAMER_SIMULATIONS", "1"))

SESSION, BEGIN_WITHIN, HEARTBEAT, REQUEST_TIMEOUT, VISIBLE_AFTER = 10.0, 2.0, 3.0, 5.0, 2.0


Kind = Literal["cut off", "frozen", "revoked", "nothing"]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lease_module, "now_seconds", clock)
    monkeypatch.setattr(owner_module, "now_seconds", clock)
    return clock


class Story(NamedTuple):
    """Times in seconds."""

    kind: Kind
    fault: float
    lasts: float
    heartbeats: list[float]
    """When one was sent that was answered."""
    handed_over: float | None
    """When the group gives the partition to another worker."""
    command: float

    def awake(self, time: float) -> float:
        end = self.fault + self.lasts
        return end if self.kind == "frozen" and self.fault <= time < end else time


def story(rng: random.Random) -> Story:
    kind: Kind = rng.choice(["cut off", "cut off", "frozen", "revoked", "nothing"])
    fault, lasts = rng.uniform(5, 20), rng.choice([3.0, 8.0, 15.0, 40.0])
    beats = [number * HEARTBEAT + rng.uniform(0, 0.3) for number in range(40)]
    if kind == "cut off":
        beats = [beat for beat in beats if beat < fault]
    if kind == "frozen":
        beats = [beat for beat in beats if not fault <= beat < fault + lasts]
    handed_over = None
    if kind in ("cut off", "frozen"):
        session_ends = max((beat for beat in beats if beat < fault), default=0.0) + rng.uniform(0, 0.05) + SESSION
        if kind == "cut off" or fault + lasts >= session_ends:
            handed_over = session_ends
            beats = [beat for beat in beats if beat < fault]  # later ones: no such member
    elif kind == "revoked":
        handed_over = fault + rng.uniform(0.05, 0.5)
    return Story(kind, fault, lasts, beats, handed_over, command=fault + rng.uniform(-3, 25))


def posts(
    rng: random.Random, clock: Clock, told: Story, supplier: Literal["B", "C"], *, with_lease: bool
) -> list[float]:
    """When the order reaches the supplier."""
    sent: list[float] = []
    durable: float | None = None  # when the row says `sending`
    begun = told.awake(told.command + rng.uniform(0.001, 0.05))
    knows = told.kind == "revoked" and begun >= told.fault
    late = told.kind == "frozen" and told.handed_over is not None and begun >= told.fault + told.lasts
    if not knows and not (late and rng.random() < 0.7):  # the rest folds on for a moment
        durable = told.awake(begun + rng.choice([0.005, 0.05, 0.5, 1.5, 3]))
        clock.now = told.awake(durable + rng.uniform(0, 0.02))
        if may_begin(told, clock.now, begun, with_lease=with_lease):
            sent.append(clock.now)
    if told.handed_over is not None:
        recovered = told.handed_over + rng.uniform(0.1, 3)
        if durable is not None and durable < recovered:
            looks = recovered + BEGIN_WITHIN + REQUEST_TIMEOUT + VISIBLE_AFTER + MARGIN_SECONDS
            if supplier == "B" and not any(time <= looks - VISIBLE_AFTER for time in sent):
                sent.append(looks)
        else:  # the next owner folds the command itself
            sent.append(max(recovered, told.command) + rng.uniform(0.01, 0.1))
    return sent


def may_begin(told: Story, now: float, begun: float, *, with_lease: bool) -> bool:
    lease = Lease(SESSION if with_lease else 1e9)
    for beat in told.heartbeats:
        if beat + 0.01 <= now:
            lease.renew(beat)
    owner = Mock(revoked=told.kind == "revoked" and now >= told.fault, lease=lease)
    try:
        Permit(owner, begun + BEGIN_WITHIN)()
    except NotSent:
        return False
    return True


@pytest.mark.parametrize("supplier", ["B", "C"])
def test_a_supplier_gets_an_order_once_whoever_is_frozen_or_cut_off(clock: Clock, supplier: Literal["B", "C"]) -> None:
    for seed in range(5000 * MORE):
        rng = random.Random(seed)
        told = story(rng)
        sent = posts(rng, clock, told, supplier, with_lease=True)
        assert len(sent) <= 1, f"seed {seed}: {told} {sent}"


@pytest.mark.parametrize("supplier", ["B", "C"])
def test_without_the_lease_a_supplier_gets_orders_twice(clock: Clock, supplier: Literal["B", "C"]) -> None:
    twice = 0
    for seed in range(2000):
        rng = random.Random(seed)
        twice += len(posts(rng, clock, story(rng), supplier, with_lease=False)) > 1
    assert twice > 20
