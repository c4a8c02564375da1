"""What makes a process die is found by those that come after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.engine.killers import WATCHED_EVENTS, Killers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stock.killers.json"


def after_crash(file: Path) -> Killers:
    return Killers(file, after_crash=True)


def test_after_an_orderly_end_nothing_is_written_down(file: Path) -> None:
    file.write_text("left over from long ago")
    killers = Killers(file, after_crash=False)
    assert not killers.watching(0)
    assert not file.exists()


def test_after_a_crash_the_first_chunks_are_written_down_whole(file: Path) -> None:
    killers = after_crash(file)
    assert killers.watching(0)
    assert killers.most(0, 100, 2000) == 2000


def test_a_chunk_that_died_is_folded_one_event_at_a_time_and_what_is_before_it_together(file: Path) -> None:
    after_crash(file).begin(0, 100, 149)
    killers = after_crash(file)
    assert killers.most(0, 90, 2000) == 10
    assert killers.most(0, 100, 2000) == 1
    assert killers.most(0, 149, 2000) == 1
    assert killers.most(0, 150, 2000) == 2000
    assert killers.most(1, 100, 2000) == 2000


def test_the_event_at_which_two_processes_died_alone_is_set_aside_and_its_neighbours_are_not(file: Path) -> None:
    for _ in range(2):
        dying = after_crash(file)
        assert dying.verdict(0, 7) is None
        dying.begin(0, 6, 6)
        dying.survived(0, 6, 6)
        dying.begin(0, 7, 7)
    killers = after_crash(file)
    assert "died 2 times while folding it" in str(killers.verdict(0, 7))
    assert killers.verdict(0, 6) is None
    assert killers.verdict(0, 8) is None
    assert killers.verdict(1, 7) is None


def test_an_event_that_was_folded_is_not_accused_when_the_process_dies_of_something_else(file: Path) -> None:
    for _ in range(5):
        killers = after_crash(file)
        killers.begin(0, 7, 7)
        killers.survived(0, 7, 7)
    assert after_crash(file).verdict(0, 7) is None


def test_an_event_that_is_folded_after_all_starts_with_a_clean_record(file: Path) -> None:
    after_crash(file).begin(0, 7, 7)
    lucky = after_crash(file)
    lucky.begin(0, 7, 7)
    lucky.survived(0, 7, 7)
    after_crash(file).begin(0, 7, 7)
    assert after_crash(file).verdict(0, 7) is None


def test_a_suspected_chunk_is_forgotten_once_it_was_folded_to_its_end(file: Path) -> None:
    after_crash(file).begin(0, 100, 102)
    killers = after_crash(file)
    for offset in (100, 101, 102):
        assert killers.most(0, offset, 2000) == 1
        killers.begin(0, offset, offset)
        killers.survived(0, offset, offset)
    assert after_crash(file).most(0, 100, 2000) == 2000


def test_the_row_that_kills_when_it_is_woken_is_found_and_its_tick_is_not_accused(file: Path) -> None:
    for _ in range(2):
        dying = after_crash(file)
        dying.begin(0, 7, 7)
        assert dying.begin_wake(0, "good") is None
        dying.survived(0, 7, 7)
        dying.begin(0, 8, 8)
        assert dying.begin_wake(0, "bad") is None
    killers = after_crash(file)
    assert killers.verdict(0, 8) is None
    assert killers.most(0, 8, 2000) == 1
    killers.begin(0, 8, 8)
    assert killers.begin_wake(0, "good") is None
    assert "while waking it" in str(killers.begin_wake(0, "bad"))
    killers.survived(0, 8, 8)
    assert killers.begin_wake(0, "bad") is None  # it sleeps now; whatever wakes it again begins anew


def test_the_watch_ends_when_more_than_was_under_way_has_been_survived(file: Path) -> None:
    killers = after_crash(file)
    killers.begin(0, 0, WATCHED_EVENTS)
    killers.survived(0, 0, WATCHED_EVENTS)
    assert not killers.watching(0)
    assert killers.watching(1)


def test_a_file_that_cannot_be_read_is_as_none(file: Path) -> None:
    file.write_bytes(b'{"deaths": {"0:1": ')
    assert after_crash(file).verdict(0, 1) is None
