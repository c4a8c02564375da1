"""Ordering by mail and reading what comes back: over real SMTP and IMAP sockets, from a supplier that may misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import BadSignature, Ignored, Misconfigured, NotSent, Refused, StreamerError, Unavailable, Unclear
from streamer.local.supplier import LocalSupplier
from streamer.local.supplier.faults import MailFault
from streamer.messages.commands import AskApprovalCommand, CancelOrderCommand, ChangeOrderCommand
from streamer.messages.ids import command_id
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms.base import Approver, Platform, build, example
from streamer.platforms.http import Runner
from streamer.platforms.judging import play
from streamer.platforms.wire import AskMoment, MailRequest, Moment, Raw, RawPage, Reply, Request
from tests.platforms.suppliers import PASSWORD, by_mail, line, notice, order, running_supplier

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
FORMS = ("csv_pdf", "ubl", "x12", "edifact")


def sent(call: Any) -> MailRequest:
    """What a call hands to the mail server."""
    mails: list[MailRequest] = []

    def answer(request: Request) -> Any:
        if isinstance(request, AskMoment):
            return Moment(NOW, "0" * 32)
        assert isinstance(request, MailRequest)
        mails.append(request)
        return Reply(250, {}, b"2.0.0 Ok: queued as 4SAMPLE", safe=False)

    play(call, answer)
    [mail] = mails
    return mail


def opened(message: bytes) -> EmailMessage:
    mail = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def account(**settings: Any) -> Platform[Any]:
    return example("email", {"name": "parts", "own_domain": "parts.example", **settings})


async def told(runner: Runner, reader: Platform[Any], cursor: dict[str, str]) -> list[SupplierStatus]:
    """What the mails that are new in the mailbox say."""
    page = await runner.run(reader.poll("mailbox", cursor), reader)
    return [status for record in page.records for status in read(reader, record)]


def read(reader: Platform[Any], record: RawPage) -> list[SupplierStatus]:
    messages = reader.read(Raw(record.body, record.headers, reader.account, record.resource))
    return [message for message in messages if isinstance(message, SupplierStatus)]


# --- the order as it leaves -------------------------------------------------------------------------------------------


def test_an_order_is_a_mail_with_its_number_a_tag_for_the_answer_and_a_text_for_people() -> None:
    mail = sent(account(**{"from": "Example Parts <buy@parts.example>"}).place_order(order()))
    assert (mail.sender, mail.recipient) == ("bounces+NW-1.1@parts.example", "orders@northwind-brakes.example")
    assert mail.sender_options == ("RET=HDRS", "ENVID=NW-1.1")
    assert mail.recipient_options == ("NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;orders@northwind-brakes.example")
    assert b"\n" not in mail.message.replace(b"\r\n", b"")
    message = opened(mail.message)
    assert {name: str(message[name]) for name in ("From", "To", "Reply-To", "Subject", "Message-ID")} == {
        "From": "Example Parts <buy@parts.example>",
        "To": "Orders Desk <orders@northwind-brakes.example>",
        "Reply-To": "po+NW-1.k7q2@parts.example",
        "Subject": "Purchase order NW-1",
        "Message-ID": "<NW-1.1@parts.example>",
    }
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] is None
    body = message.get_body()
    assert body is not None
    assert body.get_content().splitlines() == [
        "Purchase order NW-1, deliver to STORE-7 by 2026-03-14",
        "4 x BRK-PAD-220 @ 11.99 EUR = 47.96",
        "10 x OIL-FLT-09 @ 3.45 EUR = 34.50",
        "Total 82.46 EUR",
    ]


def test_an_order_that_is_sent_again_keeps_number_and_message_id_and_says_that_it_is_a_copy() -> None:
    first = sent(account().place_order(order()))
    copy = sent(account().place_order(order(copy_of=order().command_id)))
    assert opened(copy.message)["Message-ID"] == opened(first.message)["Message-ID"]
    assert "copy" in opened(copy.message)["Subject"]
    assert b"COPY: this order was sent before" in copy.message
    assert b"COPY" not in first.message


def test_a_line_without_a_price_makes_no_total_up() -> None:
    lines = (line("1", "BRK-PAD-220", "4", "11.99"), line("2", "OIL-FLT-09", "1.5", None))
    body = opened(sent(account().place_order(order(lines=lines))).message).get_body()
    assert body is not None
    text = body.get_content()
    assert "1.5 x OIL-FLT-09" in text.splitlines()
    assert "Total" not in text


@pytest.mark.parametrize(
    "contact",
    [
        "Orders Desk\r\nBcc: thief@evil.example",
        "x\nSubject: y",
        "Jürgen Müller, Lager",
        '"',
        "a@b.example",
        "\x00\x1b[31m",
    ],
)
def test_a_name_in_the_settings_adds_no_header_and_no_recipient(contact: str) -> None:
    mail = sent(account().place_order(order(contact=contact)))
    message = opened(mail.message)
    assert [address.addr_spec for address in message["To"].addresses] == ["orders@northwind-brakes.example"]
    assert message["Bcc"] is None
    assert message["Subject"] == "Purchase order NW-1"
    assert mail.recipient == "orders@northwind-brakes.example"


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "orders",
        "orders@northwind.example\r\nRCPT TO:<thief@evil.example>",
        "orders@northwind.example\n",
        "a@b.example, c@d.example",
        "Orders <orders@northwind.example>",
        "orders@northwind.example> NOTIFY=NEVER",
        "bücher@northwind.example",
        "orders@bücher.example",
        "@northwind.example",
        "orders@",
    ],
)
def test_an_order_to_what_is_no_address_is_refused_and_names_the_setting(address: str | None) -> None:
    with pytest.raises(Refused, match=r"suppliers\.NW\.address"):
        sent(account().place_order(order(address=address)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("from", "Purchasing"),
        ("from", "Purchasing <a@b.example>\r\nBcc: c@d.example"),
        ("own_domain", "parts.example\r\nX: y"),
        ("notify_to", "the boss"),
        ("smtp", "http://mail.example"),
        ("smtp", "smtp://user:password@mail.example"),
        ("smtp", "smtp+plain://127.0.0.1:25"),  # without allow_private_addresses
        ("imap", "imap+plain://127.0.0.1:143"),
        ("imap", "imap://mail.example"),  # STARTTLS is not spoken: the password would be read by anybody
        ("document", "word"),
        ("edi_id", "EXAMPLE*PARTS"),
        ("password", "secret"),  # belongs in the environment
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_the_start(setting: str, value: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        build("parts", {"platform": "email", setting: value}, {})
    assert "accounts.parts" in str(raised.value)


def test_a_notice_says_that_a_machine_wrote_it_and_goes_to_the_person_in_the_settings() -> None:
    mail = sent(account(notify_to="The Manager <manager@parts.example>").notify(notice(link="https://parts.example/x")))
    message = opened(mail.message)
    assert mail.recipient == "manager@parts.example"
    assert str(message["To"]) == "The Manager <manager@parts.example>"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert str(message["Subject"]) == "Purchase order NW-1 waits"
    assert message.get_content().splitlines() == ["NW-1 waits for a person.", "", "https://parts.example/x"]


def test_a_notice_with_line_breaks_in_its_subject_is_one_header_and_without_anybody_to_tell_it_is_refused() -> None:
    hostile = notice(subject="NW-1 waits\r\nBcc: thief@evil.example\r\n\r\nHello")
    message = opened(sent(account(notify_to="manager@parts.example").notify(hostile)).message)
    assert message["Bcc"] is None
    assert str(message["Subject"]).startswith("NW-1 waits Bcc:")
    with pytest.raises(Refused, match="notify_to"):
        sent(account().notify(notice()))


# --- questions to approve, changes and cancellations ------------------------------------------------------------------

LINK = "https://console.parts.example/approve/NW/NW-1/2/kim/1773759600/proof"


def question(**changes: Any) -> AskApprovalCommand:
    fields: dict[str, Any] = {
        "command_id": command_id("ask-approval", "NW-1"),
        "account": "parts",
        "object": "approval/NW-1.2/kim",
        "cause": "test",
        "person": "kim",
        "channel": "email",
        "supplier": "NW",
        "reference": "NW-1",
        "version": 2,
        "order": order(reply_token=None, version=2),
        "worth": "82.46 EUR",
        "because": "Not confirmed for automatic reorder; rule large",
        "changes": ("line 1: 4 BRK-PAD-220 instead of 8",),
        "expires_at": datetime(2026, 3, 17, 15, tzinfo=UTC),
    }
    return AskApprovalCommand(**(fields | changes))


KIM = Approver("Kim Lee", "kim@parts.example", LINK)


def test_a_question_shows_the_document_as_it_will_be_sent_and_the_link_of_its_reader() -> None:
    mail = sent(account().ask_approval(question(), KIM))
    message = opened(mail.message)
    assert mail.recipient == "kim@parts.example"
    assert str(message["Subject"]) == "May NW-1 go out? 82.46 EUR"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert text.count(LINK) == 1
    assert "- line 1: 4 BRK-PAD-220 instead of 8" in text
    assert "rule large" in text
    theirs = opened(sent(account().place_order(order(version=2))).message)
    shown = theirs.get_body()
    assert shown is not None and shown.get_content() in text
    pairs = zip(message.iter_attachments(), theirs.iter_attachments(), strict=True)
    for ours, attached in pairs:
        assert ours.get_filename() == attached.get_filename()
        assert str(ours.get_filename()).endswith(".pdf") or ours.get_content() == attached.get_content()


def test_a_question_that_comes_again_is_the_same_mail_and_an_urgent_one_says_so() -> None:
    first, again = (opened(sent(account().ask_approval(question(), KIM)).message) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"]
    urgent = opened(sent(account().ask_approval(question(urgent=True), KIM)).message)
    assert str(urgent["Subject"]).startswith("Urgent: ")
    with pytest.raises(Refused, match=r"people\.kim\.email"):
        sent(account().ask_approval(question(), KIM._replace(address="kim")))


@pytest.mark.parametrize("answer", ["approved", "yes, go", "NW-1 is fine"])
def test_what_somebody_writes_back_to_a_question_approves_nothing(answer: str) -> None:
    asked = opened(sent(account().ask_approval(question(), KIM)).message)
    for headers in (
        f"Delivered-To: {asked['Reply-To']}",
        f"Delivered-To: buy@parts.example\r\nIn-Reply-To: {asked['Message-ID']}",
    ):
        reply = f"{headers}\r\nFrom: Kim <kim@parts.example>\r\nSubject: Re: {asked['Subject']}\r\n\r\n{answer}\r\n"
        with pytest.raises(Ignored, match="approves nothing"):
            account().read(Raw(reply.encode(), {"content-type": "message/rfc822"}, "parts", "mailbox"))


def test_a_change_is_a_letter_with_the_whole_order_anew_and_its_answer_is_known_by_the_same_token() -> None:
    command = ChangeOrderCommand(
        command_id=command_id("change-order", "NW-1", "1"), account="parts", object="order/NW-1", cause="x",
        supplier="NW", reference="NW-1", replaces=order().command_id, reason="Fewer are needed", order=order(version=2),
    )  # fmt: skip
    mail = sent(account().change_order(command))
    message = opened(mail.message)
    assert (str(message["Subject"]), str(message["Reply-To"]), str(message["Message-ID"])) == (
        "Change of purchase order NW-1",
        "po+NW-1.k7q2@parts.example",
        "<NW-1.2@parts.example>",
    )
    body = message.get_body()
    assert body is not None and "Fewer are needed" in body.get_content() and "4 x BRK-PAD-220" in body.get_content()
    assert len(list(message.iter_attachments())) == 2


def test_a_cancellation_is_a_letter_that_asks_for_it() -> None:
    command = CancelOrderCommand(
        command_id=command_id("cancel-order", "NW-1", "1"), account="parts", object="order/NW-1", cause="x",
        supplier="NW", reference="NW-1", replaces=order().command_id, reason="Ordered elsewhere", reply_token="k7q2",
        address="orders@northwind-brakes.example",
    )  # fmt: skip
    message = opened(sent(account().cancel_order(command)).message)
    assert str(message["Reply-To"]) == "po+NW-1.k7q2@parts.example"
    assert "Please cancel our purchase order NW-1" in message.get_content()
    with pytest.raises(Refused, match="address"):
        sent(account().cancel_order(command.model_copy(update={"address": None})))


async def test_letters_about_an_order_are_not_booked_as_another_one(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        await runner.run(ours.place_order(order()), ours)
        change = ChangeOrderCommand(
            command_id=command_id("change-order", "NW-1", "1"), account="parts", object="order/NW-1", cause="x",
            supplier="NW", reference="NW-1", replaces=order().command_id, reason="x", order=order(version=2),
        )  # fmt: skip
        await runner.run(ours.change_order(change), ours)
        await runner.run(ours.ask_approval(question(), KIM), ours)
        assert [entry.booked for entry in supplier.book.entries()] == [1]
        assert len(supplier.mail.others) == 2


# --- the order over real sockets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", FORMS)
async def test_an_order_in_any_form_is_booked_and_its_confirmation_comes_back(tmp_path: Path, document: str) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier, document=document)
        placed = await runner.run(ours.place_order(order()), ours)
        assert placed.external_reference is None
        assert placed.evidence["message_id"] == "<NW-1.1@parts.example>"
        assert placed.evidence["server"].startswith("250 ")
        [entry] = supplier.book.entries()
        assert (entry.reference, entry.by, entry.booked) == ("NW-1", "orders@northwind-brakes.example", 1)
        assert [(one["line"], one["sku"], one["quantity"]) for one in entry.lines] == [
            ("1", "BRK-PAD-220", "4"),
            ("2", "OIL-FLT-09", "10"),
        ]
        await supplier.confirm("NW-1", "2026-03-13")
        [status] = await told(runner, ours, {})
        assert (status.reference, status.external_reference, status.state) == ("NW-1", entry.order_id, "accepted")
        assert (status.sender, status.verified) == ("orders@northwind-brakes.example", True)
        assert (status.recipient_token, status.in_reply_to) == ("NW-1.k7q2", "<NW-1.1@parts.example>")
        assert status.authentication == {"dkim": "pass", "spf": "pass", "dmarc": "pass"}
        assert [(one.line, one.sku, one.quantity, one.promised_date) for one in status.lines] == [
            ("1", "BRK-PAD-220", 4, "2026-03-13"),
            ("2", "OIL-FLT-09", 10, "2026-03-13"),
        ]


async def test_two_suppliers_share_a_mailbox_and_each_answer_finds_its_order(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        await runner.run(ours.place_order(order("NW-1")), ours)
        await runner.run(ours.place_order(order("TH-1", address="sales@tyre-house.example")), ours)
        await supplier.confirm("TH-1")
        await supplier.confirm("NW-1")
        answers = await told(runner, ours, {})
        assert [(one.reference, one.sender) for one in answers] == [
            ("TH-1", "sales@tyre-house.example"),
            ("NW-1", "orders@northwind-brakes.example"),
        ]
        assert all(one.verified for one in answers)


FAULTS: list[tuple[MailFault, type[StreamerError], int]] = [
    ("lost_before_data", NotSent, 0),
    ("refuse_recipient", Refused, 0),
    ("refuse", Refused, 0),
    ("try_later", Unavailable, 0),
    ("lost_unread", Unclear, 0),
    ("lost_after_data", Unclear, 1),
    ("silent", Unclear, 1),
]


@pytest.mark.parametrize(("fault", "error", "booked"), FAULTS)
async def test_whatever_goes_wrong_we_claim_neither_more_nor_less_than_we_know(
    tmp_path: Path, fault: MailFault, error: type[StreamerError], booked: int
) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        supplier.faults.mail.append(fault)
        with pytest.raises(error) as raised:
            await runner.run(ours.place_order(order()), ours, timeout_seconds=0.5 if fault == "silent" else 10)
        assert isinstance(raised.value, error)
        assert "orders@" not in str(raised.value)
        assert sum(entry.booked for entry in supplier.book.entries()) == booked
        if isinstance(raised.value, Refused):
            assert raised.value.status == 550
        # The same mail once more: a server that had it knows it by its Message-ID.
        await runner.run(ours.place_order(order()), ours)
        assert [entry.booked for entry in supplier.book.entries()] == [1]


async def test_an_order_to_a_server_that_is_down_was_not_sent(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier:
        ours = by_mail(supplier)
    async with Runner() as runner:
        with pytest.raises(NotSent):
            await runner.run(ours.place_order(order()), ours)
        with pytest.raises(Unavailable):
            await runner.run(ours.poll("mailbox", {}), ours)


@contextlib.asynccontextmanager
async def a_server_that_says(*lines: str) -> Any:
    """Says one line for each that comes in, the first at once, then hangs up. Yields its port and what it heard."""
    heard: list[bytes] = []
    tasks: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        for said in lines:
            writer.write(f"{said}\r\n".encode())
            with contextlib.suppress(ConnectionError):
                await writer.drain()
                if not (got := await reader.readline()):
                    break
                heard.append(got)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        await asyncio.wait(filter(None, tasks), timeout=5)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (("554 no service",), NotSent),
        (("220 hello", "250 me", "550 who are you"), Refused),
        (("220 hello", "250 me", "250 ok", "450 greylisted"), Unavailable),
        (("220 hello", "250 me", "250 ok", "250 ok", "421 closing"), Unavailable),
        (("220 hello", "250 me", "250 ok", "250 ok"), NotSent),  # hangs up when it hears DATA
        (("220 hello", "250 me", "250 ok", "250 ok", "354 go on"), Unclear),  # hangs up within the message
        (("220 hello", "250 me", "nonsense"), NotSent),
        (("220 hello", "250 me", "250 ok", "250 ok", "354 go on", "nonsense"), Unclear),
        (("SSH-2.0-OpenSSH_9.6",), NotSent),
    ],
)
async def test_what_is_unclear_begins_when_the_message_is_written(
    lines: Sequence[str], error: type[StreamerError]
) -> None:
    async with a_server_that_says(*lines) as (port, heard), Runner() as runner:
        ours = account(smtp=f"smtp+plain://127.0.0.1:{port}", allow_private_addresses=True)
        with pytest.raises(error) as raised:
            await runner.run(ours.place_order(order()), ours, timeout_seconds=5)
        assert isinstance(raised.value, error)
        assert (b"Purchase order" in b"".join(heard)) <= (error is Unclear)


async def test_a_server_without_encryption_gets_no_order_where_encryption_is_asked_for() -> None:
    async with a_server_that_says("220 hello", "250 me", "250 ok", "250 ok") as (port, heard), Runner() as runner:
        ours = account(smtp=f"smtp://127.0.0.1:{port}", username="me", password="a-password-of-the-tests")
        with pytest.raises(NotSent):
            await runner.run(ours.place_order(order()), ours, timeout_seconds=5)
        assert not any(b"AUTH" in one or b"MAIL" in one for one in heard)


async def test_an_order_whose_time_has_passed_is_not_written(tmp_path: Path) -> None:
    def too_late() -> None:
        raise NotSent("the lease is over")

    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        with pytest.raises(NotSent, match="lease"):
            await runner.run(ours.place_order(order()), ours, may_start=too_late)
        assert supplier.book.entries() == []


async def test_a_notice_arrives_and_is_no_order_though_it_speaks_of_one(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier, notify_to="manager@parts.example")
        await runner.run(ours.notify(notice()), ours)
        [got] = supplier.mail.others
        assert str(opened(got)["Message-ID"]) == f"<{command_id('notify', '1').lower()}@parts.example>"
        assert supplier.book.entries() == []


# --- the mailbox ------------------------------------------------------------------------------------------------------


def put(supplier: LocalSupplier, *, reference: str = "NW-1", size: int = 0) -> int:
    text = "\r\n".join(
        [
            "Return-Path: <jo@northwind-brakes.example>",
            f"Delivered-To: po+{reference}.k7q2@parts.example",
            "Authentication-Results: mx.parts.example; dmarc=pass header.from=northwind-brakes.example",
            "From: Jo <jo@northwind-brakes.example>",
            f"Message-ID: <{len(supplier.mailbox.mails)}@northwind-brakes.example>",
            "Date: Tue, 10 Mar 2026 16:22:38 +0100",
            "",
            "We will see.",
            "x" * size,
            "",
        ]
    )
    return supplier.mailbox.deliver(text.encode())


async def test_each_mail_is_read_once_and_what_came_since_is_read_next(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        empty = await runner.run(ours.poll("mailbox", {}), ours)
        assert (list(empty.records), empty.cursor, empty.more) == ([], {"uid_validity": "1", "uid": "0"}, False)
        put(supplier, reference="NW-1")
        first = await runner.run(ours.poll("mailbox", empty.cursor), ours)
        assert [one.reference for record in first.records for one in read(ours, record)] == ["NW-1"]
        assert first.cursor == {"uid_validity": "1", "uid": "1"}
        assert (await runner.run(ours.poll("mailbox", first.cursor), ours)) == ([], first.cursor, False)
        put(supplier, reference="NW-2")
        put(supplier, reference="NW-3")
        assert [one.reference for one in await told(runner, ours, dict(first.cursor))] == ["NW-2", "NW-3"]


async def test_a_long_mailbox_is_read_in_pages_that_leave_nothing_out(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        for _ in range(45):
            put(supplier)
        cursor: dict[str, str] = {}
        keys: list[str | None] = []
        pages, more = 0, True
        while more:
            page = await runner.run(ours.poll("mailbox", cursor), ours)
            keys += [record.key for record in page.records]
            cursor, more, pages = dict(page.cursor), page.more, pages + 1
        assert keys == [f"1/{uid}" for uid in range(1, 46)]
        assert pages == 3


async def test_a_mailbox_that_was_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        put(supplier)
        page = await runner.run(ours.poll("mailbox", {"uid_validity": "7", "uid": "400"}), ours)
        assert [record.key for record in page.records] == ["1/1"]
        assert page.cursor == {"uid_validity": "1", "uid": "1"}
        supplier.mailbox.mails.clear()
        page = await runner.run(ours.poll("mailbox", {"uid_validity": "7", "uid": "400"}), ours)
        assert page.cursor == {"uid_validity": "1", "uid": "0"}


async def test_of_a_huge_mail_only_the_headers_are_read_so_that_a_person_hears_of_it(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier)
        put(supplier, reference="NW-1", size=8_000_000)
        put(supplier, reference="NW-2", size=1_000_000)
        page = await runner.run(ours.poll("mailbox", {}), ours)
        assert [len(record.body) > 10_000 for record in page.records] == [False, True]
        assert page.cursor["uid"] == "2"
        states = [(one.reference, one.state) for record in page.records for one in read(ours, record)]
        assert states == [("NW-1", "replied"), ("NW-2", "replied")]


async def test_a_wrong_password_is_told_without_the_password_and_moves_no_cursor(tmp_path: Path) -> None:
    async with running_supplier(tmp_path) as supplier, Runner() as runner:
        ours = by_mail(supplier, imap_password="not-the-password")
        with pytest.raises(Unavailable) as raised:
            await runner.run(ours.poll("mailbox", {}), ours)
        assert "not-the-password" not in str(raised.value)
        assert PASSWORD not in str(raised.value)


async def test_an_account_without_a_mailbox_polls_nothing_and_believes_no_webhook() -> None:
    async with Runner() as runner:
        ours = account()
        assert (await runner.run(ours.poll("mailbox", {}), ours)).records == ()
    with pytest.raises(BadSignature):
        ours.verify(Raw(b"From: a@b.example\r\n\r\n"), NOW)
