"""A web process in a thread of its own, over a shop's records, as a browser meets it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiokafka import AIOKafkaProducer
from argon2 import PasswordHasher

from streamer.web.app import WebProcess
from streamer.web.config import WebConfig
from streamer.web.console.read_model import Reader
from streamer.web.rights import Role
from streamer.web.users import User, Users
from tests.web.conftest import create_topics, records_of
from tests.web.shop import Sent, Topics

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # tests of pages, not of argon2
PEOPLE = {
    "anna": (Role.MANAGER, Role.OPERATOR),
    "vera": (Role.VIEWER,),
    "bert": (Role.BUYER,),
}
LOGS = ("purchasing", "commands", "stock", "orders", "raw.lampshop")


def password(name: str) -> str:
    return f"password of {name}"


class RunningConsole:
    """`with RunningConsole(bootstrap, data_dir, records) as console:`; `console.url` answers until the block ends."""

    def __init__(self, bootstrap: str, data_dir: Path, records: Sequence[Sent], **config: Any) -> None:
        self.bootstrap = bootstrap
        self.data_dir = data_dir
        self.topics = Topics("streamer")
        self._records = records
        self._config = config
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await create_topics(self.bootstrap, {topic: {} for topic in (*self.topics.sources, *LOGS)})
            await self.send(self._records)
            users = Users(
                {name: User(name, roles, CHEAP.hash(password(name))) for name, roles in PEOPLE.items()}, CHEAP
            )
            config = WebConfig(
                self.bootstrap,
                self.data_dir,
                port=0,
                users=PEOPLE,
                suppliers={"BOSCH": "Bosch Automotive"},
                company="Berg Motors",
                **self._config,
            )
            async with WebProcess(config, users) as web_process:
                self.url = f"http://127.0.0.1:{web_process.port}"
                await asyncio.to_thread(self.wait_until_read, len(self._records))
                self._ready.set()
                await self._stop.wait()
        except BaseException as error:
            self._error = error
            self._ready.set()
            raise

    def wait_until_read(self, records: int) -> None:
        """Waits until the console has read so many records in all."""
        reader = Reader(self.data_dir)
        end = time.monotonic() + 30
        while (reader.number("SELECT sum(next_offset) FROM position") or 0) < records:
            assert time.monotonic() < end
            time.sleep(0.05)
        reader.close()

    async def send(self, records: Sequence[Sent]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, enable_idempotence=True)
        await producer.start()
        try:
            for record in records:
                await producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))
            await producer.flush()
        finally:
            await producer.stop()

    async def records(self, topic: str) -> list[Any]:
        return await records_of(self.bootstrap, topic)


class Person:
    """Somebody with a browser that runs no script."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept": "text/html"})
        self.page = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def get(self, path: str, **more: Any) -> int:
        async with self.session.get(self.url + path, **more) as answer:
            self.page = await answer.text()
            self.headers = answer.headers
            self.path = answer.url.path
            return answer.status

    async def post(self, path: str, form: dict[str, str], *, origin: str | None = "", **more: Any) -> int:
        headers = {} if origin is None else {"Origin": origin or self.url}
        async with self.session.post(self.url + path, data=form, headers=headers, **more) as answer:
            self.page = await answer.text()
            self.headers = answer.headers
            self.path = answer.url.path
            return answer.status

    async def log_in(self, name: str, word: str | None = None, after: str = "/") -> int:
        await self.get("/login")
        form = {"name": name, "password": word or password(name), "csrf": self.field("csrf"), "next": after}
        return await self.post("/login", form)

    def field(self, name: str, after: str = "") -> str:
        """The value of a form's field, the first one behind the text `after`."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page[self.page.index(after) :])
        assert found is not None, f"no field {name} on {self.path}"
        return found.group(1)

    def form(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that goes to `action`."""
        start = self.page.index(f'action="{action}"')
        part = self.page[start : self.page.index("</form>", start)]
        return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', part))
