"""What a back-fill brings says so, from the poll to the canonical event; nobody outside can say it."""

from __future__ import annotations

import orjson
import pytest

from streamer.domain.effects import Bounds
from streamer.errors import Malformed
from streamer.messages.commands import FetchCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import Order
from streamer.messages.records import Asked
from streamer.pipeline.callers import asked_by
from streamer.pipeline.normalise import Normaliser
from streamer.pipeline.raw_records import ASKED, as_asked, raw_output
from streamer.platforms.base import RawPage, example
from streamer.platforms.raw_record import raw_headers
from streamer.platforms.wire import Raw
from tests.web.shop import Stored

BODY = orjson.dumps({"type": "orders", "record": {"id": "O1", "changed_at": "2026-03-02T08:00:00Z", "state": "open"}})
ERP = example("local_erp", {"name": "erp"})


def read(headers: tuple[tuple[str, bytes], ...]) -> Order:
    (output,) = Normaliser("local_erp", {"erp": ERP}, topic_id="t")(
        Stored("raw.local_erp", 0, 1, 0, b"erp", BODY, headers)
    )
    return Order.from_json(output.value or b"")


def test_a_record_of_a_back_fill_carries_who_asked_for_it() -> None:
    asked = asked_by(Bounds(resource="orders", act_id="a1", route="shop-erp", dry_run=True))
    output = raw_output(ERP, RawPage(BODY, "orders", "O1"), cause=None, asked=asked)
    order = read(output.headers)
    assert order.asked == Asked(act_id="a1", route="shop-erp", dry_run=True)
    assert order.message_id().endswith("?a1"), "it says more than the platform's own event of the same version"


def test_a_record_that_nobody_asked_for_carries_nothing() -> None:
    assert asked_by(None) is None
    assert read(raw_output(ERP, RawPage(BODY, "orders", "O1"), cause=None).headers).asked is None


def test_a_webhook_cannot_say_that_somebody_asked() -> None:
    raw = Raw(BODY, {ASKED: '{"act_id": "forged"}'}, "erp")
    assert read(raw_headers(raw, platform="local_erp", source="hook", reads=(ASKED,))).asked is None


def test_a_header_that_is_not_ours_makes_a_dead_letter() -> None:
    with pytest.raises(Malformed, match=ASKED):
        read(((ASKED, b"yes please"),))


def test_a_fetch_carries_on_who_asked() -> None:
    fetch = FetchCommand(
        command_id=command_id("fetch", "1"), account="erp", object="order:1", cause="x", resource="order", ids=("1",),
        requested_for="x",
    )  # fmt: skip
    asked = as_asked(fetch, Asked(act_id="a1"))
    assert isinstance(asked, FetchCommand)
    assert asked.asked == Asked(act_id="a1")
    assert asked.command_id != fetch.command_id, "another body needs another id"
