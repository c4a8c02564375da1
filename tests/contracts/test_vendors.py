"""Adapters against vendors on real sockets: made of recorded answers, held to the vendors' contracts, and failing."""

from __future__ import annotations

from typing import Any

import pytest

from streamer.errors import NotSent, StreamerError, Unavailable, Unclear, Unsupported
from streamer.platforms.base import example, find
from streamer.platforms.http import Runner
from streamer.platforms.plain_commands import call_of
from streamer.platforms.samples import read_sample
from streamer.platforms.wire import SAFE_METHODS
from tests.contracts.mock_vendor import FAULTS, Fault, MockVendor, beside_us, running
from tests.contracts.recorded import Recording
from tests.contracts.test_requests import REQUESTS

HTTP = [
    case for case in REQUESTS
    if case.values[0].told["calls"] and case.values[0].told["calls"][0]["request"].get("method") != "SMTP"
]  # fmt: skip
ORDERS = [case for case in HTTP if case.values[0].told["command"]["kind"] == "place_order"]


@pytest.mark.parametrize("recording", HTTP)
async def test_a_command_is_carried_out_by_a_vendor_that_holds_us_to_its_contract(recording: Recording) -> None:
    sample = read_sample(recording.path)
    async with running(MockVendor(recording.platform, sample.calls)) as vendor, Runner() as runner:
        account = example(recording.platform, beside_us(sample.settings, vendor.origin))
        await runner.run(call_of(account, sample.command), account)
    assert vendor.breaches == []
    assert len(vendor.asked) == len(sample.calls)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("recording", ORDERS)
async def test_an_order_sink_under_faults_knows_what_it_does_not_know(recording: Recording, fault: Fault) -> None:
    """What may have been booked is never called refused or done; what was surely not booked may be tried again."""
    sample = read_sample(recording.path)
    kind = find(recording.platform)
    strikes = next(place for place, call in enumerate(sample.calls) if _orders(call.method, call.path, sample.calls))
    vendor = MockVendor(recording.platform, sample.calls, fault, strikes)
    async with running(vendor), Runner() as runner:
        account = example(recording.platform, beside_us(sample.settings, vendor.origin))
        outcome: Any = None
        try:
            await runner.run(call_of(account, sample.command), account)
        except Unsupported:
            pytest.fail(f"{kind.title} says that it takes orders, and does not")
        except StreamerError as error:
            outcome = error
        if fault == "429":
            assert isinstance(outcome, Unavailable)
            assert outcome.retry_after_seconds == 7
        elif fault == "reset_before":
            assert isinstance(outcome, Unclear | NotSent)
        else:
            assert isinstance(outcome, Unclear), f"{fault} was taken for {outcome!r}"


def _orders(method: str, path: str, calls: Any) -> bool:
    """Whether this is the call that makes the order: the first unsafe one that is no log-in."""
    last = path.rsplit("/", 1)[-1].lower()
    return method not in SAFE_METHODS and not (len(calls) > 1 and any(word in last for word in ("login", "token")))
