"""What people see, and what becomes of what they do."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import html
import io
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from streamer.messages.commands import OperatorAct, PollAct
from streamer.messages.purchasing import Approval
from streamer.messages.records import Backfill, RecordAct
from streamer.messages.status import AuditEntry
from streamer.messages.stock import ReorderAct, RowRelease
from tests.web import shop
from tests.web.running import Person, RunningConsole

TOPICS = shop.Topics("streamer")
BODY = b'{"id": 1, "email": "anna@example.com"}'
BROKEN = b'{"id":9,"price":1.10,"line_items":[{"sku":null}]}'
TOKEN = "what the processes share"


class Worker:
    """The private view of a worker: says what it is told to say."""

    def __init__(self) -> None:
        self.answer = web.Response(status=404)
        self.asked: list[tuple[str, str | None]] = []
        self.connections: dict[str, dict[str, float | None]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization")))
        given = self.answer
        return web.Response(status=given.status, body=given.body, headers=dict(given.headers))

    async def standings(self, request: web.Request) -> web.Response:
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        return web.json_response(self.connections if known else {}, status=200 if known else 401)


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


@pytest.fixture(scope="module")
def worker_url(worker: Worker) -> Iterator[str]:
    import threading

    ready = threading.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        box["stop"], box["loop"] = asyncio.Event(), asyncio.get_running_loop()
        app = web.Application()
        app.router.add_get("/rows/{fold}/{key}", worker.handle)
        app.router.add_get("/connections", worker.standings)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        box["url"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await box["stop"].wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield box["url"]
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join(10)


@pytest.fixture(scope="module")
def console(console_kafka: str, worker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    letters = [shop.dead_letter(TOPICS, f"{number:026d}", BODY, "currency: is missing") for number in range(3)]
    approvals = [
        sent
        for number in range(3, 8)
        for sent in (
            *shop.message(TOPICS, shop.purchase_order(f"BOSCH-{number}", "awaiting_approval")),
            shop.purchasing_row(TOPICS, f"BOSCH-{number}", sku="BULB-H7", version=2),
        )
    ]
    formula = shop.message(
        TOPICS, shop.order_line("=cmd|' /C calc'!A0", "1", "LAMP-01", "approved", number="=cmd|' /C calc'!A0")
    )
    letters += [
        shop.dead_letter(TOPICS, "f" * 26, BROKEN, "line_items.0.sku: is missing"),
        shop.dead_letter(TOPICS, "g" * 26, b"{}", "order is in quarantine", topic="orders", stage="orders"),
        *(shop.dead_letter(TOPICS, f"h{number:025d}", BODY, "a duplicate") for number in range(2)),
    ]
    records = [*shop.a_day(TOPICS), *letters, *approvals, *formula, *shop.snoozed(TOPICS)]
    directory = tmp_path_factory.mktemp("console")
    with RunningConsole(console_kafka, directory, records, worker_urls=(worker_url,), worker_token=TOKEN) as running:
        yield running


@pytest.fixture
async def anna(console: RunningConsole) -> AsyncIterator[Person]:
    async with Person(console.url) as person:
        assert await person.log_in("anna") == 200
        yield person


async def sent(console: RunningConsole, topic: str, fits: Callable[[Any], bool]) -> list[Any]:
    return [record for record in await console.records(topic) if fits(record)]


async def approvals_of(console: RunningConsole, reference: str) -> list[Approval]:
    found = [Approval.from_json(record.value) for record in await console.records("purchasing")]
    return [approval for approval in found if approval.reference == reference]


async def test_reorders_show_what_would_be_ordered_with_its_reasons_and_a_person_orders_or_leaves_it(
    anna: Person, console: RunningConsole
) -> None:
    assert await anna.get("/reorders") == 200
    for words in ("main/WAX-1", "21 TIN", "Projected 9 is below the reorder point 10", "snoozed until 2199-01-01"):
        assert words in anna.page
    form = {**anna.form("/reorders/main/WAX-1"), "act": "order_now"}
    assert await anna.post("/reorders/main/WAX-1", form) == 200
    assert "it is ordered now" in anna.page
    form = {**anna.form("/reorders/main/WAX-1"), "act": "snooze", "until": "2026-12-01"}
    assert await anna.post("/reorders/main/WAX-1", form) == 200
    assert await anna.post("/reorders/main/WAX-1", {**form, "until": "soon"}) == 400
    found = [ReorderAct.from_json(record.value) for record in await sent(console, "stock", is_reorder_act)]
    assert [(act.sku, act.act, act.until, act.actor) for act in found] == [
        ("WAX-1", "order_now", None, "anna"),
        ("WAX-1", "snooze", "2026-12-01", "anna"),
    ]


def is_reorder_act(record: Any) -> bool:
    return dict(record.headers).get("ce_type") == b"reorder-act"


async def test_an_account_shows_what_is_left_of_its_limit_and_token_and_what_keeps_it(
    worker: Worker, anna: Person
) -> None:
    standing: dict[str, float | None] = {
        "calls_left": 3.0,
        "calls": 40.0,
        "per_seconds": 20.0,
        "held_seconds": 0.0,
        "breaker_seconds": 12.0,
    }
    worker.connections = {"lamps": standing}
    await anna.get("/accounts")
    text = words(anna.page)
    for said in ("Limit left 3 of 40 in 20 s", "tried again in 12 s", "Access token ends in", "stopped by bert"):
        assert said in text, said
    assert "orders that lamps-erp may have missed" in text
    assert "c2VhbGVk" not in anna.page
    worker.connections = {}


async def test_an_account_is_looked_at_now_stopped_and_resumed(console: RunningConsole, anna: Person) -> None:
    await anna.get("/accounts")
    page = "/accounts/lamps"
    form: dict[str, str] = {}
    for number, (act, resource) in enumerate([("look_now", "orders"), ("pause", ""), ("resume", "")]):
        form = {**anna.form(page), "act": act, "resource": resource, "act_id": f"an-act-of-a-test-{number}"}
        assert await anna.post(page, form) == 200
    assert "lamps is looked at again" in words(anna.page)
    assert await anna.post(page, {**form, "act": "forget"}) == 400
    assert await anna.post(page, {**form, "resource": "invoices"}) == 400
    found = await sent(console, "commands", lambda one: dict(one.headers)["ce_type"] == b"poll-act")
    acts = [PollAct.from_json(one.value) for one in found]
    assert [(act.account, act.resource, act.act, act.actor) for act in acts] == [
        ("lamps", "orders", "look_now", "anna"),
        ("lamps", None, "pause", "anna"),
        ("lamps", None, "resume", "anna"),
    ]


def words(page: str) -> str:
    """What stands on a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


