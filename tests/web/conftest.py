"""A real broker, real sockets, and a platform that exists only here (the one thing that is not ours)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from streamer.local.kafka import LocalKafka
from streamer.platforms.settings import AccountSettings
from streamer.platforms.signatures import Hmac
from streamer.platforms.wire import Raw, Response
from streamer.web.config import WebAccount, WebConfig
from streamer.web.gateway import Gateway
from streamer.web.outbox import Outbox
from streamer.web.server import listen, runner_of

SECRET = "a secret of the shop"
OLD_SECRET = "the secret before"


class LampShop:
    """A shop platform that signs with HMAC-SHA256 in base64 and asks once by GET whether the address is ours."""

    reads_headers = ("X-Lamp-Topic", "Authorization", "Cookie", "Faust-Ag-ReplyTo")
    delivery_header = "X-Lamp-Delivery"
    signature = Hmac(header="X-Lamp-Signature", encoding="base64")

    def __init__(self) -> None:
        self.settings = AccountSettings.model_construct(
            name="lamps",
            platform="lampshop",
            webhook_secret=SecretStr(SECRET),
            webhook_secret_previous=SecretStr(OLD_SECRET),
        )

    def verify(self, raw: Raw, at: datetime) -> None:
        self.signature.check(raw, self.settings, at)

    def challenge(self, raw: Raw) -> Response | None:
        return Response(200, {}, raw.query["challenge"].encode()) if "challenge" in raw.query else None

    def respond(self, raw: Raw) -> Response:
        return Response(202, {"X-Lamp": "thanks"}, b"ok")

    def object_key(self, raw: Raw) -> str:
        return str(orjson.loads(raw.body)["id"])


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Headers of a delivery that the shop signed."""
    return {"X-Lamp-Signature": LampShop.signature.sign(Raw(body=body), secret)}


async def create_topics(bootstrap: str, topics: dict[str, dict[str, str]], partitions: int = 2) -> None:
    """Makes topics that are not there yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = {name: config for name, config in topics.items() if name not in there}
        new = [NewTopic(name, partitions, 1, topic_configs=config) for name, config in missing.items()]
        if new:
            await admin.create_topics(new)
    finally:
        await admin.close()


async def records_of(bootstrap: str, topic: str) -> list[Any]:
    """All that stands on a topic now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        while not (numbers := consumer.partitions_for_topic(topic)):
            await consumer._client.force_metadata_update()  # just made: the broker may not yet tell
            await asyncio.sleep(0.05)
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition, first in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(partition, first)  # seek_to_beginning loses against the look-up that `assign` has begun
        records: list[Any] = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records.extend(batch)
        return records
    finally:
        await consumer.stop()


class RunningGateway:
    """A gateway that listens: its address, its account and its topic."""

    def __init__(self, url: str, port: int, account: str, topic: str, bootstrap: str) -> None:
        self.url, self.port, self.account, self.topic, self.bootstrap = url, port, account, topic, bootstrap

    async def post(self, body: Any, headers: dict[str, str] | None = None, **more: Any) -> tuple[int, bytes, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/hooks/{self.account}", data=body, headers=headers, **more) as answer,
        ):
            return answer.status, await answer.read(), answer.headers

    async def deliver(self, body: bytes, **headers: str) -> int:
        status, _, _ = await self.post(body, {**signed(body), **headers})
        return status

    async def records(self) -> list[Any]:
        return await records_of(self.bootstrap, self.topic)


@asynccontextmanager
async def running_gateway(bootstrap: str, data_dir: Path, **changes: Any) -> AsyncIterator[RunningGateway]:
    platform = "p" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    account = WebAccount("lamps", platform, LampShop())
    config = WebConfig(bootstrap, data_dir, **{"accounts": {"lamps": account}, **changes})
    outbox = Outbox(bootstrap, deadline_seconds=3.0, retry_seconds=0.2)
    app = web.Application(client_max_size=config.max_body_bytes)
    app.add_routes(Gateway(config, outbox).routes())
    runner = runner_of(app, config)
    await outbox.start()
    port = await listen(runner, "127.0.0.1", 0)
    try:
        yield RunningGateway(f"http://127.0.0.1:{port}", port, "lamps", f"raw.{platform}", bootstrap)
    finally:
        await runner.cleanup()
        await outbox.close()


@pytest.fixture
async def gateway(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway with small limits before a real broker."""
    async with running_gateway(
        kafka_bootstrap, tmp_path, max_body_bytes=10_000, body_seconds=0.7, idle_seconds=1.0
    ) as running:
        await create_topics(kafka_bootstrap, {running.topic: {}})
        yield running


@pytest.fixture(scope="module")
def console_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker for one module: the console reads topics whose names are fixed."""
    with LocalKafka(tmp_path_factory.mktemp("kafka"), heap_mb=256) as kafka:
        yield kafka.bootstrap
