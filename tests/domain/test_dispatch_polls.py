"""Polls come round again, from the partition that owns the account, and none is lost for ever."""

from __future__ import annotations

from typing import Any

import pytest

from streamer.domain import dispatch
from streamer.domain.effects import StartPoll
from streamer.domain.partitions import partition_of
from streamer.domain.times import utc
from streamer.errors import Refused
from streamer.messages.applied import AccountFacts, SettingsApplied
from streamer.messages.commands import PollAct, PollMoved
from tests.domain.memory import Partition, settings


def company(polls: dict[str, float], partitions: int = 1, revision: int = 1) -> SettingsApplied:
    account = AccountFacts(platform="nhtsa_recalls", polls=polls)
    return settings(revision=revision, partitions=partitions, accounts={"nhtsa": account})


def polling(polls: dict[str, float]) -> Partition:
    partition = Partition(dispatch)
    partition.send(company(polls))
    return partition


def moved(partition: Partition, sequence: int, **changes: Any) -> PollMoved:
    fields = {
        "account": "nhtsa",
        "resource": "recalls",
        "sequence": sequence,
        "cursor": {"etag": str(sequence)},
        "records": 3,
        "at": utc(partition.now_ms),
    }
    return PollMoved.model_validate(fields | changes)


def test_the_first_poll_comes_at_the_first_tick() -> None:
    partition = polling({"recalls": 3600.0})
    assert partition.tick(seconds=1) == [StartPoll("nhtsa", "recalls", 1, {})]
    assert partition.tick(seconds=60) == []


def test_the_next_poll_comes_in_its_time_and_with_the_cursor() -> None:
    partition = polling({"recalls": 60.0})
    partition.tick(seconds=1)
    partition.tick(seconds=10)
    partition.send(moved(partition, 1))
    assert partition.tick(seconds=49) == []
    assert partition.tick(seconds=2) == [StartPoll("nhtsa", "recalls", 2, {"etag": "1"})]


def test_a_slow_poll_is_not_asked_again_before_it_ended() -> None:
    partition = polling({"recalls": 60.0})
    partition.tick(seconds=1)
    assert partition.tick(seconds=500) == []
    partition.send(moved(partition, 1))
    assert len(partition.tick(seconds=2)) == 1


def test_a_poll_that_never_answers_is_asked_again_and_its_late_answer_changes_nothing() -> None:
    partition = polling({"recalls": 60.0})
    partition.tick(seconds=1)
    assert partition.tick(seconds=599) == []
    assert partition.tick(seconds=2) == [StartPoll("nhtsa", "recalls", 2, {})]
    partition.send(moved(partition, 1))
    assert partition.row("nhtsa/poll/recalls").cursor == {}
    partition.send(moved(partition, 2))
    assert partition.row("nhtsa/poll/recalls").cursor == {"etag": "2"}


def test_a_poll_that_failed_keeps_its_cursor_and_is_asked_again() -> None:
    partition = polling({"recalls": 60.0})
    partition.tick(seconds=1)
    partition.send(moved(partition, 1))
    partition.tick(seconds=61)
    partition.send(moved(partition, 2, cursor={}, records=0, error="503"))
    row = partition.row("nhtsa/poll/recalls")
    assert (row.cursor, row.error) == ({"etag": "1"}, "503")
    assert partition.tick(seconds=61) == [StartPoll("nhtsa", "recalls", 3, {"etag": "1"})]


def test_a_poll_that_failed_does_not_wait_for_its_whole_period() -> None:
    """An hour without recalls because of one lost connection would be too long; so would one after a worker's death."""
    partition = polling({"recalls": 3600.0})
    partition.tick(seconds=1)
    partition.send(moved(partition, 1, cursor={}, records=0, error="the worker that asked is gone"))
    assert partition.tick(seconds=58) == []
    assert partition.tick(seconds=3) == [StartPoll("nhtsa", "recalls", 2, {})]
    partition.send(moved(partition, 2))
    assert partition.tick(seconds=3500) == []