async def test_an_approval_goes_to_purchasing_with_the_version_that_was_on_the_screen(
    console: RunningConsole, anna: Person
) -> None:
    await anna.get("/approvals")
    form = {**anna.form("/approvals/BOSCH-3"), "decision": "approve"}
    assert await anna.post("/approvals/BOSCH-3", form) == 200
    assert "BOSCH-3, version 2: your approval is sent" in anna.page
    assert await anna.post("/approvals/BOSCH-3", form) == 200  # the same form again: the same act
    approvals = await approvals_of(console, "BOSCH-3")
    assert {(one.version, one.decision, one.actor, one.supplier) for one in approvals} == {
        (2, "approve", "anna", "BOSCH")
    }
    assert len({one.act_id for one in approvals}) == 1


async def test_what_was_changed_meanwhile_is_not_approved(console: RunningConsole, anna: Person) -> None:
    await anna.get("/approvals")
    form = {**anna.form("/approvals/BOSCH-4"), "decision": "approve"}
    assert await anna.post("/approvals/BOSCH-4", {**form, "version": "1"}) == 409
    assert "has changed" in anna.page
    assert await anna.post("/approvals/BOSCH-4", {**form, "quantity-1": "41"}) == 400
    assert await approvals_of(console, "BOSCH-4") == []


async def test_a_change_carries_only_the_quantities_that_differ(console: RunningConsole, anna: Person) -> None:
    await anna.get("/approvals")
    form = {**anna.form("/approvals/BOSCH-5"), "decision": "change"}
    assert await anna.post("/approvals/BOSCH-5", {**form, "quantity-1": "40"}) == 400
    for nonsense in ("many", "-1", "NaN", "1e99"):
        assert await anna.post("/approvals/BOSCH-5", {**form, "quantity-1": nonsense}) == 400
    assert await anna.post("/approvals/BOSCH-5", {**form, "quantity-1": "24"}) == 200
    [approval] = await approvals_of(console, "BOSCH-5")
    assert (approval.decision, approval.quantities) == ("change", {"1": Decimal(24)})


