"""The real PartitionFold under every fault, against the ideal fold; and each of its rules left out, which must be
noticed.

`STREAMER_SIMULATIONS` multiplies the number of seeds; a failure names its seed.
"""

from __future__ import annotations

import os

import pytest

from streamer.engine import partition as heart
from tests.engine.model_run import Faults, Run
from tests.engine.model_worker import Ablations

MORE = int(os.environ.get("STREAMER_SIMULATIONS", "1"))

MANY_TICKS = {"mix": 60, "tick": 60}


@pytest.fixture(autouse=True)
def a_tick_wakes_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some stay due for the next one."""
    monkeypatch.setattr(heart, "TICK_WAKES", 2)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults(bounce=True, upgrade=True, short_changelog=True, long_pauses=True), id="but-lost-offsets"),
        pytest.param(
            Faults(bounce=True, long_pauses=True, time_passes=True, upgrade=True, lose_offsets=True),
            id="but-short-changelog",
        ),
        pytest.param(Faults(kinds=MANY_TICKS), id="many-ticks"),
    ],
)
def test_under_every_fault_nothing_is_lost_doubled_or_decided_otherwise(faults: Faults) -> None:
    gave_up = refusals = 0
    seeds = 700 * MORE
    for seed in range(seeds):
        run = Run(seed, faults)
        outcome = run.outcome()
        assert not outcome.bad, f"seed {seed}: {outcome}"
        gave_up += outcome.refused
        refusals += run.refusals
    assert gave_up < seeds // 10  # a worker that never starts would be right, and useless
    assert (refusals > 0) == faults.short_changelog  # what was lost is seen, and nothing else is taken for a loss


@pytest.mark.parametrize(
    ("faults", "without"),
    [
        pytest.param(Faults(), Ablations(end_before_committed=True, raise_w=True), id="end-read-before-committed"),
        pytest.param(Faults(short_changelog=True), Ablations(raise_w=True), id="w-raised-to-committed"),
        pytest.param(Faults(kinds={"delete": 60}), Ablations(forget_graves=True), id="tombstones-forget-their-w"),
        pytest.param(
            Faults(long_pauses=True, time_passes=True),
            Ablations(no_foreign_watch=True, no_lease=True),
            id="no-watch-for-foreign-batches",
        ),
        pytest.param(Faults(), Ablations(read_beyond_end=True), id="recovery-reads-past-its-end"),
        pytest.param(Faults(bounce=True, keep_rows=True), Ablations(), id="rows-of-an-earlier-assignment-kept"),
        pytest.param(Faults(), Ablations(split_batch=True), id="a-chunk-in-two-batches"),
        pytest.param(Faults(kinds=MANY_TICKS), Ablations(due_by_insertion=True), id="due-rows-by-insertion"),
        pytest.param(Faults(foreign_fold=True), Ablations(), id="one-changelog-for-two-folds"),
        pytest.param(Faults(upgrade=True), Ablations(ask_log_for_rules=False), id="rules-changed-by-a-release"),
    ],
)
def test_each_rule_is_needed(faults: Faults, without: Ablations) -> None:
    for seed in range(6000):
        if Run(seed, faults, without).outcome().bad:
            return
    pytest.fail("the simulation does not notice that this rule is missing")
