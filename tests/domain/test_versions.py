"""Which of two versions of one object is the newer, however its platform counts."""

from __future__ import annotations

import pytest

from streamer.domain.versions import newer, time_of


@pytest.mark.parametrize(
    ("version", "than"),
    [
        ("2026-03-02T10:00:00Z", "2026-03-02T09:59:59Z"),
        ("2026-03-02T04:00:00-05:00", "2026-03-02T08:59:59Z"),  # the shop's own offset
        ("2026-03-02 10:00:00.5", "2026-03-02T10:00:00Z"),
        ("10", "9"),
        ("0000000010", "0000000009"),
    ],
)
def test_the_later_time_and_the_higher_number_are_newer(version: str, than: str) -> None:
    assert newer(version, than)
    assert not newer(than, version)


def test_one_moment_written_in_two_ways_is_one_version() -> None:
    assert not newer("2026-03-02T05:00:00-05:00", "2026-03-02T10:00:00Z")
    assert not newer("2026-03-02T10:00:00Z", "2026-03-02T05:00:00-05:00")


def test_another_hash_replaces_the_one_before_and_the_same_does_not() -> None:
    assert newer("9f2c", "c01a")
    assert newer("c01a", "9f2c")
    assert not newer("c01a", "c01a")


def test_only_a_time_names_a_time() -> None:
    assert time_of("9f2c") is None
    assert time_of("17") is None
    assert time_of("2026-13-99T00:00:00Z") is None
    moment = time_of("2026-03-02T05:00:00-05:00")
    assert moment is not None
    assert moment.isoformat() == "2026-03-02T10:00:00+00:00"
