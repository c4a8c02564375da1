"""Reading records again: back-fills of a person, and reconciliations that come round."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streamer.domain import dispatch
from streamer.domain.effects import Bounds, StartPoll
from streamer.domain.times import utc
from streamer.errors import Refused
from streamer.messages.commands import NotifyCommand, PollMoved
from streamer.messages.records import Backfill
from streamer.messages.status import AuditEntry
from tests.domain.copying import route, with_routes
from tests.domain.memory import START, Partition, of


def ledger(**changes: Any) -> Partition:
    partition = Partition(dispatch)
    partition.send(with_routes(route(**changes)))
    return partition


def wish(**changes: Any) -> Backfill:
    fields: dict[str, Any] = {
        "account": "shop", "kinds": ("order",), "since": START - timedelta(days=30), "actor": "ines", "act_id": "a1",
        "at": START,
    }  # fmt: skip
    return Backfill(**(fields | changes))


def ended(partition: Partition, look: StartPoll, **changes: Any) -> list[Any]:
    fields: dict[str, Any] = {
        "account": look.account, "resource": look.resource, "sequence": look.sequence, "cursor": {}, "records": 3,
        "at": utc(partition.now_ms),
    }  # fmt: skip
    return partition.send(PollMoved(**(fields | changes)))


def looks(outcome: list[Any]) -> list[StartPoll]:
    return [one for one in outcome if isinstance(one, StartPoll)]


def test_a_back_fill_looks_once_within_its_bounds_and_is_written_down() -> None:
    partition = ledger()
    outcome = partition.send(wish(until=START, route="shop-erp", dry_run=True))
    (look,) = looks(outcome)
    assert look.bounds == Bounds(
        resource="orders", act_id="a1", since="2026-01-31T08:00:00+00:00", until="2026-03-02T08:00:00+00:00",
        route="shop-erp", dry_run=True,
    )  # fmt: skip
    (entry,) = of(AuditEntry, outcome)
    assert (entry.actor, entry.act, entry.after["kinds"]) == ("ines", "record.backfill", "order")
    ended(partition, look)
    assert looks(partition.tick(days=39)) == []
    partition.tick(days=2)
    assert "shop/poll/order!a1" not in partition.rows


def test_a_back_fill_that_fails_goes_on_where_it_was_and_gives_up_with_a_word() -> None:
    partition = ledger()
    (look,) = looks(partition.send(wish()))
    ended(partition, look, error="502", cursor={"after": "50"})
    for _ in range(8):
        (look,) = looks(partition.tick(seconds=60))
        assert look.cursor == {"after": "50"}
        ended(partition, look, error="502", cursor={"after": "50"})
    (look,) = looks(partition.tick(seconds=60))
    (notice,) = of(NotifyCommand, ended(partition, look, error="502", cursor={"after": "50"}))
    assert "502" in notice.text
    assert looks(partition.tick(seconds=3600)) == []


def test_a_back_fill_whose_worker_died_is_begun_again() -> None:
    partition = ledger()
    (look,) = looks(partition.send(wish()))
    (again,) = looks(partition.tick(seconds=600))
    assert again.sequence == look.sequence + 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"since": None}, "needs bounds"),
        ({"until": START - timedelta(days=40)}, "until"),
        ({"ids": tuple(map(str, range(2001)))}, "more than 2000"),
        ({"kinds": ("lead",)}, "cannot read lead records again; it can order"),
        ({"kinds": ()}, "kinds"),
        ({"route": "nowhere"}, "no route nowhere"),
        ({"account": "nobody"}, "accounts.nobody"),
    ],
)
def test_a_back_fill_that_cannot_be_is_refused_by_the_name_of_what_is_wrong(changes: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        ledger().send(wish(**changes))


def test_a_reconciliation_looks_back_behind_its_last_look() -> None:
    partition = ledger(reconcile_seconds=3600.0, overlap_seconds=7200.0)
    (first,) = looks(partition.tick(seconds=1))
    assert first.bounds is not None
    assert (first.bounds.act_id, first.bounds.route) == ("reconcile:shop-erp", "shop-erp")
    assert first.bounds.since == "2026-03-02T06:00:01+00:00"
    ended(partition, first)
    (second,) = looks(partition.tick(seconds=3600))
    assert second.bounds is not None
    assert second.bounds.since == "2026-03-02T06:00:01+00:00", "two hours before the first look began"
    ended(partition, second, error="502")
    (third,) = looks(partition.tick(seconds=3600))
    assert third.bounds is not None
    assert third.bounds.since == second.bounds.since, "what the failed look did not reach is looked at again"


def test_a_route_that_is_gone_is_reconciled_no_more() -> None:
    partition = ledger(reconcile_seconds=3600.0, overlap_seconds=7200.0)
    (look,) = looks(partition.tick(seconds=1))
    ended(partition, look)
    partition.send(with_routes(revision=2))
    assert looks(partition.tick(seconds=7200)) == []
