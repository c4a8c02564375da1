"""Copying into an ERP that works, and into one that does not: over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from streamer.errors import Refused, StreamerError, Unavailable, Unclear
from streamer.local.erp import ErpFault, LocalErp
from streamer.messages.commands import RecordCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import CustomerRecord, Order
from streamer.messages.records import Match
from streamer.platforms.base import Page, Platform, Span, example
from streamer.platforms.http import Runner
from streamer.platforms.wire import Raw
from tests.domain.copying import ANNA, customer, order

TOKEN = "erp-token-of-the-tests"
SECRET = "webhook-secret-of-the-tests"


@asynccontextmanager
async def running(folder: Path, **more: Any) -> AsyncIterator[tuple[LocalErp, Platform[Any], Runner]]:
    erp = LocalErp(folder, token=TOKEN, **more)
    await erp.start()
    url = f"http://127.0.0.1:{erp.port}"
    account = example(
        "local_erp",
        {
            "token": TOKEN,
            "base_url": url,
            "allow_private_addresses": True,
            "webhook_secret": SECRET,
            "calls_per_second": 1000.0,
        },
    )
    try:
        async with Runner() as runner:
            yield erp, account, runner
    finally:
        await erp.stop()


def command(entity: str = "customer", **changes: Any) -> RecordCommand:
    fields: dict[str, Any] = {
        "command_id": command_id("record", entity),
        "account": "erp",
        "object": f"{entity}/1",
        "cause": "test",
        "entity": entity,
        "reference": f"REF-{entity}",
        "revision": 1,
    }
    if entity == "customer":
        fields |= {"customer": customer(), "match": (Match(by="email", value="anna@berg.example"),)}
    else:
        fields |= {"order": order(), "customer_reference": "C1001", "fields": {"x_channel": "web"}}
    return RecordCommand.model_validate(fields | changes)


async def test_a_customer_and_its_order_stand_in_the_book(tmp_path: Path) -> None:
    async with running(tmp_path) as (erp, account, runner):
        made = await runner.run(account.record(command()), account)
        ordered = await runner.run(
            account.record(command("order", customer_reference=made.external_reference)), account
        )
        (known,) = erp.made("customers")
        assert (known["id"], known["email"], known["company"]) == ("C1001", "anna@berg.example", "Berg KFZ")
        (booked,) = erp.made("orders")
        assert (booked["id"], booked["customer"], booked["x_channel"]) == (ordered.external_reference, "C1001", "web")
        assert booked["lines"] == [{"line": "1", "sku": "PAD", "quantity": "2", "unit_price": "9.5"}]


async def test_what_is_there_already_is_updated_by_match_key_reference_or_id(tmp_path: Path) -> None:
    async with running(tmp_path) as (erp, account, runner):
        first = await runner.run(account.record(command()), account)
        other = customer(customer=ANNA.model_copy(update={"phone": "0421 5"}))
        again = await runner.run(account.record(command(reference="REF-2", customer=other)), account)
        assert again.external_reference == first.external_reference
        assert [(one["id"], one["phone"]) for one in erp.made("customers")] == [("C1001", "0421 5")]
        await runner.run(account.record(command("order")), account)
        await runner.run(account.record(command("order", order=order(comment="by reference"))), account)
        assert [one["comment"] for one in erp.made("orders")] == ["by reference"]
        by_id = command("order", reference="REF-9", external_reference="O1001", order=order(comment="by id"))
        await runner.run(account.record(by_id), account)
        assert [one["comment"] for one in erp.made("orders")] == ["by id"]


async def test_ensure_changes_nothing_that_is_there_and_find_makes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (erp, account, runner):
        with pytest.raises(Refused, match="no such customer"):
            await runner.run(account.record(command(operation="find")), account)
        await runner.run(account.record(command(operation="ensure")), account)
        other = customer(customer=ANNA.model_copy(update={"phone": "0421 5"}))
        await runner.run(account.record(command(operation="ensure", customer=other)), account)
        assert [one.get("phone") for one in erp.made("customers")] == [None]
        found = await runner.run(account.record(command(operation="find")), account)
        assert found.external_reference == "C1001"


async def test_a_cancellation_of_what_is_there_cancels_it_and_of_what_is_not_there_is_done(tmp_path: Path) -> None:
    async with running(tmp_path) as (erp, account, runner):
        gone = await runner.run(account.record(command("order", operation="cancel")), account)
        assert gone.external_reference is None
        await runner.run(account.record(command()), account)
        await runner.run(account.record(command("order")), account)
        await runner.run(account.record(command("order", operation="cancel")), account)
        assert [one["state"] for one in erp.made("orders")] == ["cancelled"]


async def test_an_order_of_a_customer_who_is_not_there_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, account, runner):
        with pytest.raises(Refused, match="C1001 is not there"):
            await runner.run(account.record(command("order")), account)


@pytest.mark.parametrize(
    ("fault", "error", "made"),
    [
        ("reset_before", Unclear, 0),
        ("reset_after", Unclear, 1),
        ("error_after", Unclear, 1),
        ("too_many", Unavailable, 0),
        ("refuse", Refused, 0),
    ],
)
async def test_whatever_goes_wrong_the_same_command_again_makes_no_second_one(
    tmp_path: Path, fault: ErpFault, error: type[StreamerError], made: int
) -> None:
    async with running(tmp_path) as (erp, account, runner):
        erp.faults.append(fault)
        with pytest.raises(error) as raised:
            await runner.run(account.record(command()), account)
        assert TOKEN not in str(raised.value)
        assert len(erp.made("customers")) == made
        await runner.run(account.record(command()), account)
        assert len(erp.made("customers")) == 1


async def test_the_book_survives_a_power_cut(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, account, runner):
        await runner.run(account.record(command()), account)
    with (tmp_path / "erp.jsonl").open("ab") as file:
        file.write(b'{"collection": "customers", "id"')
    async with running(tmp_path) as (erp, account, runner):
        await runner.run(account.record(command()), account)
        assert [one["id"] for one in erp.made("customers")] == ["C1001"]


async def test_its_records_can_be_read_again_by_time_and_by_id_page_by_page(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, account, runner):
        await runner.run(account.record(command()), account)
        for number in range(52):
            made = command("order", reference=f"WEB-{number}", order=order(str(number)))
            await runner.run(account.record(made), account)
        now = datetime.now(UTC)
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page: Page = await runner.run(
                account.backfill("orders", Span(since=now - timedelta(hours=1), until=now), cursor), account
            )
            for one in page.records:
                (event,) = account.read(Raw(one.body, account="erp", resource="orders"))
                assert isinstance(event, Order)
                seen.append(event.source_id)
            if not page.more:
                break
            cursor = dict(page.cursor)
        assert len(seen) == len(set(seen)) == 52
        page = await runner.run(account.backfill("customers", Span(ids=("C1001", "C9")), {}), account)
        (event,) = account.read(Raw(page.records[0].body, account="erp", resource="customers"))
        assert isinstance(event, CustomerRecord)
        assert event.references == ("REF-customer",)
        page = await runner.run(account.backfill("orders", Span(since=now + timedelta(hours=1)), {}), account)
        assert not page.records


def test_a_notice_of_something_else_is_a_dead_letter() -> None:
    account = example("local_erp", {"webhook_secret": SECRET})
    body = orjson.dumps({"type": "invoices", "record": {"id": "I1", "changed_at": "2026-03-02T08:00:00Z"}})
    with pytest.raises(StreamerError, match="neither orders nor customers"):
        account.read(Raw(body))
