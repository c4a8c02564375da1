"""What the gateway takes, refuses and promises, over real sockets and with a real broker."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hmac
import socket
import time
from pathlib import Path

import pytest

from streamer.local.kafka import LocalKafka
from streamer.platforms.base import example
from streamer.platforms.raw_record import raw_of
from streamer.web.config import WebAccount
from tests.web.conftest import OLD_SECRET, SECRET, RunningGateway, create_topics, running_gateway, signed

ORDER = b'{"id": 7, "note": "\xc3\xbcber  spaces ", "id2": 1e5}'


def headers_of(record: object) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}  # type: ignore[attr-defined]


async def test_a_signed_order_is_on_its_topic_as_it_came_when_the_shop_hears_202(gateway: RunningGateway) -> None:
    status, body, headers = await gateway.post(ORDER, {**signed(ORDER), "X-Lamp-Topic": "orders/create"})
    assert (status, body, headers["X-Lamp"]) == (202, b"ok", "thanks")
    [record] = await gateway.records()
    assert (record.key, record.value) == (b"lamps/7", ORDER)
    kept = headers_of(record)
    assert kept["account"] == "lamps"
    assert kept["http-x-lamp-topic"] == "orders/create"
    assert kept["ce_type"] == gateway.topic
    assert kept["ce_source"] == "/hooks/lamps"
    assert kept["http-:method"] == "POST"
    assert kept["received-at"].endswith("+00:00")


async def test_the_id_of_a_delivery_is_the_shops_own_or_a_hash_of_its_bytes(gateway: RunningGateway) -> None:
    assert await gateway.deliver(ORDER, **{"X-Lamp-Delivery": "d-1"}) == 202
    assert await gateway.deliver(ORDER) == 202
    assert await gateway.deliver(ORDER) == 202
    ids = [headers_of(record)["ce_id"] for record in await gateway.records()]
    assert ids[0] == "d-1"
    assert ids[1] == ids[2] != ids[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Lamp-Signature": ""},
        {"X-Lamp-Signature": "AAAA"},
        {"X-Lamp-Signature": signed(ORDER)["X-Lamp-Signature"][:-4]},
        {"X-Lamp-Signature": signed(ORDER)["X-Lamp-Signature"].swapcase()},
        {"X-Lamp-Signature": "sha1=" + signed(ORDER)["X-Lamp-Signature"]},
        {"X-Lamp-Signature": "ünsigned\u2028"},
        signed(b"another body"),
        signed(ORDER, "the secret of another shop"),
        signed(ORDER.replace(b"  ", b" ")),
    ],
    ids=["none", "empty", "wrong", "cut", "case", "prefix", "not ascii", "other body", "other secret", "re-serialised"],
)
async def test_who_cannot_prove_who_he_is_hears_401_and_nothing_is_recorded(
    gateway: RunningGateway, headers: dict[str, str]
) -> None:
    status, body, _ = await gateway.post(ORDER, headers)
    assert status == 401
    assert b"secret" not in body
    assert await gateway.records() == []


async def test_two_signatures_are_none(gateway: RunningGateway) -> None:
    good = signed(ORDER)["X-Lamp-Signature"]
    head = f"POST /hooks/lamps HTTP/1.1\r\nHost: x\r\nContent-Length: {len(ORDER)}\r\n"
    head += f"X-Lamp-Signature: {good}\r\nX-Lamp-Signature: {good}\r\nConnection: close\r\n\r\n"
    assert b" 401 " in await talk(gateway.port, head.encode() + ORDER)


async def test_the_secret_before_a_rotation_still_holds(gateway: RunningGateway) -> None:
    status, _, _ = await gateway.post(ORDER, signed(ORDER, OLD_SECRET))
    assert status == 202


async def test_the_shop_may_ask_once_whether_the_address_is_ours(gateway: RunningGateway) -> None:
    assert b"\r\n\r\nhello" in await talk(gateway.port, b"GET /hooks/lamps?challenge=hello HTTP/1.0\r\n\r\n")
    assert b" 405 " in await talk(gateway.port, b"GET /hooks/lamps HTTP/1.0\r\n\r\n")


async def test_an_account_that_nobody_configured_is_not_found(gateway: RunningGateway) -> None:
    assert b" 404 " in await talk(gateway.port, b"POST /hooks/other HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    assert b" 404 " in await talk(
        gateway.port, b"POST /hooks/..%2flamps HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[" * 9_000,
        b'{"id": NaN}',
        b'{"id":1,"id":2}',
        b"\xef\xbb\xbf{}",
        b'{"id":"\\ud800"}',
        b"9" * 5000,
    ],
    ids=["empty", "text", "deep", "nan", "twice", "bom", "surrogate", "number"],
)
async def test_a_signed_body_that_makes_no_sense_is_recorded_and_not_judged(
    gateway: RunningGateway, body: bytes
) -> None:
    assert await gateway.deliver(body) == 202
    [record] = await gateway.records()
    assert (record.value or b"") == body
    assert record.key.startswith(b"lamps/")


async def test_one_byte_too_many_is_refused_with_and_without_a_length(gateway: RunningGateway) -> None:
    exact, too_long = b"x" * 10_000, b"x" * 10_001
    assert await gateway.deliver(exact) == 202
    assert await gateway.deliver(too_long) == 413

    async def chunks() -> object:
        for _ in range(11):
            yield b"x" * 1_000

    status, _, _ = await gateway.post(chunks(), signed(b"x" * 11_000))
    assert status == 413
    assert len(await gateway.records()) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip"])
async def test_compressed_bodies_are_refused_and_not_unpacked(gateway: RunningGateway, coding: str) -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    status, _, _ = await gateway.post(bomb, {**signed(bomb), "Content-Encoding": coding})
    assert status == 415
    assert await gateway.records() == []


async def test_no_secret_and_no_foreign_command_reaches_a_record_header(gateway: RunningGateway) -> None:
    foreign = {
        "Authorization": "Bearer marker-secret", "Cookie": "marker-secret", "Faust-Ag-ReplyTo": "commands",
        "X-Other": "marker-secret", "LiveCheck-Test-Id": "1",
    }  # fmt: skip
    assert await gateway.deliver(ORDER, **foreign) == 202
    [record] = await gateway.records()
    text = str(record.headers).lower()
    assert "marker-secret" not in text
    assert "faust" not in text
    assert "livecheck" not in text
    assert signed(ORDER)["X-Lamp-Signature"].lower() not in text


async def test_a_body_that_dribbles_and_a_head_that_never_ends_are_let_go(gateway: RunningGateway) -> None:
    slow_body = talk(gateway.port, b"POST /hooks/lamps HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
    assert b" 408 " in await asyncio.wait_for(slow_body, 5)
    begun = time.monotonic()
    await asyncio.wait_for(dribble(gateway.port), 8)
    assert time.monotonic() - begun < 6


async def test_a_thousand_idle_connections_do_not_keep_an_order_out(kafka_bootstrap: str, tmp_path: Path) -> None:
    async with running_gateway(kafka_bootstrap, tmp_path, idle_seconds=30.0) as gateway:
        await create_topics(kafka_bootstrap, {gateway.topic: {}})
        assert await gateway.deliver(ORDER) == 202
        idle = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(1_000)]
        begun = time.monotonic()
        assert await gateway.deliver(ORDER) == 202
        assert time.monotonic() - begun < 1.0
        for _, writer in idle:
            writer.close()


async def test_two_lengths_or_two_framings_are_refused(gateway: RunningGateway) -> None:
    both = b"POST /hooks/lamps HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    twice = b"POST /hooks/lamps HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"
    assert b" 400 " in await talk(gateway.port, both)
    assert b" 400 " in await talk(gateway.port, twice)
    assert await gateway.records() == []


async def test_without_kafka_the_shop_hears_503_and_when_to_come_again(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with running_gateway(f"127.0.0.1:{nobody.getsockname()[1]}", tmp_path) as gateway:
            begun = time.monotonic()
            status, _, headers = await gateway.post(ORDER, signed(ORDER))
            assert (status, headers["Retry-After"]) == (503, "5")
            assert time.monotonic() - begun < 4.0


async def test_orders_come_through_again_once_kafka_is_back(tmp_path: Path) -> None:
    with LocalKafka(tmp_path / "kafka", heap_mb=256) as kafka:
        async with running_gateway(kafka.bootstrap, tmp_path) as gateway:
            await create_topics(kafka.bootstrap, {gateway.topic: {}})
            assert await gateway.deliver(ORDER) == 202
            kafka.wanted_port = kafka.port
            await asyncio.to_thread(kafka.kill)
            assert await gateway.deliver(ORDER) == 503
            await asyncio.to_thread(kafka.start)
            statuses: list[int] = []
            while not statuses or (statuses[-1] != 202 and len(statuses) < 10):
                statuses.append(await gateway.deliver(ORDER))
            assert statuses[-1] == 202


async def talk(port: int, request: bytes) -> bytes:
    """Sends bytes as they are and reads until the server closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = b""
    try:
        while chunk := await asyncio.wait_for(reader.read(65536), 3):
            answer += chunk
    except TimeoutError:
        pass
    finally:
        writer.close()
    return answer


