"""The whole product as its own processes: Kafka, worker and web as `streamer up` starts them, and the world outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamer import settings as configuration
from streamer.app import build_accounts
from streamer.commands.connection import platforms_in_use
from streamer.commands.web import web_config
from streamer.local.erp import LocalErp
from streamer.local.kafka import LocalKafka, free_port
from streamer.local.stand_ins import StandIns
from streamer.local.supervisor import Supervised
from streamer.local.supplier import LocalSupplier
from streamer.pipeline.applying import apply
from streamer.topics import create_missing, expected
from streamer.web.users import load_users
from tests.story.witness import Witness
from tests.web.running import Person

ROOT = Path(__file__).parents[2]
SHOP_SECRET = "a secret of the shop, made up"
SUPPLIER_SECRET = "a secret of the depot, made up"
SUPPLIER_TOKEN = "a token of the depot, made up"
ERP_TOKEN = "a token of the ERP, made up"
ERP_SECRET = "a webhook secret of the ERP, made up"
MAILBOX_PASSWORD = "a password of the mailbox, made up"
MARKED = (SHOP_SECRET, SUPPLIER_SECRET, SUPPLIER_TOKEN, MAILBOX_PASSWORD, "shop-token-made-up", "worker-token-made-up")
"""Texts that must stand in no log, topic, metric or page."""

Settings = Mapping[str, str]
"""Text of the example settings -> what stands in its place."""


class Product:
    """What is running, how to reach it, and what stands in Kafka."""

    def __init__(self, folder: Path, kafka: LocalKafka, environ: dict[str, str]) -> None:
        self.folder = folder
        self.kafka = kafka
        self.environ = environ
        self.supplier: LocalSupplier
        self.erp: LocalErp
        self.stand_ins: StandIns
        self.witness: Witness
        self.producer: AIOKafkaProducer
        self.session: aiohttp.ClientSession
        self.workers: list[Supervised] = []
        self.web: Supervised
        self.url = ""
        self.passwords: dict[str, str] = {}
        self.ended: list[tuple[str, int]] = []

    @property
    def worker(self) -> Supervised:
        return self.workers[0]

    def supervised(self, name: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Supervised:
        """A process under supervision that is not started yet."""
        return Supervised(
            name,
            [sys.executable, "-m", "streamer", *arguments],
            log=self.log_of(name),
            environ={**self.environ, **(environ or {})},
            on_end=lambda name, code: self.ended.append((name, code)),
        )

    def new_worker(self, name: str) -> Supervised:
        return self.supervised(name, "worker", "--name", name, "--view-port", self.environ[f"VIEW_PORT_{name}"])

    def log_of(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    async def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
        """A command of `streamer` to its end: its exit code and all it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streamer", *arguments),
            env={**self.environ, **(environ or {})},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, said.decode()

    async def ready(self, within_seconds: float = 60.0) -> None:
        """Waits until webhooks are taken and some worker has all its rows."""

        async def take() -> bool:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self.session.get(f"{self.url}/health/ready") as answer:
                    return answer.status == 200
            return False

        deadline = asyncio.get_running_loop().time() + within_seconds
        while not (await take() and any(self.is_ready(worker) for worker in self.workers)):
            if asyncio.get_running_loop().time() > deadline:
                logs = "\n".join(self.log_of(name).read_text()[-2000:] for name in ("worker-1", "web"))
                raise AssertionError(f"not ready after {within_seconds:.0f} s:\n{logs}")
            await asyncio.sleep(0.1)

    def is_ready(self, worker: Supervised) -> bool:
        """Whether the worker that runs now has said so."""
        log = self.log_of(worker.name)
        return worker.pid is not None and log.exists() and f'"pid":{worker.pid}' in log.read_text().replace(" ", "")

    async def restart_worker(self, while_away: Callable[[], Awaitable[None]] | None = None) -> None:
        """Stops the first worker in order and starts it anew; `while_away` happens in between."""
        await self.worker.stop()
        if while_away is not None:
            await while_away()
        self.workers[0] = self.new_worker(self.worker.name)
        self.worker.start()
        await self.ready()

    async def post(self, account: str, body: bytes, headers: Mapping[str, str]) -> int:
        """A webhook; tried again as platforms do while the gateway is away or says 503. The last status."""
        for number in range(60):
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self.session.post(f"{self.url}/hooks/{account}", data=body, headers=headers) as answer:
                    if answer.status != 503:
                        return answer.status
            await asyncio.sleep(min(2.0, 0.2 * (number + 1)))
        return 503

    async def produce(self, topic: str, value: bytes, key: str | None = None, **headers: str) -> None:
        """As any Kafka producer does."""
        sent = [(name, text.encode()) for name, text in headers.items()]
        for _ in range(60):
            with contextlib.suppress(KafkaError):
                await self.producer.send_and_wait(topic, value, key=key.encode() if key else None, headers=sent)
                return
            await asyncio.sleep(1.0)
        raise AssertionError(f"nothing could be written to {topic} for a minute")

    @asynccontextmanager
    async def person(self, name: str = "admin") -> AsyncIterator[Person]:
        """Somebody who has logged in to the console."""
        async with Person(self.url) as person:
            assert await person.log_in(name, self.passwords[name]) == 200
            yield person

    async def eventually(self, look: Any, what: str, within_seconds: float = 15.0) -> Any:
        """What the coroutine function `look` gives as soon as it is true."""
        deadline = asyncio.get_running_loop().time() + within_seconds
        while not (found := await look()):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not within {within_seconds:.0f} s: {what}")
            await asyncio.sleep(0.1)
        return found


