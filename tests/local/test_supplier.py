"""The supplier to try with keeps its own book, whatever happens to it or to us."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import aioimaplib
import orjson
import pytest

from streamer.local.supplier import Book, Entry
from streamer.local.supplier.answers import order_response
from streamer.platforms.documents.ubl_response import read_ubl_response
from streamer.platforms.http import Runner
from tests.platforms.suppliers import PASSWORD, TOKEN, by_http, by_mail, line, order, running_supplier


def entry(reference: str = "NW-1", *, key: str = "k1") -> Entry:
    lines = [{"line": "1", "sku": "A<&>", "quantity": "2"}]
    return Entry("LS-1001", reference, "http", lines, keys=[key])


def test_the_book_is_the_same_after_a_restart(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.jsonl")
    book.add(entry())
    book.add(entry("NW-2", key="k2"))
    book.add(entry("NW-2", key="k3"))
    found = book.find("NW-1")
    assert found is not None
    found.state = "shipped"
    book.write(found)
    again = Book(tmp_path / "book.jsonl")  # without closing the first: what was written is on the disk
    assert again.entries() == book.entries()
    assert [(one.reference, one.state, one.booked) for one in again.entries()] == [
        ("NW-1", "shipped", 1),
        ("NW-2", "received", 2),
    ]
    by_key = again.find_by_key("k3")
    assert by_key is not None
    assert by_key.reference == "NW-2"
    assert again.next_id("LS") == "LS-1004"


def test_a_line_of_the_book_that_a_power_cut_left_half_written_was_never_answered_and_does_no_harm(
    tmp_path: Path,
) -> None:
    file = tmp_path / "book.jsonl"
    book = Book(file)
    book.add(entry())
    with file.open("ab") as output:
        output.write(b'{"order_id": "LS-1002", "refer')
    again = Book(file)
    assert [one.reference for one in again.entries()] == ["NW-1"]
    again.add(entry("NW-3"))
    assert [one.reference for one in Book(file).entries()] == ["NW-1", "NW-3"]


async def test_an_order_that_was_answered_is_in_the_book_when_the_supplier_starts_again(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        placed = await runner.run(by_http(supplier).place_order(order()), by_http(supplier))
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        found = await runner.run(by_http(supplier).find_order(order()), by_http(supplier))
        assert found is not None
        assert found.external_reference == placed.external_reference


async def test_orders_that_come_at_once_have_numbers_of_their_own(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        http, mail = by_http(supplier), by_mail(supplier, name="mail")
        placed = await asyncio.gather(
            *(runner.run(http.place_order(order(f"BD-{n}")), http) for n in range(1, 9)),
            *(runner.run(mail.place_order(order(f"NW-{n}")), mail) for n in range(1, 9)),
        )
        assert len(placed) == 16
        entries = supplier.book.entries()
        assert len({one.order_id for one in entries}) == len(entries) == 16
        assert {one.booked for one in entries} == {1}


async def test_nobody_without_the_token_sees_or_changes_an_order(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{supplier.http_port}"
        for headers in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Authorization": "ü"},
        ):
            for method, path in (("GET", "/orders?reference=NW-1"), ("POST", "/orders"), ("POST", "/cancellations")):
                async with session.request(method, base + path, headers=headers, data=b"{}") as answer:
                    assert answer.status == 401
        assert supplier.book.entries() == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"reference": "NW-1"}', b'{"reference": 1, "lines": [1]}', b"\xff"]
)
async def test_an_order_that_cannot_be_read_is_refused_and_not_booked(tmp_path: Path, body: bytes) -> None:
    async with running_supplier(tmp_path) as supplier, aiohttp.ClientSession() as session:
        url, headers = f"http://127.0.0.1:{supplier.http_port}/orders", {"Authorization": f"Bearer {TOKEN}"}
        async with session.post(url, headers=headers, data=body) as answer:
            assert answer.status == 400
        assert supplier.book.entries() == []


async def test_it_stops_at_once_even_while_somebody_waits_for_an_answer(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        supplier.faults.http.append("time_out")
        supplier.faults.mail.append("silent")
        http, mail = by_http(supplier), by_mail(supplier, name="mail")
        calls = [
            asyncio.create_task(runner.run(http.place_order(order("BD-1")), http)),
            asyncio.create_task(runner.run(mail.place_order(order("NW-1")), mail)),
        ]
        async with asyncio.timeout(5):
            while len(supplier.book.entries()) < 2:
                await asyncio.sleep(0.01)
        began = time.monotonic()
        await supplier.stop()
        assert time.monotonic() - began < 5
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, Exception) for one in done[:1])


def test_its_confirmation_can_be_read_by_us_whatever_the_parts_are_called() -> None:
    document = order_response(entry(), promised_date="2026-03-13", now=datetime(2026, 3, 10, tzinfo=UTC))
    answer = read_ubl_response(document.encode(), sender="x@y.example")
    assert (answer.reference, answer.state, answer.external_reference) == ("NW-1", "accepted", "LS-1001")
    assert [(one.sku, one.quantity, one.promised_date) for one in answer.lines] == [("A<&>", 2, "2026-03-13")]


async def test_a_reader_of_the_mailbox_needs_the_password_and_changes_nothing(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier:
        supplier.mailbox.deliver(b"From: a@b.example\nDate: Tue, 10 Mar 2026 16:22:38 +0100\n\nHello\n")

        async def reader(password: str) -> aioimaplib.IMAP4:
            client = aioimaplib.IMAP4(host="127.0.0.1", port=supplier.imap_port, timeout=5)
            await client.wait_hello_from_server()
            await client.login("purchasing", password)
            return client

        stranger = await reader("wrong")
        assert stranger.get_state() == "NONAUTH"
        await stranger.logout()
        friend = await reader(PASSWORD)
        for _ in range(2):
            assert (await friend.select("INBOX")).result == "OK"
            found = await friend.uid("fetch", "1", "(BODY.PEEK[])")
            assert bytes(found.lines[1]) == supplier.mailbox.mails[0]
            assert b"\r\n\r\nHello\r\n" in supplier.mailbox.mails[0]
        await friend.logout()


async def test_a_supplier_by_mail_confirms_what_it_was_asked_for_with_a_date(tmp_path: Path) -> None:
    async with running_supplier(tmp_path, answer_after_seconds=0.0) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        await runner.run(ours.place_order(order(lines=(line("1", "A", "1.5", "2"),))), ours)
        async with asyncio.timeout(5):
            while not supplier.mailbox.mails:
                await asyncio.sleep(0.01)
        [booked] = supplier.book.entries()
        assert (booked.state, booked.lines) == ("confirmed", [{"line": "1", "sku": "A", "quantity": "1.5"}])
        kept = orjson.loads((tmp_path / "book.jsonl").read_bytes().splitlines()[-1])
        assert kept["state"] == "confirmed"
