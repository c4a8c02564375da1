"""`streamer send`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import Result

from streamer.commands.send import record
from streamer.errors import Malformed, Refused

LEVEL = (
    b'{"account": "main-shop", "platform": "shopify", "location": "NORTHGATE", "sku": "BRK-2041", "level": "4",'
    b' "counts": "available", "as_of": "2026-11-02T09:14:05Z"}'
)


def make_topic(bootstrap: str, name: str) -> None:
    async def create() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(name, 1, 1)])
        while name not in await admin.list_topics():
            await asyncio.sleep(0.05)
        await admin.close()

    asyncio.run(create())


def first_records(bootstrap: str, topic: str, count: int) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    async def read() -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
            consumer.assign([TopicPartition(topic, 0)])
            got = [await consumer.getone() for _ in range(count)]
        return [(one.key, one.value, dict(one.headers)) for one in got]

    return asyncio.run(read())


def test_a_file_arrives_as_it_is_with_key_and_headers(
    kafka_bootstrap: str,
    topic_name: Callable[[str], str],
    settings_file: Callable[..., Path],
    streamer: Callable[..., Result],
    tmp_path: Path,
) -> None:
    settings_file(kafka_bootstrap)
    topic = topic_name("raw")
    make_topic(kafka_bootstrap, topic)
    body = tmp_path / "order.json"
    body.write_bytes(b'{"id": 1}\r\n\xff')
    done = streamer("send", topic, str(body), "--key", "main-shop", "--header", "http-x-shopify-topic=orders/create")
    assert done.exit_code == 0, done.exception
    assert f"1 sent to {topic}; the last is partition 0, offset 0." in done.stdout
    assert first_records(kafka_bootstrap, topic, 1) == [
        (b"main-shop", b'{"id": 1}\r\n\xff', {"http-x-shopify-topic": b"orders/create"})
    ]


def test_each_line_of_standard_input_may_be_a_record(
    kafka_bootstrap: str,
    topic_name: Callable[[str], str],
    settings_file: Callable[..., Path],
    streamer: Callable[..., Result],
) -> None:
    settings_file(kafka_bootstrap)
    topic = topic_name("lines")
    make_topic(kafka_bootstrap, topic)
    assert streamer("send", topic, "-", "--lines", stdin=b"one\n\ntwo\n").exit_code == 0
    assert [value for _, value, _ in first_records(kafka_bootstrap, topic, 2)] == [b"one", b"two"]


def test_a_topic_that_does_not_exist_is_refused(
    kafka_bootstrap: str, settings_file: Callable[..., Path], streamer: Callable[..., Result]
) -> None:
    settings_file(kafka_bootstrap)
    done = streamer("send", "raw.shoppify", "-", stdin=b"{}")
    assert isinstance(done.exception, Refused)
    assert "There is no topic raw.shoppify" in str(done.exception)


def test_a_message_gets_its_own_key_and_headers() -> None:
    made = record("stock", LEVEL, key=None, given=(("note", b"by hand"),), message_type="stock-level")
    assert made.key == b"NORTHGATE/BRK-2041"
    headers = dict(made.headers)
    assert (headers["ce_type"], headers["note"]) == (b"stock-level", b"by hand")


def test_what_is_no_such_message_names_the_field() -> None:
    with pytest.raises(Malformed, match="level: Field required"):
        record("stock", LEVEL.replace(b'"level": "4",', b""), key=None, given=(), message_type="stock-level")
    with pytest.raises(Malformed, match="there is no message 'stock-lvl'"):
        record("stock", LEVEL, key=None, given=(), message_type="stock-lvl")


def test_a_message_on_the_wrong_topic_is_refused_unless_the_key_is_given() -> None:
    with pytest.raises(Refused, match="stock-level does not go to orders"):
        record("orders", LEVEL, key=None, given=(), message_type="stock-level")
    assert record("orders", LEVEL, key="k", given=(), message_type="stock-level").key == b"k"
