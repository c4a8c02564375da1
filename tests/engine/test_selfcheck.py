"""A worker does not begin on an installation that was never tried."""

from __future__ import annotations

import sys

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from streamer.engine import selfcheck
from streamer.engine.selfcheck import check_installation
from streamer.engine.transport import Producer
from streamer.errors import Misconfigured


def test_this_installation_is_one_that_was_tried() -> None:
    check_installation()


def test_another_release_of_faust_is_refused_until_it_was_tried() -> None:
    with pytest.raises(Misconfigured, match=r"0\.16\.0 is installed"):
        check_installation(installed={"faust-streaming": "0.16.0"})


def test_a_faust_without_its_compiled_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faust._cython.streams", None)
    with pytest.raises(Misconfigured, match="compiled part"):
        check_installation()


def test_a_release_that_renames_what_the_engine_overrides_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfcheck, "PRIVATE_PARTS", ((GroupCoordinator, "_gone"),))
    with pytest.raises(Misconfigured, match="has no _gone"):
        check_installation()


def test_a_producer_that_could_double_records_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Producer, "_settings_extra", lambda _self: {})
    with pytest.raises(Misconfigured, match="not idempotent"):
        check_installation()


def test_a_clock_that_was_never_set_is_refused() -> None:
    with pytest.raises(Misconfigured, match="never set"):
        check_installation(now_seconds=0.0)