async def test_a_rejection_needs_a_reason(console: RunningConsole, anna: Person) -> None:
    await anna.get("/approvals")
    form = {**anna.form("/approvals/BOSCH-6"), "decision": "reject"}
    assert await anna.post("/approvals/BOSCH-6", form) == 400
    assert await anna.post("/approvals/BOSCH-6", {**form, "reason": "too dear"}) == 200
    [approval] = await approvals_of(console, "BOSCH-6")
    assert (approval.decision, approval.reason) == ("reject", "too dear")


async def test_a_replayed_letter_is_the_same_bytes_on_the_topic_that_it_came_from(
    console: RunningConsole, anna: Person
) -> None:
    letter = "/errors/" + "d" * 26
    await anna.get(letter)
    form = {**anna.form(f"{letter}/replay"), "reason": "the shop was mended"}
    assert await anna.post(f"{letter}/replay", form) == 200
    [record] = await sent(console, "raw.lampshop", lambda one: ("replay-of", b"d" * 26) in one.headers)
    original = shop.a_day(TOPICS)[-2]
    assert (record.key, record.value) == (original.key, original.value)
    assert dict(record.headers) == {"content-type": b"application/json", "account": b"lamps", "replay-of": b"d" * 26}
    entries = [AuditEntry.from_json(one.value) for one in await console.records("audit")]
    [entry] = [one for one in entries if one.act == "dead-letter.replay"]
    assert (entry.actor, entry.subject, entry.reason) == ("anna", "dead-letter/" + "d" * 26, "the shop was mended")
    await until(anna, letter, "put it back")
    assert await anna.post(f"{letter}/replay", form) == 409


async def test_changed_bytes_go_in_as_a_new_record_that_names_the_old_one_and_only_after_they_were_revealed(
    console: RunningConsole, anna: Person
) -> None:
    letter = "/errors/" + "f" * 26
    assert await anna.get(letter) == 200
    assert "<textarea" not in anna.page
    assert await anna.post(f"{letter}/reveal", anna.form(f"{letter}/reveal")) == 200
    area = html.unescape(anna.page.split("<textarea", 1)[1].split(">", 1)[1].split("</textarea>", 1)[0])
    assert '"price": 1.10' in area, "no figure is written anew"
    changed = area.lstrip("\n").replace("null", '"LAMP-01"').replace("\n", "\r\n")
    form = {**anna.form(f"{letter}/mend"), "value": changed, "reason": "the SKU was missing"}
    assert await anna.post(f"{letter}/mend", form) == 200
    [record] = await sent(console, "raw.lampshop", lambda one: ("replay-of", b"f" * 26) in one.headers)
    assert json.loads(record.value) == {"id": 9, "price": 1.1, "line_items": [{"sku": "LAMP-01"}]}
    assert b"\r" not in record.value
    assert dict(record.headers)["account"] == b"lamps"
    entries = [AuditEntry.from_json(one.value) for one in await console.records("audit")]
    done = [one for one in entries if one.subject == "dead-letter/" + "f" * 26]
    assert [one.act for one in done] == ["dead-letter.reveal", "dead-letter.mend"]
    assert done[1].before["sha256"] == hashlib.sha256(BROKEN).hexdigest()
    assert done[1].after["sha256"] == hashlib.sha256(record.value).hexdigest()
    assert "LAMP-01" not in str(done), "the trail has no bytes"
    await until(anna, letter, "changed it and put it back")
    assert await anna.post(f"{letter}/mend", form) == 409


async def test_what_a_step_of_ours_made_is_not_changed(anna: Person) -> None:
    letter = "/errors/" + "g" * 26
    await anna.get(letter)
    await anna.post(f"{letter}/reveal", anna.form(f"{letter}/reveal"))
    assert "<textarea" not in anna.page
    form = {**anna.form(f"{letter}/replay"), "value": "{}"}
    assert await anna.post(f"{letter}/mend", form) == 400


async def test_a_viewer_changes_nothing(console: RunningConsole) -> None:
    async with Person(console.url) as vera:
        await vera.log_in("vera")
        await vera.get("/accounts")
        form = {"csrf": vera.field("csrf"), "act_id": "an-act-of-a-viewer-1", "value": "{}", "act": "look_now"}
        for path in ("/errors/" + "f" * 26 + "/mend", "/errors/group/resolve", "/accounts/lamps"):
            assert await vera.post(path, {**form, "reason": "x", "group-reason": "x"}) == 403, path