@asynccontextmanager
async def running(
    folder: Path,
    *,
    workers: int = 1,
    changes: Settings | None = None,
    shop_secret: str = SHOP_SECRET,
) -> AsyncIterator[Product]:
    """The sample shop of `streamer.example.toml` on free ports, without its feed; all of it stops with the block.

    The supplier answers only when a test lets it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        kafka = LocalKafka(folder / "kafka", port=free_port(), heap_mb=256)
        await kafka.start_async()
        stack.push_async_callback(kafka.stop_async)
        product = Product(folder, kafka, _environ(folder, kafka.bootstrap, shop_secret, workers))
        web_port = free_port()
        product.url = f"http://127.0.0.1:{web_port}"
        await _outside(product, stack)
        _write_settings(product, web_port, changes or {})
        product.session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        )
        await _prepare(product, stack)
        product.workers = [product.new_worker(f"worker-{number}") for number in range(1, workers + 1)]
        product.web = product.supervised("web", "web")
        for process in (*product.workers, product.web):
            process.start()
        stack.push_async_callback(_stop, product)
        await product.ready()
        yield product


async def _stop(product: Product) -> None:
    await asyncio.gather(*(process.stop() for process in (*product.workers, product.web)))
    if not product.ended:
        for worker in product.workers:
            assert '"critical"' not in product.log_of(worker.name).read_text(), f"{worker.name} did not end in order"


def _environ(folder: Path, bootstrap: str, shop_secret: str, workers: int) -> dict[str, str]:
    ports = {f"worker-{number}": str(free_port()) for number in range(1, workers + 5)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STREAMER_")}
    return clean | {
        "PYTHONPATH": str(ROOT),
        "STREAMER_SETTINGS": str(folder / "streamer.toml"),
        "STREAMER_DATA_DIR": str(folder / "data"),
        "STREAMER_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "STREAMER_MAIN_SHOP_WEBHOOK_SECRET": shop_secret,
        "STREAMER_MAIN_SHOP_ACCESS_TOKEN": "shop-token-made-up",
        "STREAMER_BRAKE_DEPOT_WEBHOOK_SECRET": SUPPLIER_SECRET,
        "STREAMER_BRAKE_DEPOT_TOKEN": SUPPLIER_TOKEN,
        "STREAMER_PURCHASING_MAIL_IMAP_PASSWORD": MAILBOX_PASSWORD,
        "STREAMER_ERP_TOKEN": ERP_TOKEN,
        "STREAMER_ERP_WEBHOOK_SECRET": ERP_SECRET,
        "STREAMER_WORKER_TOKEN": "worker-token-made-up",
        "STREAMER_WORKER_URLS": " ".join(f"http://127.0.0.1:{port}" for port in ports.values()),
        **{f"VIEW_PORT_{name}": port for name, port in ports.items()},
    }


async def _outside(product: Product, stack: contextlib.AsyncExitStack) -> None:
    product.supplier = LocalSupplier(
        product.folder / "supplier",
        token=SUPPLIER_TOKEN,
        webhook_secret=SUPPLIER_SECRET,
        webhook_url=f"{product.url}/hooks/brake-depot",
        mailbox_password=MAILBOX_PASSWORD,
        answer_after_seconds=None,
    )
    await product.supplier.start()
    stack.push_async_callback(product.supplier.stop)
    product.erp = LocalErp(
        product.folder / "erp", token=ERP_TOKEN, webhook_url=f"{product.url}/hooks/erp", webhook_secret=ERP_SECRET
    )
    await product.erp.start()
    stack.push_async_callback(product.erp.stop)
    product.stand_ins = StandIns()
    await product.stand_ins.start()
    stack.push_async_callback(product.stand_ins.stop)


def _write_settings(product: Product, web_port: int, changes: Settings) -> None:
    """The example with other ports, and as quick as a test wants it: polls each second, short time-outs."""
    supplier = product.supplier
    replaced = {
        "127.0.0.1:8090": f"127.0.0.1:{product.stand_ins.port}",
        "127.0.0.1:8091": f"127.0.0.1:{supplier.http_port}",
        "127.0.0.1:8092": f"127.0.0.1:{product.erp.port}",
        "127.0.0.1:8025": f"127.0.0.1:{supplier.smtp_port}",
        "127.0.0.1:8143": f"127.0.0.1:{supplier.imap_port}",
        "port = 8080": f"port = {web_port}\n\n[worker]\nsession_timeout_seconds = 6.0",
        "polls = { mailbox = 3.0 }": "polls = { mailbox = 1.0 }\nrequest_timeout_seconds = 5.0",
        'platform = "shopify"': 'platform = "shopify"\ncalls_per_second = 100.0',
        'platform = "local_supplier"': 'platform = "local_supplier"\nrequest_timeout_seconds = 3.0',
        **changes,
    }
    text = (ROOT / "streamer.example.toml").read_text()
    for old, new in replaced.items():
        assert old in text, f"the example settings have no {old}"
        text = text.replace(old, new)
    (product.folder / "streamer.toml").write_text(text)


async def _prepare(product: Product, stack: contextlib.AsyncExitStack) -> None:
    """Topics, settings, passwords: what `streamer up` does before it starts its processes."""
    bootstrap = product.kafka.bootstrap
    with mock.patch.dict(os.environ, product.environ):
        settings = configuration.load()
        accounts = build_accounts(settings)
        config = web_config(settings)
    topics = expected(settings.kafka, platforms_in_use(settings))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await create_missing(admin, topics)
    finally:
        await admin.close()

    await apply(settings, accounts, bootstrap)
    _, product.passwords = load_users(config.data_dir, config.users)
    product.producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await product.producer.start()
    stack.push_async_callback(product.producer.stop)
    product.witness = await stack.enter_async_context(
        Witness(bootstrap, ((topic.name, topic.partitions) for topic in topics))
    )


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def field_of(page: str, name: str) -> str:
    """A hidden field's value on a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found[1]
