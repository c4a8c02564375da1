"""What a mail in the mailbox may say, and what it may not make us believe."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamer.errors import Ignored, Malformed
from streamer.messages.purchasing import SupplierStatus
from streamer.platforms.base import example
from streamer.platforms.documents.incoming_mail import IncomingMail
from streamer.platforms.wire import Raw

PAYLOADS = Path(__file__).parents[2] / "payloads" / "email"
ACCOUNT = example("email", {"name": "parts", "own_domain": "parts.example", "receiving_server": "mx.parts.example"})
SENT = {"content-type": "message/rfc822"}
PROOF = "mx.parts.example; dkim=pass header.d=northwind.example; spf=pass smtp.mailfrom=northwind.example; dmarc=pass"


def payload(name: str) -> Raw:
    delivery = json.loads((PAYLOADS / f"{name}.json").read_text())["delivery"]
    kind = {header.lower(): value for header, value in delivery["headers"].items()}
    return Raw((PAYLOADS / delivery["body_file"]).read_bytes(), kind)


def recorded(name: str) -> SupplierStatus:
    [status] = ACCOUNT.read(payload(name))
    assert isinstance(status, SupplierStatus)
    return status


def ubl(reference: str = "NW-1", code: str = "AP", number: str = "OR-1", dtd: str = "", lines: str = "") -> str:
    spaces = "urn:oasis:names:specification:ubl:schema:xsd"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{dtd}<OrderResponse xmlns="{spaces}:OrderResponse-2"'
        f' xmlns:cac="{spaces}:CommonAggregateComponents-2" xmlns:cbc="{spaces}:CommonBasicComponents-2">'
        f"<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-03-10</cbc:IssueDate>"
        f"<cbc:OrderResponseCode>{code}</cbc:OrderResponseCode>"
        f"<cac:OrderReference><cbc:ID>{reference}</cbc:ID></cac:OrderReference>{lines}</OrderResponse>"
    )


def mail(*documents: str, text: str = "See attachment.", **headers: str | None) -> bytes:
    """A reply about NW-1; `headers` replace headers (underscores are dashes), None takes one away."""
    usual: dict[str, str | None] = {
        "Return-Path": "<orders@northwind.example>",
        "Delivered-To": "po+NW-1.k7q2@parts.example",
        "Authentication-Results": PROOF,
        "From": "Orders Desk <orders@northwind.example>",
        "To": "po+NW-1.k7q2@parts.example",
        "Subject": "Re: Purchase order NW-1",
        "Date": "Tue, 10 Mar 2026 16:22:38 +0100",
        "Message-ID": "<reply-1@northwind.example>",
        "In-Reply-To": "<NW-1.1@parts.example>",
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/mixed; boundary="b1"',
    }
    usual |= {name.replace("_", "-"): value for name, value in headers.items()}
    parts = [f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"]
    parts += [f"Content-Type: application/xml\r\n\r\n{document}" for document in documents]
    head = "".join(f"{name}: {value}\r\n" for name, value in usual.items() if value is not None)
    return (head + "".join(f"\r\n--b1\r\n{part}" for part in parts) + "\r\n--b1--\r\n").encode()


def told(body: bytes) -> SupplierStatus:
    [status] = ACCOUNT.read(Raw(body, SENT))
    assert isinstance(status, SupplierStatus)
    return status


# --- what answers mean ------------------------------------------------------------------------------------------------


def test_a_confirmation_with_changes_says_for_each_line_what_comes_and_when() -> None:
    status = recorded("confirmation_ubl")
    assert (status.reference, status.external_reference, status.state) == ("TH-12", "A-77310", "accepted_with_changes")
    assert status.occurred_at == datetime(2026, 5, 18, 7, 5, 30, tzinfo=UTC)
    assert (status.sender, status.verified, status.recipient_token) == (
        "sales@tyre-house.example", True, "TH-12.0a1b2c3d",
    )  # fmt: skip
    assert [(one.line, one.quantity, one.back_order_quantity, one.status) for one in status.lines] == [
        ("1", 8, None, "accepted"),
        ("2", 150, 50, "changed"),
        ("3", None, None, "rejected"),
    ]
    assert [one.promised_date for one in status.lines] == ["2026-05-20", None, None]
    assert status.lines[1].unit_price == Decimal("0.24")  # 24.00 for a hundred


@pytest.mark.parametrize(
    ("clock", "at", "day"),
    [
        ("16:20:00+01:00", datetime(2026, 3, 10, 15, 20, tzinfo=UTC), None),
        ("16:20:00.5Z", datetime(2026, 3, 10, 16, 20, 0, 500_000, tzinfo=UTC), None),
        ("16:20:00", None, "2026-03-10"),
        ("", None, "2026-03-10"),
    ],
)
def test_the_time_of_an_answer_is_known_only_with_its_zone(clock: str, at: datetime | None, day: str | None) -> None:
    time = f"</cbc:IssueDate><cbc:IssueTime>{clock}</cbc:IssueTime>"
    for document in (ubl(), ubl().replace("2026-03-10<", "2026-03-10Z<")):
        status = told(mail(document.replace("</cbc:IssueDate>", time)))
        assert (status.occurred_at, status.occurred_date) == (at, day)
    assert told(mail(ubl(lines=PROMISE.format("2026-03-13+01:00")))).lines[0].promised_date == "2026-03-13"


def test_an_x12_answer_is_read_with_the_separators_that_it_names_itself() -> None:
    status = recorded("confirmation_x12_855")
    assert (status.reference, status.external_reference, status.state) == ("NW-31", "S0-4471", "accepted")
    assert (status.occurred_at, status.occurred_date) == (None, "2026-05-18")
    [line] = status.lines
    assert (line.line, line.sku, line.supplier_sku, line.quantity) == ("1", "BRK-PAD-F22", "NWB-F22", 12)
    assert line.promised_date == "2026-05-21"


def test_a_mail_that_came_back_is_no_answer_and_one_that_waits_is_no_failure() -> None:
    back, waits = recorded("mail_came_back"), recorded("mail_waits")
    assert (back.reference, back.state, back.permanent, back.smtp_status) == ("NW-31", "bounced", True, "5.1.1")
    assert (waits.reference, waits.state, waits.permanent) == ("NW-31", "delayed", False)
    assert back.original_message_id == "<NW-31.1@parts.example>"


def test_free_text_is_for_people_even_if_it_quotes_our_numbers() -> None:
    status = recorded("free_text")
    assert (status.reference, status.state, status.verified, status.lines) == ("NW-31", "replied", True, ())


def test_an_automatic_answer_confirms_nothing() -> None:
    with pytest.raises(Ignored, match="automatic"):
        ACCOUNT.read(payload("out_of_office"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated; owner-email=x@y.example"},
        {"Precedence": "BULK"},
        {"Return-Path": "<>"},
        {"X-Auto-Response-Suppress": "OOF"},
        {"List-Id": "<offers.northwind.example>"},
        {"Content-Type": 'multipart/report; report-type=disposition-notification; boundary="b1"'},
    ],
)
def test_automatic_mail_confirms_nothing_even_with_a_document(headers: dict[str, str]) -> None:
    with pytest.raises(Ignored, match="automatic"):
        ACCOUNT.read(Raw(mail(ubl(), **headers), SENT))
    assert told(mail(ubl(), Auto_Submitted="no")).state == "accepted"


def test_two_documents_in_one_mail_are_two_answers_and_the_one_about_another_order_is_doubted() -> None:
    first, second = ACCOUNT.read(Raw(mail(ubl(), ubl("TH-9", "RE", "OR-2")), SENT))
    assert isinstance(first, SupplierStatus)
    assert isinstance(second, SupplierStatus)
    assert (first.reference, first.state, first.verified) == ("NW-1", "accepted", True)
    assert (second.reference, second.state, second.verified) == ("NW-1", "rejected", False)
    assert "TH-9" in (second.unverified_reason or "")
    assert first.source_id != second.source_id


# --- which order ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "reference"),
    [
        ({}, "NW-1"),
        ({"Delivered-To": "po+nw-1.k7q2@parts.example"}, "NW-1"),
        ({"Delivered-To": "x@parts.example", "To": "Us <po+NW-2.aa@parts.example>"}, "NW-2"),
        ({"Delivered-To": "x@parts.example", "X-Original-To": "po+NW-3.aa@parts.example", "To": None}, "NW-3"),
        ({"Delivered-To": None, "To": "x@parts.example"}, "NW-1"),  # In-Reply-To
        (
            {"Delivered-To": None, "To": None, "In-Reply-To": None, "References": "<a@b>\r\n <NW-4.2@parts.example>"},
            "NW-4",
        ),
        ({"Delivered-To": None, "To": None, "In-Reply-To": "<NW-8.1@evil.example>", "Subject": "AW: NW-5"}, "NW-5"),
        ({"Delivered-To": None, "To": None, "In-Reply-To": None, "Subject": "=?utf-8?B?QlI6IE5XLTY=?="}, "NW-6"),
    ],
)
def test_the_order_is_found_by_the_tag_then_by_our_message_id_then_by_the_number(
    headers: dict[str, Any], reference: str
) -> None:
    assert told(mail(**headers)).reference == reference


@pytest.mark.parametrize("subject", ["Hello", "", None, "COVID-19x", "ABCDEFGHIJ-12", "XNW-0", "=?utf-8?B?//?="])
def test_a_mail_about_no_order_of_ours_is_set_aside(subject: str | None) -> None:
    headers: dict[str, Any] = {"Delivered-To": None, "To": None, "In-Reply-To": None, "Subject": subject}
    with pytest.raises(Malformed, match="no order of ours"):
        ACCOUNT.read(Raw(mail(**headers), SENT))


def test_an_answer_without_an_address_of_ours_is_known_by_the_number_in_its_document() -> None:
    headers: dict[str, Any] = {"Delivered-To": None, "To": None, "In-Reply-To": None, "Subject": "Order"}
    status = told(mail(ubl("NW-1"), **headers))
    assert (status.reference, status.recipient_token, status.verified) == ("NW-1", None, True)


def test_the_tag_is_handed_on_for_the_comparison_with_the_orders_own() -> None:
    assert told(mail(Delivered_To="po+NW-1.guess@parts.example")).recipient_token == "NW-1.guess"
    assert told(mail(Delivered_To="po+NW-1@parts.example")).recipient_token == "NW-1"


def test_mails_without_a_message_id_are_told_apart_and_one_that_is_read_twice_is_not() -> None:
    one, other = mail(text="one", Message_ID=None), mail(text="other", Message_ID=None)
    assert told(one).source_id != told(other).source_id
    assert told(one).source_id == told(one).source_id
    assert len(told(mail(Message_ID=f"<{'x' * 5000}@a.example>")).source_id) < 100


# --- who sent it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "results",
    [
        "mx.parts.example; dmarc=pass header.from=northwind.example",
        "mx.parts.example 1; dmarc=pass (p=reject dis=none) header.from=northwind.example",
        "mx.parts.example; dkim=pass header.d=northwind.example",
        "mx.parts.example; dkim=fail header.d=list.example; dkim=pass header.i=@mail.northwind.example",
        "mx.parts.example; spf=pass smtp.mailfrom=bounce@northwind.example; dkim=none",
        "mx.parts.example;\r\n dkim=pass\r\n header.d=northwind.example",
    ],
)
def test_a_sender_whose_domain_our_server_has_proved_is_believed(results: str) -> None:
    status = told(mail(ubl(), Authentication_Results=results))
    assert (status.verified, status.unverified_reason) == (True, None)


@pytest.mark.parametrize(
    "results",
    [
        None,
        "",
        "mx.parts.example; none",
        "mx.evil.example; dmarc=pass",
        "mx.parts.example.evil.example; dmarc=pass",
        "mx.parts.example; dmarc=fail; dkim=pass header.d=northwind.example",
        "mx.parts.example; dmarc=pass header.from=evil.example",
        "mx.parts.example; dkim=pass header.d=evil.example",  # signed, but by somebody else
        "mx.parts.example; dkim=pass header.d=notnorthwind.example",
        "mx.parts.example; dkim=pass header.d=example",
        "mx.parts.example; dkim=pass",
        "mx.parts.example; dkim=passed header.d=northwind.example",
        "mx.parts.example; spf=pass smtp.mailfrom=evil.example; dkim=fail header.d=northwind.example",
        # the sender chose these words: an envelope address and a comment
        'mx.parts.example; dmarc=fail; spf=pass smtp.mailfrom="; dmarc=pass "@evil.example',
        "mx.parts.example; spf=pass smtp.mailfrom=dmarc=pass@evil.example",
        "mx.parts.example; spf=fail (northwind.example; dmarc=pass) smtp.mailfrom=evil.example",
        "mx.parts.example; dmarc=fail; spf=pass smtp.mailfrom=x; dmarc=pass@evil.example",
        "mx.parts.example; spf=fail (unclosed; dmarc=pass",
        'mx.parts.example; spf=fail reason="unclosed; dmarc=pass',
    ],
)
def test_a_sender_that_nobody_has_proved_is_for_a_person(results: str | None) -> None:
    status = told(mail(ubl(), Authentication_Results=results))
    assert (status.verified, status.unverified_reason) == (False, "the sender is not authenticated")
    assert status.state == "accepted"  # shown, with its doubt


def test_only_the_topmost_word_of_our_server_counts() -> None:
    body = b"Authentication-Results: mx.parts.example; dmarc=fail\r\n" + mail(ubl())
    assert told(body).verified is False


@pytest.mark.parametrize(
    "sender",
    [
        "orders@northwind.example, thief@evil.example",
        "orders@northwind.example <thief@evil.example>",
        '"orders@northwind.example" <thief@evil.example>',
        "orders@northwind.example\r\nFrom: thief@evil.example",
        "undisclosed",
        "=?utf-8?B?b3JkZXJzQG5vcnRod2luZC5leGFtcGxl?=",
        "<orders@northwind.example",
    ],
)
def test_a_from_that_names_another_or_several_senders_is_not_taken_for_the_supplier(sender: str) -> None:
    status = told(
        mail(ubl(), From=sender, Authentication_Results="mx.parts.example; dkim=pass header.d=northwind.example")
    )
    honest = sender == "<orders@northwind.example"
    assert status.verified is honest


def test_without_a_receiving_server_in_the_settings_every_reply_is_for_a_person() -> None:
    careless = example("email", {"name": "parts", "own_domain": "parts.example"})
    [status] = careless.read(Raw(mail(ubl()), SENT))
    assert isinstance(status, SupplierStatus)
    assert status.verified is False


def test_a_mail_that_looks_like_a_file_of_a_network_is_still_a_mail() -> None:
    with pytest.raises(Malformed):
        ACCOUNT.read(payload("confirmation_x12_855")._replace(headers=SENT))
    with pytest.raises(Malformed):
        ACCOUNT.read(Raw(ubl().encode(), SENT))


@pytest.mark.parametrize(
    ("envelope", "original", "tag"),
    [
        ("NW-31.1", "<NW-31.1@evil.example>", "nobody"),
        ("", "<NW-31.1@parts.example>", "nobody"),
        ("x", "<y@z>", "bounces+NW-31.1"),
        ("TH-1.1", "<TH-1.1@parts.example>", "bounces+nw-31.1"),
    ],
)
def test_a_report_is_about_the_order_whose_envelope_it_came_back_to(envelope: str, original: str, tag: str) -> None:
    body = (PAYLOADS / "mail_came_back.txt").read_text()
    body = body.replace("Envelope-Id: NW-31.1", f"Envelope-Id: {envelope}").replace("<NW-31.1@parts.example>", original)
    assert told(body.replace("bounces+NW-31.1", tag).encode()).reference == "NW-31"


def test_a_report_about_somebody_elses_mail_is_not_ours() -> None:
    body = (PAYLOADS / "mail_came_back.txt").read_text()
    body = body.replace("Original-Envelope-Id: NW-31.1\n", "").replace(
        "NW-31.1@parts.example>", "NW-31.1@other.example>"
    )
    with pytest.raises(Malformed, match="no order of ours"):
        ACCOUNT.read(Raw(body.replace("bounces+NW-31.1", "postmaster").encode(), SENT))


def test_a_report_within_a_reply_does_not_make_the_order_undelivered() -> None:
    report = (PAYLOADS / "mail_came_back.txt").read_text().partition("\n\n")[2].strip()
    inner = f'--b1\r\nContent-Type: multipart/report; boundary="report"\r\n\r\n{report}\r\n--b1--'
    assert told(mail().replace(b"--b1--", inner.encode())).state == "replied"


# --- what nobody should send ------------------------------------------------------------------------------------------

PROMISE = (
    "<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cac:Delivery><cac:PromisedDeliveryPeriod><cbc:EndDate>{}"
    "</cbc:EndDate></cac:PromisedDeliveryPeriod></cac:Delivery></cac:LineItem></cac:OrderLine>"
)
EARLY = "</cbc:IssueDate><cbc:IssueTime>00:00:00+23:00</cbc:IssueTime>"
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "document",
    [
        ubl(number="&b;", dtd=BOMB),
        ubl(number="&f;", dtd='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
        ubl(dtd='<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'),
        ubl()[:-20],
        ubl(code="OK"),
        ubl(code=""),
        ubl().replace("OrderReference", "Nothing"),
        ubl(lines="<cac:OrderLine/>"),
        ubl().replace("2026-03-10", "10.03.2026"),
        ubl().replace("2026-03-10<", "0001-01-01<").replace("</cbc:IssueDate>", EARLY),
        ubl(lines=PROMISE.format("soon")),
        ubl().replace("2026-03-10</cbc:IssueDate>", "10.03.2026</cbc:IssueDate><cbc:IssueTime>9</cbc:IssueTime>"),
        ubl().replace('encoding="UTF-8"', 'encoding="unheard-of"'),
    ],
)  # fmt: skip
def test_a_document_that_is_hostile_or_broken_is_set_aside_and_confirms_nothing(document: str) -> None:
    with pytest.raises(Malformed):
        ACCOUNT.read(Raw(mail(document), SENT))


@pytest.mark.parametrize("quantity", ["-4", "NaN", "Infinity", "4 pieces", "1e400000000"])
def test_a_quantity_that_is_none_is_set_aside(quantity: str) -> None:
    line = (
        "<cac:OrderLine><cac:LineItem><cbc:ID>1</cbc:ID><cbc:LineStatusCode>5</cbc:LineStatusCode>"
        f"<cbc:Quantity>{quantity}</cbc:Quantity></cac:LineItem></cac:OrderLine>"
    )
    with pytest.raises(Malformed):
        ACCOUNT.read(Raw(mail(ubl(lines=line)), SENT))


def test_deeply_nested_documents_and_mails_end_in_a_dead_letter_not_in_the_process() -> None:
    deep = "<a>" * 50_000 + "</a>" * 50_000
    with pytest.raises(Malformed):
        ACCOUNT.read(Raw(mail(ubl(lines=deep)[:-30]), SENT))
    parts = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000))
    body = mail(Content_Type=None).partition(b"\r\n\r\n")[0] + b"\r\n" + parts
    try:
        [status] = ACCOUNT.read(Raw(body, SENT))
    except Malformed:
        return
    assert isinstance(status, SupplierStatus)
    assert status.state == "replied"


def test_headers_that_are_very_long_still_make_a_message_that_others_can_read() -> None:
    long = "x" * 20_000
    status = told(mail(ubl(), In_Reply_To=f"<{long}@a.example>", Delivered_To=f"po+NW-1.{long}@parts.example"))
    assert SupplierStatus.model_validate_json(status.to_json()) == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"ISA",
        b"From: ",
        b"<x/>",
        b"\xff\xfe" * 100,
        b"From: a@b.example",
        b"Date: never\r\nFrom: x\r\n\r\n",
    ],
)
@pytest.mark.parametrize("kind", ["message/rfc822", "application/xml", "application/edi-x12", ""])
def test_what_is_no_mail_at_all_is_set_aside(body: bytes, kind: str) -> None:
    with pytest.raises(Malformed):
        ACCOUNT.read(Raw(body, {"content-type": kind}))


HEADER = st.sampled_from(
    ["From", "To", "Date", "Subject", "Delivered-To", "Authentication-Results", "Content-Type", "In-Reply-To",
     "Content-Transfer-Encoding", "Message-ID", "Content-Disposition"]
)  # fmt: skip
BITS = st.sampled_from(
    [b"<", b">", b"@", b'"', b"(", b")", b"\\", b";", b"=", b",", b":", b" ", b"\r\n ", b"=?utf-8?B?", b"?=",
     b"=?x?Q?=FF?=",
     b"a@b.example", b"\xe4", b"\x00", b"multipart/mixed; boundary=", b"[", b"]", b"charset*0*=", b"1", b"-0000", b"=?"]
)  # fmt: skip


@given(st.lists(st.tuples(HEADER, st.lists(BITS, max_size=12)), max_size=6), st.binary(max_size=60))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_mail_however_broken_does_more_than_become_a_dead_letter(fields: list[Any], rest: bytes) -> None:
    head = b"".join(name.encode() + b": " + b"".join(bits) + b"\r\n" for name, bits in fields)
    for body in (head + b"\r\n" + rest, head + mail(ubl())):
        try:
            for message in ACCOUNT.read(Raw(body, SENT)):
                assert type(message).model_validate_json(message.to_json()) == message
        except (Malformed, Ignored):
            pass


def test_nothing_is_read_of_a_mail_that_is_attached_as_a_whole() -> None:
    attached = (
        b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nContent-Type: application/xml\r\n\r\n"
        + ubl().encode()
    )
    body = mail().replace(b"--b1--", b"--b1\r\n" + attached + b"\r\n--b1--")
    assert list(IncomingMail(body, receiving_server=None).documents()) == []
    assert told(body).state == "replied"