async def test_a_group_is_resolved_with_a_note(console: RunningConsole, anna: Person) -> None:
    await anna.get("/errors/group?reason=a+duplicate&stage=normalise")
    assert "2 in all" in words(anna.page)
    form = anna.form("/errors/group/resolve")
    assert await anna.post("/errors/group/resolve", form) == 400, "without a note"
    assert await anna.post("/errors/group/resolve", {**form, "group-reason": "", "stage": "", "reason": "x"}) == 400
    assert await anna.post("/errors/group/resolve", {**form, "reason": "the shop has sent it anew"}) == 200
    assert "2 are resolved" in anna.page
    entries = [AuditEntry.from_json(one.value) for one in await console.records("audit")]
    done = [one for one in entries if one.reason == "the shop has sent it anew"]
    assert {(one.act, one.actor) for one in done} == {("dead-letter.resolve", "anna")}
    assert len({one.act_id for one in done}) == 2


async def test_a_group_goes_back_in_one_act(console: RunningConsole, anna: Person) -> None:
    await anna.get("/errors/group?reason=currency%3A+is+missing&account=lamps&stage=normalise")
    form = {**anna.form("/errors/group/replay"), "reason": "the currency is set"}
    assert await anna.post("/errors/group/replay", form) == 200
    assert "3 are back on their topics" in anna.page
    wanted = {f"{number:026d}".encode() for number in range(3)}
    records = await sent(console, "raw.lampshop", lambda one: dict(one.headers).get("replay-of") in wanted)
    assert [record.value for record in records] == [BODY] * 3


async def test_people_in_a_letter_are_covered_until_somebody_asks_and_that_is_kept(
    console: RunningConsole, anna: Person
) -> None:
    letter = "/errors/" + "e" * 26
    await anna.get(letter)
    assert "bob@example.com" not in anna.page
    assert "1234567" not in anna.page
    assert await anna.post(f"{letter}/reveal", anna.form(f"{letter}/reveal")) == 200
    assert "bob@example.com" in anna.page
    entries = [AuditEntry.from_json(one.value) for one in await console.records("audit")]
    [entry] = [one for one in entries if one.act == "dead-letter.reveal" and one.subject.endswith("e" * 26)]
    assert (entry.actor, entry.subject) == ("anna", "dead-letter/" + "e" * 26)
    assert b"bob@example.com" not in b"".join(one.value for one in await console.records("audit"))


async def test_a_person_says_what_became_of_a_call(console: RunningConsole, anna: Person) -> None:
    call = "/errors/calls/bosch-mail/" + "A" * 26
    await anna.get(call)
    form = {**anna.form(call), "act": "confirm", "external_reference": "B-77"}
    assert await anna.post(call, form) == 400
    assert await anna.post(call, {**form, "act": "forget", "reason": "asked by telephone"}) == 400
    assert await anna.post(call, {**form, "reason": "asked by telephone"}) == 200
    [record] = await sent(console, "commands", lambda one: dict(one.headers)["ce_type"] == b"operator-act")
    act = OperatorAct.from_json(record.value)
    assert (record.key, act.act, act.external_reference, act.actor) == (b"bosch-mail", "confirm", "B-77", "anna")
    assert dict(record.headers)["ce_type"] == b"operator-act"


async def test_a_quarantined_row_is_released_by_name(console: RunningConsole, anna: Person) -> None:
    await anna.get("/errors")
    form = anna.form("/errors/rows/release")
    assert (form["fold"], form["key"]) == ("stock", "north/LAMP-01")
    assert await anna.post("/errors/rows/release", form) == 200
    [record] = await sent(console, "stock", lambda one: dict(one.headers)["ce_type"] == b"row-release")
    release = RowRelease.from_json(record.value)
    assert (release.topic, release.row_key, release.log_key, record.key) == (
        "stock",
        "north/LAMP-01",
        "north/LAMP-01",
        b"north/LAMP-01",
    )
    assert await anna.post("/errors/rows/release", {**form, "key": "main/LAMP-01"}) == 409


