"""What one partition promises, chunk by chunk."""

from __future__ import annotations

import random

import orjson
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from streamer.engine.fold import Record
from streamer.engine.partition import TICK_STEP_MS, Chunk, Gap
from streamer.engine.recovery import WATERMARK_KEY, Recovery
from streamer.errors import Lost
from tests.engine.small_fold import LOG, Bench, Shelf, sent

HOUR_MS = 3_600_000


def watermark(chunk: Chunk) -> dict[str, object]:
    last = chunk.rows[-1]
    assert last.key == WATERMARK_KEY.encode()
    fields: dict[str, object] = orjson.loads(last.value or b"")
    return fields


# ---- order of what is sent


def test_rows_wait_for_the_outputs_of_their_own_chunk_and_of_all_earlier_ones() -> None:
    bench = Bench()
    first, second = bench.events("a: add", "b: add").fold(1), bench.fold(1)
    bench.heart.outputs_acknowledged(second)
    assert bench.heart.next_rows() is None
    bench.heart.outputs_acknowledged(first)
    assert bench.heart.next_rows() is first
    assert bench.heart.next_rows() is None  # one batch of rows on its way at a time


def test_no_more_than_three_chunks_are_folded_ahead() -> None:
    bench = Bench().events("a: add", "a: add", "a: add", "a: add")
    for _ in range(3):
        bench.fold(1)
    assert bench.heart.fold_chunk() is None
    bench.durable()
    assert bench.fold(1).last == 3


def test_effects_come_out_only_when_the_rows_that_imply_them_are_durable() -> None:
    bench = Bench().events("a: call")
    chunk = bench.fold()
    assert chunk.effects == ["call"]
    assert bench.durable().effects == ["call"]


def test_an_output_says_which_event_caused_it_and_how_far_its_sender_is_durable() -> None:
    bench = Bench().events("a: add")
    first = bench.fold()
    bench.events("a: add")
    second = bench.fold()
    bench.durable()
    third = bench.events("a: add").fold()
    headers = [dict(next(iter(chunk.outputs.values()))[0].headers) for chunk in (first, second, third)]
    assert [header["src"] for header in headers] == [f"{LOG}:3:{offset}".encode() for offset in range(3)]
    assert [header["srcw"] for header in headers] == [b"-1", b"-1", b"0"]


def test_every_row_of_a_chunk_carries_the_offset_that_it_reaches() -> None:
    chunk = Bench().events("a: add", "b: add", "a: add").fold()
    assert [row.key for row in chunk.rows] == [b"a", b"b", WATERMARK_KEY.encode()]
    assert {dict(row.headers)["w"] for row in chunk.rows} == {f"{LOG}:2".encode()}


def test_the_watermark_row_is_written_also_where_no_other_row_changed() -> None:
    chunk = Bench().events("a: look").fold()
    assert [row.key for row in chunk.rows] == [WATERMARK_KEY.encode()]


# ---- reading the log


def test_a_missing_event_is_never_passed_over() -> None:
    bench = Bench().events("a: add")
    bench.next += 1
    with pytest.raises(Lost, match="expected offset 1, got 2"):
        bench.events("a: add")


def test_a_hole_inside_a_batch_is_seen() -> None:
    records = [Record(offset, 0, b"a", b"add") for offset in (0, 1, 3)]
    with pytest.raises(Lost):
        Bench().heart.feed(records)


def test_events_that_are_read_again_are_folded_once() -> None:
    bench = Bench()
    records = [Record(offset, 0, b"a", b"add") for offset in range(6)]
    for batch in (records[:4], records[:4], records[2:6]):
        bench.heart.feed(batch)
    bench.fold_all()
    assert bench.row("a") == {"n": 6}


# ---- size of a chunk


