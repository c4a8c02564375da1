"""Approvals as people meet them: the document on the page, a mailed link that asks once more, what was sent already."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from streamer.approval_links import PATH, link_key, path_of
from streamer.domain.purchasing_rows import Amendment, CoveredNeed, GivenApproval, OrderedLine, OrderRow, ShownLine
from streamer.domain.purchasing_rows import write_row as write_purchasing_row
from streamer.messages.applied import AccountFacts, ApprovalRule, PersonFacts, SupplierFacts
from streamer.messages.commands import AskApprovalCommand
from streamer.messages.purchasing import Approval, GoodsReceipt
from streamer.platforms.base import example
from streamer.web.config import WebAccount
from tests.domain.memory import settings
from tests.web import shop
from tests.web.running import Person, RunningConsole
from tests.web.shop import Sent

TOPICS = shop.Topics("streamer")
TOKEN = "the token that the processes share"
MAIL = example("email", {"own_domain": "parts.example", "from": "Buying <buy@parts.example>"})
APPLIED = settings(
    accounts={
        "mail": AccountFacts(platform="email", sink_class="C", asks_by="email", changes_orders=True),
        "erp": AccountFacts(platform="erp", cancels_orders=False),
    },
    suppliers={
        "BOSCH": SupplierFacts(name="Bosch", account="mail", address="orders@bosch.example", currency="EUR"),
        "ERP": SupplierFacts(name="Valeo", account="erp", currency="EUR"),
    },
    people={
        "anna": PersonFacts(console="anna", email=True, limit=Decimal(1000)),
        "kim": PersonFacts(email=True, limit=Decimal(1000)),
        "max": PersonFacts(email=True, tier=2),
    },
    approval_rules=(ApprovalRule(name="large", above=Decimal(500), tier=2),),
    approval_accounts=("mail",),
)


def order(number: int, quantity: int = 10, supplier: str = "BOSCH", **more: Any) -> OrderRow:
    """An order of lamps at 46 EUR each."""
    need = CoveredNeed("need:main/LAMP/1", Decimal(quantity), 5, "2026-03-12", None)
    line = OrderedLine(
        line="1", sku="LAMP", location="main", quantity=Decimal(quantity), unit_price=Decimal(46), needs=[need]
    )
    fields: dict[str, Any] = {
        "supplier": supplier, "reference": f"{supplier}-{number}", "state": "awaiting_approval", "location": "main",
        "currency": "EUR", "lines": [line], "order_date": "2026-03-02", "revision": 1, "version": 2,
    }  # fmt: skip
    return OrderRow(**(fields | more))


def records_of_order(row: OrderRow) -> list[Sent]:
    status = shop.purchase_order(row.reference, row.state, revision=row.revision, total=row.total())
    value = write_purchasing_row(row)
    return [
        shop.row(TOPICS, "purchasing", f"{row.supplier}/{row.reference}", value),
        *shop.message(TOPICS, status),
    ]


SENT: dict[str, Any] = {"state": "confirmed", "command_id": "A" * 26, "account": "mail"}
ORDERS = (
    *(order(number) for number in range(1, 7)),
    order(20, 20, because="rule large"),  # 920 EUR
    order(21, 30),  # 1,380 EUR: above anna's and kim's limit
    order(
        22,
        12,
        changed_by="kim",
        shown=[ShownLine("1", "LAMP", Decimal(20), Decimal(46))],
        approvals=[GivenApproval("anna", 1, 0)],
    ),
    order(30, **SENT),
    order(31, amendment=Amendment("B" * 26, {"1": Decimal(6)}, "anna", sent=True), **SENT),
    order(32, supplier="ERP", **{**SENT, "account": "erp"}),
)


@pytest.fixture(scope="module")
def console(console_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    records = [shop.row(TOPICS, "purchasing", "=settings", APPLIED.to_json())]
    for row in ORDERS:
        records += records_of_order(row)
    with RunningConsole(
        console_kafka,
        tmp_path_factory.mktemp("approvals"),
        records,
        worker_token=TOKEN,
        accounts={"mail": WebAccount("mail", "email", MAIL, "E-mail")},
        people={"kim": "Kim Lee", "max": "Max Roe"},
    ) as running:
        yield running


@pytest.fixture
async def anna(console: RunningConsole) -> AsyncIterator[Person]:
    async with Person(console.url) as person:
        await person.log_in("anna")
        yield person


@pytest.fixture
async def reader(console: RunningConsole) -> AsyncIterator[Person]:
    """Somebody with a mail and no login."""
    async with Person(console.url) as person:
        yield person


def link(number: int, person: str = "kim", version: int = 2, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "person": person, "supplier": "BOSCH", "reference": f"BOSCH-{number}", "version": version,
        "expires_at": datetime.now(UTC) + timedelta(days=7),
    }  # fmt: skip
    return path_of(link_key(TOKEN), AskApprovalCommand.model_construct(**(fields | changes)))


async def approvals_of(console: RunningConsole, reference: str) -> list[Approval]:
    return [one for one in await decided(console) if one.reference == reference]


async def decided(console: RunningConsole) -> list[Approval]:
    records = await console.records("purchasing")
    return [Approval.from_json(one.value) for one in records if dict(one.headers)["ce_type"] == b"approval"]


def part(page: str, reference: str) -> str:
    start = page.index(f'id="{reference}"')
    return page[start : page.index("</article>", start)]


async def test_the_page_shows_the_mail_as_it_will_be_sent(anna: Person) -> None:
    await anna.get("/approvals")
    shown = part(anna.page, "BOSCH-1")
    assert "Mail to orders@bosch.example: Purchase order BOSCH-1" in shown
    assert "10 x LAMP @ 46 EUR = 460.00" in shown
    assert "Total 460.00 EUR" in shown
    assert await anna.get("/approvals/BOSCH-1/attachments/0") == 200
    assert "BOSCH-1,1,LAMP" in anna.page
    assert "BOSCH-1.csv" in anna.headers["Content-Disposition"]
    async with anna.session.get(anna.url + "/approvals/BOSCH-1/attachments/1") as pdf:
        assert (await pdf.read()).startswith(b"%PDF-")
    assert await anna.get("/approvals/BOSCH-1/attachments/2") == 404


async def test_what_changed_since_it_was_shown_stands_above_the_document(anna: Person) -> None:
    await anna.get("/approvals")
    shown = part(anna.page, "BOSCH-22")
    assert "line 1: 12 LAMP instead of 20" in shown
    assert "Changed by <b>kim</b>" in shown
    assert "Approved by <b>anna</b> (tier 1)" in shown
    assert "still needed: tier 2" in shown
    assert "they approved this version already" in shown


async def test_who_may_not_approve_reads_why_and_cannot(console: RunningConsole, anna: Person) -> None:
    await anna.get("/approvals")
    assert "it needs somebody of tier 2, they have tier 1" in part(anna.page, "BOSCH-20")
    assert "above their limit of 1000" in part(anna.page, "BOSCH-21")
    assert 'value="approve"' not in part(anna.page, "BOSCH-21")
    form = {**anna.form("/approvals/BOSCH-21"), "decision": "approve"}
    assert await anna.post("/approvals/BOSCH-21", form) == 403
    assert "above their limit" in anna.page
    assert await approvals_of(console, "BOSCH-21") == []
    assert await anna.post("/approvals/BOSCH-21", {**form, "decision": "reject", "reason": "too much"}) == 200


async def test_what_was_on_the_screen_is_what_is_approved(console: RunningConsole, anna: Person) -> None:
    await anna.get("/approvals")
    form = {**anna.form("/approvals/BOSCH-1"), "decision": "approve"}
    assert await anna.post("/approvals/BOSCH-1", {**form, "document": "0" * 32}) == 409
    assert await anna.post("/approvals/BOSCH-1", {**form, "version": "1"}) == 409
    assert await approvals_of(console, "BOSCH-1") == []
    assert await anna.post("/approvals/BOSCH-1", form) == 200
    [approval] = await approvals_of(console, "BOSCH-1")
    assert (approval.channel, approval.actor, approval.version) == ("console", "anna", 2)


# -- links


async def test_opening_a_link_shows_the_document_and_decides_nothing(console: RunningConsole, reader: Person) -> None:
    for _ in range(3):
        assert await reader.get(link(2)) == 200
    assert "For Kim Lee, who alone may use this page" in reader.page
    assert "10 x LAMP @ 46 EUR = 460.00" in reader.page
    assert reader.headers["Cache-Control"] == "no-store"
    assert reader.headers["Referrer-Policy"] == "same-origin"
    assert await approvals_of(console, "BOSCH-2") == []
    assert await reader.get(link(2) + "?attachment=0") == 200
    assert "BOSCH-2,1,LAMP" in reader.page


async def test_the_reader_approves_by_the_form_and_twice_is_once(console: RunningConsole, reader: Person) -> None:
    path = link(3)
    await reader.get(path)
    form = {"document": reader.field("document"), "decision": "approve"}
    assert await reader.post(path, form, origin="https://evil.example") == 403
    assert await reader.post(path, form, origin=None) == 403
    assert await approvals_of(console, "BOSCH-3") == []
    assert await reader.post(path, form) == 200
    assert "BOSCH-3, version 2: your approval is sent" in reader.page
    assert await reader.post(path, form) == 200
    approvals = await approvals_of(console, "BOSCH-3")
    assert {(one.channel, one.actor, one.decision, one.version) for one in approvals} == {
        ("email", "kim", "approve", 2)
    }
    assert len({one.act_id for one in approvals}) == 1
    assert path.rpartition("/")[2] not in approvals[0].to_json().decode()


async def test_a_link_is_of_one_version_one_order_one_person(console: RunningConsole, reader: Person) -> None:
    assert await reader.get(link(4, version=1)) == 409
    assert "was changed since this mail" in reader.page
    assert await reader.get(link(4).replace("/kim/", "/max/")) == 404
    assert await reader.get(link(4).replace("BOSCH-4", "BOSCH-5")) == 404
    assert await reader.get(link(4)[:-3]) == 404
    assert await reader.get(PATH + "nonsense") == 404
    assert await reader.get(link(4, expires_at=datetime.now(UTC) - timedelta(seconds=1))) == 410
    assert await reader.get(link(30)) == 409
    assert "was decided already: it is confirmed" in reader.page
    assert await reader.get(link(99)) == 404
    for path in (link(4, version=1), link(4)[:-3], link(30)):
        assert await reader.post(path, {"document": "", "decision": "approve"}) in (404, 409)
    assert await approvals_of(console, "BOSCH-4") == []


async def test_a_reader_without_the_right_is_shown_why(console: RunningConsole, reader: Person) -> None:
    assert await reader.get(link(21)) == 200
    assert "above their limit of 1000" in reader.page
    form = {"document": reader.field("document"), "decision": "approve"}
    assert await reader.post(link(21), form) == 403
    assert await reader.get(link(21, person="eve")) == 403
    assert await reader.get(link(20, person="max")) == 200
    assert 'value="approve"' in reader.page
    assert [one for one in await approvals_of(console, "BOSCH-21") if one.channel == "email"] == []


async def test_a_rejection_by_link_needs_a_reason(console: RunningConsole, reader: Person) -> None:
    path = link(5)
    await reader.get(path)
    form = {"document": reader.field("document"), "decision": "reject"}
    assert await reader.post(path, form) == 400
    assert await reader.post(path, {**form, "decision": "cancel"}) == 400
    assert await reader.post(path, {**form, "document": "x", "reason": "too dear"}) == 409
    assert await reader.post(path, {**form, "reason": "too dear"}) == 200
    [rejection] = await approvals_of(console, "BOSCH-5")
    assert (rejection.decision, rejection.reason, rejection.actor) == ("reject", "too dear", "kim")


async def test_a_link_opens_no_other_page(reader: Person) -> None:
    await reader.get(link(6))
    await reader.get("/approvals")
    assert reader.path == "/login"


# -- after it was sent


async def test_a_sent_order_is_cancelled_changed_and_closed_with_a_reason(
    console: RunningConsole, anna: Person
) -> None:
    await anna.get("/purchase-orders/BOSCH-30")
    form = anna.form("/purchase-orders/BOSCH-30/acts")
    acts = "/purchase-orders/BOSCH-30/acts"
    assert await anna.post(acts, {**form, "decision": "cancel"}) == 400
    assert await anna.post(acts, {**form, "decision": "approve", "reason": "x"}) == 400
    assert await anna.post(acts, {**form, "decision": "cancel", "reason": "x", "version": "1"}) == 409
    assert await anna.post(acts, {**form, "decision": "amend", "reason": "x", "quantity-1": "10"}) == 400
    assert await anna.post(acts, {**form, "decision": "amend", "reason": "fewer", "quantity-1": "6"}) == 200
    [approval] = await approvals_of(console, "BOSCH-30")
    assert (approval.decision, approval.quantities, approval.reason) == ("amend", {"1": Decimal(6)}, "fewer")


async def test_goods_are_counted_by_delivery(console: RunningConsole, anna: Person) -> None:
    await anna.get("/purchase-orders/BOSCH-30")
    form = anna.form("/purchase-orders/BOSCH-30/receipts")
    receipts = "/purchase-orders/BOSCH-30/receipts"
    assert await anna.post(receipts, form) == 400
    assert await anna.post(receipts, {**form, "quantity-1": "-4"}) == 400
    assert await anna.post(receipts, {**form, "quantity-1": "4"}) == 200
    assert await anna.post(receipts, {**form, "quantity-1": "4"}) == 200
    found = [
        GoodsReceipt.from_json(one.value)
        for one in await console.records("purchasing")
        if dict(one.headers)["ce_type"] == b"goods-receipt"
    ]
    assert {(one.receipt_id, one.lines[0].quantity, one.actor) for one in found} == {
        (form["act_id"], Decimal(4), "anna")
    }


async def test_the_suppliers_word_on_a_change_is_noted(console: RunningConsole, anna: Person) -> None:
    await anna.get("/purchase-orders/BOSCH-31")
    assert "A change waits for the supplier" in anna.page
    form = anna.form("/purchase-orders/BOSCH-31/acts")
    assert await anna.post("/purchase-orders/BOSCH-31/acts", {**form, "decision": "amend_agreed"}) == 200
    [approval] = await approvals_of(console, "BOSCH-31")
    assert approval.decision == "amend_agreed"


async def test_what_an_account_cannot_do_is_not_offered(anna: Person) -> None:
    await anna.get("/purchase-orders/ERP-32")
    assert "neither changes nor cancels orders" in anna.page
    assert re.findall(r'name="decision" value="(\w+)"', anna.page) == ["close"]


async def test_a_viewer_sees_and_does_nothing(console: RunningConsole) -> None:
    async with Person(console.url) as vera:
        await vera.log_in("vera")
        await vera.get("/approvals")
        assert 'name="decision"' not in vera.page
        await vera.get("/purchase-orders/BOSCH-30")
        assert 'name="decision"' not in vera.page
        form = {"csrf": vera.field("csrf"), "act_id": "x" * 20, "decision": "close", "reason": "x", "version": "2"}
        for path in ("acts", "receipts"):
            assert await vera.post(f"/purchase-orders/BOSCH-30/{path}", form) == 403
