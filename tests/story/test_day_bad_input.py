"""Bad input gets a clear answer, and nothing is lost: at the gateway, on the raw topics, in the folds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from streamer.local.feed import signed
from tests.story.checker import caught_up, check
from tests.story.day import DEPOT, FIRST, MORNING, SHOP, Day
from tests.story.product import MARKED
from tests.story.witness import Seen
from tests.web.running import Person

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(400)]

ORDER = "orders/create"


async def answer(day: Day, account: str, body: bytes, headers: dict[str, str]) -> int:
    """What the gateway says, at the first try."""
    async with day.product.session.post(f"{day.product.url}/hooks/{account}", data=body, headers=headers) as said:
        return said.status


async def dead_letter(day: Day, value: bytes) -> Seen:
    """The letter that holds these bytes."""
    found: Seen = await day.until(
        lambda: next((one for one in day.witness.all("dead-letters") if one.value == value), None), "a dead letter"
    )
    return found


# ---- at the gateway


async def test_what_the_gateway_refuses_reaches_no_topic(day: Day) -> None:
    _, body = day.new_order({"NO-SUCH-PART": 1}, minutes=80)
    good = signed(body, ORDER, day.secret)
    before = len(day.witness.all("raw.shopify"))
    unsigned = {name: text for name, text in good.items() if name != "X-Shopify-Hmac-Sha256"}
    assert await answer(day, SHOP, body, unsigned) == 401
    assert await answer(day, SHOP, body.replace(b'"open"', b'"shut"') + b" ", good) == 401
    assert await answer(day, SHOP, body, signed(body, ORDER, "the secret of another shop")) == 401
    assert await answer(day, "no-such-account", body, good) == 404
    huge = json.dumps({"line_items": ["x" * 100] * 20_000}).encode()
    assert await answer(day, SHOP, huge, signed(huge, ORDER, day.secret)) == 413
    assert await answer(day, SHOP, body, good) == 200  # the next one is taken as if nothing had been
    await day.until(lambda: len(day.witness.all("raw.shopify")) > before, "the good one is there")
    assert len(day.witness.all("raw.shopify")) == before + 1


async def test_while_kafka_does_not_answer_the_gateway_says_503_and_later_takes_it(day: Day) -> None:
    number, body = day.new_order({"NO-SUCH-PART": 1}, minutes=81)
    headers = signed(body, ORDER, day.secret)
    os.kill(day.product.kafka.pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(0.5)  # until all of its threads stand still
        status = await answer(day, SHOP, body, headers)
    finally:
        os.kill(day.product.kafka.pid, signal.SIGCONT)
    assert status == 503
    await day.hook(ORDER, body, headers)  # as platforms do: the same once more
    await day.decided(number, f"{number}1", "rejected")


# ---- what no adapter can read


def changed(day: Day, **fields: Any) -> bytes:
    """An order of the shop in which something is wrong."""
    _, body = day.new_order({"OIL-5W30-4L": 1}, minutes=82)
    order = json.loads(body)
    line = {name: value for name, value in fields.items() if name in ("quantity", "sku", "properties")}
    order["line_items"][0] |= line
    del order["line_items"][0]["current_quantity"]
    return json.dumps(order | {name: value for name, value in fields.items() if name not in line}).encode()


POISON: dict[str, tuple[Callable[[Day], bytes], str]] = {
    "cut off": (lambda _: FIRST.body[:200], "JSON"),
    "no text": (lambda _: b"\xff\xfe\x00order", "JSON"),
    "no object": (lambda _: b"[1, 2, 3]", "object"),
    "of no kind that is known": (lambda _: b'{"hello": "world"}', "tells what this is"),
    "a quantity in words": (lambda day: changed(day, quantity="two"), "line_items.0.quantity"),
    "a negative quantity": (lambda day: changed(day, quantity=-3), "line_items.0.quantity"),
    "an absurd quantity": (lambda day: changed(day, quantity=10**12), "quantity"),
    "an unknown location": (lambda day: changed(day, location_id=999), "locations"),
    "a date that is none": (lambda day: changed(day, created_at="yesterday"), "created_at"),
}


@pytest.mark.parametrize("what", POISON)
async def test_what_cannot_be_read_becomes_a_dead_letter_and_the_next_event_is_not_delayed(day: Day, what: str) -> None:
    make, reason = POISON[what]
    value = make(day)
    number, good = day.new_order({"NO-SUCH-PART": 1}, minutes=83)
    key = f"{SHOP}/one-and-the-same-partition"
    await day.product.produce("raw.shopify", value, key, account=SHOP)
    await day.product.produce("raw.shopify", good, key, account=SHOP)
    await day.decided(number, f"{number}1", "rejected")
    letter = await dead_letter(day, value)
    assert reason in letter.headers["dead-letter-reason"]
    assert letter.headers["dead-letter-stage"] == "normalise"
    assert (letter.headers["dead-letter-topic"], letter.headers["dead-letter-account"]) == ("raw.shopify", SHOP)
    assert letter.key == key


@pytest.mark.parametrize(
    ("topic", "value", "headers", "reason"),
    [
        ("orders", b'{"customer": 1}', {"ce_type": "customer"}, "Field required"),
        ("stock", b"{}", {"ce_type": "no-such-message"}, "no message of the topic stock"),
        ("purchasing", b'{"no": "type"}', {}, "ce_type: is missing"),
        ("commands", b"\x00\x01", {"ce_type": "fetch"}, "JSON"),
    ],
)
async def test_what_a_fold_cannot_read_becomes_a_dead_letter(
    day: Day, topic: str, value: bytes, headers: dict[str, str], reason: str
) -> None:
    await day.product.produce(topic, value, "NW", **headers)
    letter = await dead_letter(day, value)
    assert reason in letter.headers["dead-letter-reason"]
    assert letter.headers["dead-letter-topic"] == topic


# ---- what can be read, and cannot be done


async def test_an_unknown_sku_is_a_rejected_line_with_the_reason_and_the_place(day: Day) -> None:
    number = await day.buy({"NO-SUCH-PART": 2}, "rejected", minutes=84)
    line = day.line(number, f"{number}1")
    assert (line["reason"], line["location"], line["rejected"]) == ("unknown SKU at NORTHGATE", "NORTHGATE", "2")


async def test_news_of_a_cancelled_order_promises_nothing_again(day: Day) -> None:
    number, body = day.new_order({"TYR-205-55": 1}, minutes=85)
    await day.hook(ORDER, body, signed(body, ORDER, day.secret))
    await day.decided(number, f"{number}1", "approved")
    reserved = day.stock("TYR-205-55")["r"]
    order = json.loads(body)
    at = (MORNING + timedelta(hours=2)).isoformat()
    cancelled = json.dumps(order | {"cancelled_at": at, "updated_at": at}).encode()
    await day.hook("orders/cancelled", cancelled, signed(cancelled, "orders/cancelled", day.secret))
    await day.decided(number, f"{number}1", "released")
    later = (MORNING + timedelta(hours=3)).astimezone(UTC).isoformat()
    edited = json.loads(cancelled) | {"updated_at": later}
    edited["line_items"][0] |= {"quantity": 3, "current_quantity": 3}
    news = json.dumps(edited).encode()
    await day.hook("orders/updated", news, signed(news, "orders/updated", day.secret))
    await day.hook(ORDER, body, signed(body, ORDER, day.secret))  # and the first one comes late, once more
    await day.until(lambda: day.row("orders", f"{SHOP}/{number}")["version"].startswith(later[:19]), "it was read")
    await caught_up(day.product)
    assert day.line(number, f"{number}1")["decision"] == "released"
    assert day.line(number, f"{number}1")["reason"] == "the order was cancelled"
    assert day.stock("TYR-205-55")["r"] == reserved - 1


async def test_an_order_that_was_cancelled_before_we_saw_it_is_rejected_with_that_reason(day: Day) -> None:
    number, body = day.new_order({"OIL-5W30-4L": 1}, minutes=86, cancelled_at=MORNING.isoformat())
    await day.hook("orders/cancelled", body, signed(body, "orders/cancelled", day.secret))
    await day.decided(number, f"{number}1", "rejected")
    assert day.line(number, f"{number}1")["reason"] == "cancelled before it was seen"


# ---- the console mends it


async def test_a_status_that_came_before_its_order_is_put_back_from_the_console_and_then_counts(day: Day) -> None:
    """The depot confirms BD-3 before there is a BD-3: refused, kept, and replayed by a person when it makes sense."""
    body = {
        "event_id": "LS-9-1", "type": "order.confirmed", "order_id": "LS-9", "reference": "BD-3", "sequence": 1,
        "occurred_at": MORNING.isoformat(),
        "lines": [{"line": "1", "sku": "BRK-PAD-F22", "quantity": "10", "promised_date": day.promised}],
    }  # fmt: skip
    await day.product.produce("raw.local_supplier", json.dumps(body).encode(), f"{DEPOT}/BD-3", account=DEPOT)
    letter = await day.until(
        lambda: next((one for one in day.witness.all("dead-letters") if b'"BD-3"' in (one.value or b"")), None),
        "the status is refused",
    )
    assert "BD-3" in letter.headers["dead-letter-reason"]
    now = datetime.now(UTC) + timedelta(seconds=5)  # after the shop's last level, which does not count this order yet
    await day.buy({"BRK-PAD-F22": 6}, "approved", minutes=(now - MORNING).total_seconds() / 60)
    await day.ordered("BD-3", "confirmed")
    assert day.order_of("BD-3")["lines"][0].get("promised_date") is None

    async def put_back() -> bool:
        async with day.product.person() as person:
            return await _replay(person, letter.headers["dead-letter-id"])

    await day.product.eventually(put_back, "the letter is on the console")
    await day.until(
        lambda: day.order_of("BD-3")["lines"][0].get("promised_date") == day.promised, "the promise counts now"
    )
    acts = [one.json for one in day.witness.all("audit", "audit") if one.json["act"] == "dead-letter.replay"]
    assert [act["actor"] for act in acts] == ["admin"]


async def _replay(person: Person, letter: str) -> bool:
    if await person.get(f"/errors/{letter}") != 200:
        return False
    path = f"/errors/{letter}/replay"
    return await person.post(path, person.form(path) | {"reason": "the order is there now"}) < 400


async def test_after_all_of_that_everything_holds_and_no_page_or_metric_tells_a_secret(day: Day) -> None:
    await caught_up(day.product)
    await check(day.product, poison=len(POISON) + 5)
    pages = []
    async with day.product.person() as person:
        for path in ("/", "/orders", "/stock", "/purchase-orders", "/errors", "/accounts", "/audit", "/recalls"):
            assert await person.get(path) == 200, path
            pages.append((path, person.page))
    async with aiohttp.ClientSession() as anybody, anybody.get(f"{day.product.url}/metrics") as metrics:
        pages.append(("/metrics", await metrics.text()))
    for name, text in pages:
        assert not [secret for secret in (day.secret, *MARKED) if secret in text], name
