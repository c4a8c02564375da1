"""What is read back from a changelog, and when a worker must not begin."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from streamer.engine.recovery import WATERMARK_KEY, Recovered, Recovery, check_continuity
from streamer.errors import Lost
from tests.engine.small_fold import LOG, Bench


class Changed(NamedTuple):
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def record(offset: int, key: str, value: str | None, w: int, *, log: str = LOG, due: int | None = None) -> Changed:
    headers: tuple[tuple[str, bytes], ...] = (("w", f"{log}:{w}".encode()),)
    if due is not None:
        headers += (("due", b"%d" % due),)
    return Changed(offset, key.encode(), None if value is None else value.encode(), headers)


def recover(*records: Changed, end: int = 1000) -> Recovered:
    recovery = Recovery(LOG, end)
    recovery.add(records)
    return recovery.finish()


MARK = '{"asleep":[],"sources":{},"time_ms":null}'


def test_of_each_key_the_record_with_the_highest_watermark_counts_wherever_it_stands() -> None:
    recovered = recover(
        record(0, WATERMARK_KEY, MARK, 9),
        record(1, "a", "new", 9),
        record(2, "a", "old, from a worker that woke up late", 4),
        record(3, "b", "same", 5),
    )
    assert (recovered.rows, recovered.w) == ({"a": b"new", "b": b"same"}, 9)
    assert recovered.behind == {"a"}


def test_a_deleted_row_is_not_raised_by_an_older_record_that_came_late() -> None:
    recovered = recover(record(0, WATERMARK_KEY, MARK, 9), record(1, "a", None, 9), record(2, "a", "old", 4))
    assert recovered.rows == {}
    assert recovered.behind == {"a"}
    chunk = Bench(recovered).events("b: look").fold()
    assert [(row.key, row.value) for row in chunk.rows[:-1]] == [(b"a", None)]


def test_nothing_behind_the_end_that_was_read_first_is_taken() -> None:
    recovered = recover(
        record(0, WATERMARK_KEY, MARK, 1),
        record(1, "a", "1", 1),
        record(2, "a", "2", 2),
        record(3, WATERMARK_KEY, MARK, 2),
        end=2,
    )
    assert (recovered.rows, recovered.w, recovered.end) == ({"a": b"1"}, 1, 2)


def test_when_a_row_is_due_is_known_without_reading_it() -> None:
    recovered = recover(
        record(0, WATERMARK_KEY, MARK, 1), record(1, "a", '{"n":1,"due":20}', 1, due=20), record(2, "b", "{}", 1)
    )
    assert recovered.due_ms == {"a": 20}


@pytest.mark.parametrize(
    ("records", "says"),
    [
        pytest.param([record(0, "a", "1", 1, log="OtherOtherOtherOtherOt")], "made anew", id="log-made-anew"),
        pytest.param([Changed(0, b"a", b"1", ())], "made anew", id="no-watermark-in-the-header"),
        pytest.param([record(0, "a", "1", 1)], "no watermark row", id="no-watermark-row"),
        pytest.param([record(0, "a", "1", 1), record(1, "a", "2", 1)], "not pure", id="same-watermark-other-bytes"),
    ],
)
def test_a_changelog_that_cannot_be_this_folds_is_refused(records: list[Changed], says: str) -> None:
    with pytest.raises(Lost, match=says):
        recover(*records)


@pytest.mark.parametrize(
    ("w", "committed", "log_start", "log_end", "says"),
    [
        pytest.param(9, 11, 0, 20, "changelog has lost", id="committed-beyond-the-rows"),
        pytest.param(-1, 1, 0, 20, "changelog has lost", id="changelog-emptied"),
        pytest.param(9, 10, 0, 9, "log has lost", id="log-cut-or-made-anew"),
        pytest.param(9, 5, 11, 20, "deleted before", id="events-deleted-before-they-were-folded"),
        pytest.param(-1, None, 1, 20, "deleted before", id="new-fold-on-a-log-that-lost-its-start"),
    ],
)
def test_a_worker_does_not_begin_where_something_is_missing(
    w: int, committed: int | None, log_start: int, log_end: int, says: str
) -> None:
    with pytest.raises(Lost, match=says):
        check_continuity(recover()._replace(w=w), committed=committed, log_start=log_start, log_end=log_end)


@pytest.mark.parametrize(
    ("w", "committed", "log_start", "log_end"),
    [(-1, None, 0, 0), (-1, 0, 0, 5), (9, 10, 0, 10), (9, 5, 8, 20), (9, None, 10, 20)],
)
def test_a_worker_begins_where_nothing_is_missing(w: int, committed: int | None, log_start: int, log_end: int) -> None:
    check_continuity(recover()._replace(w=w), committed=committed, log_start=log_start, log_end=log_end)
