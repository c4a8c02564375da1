"""How long a worker may be sure that its partitions are its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streamer.engine import lease as lease_module
from streamer.engine.lease import MARGIN_SECONDS, Lease


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lease_module, "now_seconds", clock)
    return clock


class HeartbeatRequest: ...


class SyncGroupRequest: ...


class OffsetCommitRequest: ...


class Coordinator:
    """Answers each request after `takes` seconds with `code`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.takes = 0.0
        self.code = 0

    async def _send_req(self, _request: Any) -> Any:
        self.clock.now += self.takes
        return SimpleNamespace(error_code=self.code)


def test_without_an_answered_heartbeat_nothing_may_be_produced(clock: Clock) -> None:
    assert not Lease(10).holds()


@pytest.mark.parametrize("request_type", [HeartbeatRequest, SyncGroupRequest])
async def test_the_lease_runs_from_when_the_heartbeat_was_sent_not_from_its_answer(
    clock: Clock, request_type: type[Any]
) -> None:
    lease, coordinator = Lease(10), Coordinator(clock)
    lease.watch(coordinator)
    coordinator.takes = 4.0
    await coordinator._send_req(request_type())
    assert lease.left_seconds == 10 - MARGIN_SECONDS - 4
    clock.now += lease.left_seconds
    assert not lease.holds()


@pytest.mark.parametrize("code", [25, 22, 27])
async def test_a_heartbeat_that_is_answered_with_an_error_gives_no_time(clock: Clock, code: int) -> None:
    """Unknown member, illegal generation, and a rebalance that may go on without this worker."""
    lease, coordinator = Lease(10), Coordinator(clock)
    lease.watch(coordinator)
    coordinator.code = code
    await coordinator._send_req(HeartbeatRequest())
    assert not lease.holds()


async def test_a_commit_gives_no_time(clock: Clock) -> None:
    lease, coordinator = Lease(10), Coordinator(clock)
    lease.watch(coordinator)
    await coordinator._send_req(OffsetCommitRequest())
    assert not lease.holds()


def test_an_answer_that_overtook_another_does_not_shorten_the_lease(clock: Clock) -> None:
    lease = Lease(10)
    lease.renew(99.0)
    lease.renew(95.0)
    assert lease.left_seconds == 10 - MARGIN_SECONDS - 1


def test_the_requests_that_renew_are_those_that_aiokafka_sends() -> None:
    """The names are aiokafka's own; a release that renames them must be noticed."""
    from aiokafka.consumer import group_coordinator as aiokafka

    assert {aiokafka.HeartbeatRequest.__name__, aiokafka.SyncGroupRequest.__name__} == lease_module.RENEWING
    assert callable(aiokafka.GroupCoordinator._send_req)


def test_the_clock_counts_while_the_machine_sleeps() -> None:
    import time

    assert abs(lease_module.now_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