async def test_a_row_is_fresh_from_its_owner_or_says_that_it_is_not(
    console: RunningConsole, worker: Worker, anna: Person
) -> None:
    fresh = shop.stock_row(TOPICS, "main", "WIPER-60", on_hand=4711)
    worker.answer = web.Response(body=fresh.value)
    await anna.get("/stock/main/WIPER-60")
    assert "fresh from its owner" in anna.page
    assert "4,711" in anna.page
    assert worker.asked[-1] == ("/rows/stock/main/WIPER-60", f"Bearer {TOKEN}")
    worker.answer = web.Response(status=503, headers={"Retry-After": "7"})
    await anna.get("/stock/main/WIPER-60")
    assert "reading in; try again in 7 s" in anna.page
    assert "4,711" not in anna.page
    worker.answer = web.Response(status=404)


async def test_a_spreadsheet_is_given_no_formula(anna: Person) -> None:
    await anna.get("/orders?format=csv")
    assert anna.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(anna.page)))
    assert {row["number"] for row in rows} >= {"#1001", "'=cmd|' /C calc'!A0"}
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


@pytest.mark.parametrize(
    ("page", "column"),
    [
        ("/stock", "sku"),
        ("/reorders", "sku"),
        ("/purchase-orders", "supplier"),
        ("/recalls", "campaign"),
        ("/errors/group", "reason"),
        ("/audit", "actor"),
    ],
)
async def test_each_list_comes_as_a_file_with_the_rows_of_its_filter(anna: Person, page: str, column: str) -> None:
    await anna.get(f"{page}?format=csv")
    assert anna.headers["Content-Disposition"].startswith("attachment")
    first, *_ = csv.DictReader(io.StringIO(anna.page))
    await anna.get(page, params={"format": "csv", column: first[column]})
    assert {row[column] for row in csv.DictReader(io.StringIO(anna.page))} == {first[column]}
    await anna.get(page, params={"format": "csv", column: "no such thing"})
    assert list(csv.DictReader(io.StringIO(anna.page))) == []


async def test_a_filter_stands_in_the_address(anna: Person) -> None:
    await anna.get("/orders?decision=rejected")
    assert "#1003" in anna.page
    assert "#1001" not in anna.page
    await anna.get("/stock?state=nonsense")
    assert "Nothing fits this filter" in anna.page


async def test_a_stock_page_names_lines_by_the_number_of_their_order_and_leads_to_it(anna: Person) -> None:
    await anna.get("/stock/main/LAMP-01")
    text = words(anna.page)
    assert '<a href="/orders/lamps/1002">#1002</a>, line 1' in anna.page
    assert "appointment: 4 for #1002, line 1" in text
    assert "60 from BOSCH, BOSCH-1" in text
    assert "order up to 40" in text
    assert "lamps/1001/1" not in text
    await anna.get("/approvals")
    assert 'Set off by <a href="/orders/lamps/1001">#1001</a>, line 1' in anna.page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("LAMP-01", "/stock/main/LAMP-01"),
        ("lam", "/stock/main/LAMP-01"),
        ("1002", "/orders/lamps/1002"),
        ("BOSCH-1", "/purchase-orders/BOSCH-1"),
        ("26V123", "/recalls/26V123"),
        ("A" * 26, "/errors/calls/bosch-mail/" + "A" * 26),
    ],
)
async def test_everything_is_found_by_its_name(anna: Person, words: str, found: str) -> None:
    await anna.get("/search", params={"q": words})
    assert f'href="{found}' in anna.page


@pytest.mark.parametrize("words", ['"', "* OR", "NEAR(", "a:b", "'; DROP TABLE orders", "-", "\x00", "^x", "lamp AND"])
async def test_a_search_is_words_and_never_an_operator(anna: Person, words: str) -> None:
    assert await anna.get("/search", params={"q": words}) == 200


async def test_nonsense_in_the_address_breaks_no_page(anna: Person) -> None:
    for path in (
        "/orders?after=xx",
        "/orders?after=W10=",
        "/stock?sort=;drop",
        "/stock?sort=-json",
        "/audit?after=WzFd",
    ):
        assert await anna.get(path) == 200, path
    for path in (
        "/orders/none",
        "/stock/none",
        "/purchase-orders/none",
        "/errors/none",
        "/recalls/none",
        "/records/lamps-erp/none",
        "/errors/calls/none",
    ):
        assert await anna.get(path) == 404, path
    assert await anna.get("/orders", headers={"Cookie": "tz=../../etc/passwd", "Accept-Language": "xx-!!,,;q"}) == 200


