"""The supplier as a whole: its servers, its book, and how it moves an order on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from aiosmtpd.smtp import SMTP

from streamer.local.supplier.answers import reply_mail, signature, webhook
from streamer.local.supplier.book import Book, Entry
from streamer.local.supplier.faults import Faults
from streamer.local.supplier.mailbox import Mailbox
from streamer.local.supplier.orders_http import OrdersByHttp
from streamer.local.supplier.orders_mail import OrdersByMail

log = logging.getLogger("streamer.local.supplier")

RECEIVING_SERVER = "mx.parts.example"
PROMISED_DAYS = 3
WEBHOOK_TRIES = 20


class LocalSupplier:
    """Answers each order after `answer_after_seconds`; with None only when `confirm` is called. Loopback only."""

    def __init__(
        self,
        folder: Path,
        *,
        token: str,
        webhook_secret: str,
        webhook_url: str | None = None,
        mailbox_user: str = "purchasing",
        mailbox_password: str = "purchasing",  # noqa: S107 - of a mailbox that lives in this process
        idempotent: bool = False,
        answer_after_seconds: float | None = 1.0,
        deliver_after_seconds: float | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.webhook_url = webhook_url
        self.faults = faults or Faults()
        self.book = Book(folder / "book.jsonl")
        self.mailbox = Mailbox(mailbox_user, mailbox_password)
        self.http_port = self.smtp_port = self.imap_port = 0
        self._secret = webhook_secret
        self._answer_after_seconds = answer_after_seconds
        self._deliver_after_seconds = deliver_after_seconds
        self._http = OrdersByHttp(self.book, self.faults, token=token, idempotent=idempotent, on_order=self._ordered)
        self.mail = OrdersByMail(self.book, self.faults, on_order=self._ordered)
        self._runner: web.AppRunner | None = None
        self._smtp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, *, http_port: int = 0, smtp_port: int = 0, imap_port: int = 0) -> None:
        """Listens; afterwards the ports are known."""
        self._runner = web.AppRunner(self._http.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", http_port)
        await site.start()
        self.http_port = self._runner.addresses[0][1]
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(
            lambda: SMTP(self.mail, hostname="suppliers.example", enable_SMTPUTF8=False), "127.0.0.1", smtp_port
        )
        self.smtp_port = self._smtp.sockets[0].getsockname()[1]
        self.imap_port = await self.mailbox.start(imap_port)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.mail.closing.set()
        if self._smtp is not None:
            self._smtp.close()
        await self.mailbox.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    def _ordered(self, entry: Entry) -> None:
        if self._answer_after_seconds is not None:
            self._spawn(self._move_on(entry))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _move_on(self, entry: Entry) -> None:
        await asyncio.sleep(self._answer_after_seconds or 0)
        await self.confirm(entry.reference)
        if self._deliver_after_seconds is not None:
            await asyncio.sleep(self._deliver_after_seconds)
            await self.ship(entry.reference)
            await self.deliver(entry.reference)

    # ---- what happens to an order

    async def confirm(self, reference: str, promised_date: str | None = None) -> None:
        """Accepts it with a date, by the way it came."""
        promised = promised_date or (datetime.now(UTC) + timedelta(days=PROMISED_DAYS)).date().isoformat()
        await self._tell(self._entry(reference), "confirmed", promised)

    async def ship(self, reference: str) -> None:
        await self._tell(self._entry(reference), "shipped", None)

    async def deliver(self, reference: str) -> None:
        await self._tell(self._entry(reference), "delivered", None)

    def _entry(self, reference: str) -> Entry:
        entry = self.book.find(reference)
        if entry is None:
            raise LookupError(f"no order {reference} in the supplier's book")
        return entry

    async def _tell(self, entry: Entry, state: str, promised_date: str | None) -> None:
        entry.state = state
        entry.sequence += 1
        self.book.write(entry)
        now = datetime.now(UTC)
        if entry.by == "http":
            await self._send_webhook(webhook(entry, state, promised_date=promised_date, now=now))
        elif state == "confirmed":  # by mail only orders are confirmed; what follows is seen when it arrives
            self.mailbox.deliver(
                reply_mail(entry, promised_date=promised_date or "", receiving_server=RECEIVING_SERVER, now=now)
            )

    async def _send_webhook(self, body: bytes) -> None:
        if self.webhook_url is None:
            return
        headers = {"Content-Type": "application/json", "X-Supplier-Signature": signature(body, self._secret)}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            for number in range(WEBHOOK_TRIES):
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.post(self.webhook_url, data=body, headers=headers) as response:
                        if response.status < 300:
                            return
                        log.info("the webhook was answered %s", response.status)
                await asyncio.sleep(min(5.0, 0.2 * 2**number))