async def dribble(port: int) -> None:
    """A head that comes one letter at a time; returns when the server has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"POST /hooks/lamps HTTP/1.1\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            try:
                await asyncio.wait_for(reader.read(1), 0.2)
            except TimeoutError:
                continue
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_a_body_that_kafka_finds_too_large_does_not_keep_the_next_one_out(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    async with running_gateway(kafka_bootstrap, tmp_path, max_body_bytes=100_000) as gateway:
        await create_topics(kafka_bootstrap, {gateway.topic: {"max.message.bytes": "20000"}}, partitions=1)
        assert await gateway.deliver(ORDER) == 202
        assert await gateway.deliver(b"x" * 50_000) == 413
        assert await gateway.deliver(ORDER) == 202
        assert [record.value for record in await gateway.records()] == [ORDER, ORDER]


async def test_an_order_of_a_shop_by_its_own_adapter(kafka_bootstrap: str, tmp_path: Path) -> None:
    shopify = example("shopify", {"webhook_secret": SECRET})
    body = b'{"id": 820982911946154508, "line_items": []}'
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, "sha256").digest()).decode()
    account = WebAccount("main-shop", f"shopify{tmp_path.stat().st_ino}", shopify)
    async with running_gateway(kafka_bootstrap, tmp_path, accounts={"main-shop": account}) as gateway:
        gateway.account, gateway.topic = "main-shop", f"raw.{account.platform}"
        await create_topics(kafka_bootstrap, {gateway.topic: {}})
        headers = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": "orders/create"}
        status, answer, _ = await gateway.post(body, headers)
        assert (status, answer) == (200, b"")
        [record] = await gateway.records()
        assert record.value == body
        assert record.key.startswith(b"main-shop/")
        assert dict(record.headers)["http-x-shopify-topic"] == b"orders/create"
        assert "hmac" not in str(record.headers).lower()
        raw = raw_of(record.value, record.headers, account="main-shop", timestamp_ms=record.timestamp)
        assert raw.header("X-Shopify-Topic") == "orders/create"