async def test_a_campaign_shows_who_comes_who_must_be_called_what_is_held_and_what_mends_it(anna: Person) -> None:
    await anna.get("/recalls")
    assert "To call" in anna.page
    await anna.get("/recalls/26V123")
    booked, known = anna.page.split("Vehicles without an appointment")
    assert "WVWZZZ1JZXW000001" in booked
    assert "▲ none" in booked
    calls, rest = known.split("Remedy part")
    assert "WVWZZZ1JZXW000001" not in calls
    assert calls.index("WVWZZZ1JZXW000002") < calls.index("WVWZZZ1JZXW000003")
    assert "no appointment" in calls
    assert "● done" in calls
    remedy, held = rest.split("Stock held back")
    assert 'href="/stock/main/LAMP-01"' in remedy
    assert "on hand" in held


async def test_why_a_quantity_is_what_it_is_stands_beside_it(anna: Person) -> None:
    await anna.get("/approvals")
    text = words(anna.page)
    assert "multiple of 12: 60" in text
    assert "VALEO: 12 % dearer" in text


async def test_records_show_where_they_went_and_what_keeps_them(anna: Person) -> None:
    await anna.get("/records?state=blocked")
    assert "its customer was not copied: the tax id is wrong" in anna.page
    assert "SO-77" not in anna.page
    await anna.get("/records/lamps-erp/lamps/1001")
    assert "SO-77" in anna.page


async def test_a_dry_look_shows_what_would_change_and_covers_people(anna: Person) -> None:
    await anna.get("/records/lamps-erp/lamps/1003")
    text = words(anna.page)
    assert "currency EUR USD" in text
    assert "customer.email another value (personal) a value (personal)" in text
    assert "1a2b" not in anna.page


async def test_the_button_copies_one_record_or_all_that_are_held(console: RunningConsole, anna: Person) -> None:
    page = "/records/lamps-erp/lamps/1003"
    await anna.get(page)
    form = {**anna.form(page), "reason": "the customer waits"}
    assert await anna.post(page, form) == 200
    assert await anna.post(page, form) == 200  # the same form again: the same act
    await anna.get("/records")
    assert await anna.post("/records/copy", anna.form("/records/copy")) == 200
    found = await sent(console, "orders", lambda one: dict(one.headers)["ce_type"] == b"record-act")
    acts = [RecordAct.from_json(one.value) for one in found]
    assert {(act.route, act.order_key, act.actor) for act in acts} == {("lamps-erp", "lamps/1003", "anna")}
    assert len({act.act_id for act in acts}) == 2
    assert await anna.post("/records/copy", {**anna.form("/records/copy"), "state": "confirmed"}) == 400


async def test_a_back_fill_says_its_bounds_in_the_companys_days(console: RunningConsole, anna: Person) -> None:
    await anna.get("/records")
    form = {**anna.form("/records/backfill"), "account": "lamps", "kind": "order"}
    assert await anna.post("/records/backfill", form) == 400, "without bounds"
    assert await anna.post("/records/backfill", {**form, "since": "yesterday"}) == 400
    assert await anna.post("/records/backfill", {**form, "ids": "1", "kind": "lead"}) == 400
    wish = {**form, "since": "2026-02-01", "until": "2026-02-28", "ids": "7-9", "dry_run": "1"}
    assert await anna.post("/records/backfill", wish) == 200
    [record] = await sent(console, "commands", lambda one: dict(one.headers)["ce_type"] == b"backfill")
    act = Backfill.from_json(record.value)
    assert (act.account, act.kinds, act.ids, act.dry_run, act.actor) == (
        "lamps",
        ("order",),
        ("7", "8", "9"),
        True,
        "anna",
    )
    assert act.until is not None
    assert act.since is not None
    assert act.until - act.since == timedelta(days=28)


async def test_health_says_whether_orders_can_be_taken(console: RunningConsole) -> None:
    async with Person(console.url) as probe:
        assert await probe.get("/health/live") == 200
        assert await probe.get("/health/ready") == 200
        assert '"kafka": true' in probe.page


async def until(person: Person, path: str, words: str) -> None:
    """Waits until a page says so: the read model follows a moment later."""
    async with asyncio.timeout(10):
        while True:
            await person.get(path)
            if words in person.page:
                return
            await asyncio.sleep(0.1)