def fits(chunk: Chunk, limit: int) -> bool:
    batch = BatchBuilder(limit, 0)
    return all(
        batch.append(timestamp=None, key=row.key, value=row.value, headers=list(row.headers)) is not None
        for row in chunk.rows
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_rows_of_a_chunk_always_fit_into_one_record_batch(seed: int) -> None:
    rng = random.Random(seed)
    bench = Bench(batch_bytes=20_000)
    # "grow" makes a row larger than its event says, so that a chunk turns out too large only when it is written.
    words = [
        f"ключ{rng.randint(0, 9)}: "
        + rng.choice(["add", f"grow {rng.randint(1, 6000)}", "remove", f"due {rng.randint(1, 9000)}"])
        for _ in range(400)
    ]
    chunks = bench.events(*words, "tick 8000").fold_all()
    assert all(fits(chunk, 20_000) for chunk in chunks)
    assert [chunk.first for chunk in chunks[1:]] == [chunk.last + 1 for chunk in chunks[:-1]]
    assert bench.heart.durable_w == 400


def test_an_event_whose_rows_fit_into_no_batch_is_set_aside_and_the_others_go_on() -> None:
    bench = Bench(batch_bytes=20_000).events("a: add", "a: grow-many 30 1000", "a: add", "b: add")
    chunks = bench.fold_all()
    assert [letter for chunk in chunks for letter in sent(chunk, "dead")] == [("a", b"TooLarge")]
    assert bench.row("a") == {"n": 2, "quarantine": "TooLarge"}
    assert bench.row("b") == {"n": 1}
    assert len(bench.heart.rows) == 2


# ---- bad events


def test_a_bad_event_becomes_a_dead_letter_and_touches_no_row() -> None:
    bench = Bench().events("a: add", "a: unreadable", "a: late-malformed", "a: add")
    chunks = bench.fold_all()
    assert [letter for chunk in chunks for letter in sent(chunk, "dead")] == [("a", b"Malformed")] * 2
    assert bench.row("a") == {"n": 2}


def test_an_event_that_the_fold_cannot_bear_puts_its_row_into_quarantine_without_its_changes() -> None:
    bench = Bench().events("a: add", "b: add", "a: boom", "b: add")
    chunks = bench.fold_all()
    assert [letter for chunk in chunks for letter in sent(chunk, "dead")] == [("a", b"ZeroDivisionError")]
    assert bench.row("a") == {"n": 1, "quarantine": "ZeroDivisionError"}
    assert bench.row("b") == {"n": 2}
    assert [count for chunk in chunks for count in sent(chunk, "counts")] == [("a", b"1"), ("b", b"1"), ("b", b"2")]


def test_a_fold_that_cannot_even_quarantine_does_not_stop_the_others() -> None:
    fold = Shelf()
    fold.quarantine_raises = True
    bench = Bench(fold=fold).events("a: add", "a: boom", "b: add")
    bench.fold_all()
    assert bench.row("a") == {"n": 1}
    assert bench.row("b") == {"n": 1}


def test_want_of_memory_is_no_property_of_the_event() -> None:
    with pytest.raises(MemoryError):
        Bench().events("a: memory").fold()


def test_a_fold_may_not_touch_the_rows_of_the_engine() -> None:
    bench = Bench().events("a: reserved")
    assert sent(bench.fold(), "dead") == [("a", b"Malformed")]


def test_an_event_that_kills_processes_is_skipped_in_a_chunk_of_its_own_and_nothing_is_folded_past_it() -> None:
    bench = Bench().events("a: add").events("a: add", "a: add")
    bench.fold(1)
    chunk = bench.heart.skip_killer(RuntimeError("killed three times"))
    assert (chunk.first, chunk.last) == (1, 1)
    assert sent(chunk, "dead") == [("a", b"RuntimeError")]
    assert bench.heart.fold_chunk() is None
    bench.durable()
    assert bench.heart.fold_chunk() is None
    bench.durable()
    bench.fold_all()
    assert bench.row("a") == {"n": 2, "quarantine": "RuntimeError"}


# ---- ticks


def test_before_the_first_tick_time_is_what_the_broker_stamped_on_the_event() -> None:
    bench = Bench().events("a: add")
    bench.fold()
    assert bench.heart.rows.now_ms == 1000
    assert bench.heart.time_ms is None


def test_due_rows_wake_at_a_tick_in_order_of_due_and_key() -> None:
    bench = Bench().events("c: due 20", "b: due 30", "a: due 20", "d: due 40", "tick 30")
    chunks = bench.fold_all()
    woken = [key for chunk in chunks for key, _ in sent(chunk, "woken")]
    assert woken == ["a", "c", "b"]


def test_one_tick_moves_time_by_an_hour_at_most_and_never_back() -> None:
    bench = Bench().events("tick 1000", f"tick {1000 + 30 * HOUR_MS}", "tick 500")
    bench.fold_all()
    assert TICK_STEP_MS == HOUR_MS
    assert bench.heart.time_ms == 1000 + HOUR_MS


def test_a_row_that_cannot_be_woken_sleeps_until_an_event_edits_it() -> None:
    bench = Bench().events("a: stuck 20", "b: due 20", "tick 30", "tick 40")
    chunks = bench.fold_all()
    assert [letter for chunk in chunks for letter in sent(chunk, "dead")] == [("a", b"ZeroDivisionError")]
    assert [key for chunk in chunks for key, _ in sent(chunk, "woken")] == ["b"]
    assert watermark(chunks[-1])["asleep"] == ["a"]
    again = bench.events("a: add", "tick 50").fold_all()
    assert [letter for chunk in again for letter in sent(chunk, "dead")] == [("a", b"ZeroDivisionError")]


def test_more_due_rows_than_one_tick_may_wake_stay_due_for_the_next() -> None:
    bench = Bench(batch_bytes=2_000_000).events(*(f"k{number:04}: due 20" for number in range(1500)), "tick 30")
    first = [key for chunk in bench.fold_all() for key, _ in sent(chunk, "woken")]
    second = [key for chunk in bench.events("tick 31").fold_all() for key, _ in sent(chunk, "woken")]
    assert first + second == [f"k{number:04}" for number in range(1500)]
    assert first
    assert second


# ---- somebody else wrote


def test_a_gap_in_the_changelog_is_seen_and_its_rows_are_written_again() -> None:
    bench = Bench().events("a: add", "b: add", "c: add")
    bench.fold()
    bench.durable()
    chunk = bench.events("a: add").fold()
    bench.heart.outputs_acknowledged(chunk)
    bench.heart.next_rows()
    done = bench.heart.rows_acknowledged(bench.heart.changelog_end + 2)
    assert done.gap == Gap(4, 6)
    bench.heart.rewrite({"b", "gone", WATERMARK_KEY})
    rows = {row.key: row.value for row in bench.events("c: look").fold().rows[:-1]}
    assert rows == {b"b": b'{"n": 1}', b"gone": None}


def test_a_changelog_that_is_shorter_than_it_was_ends_the_process() -> None:
    bench = Bench().events("a: add", "a: add")
    bench.fold(1)
    bench.durable()
    bench.heart.outputs_acknowledged(bench.fold(1))
    bench.heart.next_rows()
    with pytest.raises(Lost):
        bench.heart.rows_acknowledged(0)


# ---- the cache


def test_rows_are_right_however_few_of_them_are_kept_decoded() -> None:
    rng = random.Random(1)
    words = [f"k{rng.randint(0, 30)}: " + rng.choice(["add", "add", "remove", "boom"]) for _ in range(2000)]
    small, large = Bench(hot_rows=2, chunk_events=7), Bench()
    for bench in (small, large):
        bench.events(*words).fold_all()
    assert {key: small.row(key) for key in list(small.heart.rows.keys())} == {
        key: large.row(key) for key in list(large.heart.rows.keys())
    }
    assert len(small.heart.rows._hot) + len(small.heart.rows._warm) < 20


def test_a_row_that_cannot_be_read_ends_the_process_instead_of_being_dropped() -> None:
    recovered = Recovery(LOG, 0).finish()._replace(rows={"a": b"not json"})
    with pytest.raises(Lost, match="'a'"):
        Bench(recovered).events("a: add").fold()
