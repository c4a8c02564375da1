"""Ordering by HTTP from a supplier that works, and from one that does not: over real sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from streamer.errors import BadSignature, Malformed, NotSent, Refused, StreamerError, Unavailable, Unclear
from streamer.local.supplier import LocalSupplier
from streamer.local.supplier.faults import HttpFault
from streamer.messages.commands import CancelOrderCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms.base import example
from streamer.platforms.http import Runner
from streamer.platforms.local_supplier import STATES
from streamer.platforms.wire import Raw
from tests.platforms.suppliers import SECRET, TOKEN, by_http, order, running_hooks, running_supplier

NOW = datetime(2026, 3, 10, tzinfo=UTC)


def cancellation(reference: str = "NW-1") -> CancelOrderCommand:
    return CancelOrderCommand(
        command_id=command_id("cancel-order", reference),
        account="parts",
        object=f"order/{reference}",
        cause="test",
        supplier="NW",
        reference=reference,
        replaces=command_id("reorder", reference),
        reason="the customer changed his mind",
    )


async def test_an_order_stands_in_the_suppliers_book_with_our_reference_and_our_lines(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        placed = await runner.run(account.place_order(order()), account)
        [entry] = supplier.book.entries()
        assert (entry.reference, entry.order_id, entry.booked) == ("NW-1", placed.external_reference, 1)
        assert entry.lines == [
            {"line": "1", "sku": "BRK-PAD-220", "quantity": "4"},
            {"line": "2", "sku": "OIL-FLT-09", "quantity": "10"},
        ]
        assert entry.keys == [order().command_id]


async def test_an_order_is_found_by_our_reference_and_one_that_was_never_placed_is_not(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        assert await runner.run(account.find_order(order()), account) is None
        placed = await runner.run(account.place_order(order()), account)
        found = await runner.run(account.find_order(order()), account)
        assert found is not None
        assert found.external_reference == placed.external_reference


async def test_a_supplier_that_knows_the_key_books_an_order_once_and_a_careless_one_twice(tmp_path: Path) -> None:
    for idempotent, booked in ((True, 1), (False, 2)):
        async with running_supplier(tmp_path / str(booked), idempotent=idempotent) as supplier, Runner() as runner:
            account = by_http(supplier, idempotent=idempotent)
            first = await runner.run(account.place_order(order()), account)
            again = await runner.run(account.place_order(order()), account)
            assert again.external_reference == first.external_reference
            assert [entry.booked for entry in supplier.book.entries()] == [booked]


def test_the_settings_say_whether_a_key_or_a_look_up_protects_from_ordering_twice() -> None:
    assert example("local_supplier", {"idempotent": True}).facts().sink_class == "A"
    assert example("local_supplier", {"idempotent": False}).facts().sink_class == "B"


FAULTS: list[tuple[HttpFault, type[StreamerError], int]] = [
    ("reset_before", Unclear, 0),
    ("reset_after", Unclear, 1),
    ("too_many", Unavailable, 0),
    ("error", Unclear, 0),
    ("error_after", Unclear, 1),
    ("failure_inside", Unclear, 1),
    ("nonsense", Unclear, 0),
    ("time_out", Unclear, 1),
]


@pytest.mark.parametrize(("fault", "error", "booked"), FAULTS)
async def test_whatever_goes_wrong_we_claim_neither_more_nor_less_than_we_know(
    tmp_path: Path, fault: HttpFault, error: type[StreamerError], booked: int
) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        supplier.faults.http.append(fault)
        with pytest.raises(error) as raised:
            await runner.run(account.place_order(order()), account, timeout_seconds=0.5 if fault == "time_out" else 10)
        assert type(raised.value) is error
        assert TOKEN not in str(raised.value)
        found = await runner.run(account.find_order(order()), account)
        assert (found is not None) == bool(booked)
        assert sum(entry.booked for entry in supplier.book.entries()) == booked


async def test_a_supplier_that_says_when_to_come_again_is_believed(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        supplier.faults.http.append("too_many")
        with pytest.raises(Unavailable) as raised:
            await runner.run(account.place_order(order()), account)
        assert raised.value.retry_after_seconds == 1.0
        assert (await runner.run(account.place_order(order()), account)).external_reference is not None


async def test_an_order_to_a_supplier_that_is_closed_was_not_sent(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier:
        account = by_http(supplier)
    async with Runner() as runner:
        with pytest.raises(NotSent):
            await runner.run(account.place_order(order()), account)
        with pytest.raises(Unavailable):  # a question does no harm: it is simply asked again
            await runner.run(account.find_order(order()), account)


async def test_an_order_whose_time_has_passed_reaches_nobody_though_a_look_up_still_may(tmp_path: Path) -> None:
    def too_late() -> None:
        raise NotSent("the lease is over")

    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        with pytest.raises(NotSent, match="lease"):
            await runner.run(account.place_order(order()), account, may_start=too_late)
        assert supplier.book.entries() == []
        assert await runner.run(account.find_order(order()), account, may_start=too_late) is None


async def test_a_wrong_token_is_refused_and_shown_nowhere(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier, token="some-other-token")
        with pytest.raises(Refused) as raised:
            await runner.run(account.place_order(order()), account)
        assert raised.value.status == 401
        assert "some-other-token" not in str(raised.value)
        assert supplier.book.entries() == []


async def test_an_order_is_cancelled_as_often_as_one_likes_but_not_once_it_has_left(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        account = by_http(supplier)
        with pytest.raises(Refused) as raised:
            await runner.run(account.cancel_order(cancellation()), account)
        assert raised.value.status == 404
        placed = await runner.run(account.place_order(order()), account)
        for _ in range(2):
            assert (await runner.run(account.cancel_order(cancellation()), account)) == (placed.external_reference, {})
        assert [entry.state for entry in supplier.book.entries()] == ["cancelled"]
        await runner.run(account.place_order(order("NW-2")), account)
        await supplier.ship("NW-2")
        with pytest.raises(StreamerError, match="shipped"):
            await runner.run(account.cancel_order(cancellation("NW-2")), account)
        assert supplier.book.entries()[1].state == "shipped"


# --- what comes back --------------------------------------------------------------------------------------------------


async def test_what_becomes_of_an_order_comes_signed_and_in_order(tmp_path: Path) -> None:
    async with running_hooks() as hooks, running_supplier(tmp_path, webhook_url=hooks.url) as supplier:
        account = by_http(supplier)
        async with Runner() as runner:
            placed = await runner.run(account.place_order(order()), account)
        await supplier.confirm("NW-1", "2026-03-13")
        await supplier.ship("NW-1")
        await supplier.deliver("NW-1")
        said: list[SupplierStatus] = []
        for raw in hooks.got:
            account.verify(raw, NOW)
            said += [message for message in account.read(raw) if isinstance(message, SupplierStatus)]
        assert [(one.state, one.sequence) for one in said] == [("accepted", 1), ("shipped", 2), ("delivered", 3)]
        assert {one.reference for one in said} == {"NW-1"}
        assert {one.external_reference for one in said} == {placed.external_reference}
        assert [line.promised_date for line in said[0].lines] == ["2026-03-13", "2026-03-13"]
        assert [(line.line, line.sku, line.quantity) for line in said[2].lines] == [
            ("1", "BRK-PAD-220", 4),
            ("2", "OIL-FLT-09", 10),
        ]
        assert len({one.source_id for one in said}) == 3
        assert {account.object_key(raw) for raw in hooks.got} == {"NW-1"}


async def test_a_webhook_that_nobody_took_comes_again_as_it_was(tmp_path: Path) -> None:
    async with running_hooks() as hooks, running_supplier(tmp_path, webhook_url=hooks.url) as supplier:
        account = by_http(supplier)
        hooks.answers += [503, 500]
        async with Runner() as runner:
            await runner.run(account.place_order(order()), account)
        await supplier.confirm("NW-1")
        assert len(hooks.got) == 3
        assert len({raw.body for raw in hooks.got}) == 1


async def test_a_supplier_left_to_itself_confirms_and_delivers(tmp_path: Path) -> None:
    times = {"answer_after_seconds": 0.0, "deliver_after_seconds": 0.0}
    async with running_hooks() as hooks, running_supplier(tmp_path, webhook_url=hooks.url, **times) as supplier:
        account = by_http(supplier)
        async with Runner() as runner:
            await runner.run(account.place_order(order()), account)
        async with asyncio.timeout(10):
            while len(hooks.got) < 3:
                await asyncio.sleep(0.01)
        states = [message.state for raw in hooks.got for message in account.read(raw)]  # type: ignore[attr-defined]
        assert states == ["accepted", "shipped", "delivered"]


def status(**changes: Any) -> bytes:
    return orjson.dumps(
        {
            "event_id": "LS-1001-1",
            "type": "order.confirmed",
            "order_id": "LS-1001",
            "reference": "NW-1",
            "occurred_at": "2026-03-10T15:20:00+01:00",
            "sequence": 1,
            "lines": [{"line": "1", "sku": "BRK-PAD-220", "quantity": "4", "promised_date": "2026-03-13"}],
        }
        | changes
    )


ACCOUNT = example("local_supplier", {"name": "parts", "webhook_secret": SECRET})


@pytest.mark.parametrize("word", STATES)
def test_each_word_of_the_supplier_has_its_state(word: str) -> None:
    [told] = ACCOUNT.read(Raw(status(type=word)))
    assert isinstance(told, SupplierStatus)
    assert (told.state, told.status, told.occurred_at) == (
        STATES[word],
        word,
        datetime(2026, 3, 10, 14, 20, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (status(type="order.lost"), "type"),
        (status(occurred_at="2026-03-10T15:20:00"), "occurred_at"),
        (status(sequence="first"), "sequence"),
        (status(lines=[{"line": "1", "quantity": "-4"}]), "quantity"),
        (status(lines=[{"line": "1", "quantity": "NaN"}]), "quantity"),
        (status(lines=[{"line": "1", "promised_date": "13.03.2026"}]), "promised_date"),
        (status(lines={"line": "1"}), "lines"),
        (status(event_id=None), "event_id"),
        (b"<html>", "JSON"),
        (b"", "JSON"),
        (b"[]", "object"),
        (b"\xff\xfe{}", "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_an_event_that_says_nothing_clear_is_set_aside_with_the_place_named(body: bytes, field: str) -> None:
    with pytest.raises(Malformed, match=field):
        ACCOUNT.read(Raw(body))
    assert ACCOUNT.object_key(Raw(body))


async def test_an_event_that_somebody_else_signed_or_changed_is_not_believed(tmp_path: Path) -> None:
    async with running_hooks() as hooks, running_supplier(tmp_path, webhook_url=hooks.url) as supplier:
        account = by_http(supplier)
        async with Runner() as runner:
            await runner.run(account.place_order(order()), account)
        await supplier.confirm("NW-1")
        [raw] = hooks.got
    account.verify(raw, NOW)
    given = raw.header("x-supplier-signature")
    for wrong in (
        raw._replace(body=raw.body.replace(b"NW-1", b"NW-2")),
        raw._replace(headers={}),
        raw._replace(headers={"x-supplier-signature": given[:-1]}),
        raw._replace(headers={"x-supplier-signature": "ü" + given[1:]}),
        raw._replace(headers={"x-supplier-signature": ""}),
    ):
        with pytest.raises(BadSignature):
            account.verify(wrong, NOW)
    with pytest.raises(BadSignature):
        by_http(LocalSupplier(tmp_path / "other", token=TOKEN, webhook_secret=SECRET), webhook_secret="another").verify(
            raw, NOW
        )