def test_the_answer_of_a_poll_that_was_never_started_is_refused() -> None:
    partition = polling({"recalls": 60.0})
    with pytest.raises(Refused, match="never started"):
        partition.send(moved(partition, 1))


def test_only_the_partition_that_owns_the_account_asks() -> None:
    asked = []
    for number in range(4):
        partition = Partition(dispatch, number=number)
        partition.send(company({"recalls": 60.0}, partitions=4))
        if partition.tick(seconds=1):
            asked.append(number)
    assert asked == [partition_of("nhtsa", 4)]


def test_without_knowing_how_many_partitions_there_are_nobody_asks() -> None:
    partition = Partition(dispatch)
    partition.send(company({"recalls": 60.0}, partitions=0))
    assert partition.tick(days=1) == []


def test_what_is_no_longer_in_the_settings_is_no_longer_asked_and_keeps_its_cursor() -> None:
    partition = polling({"recalls": 60.0})
    partition.tick(seconds=1)
    partition.send(moved(partition, 1))
    partition.send(company({}, revision=2))
    assert partition.tick(days=1) == []
    partition.send(company({"recalls": 30.0}, revision=3))
    assert partition.tick(seconds=31) == [StartPoll("nhtsa", "recalls", 2, {"etag": "1"})]


def test_other_settings_of_an_older_revision_change_nothing() -> None:
    partition = Partition(dispatch)
    partition.send(company({"recalls": 60.0}, revision=5))
    partition.send(company({}, revision=4))
    assert len(partition.tick(seconds=1)) == 1


def act(partition: Partition, what: str, act_id: str = "a1", **more: Any) -> PollAct:
    fields = {"account": "nhtsa", "act": what, "actor": "eve", "act_id": act_id, "at": utc(partition.now_ms)}
    return PollAct.model_validate(fields | more)


def test_a_person_has_an_account_looked_at_now_and_its_turn_comes_again_as_before() -> None:
    partition = polling({"recalls": 3600.0})
    partition.tick(seconds=1)
    partition.send(moved(partition, 1))
    (entry,) = partition.send(act(partition, "look_now", reason="the shop says that it has sent it"))
    assert (entry.act, entry.actor, entry.after) == ("poll.look_now", "eve", {"recalls": "asked now"})
    assert partition.tick(seconds=1) == [StartPoll("nhtsa", "recalls", 2, {"etag": "1"})]
    partition.send(moved(partition, 2))
    assert partition.send(act(partition, "look_now")) == [], "the same form once more"
    assert partition.tick(seconds=600) == []
    assert len(partition.tick(seconds=3000)) == 1


def test_a_look_that_is_under_way_is_not_begun_a_second_time() -> None:
    partition = polling({"recalls": 3600.0})
    partition.tick(seconds=1)
    (entry,) = partition.send(act(partition, "look_now"))
    assert entry.after == {"recalls": "under way"}
    assert partition.tick(seconds=5) == []


def test_what_a_person_stopped_is_asked_again_when_somebody_resumes_it_and_not_before() -> None:
    partition = polling({"recalls": 60.0, "investigations": 60.0})
    partition.tick(seconds=1)
    partition.send(act(partition, "pause", resource="recalls"))
    partition.send(moved(partition, 1), moved(partition, 1, resource="investigations"))
    partition.send(company({"recalls": 30.0, "investigations": 60.0}, revision=2))
    assert [one.resource for one in partition.tick(seconds=90)] == ["investigations"]
    with pytest.raises(Refused, match="stopped by eve: resume"):
        partition.send(act(partition, "look_now", "a2", resource="recalls"))
    (entry,) = partition.send(act(partition, "resume", "a3"))
    assert entry.before == {"recalls": "stopped by eve", "investigations": "under way"}
    assert partition.tick(seconds=1) == [StartPoll("nhtsa", "recalls", 2, {"etag": "1"})]


def test_an_act_on_what_does_not_come_round_is_refused_by_name() -> None:
    partition = polling({"recalls": 60.0})
    for more in ({"resource": "orders"}, {"account": "nobody"}):
        with pytest.raises(Refused, match=r"accounts\.\w+"):
            partition.send(act(partition, "pause", **more))
