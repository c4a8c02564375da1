"""Where calls keep what must outlive the process: in rows of the ledger, as ciphertext.

A value is in the log `commands` before the call that keeps it goes on. The first question about an account after an
assignment waits until all that an earlier owner wrote for it has been folded: else a rotated token might be missed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streamer.domain.dispatch_rows import SecretRow, read_row, secret_key
from streamer.domain.times import in_ms
from streamer.engine.fold import Output
from streamer.errors import NotSent
from streamer.messages.commands import SecretKept
from streamer.pipeline.message_fold import outputs_of

log = structlog.get_logger()

PROBE = "probe"  # name of the value by which an owner sees that it has folded all that was written before
PROBE_SECONDS = 10.0
NONCE_BYTES = 12


class Sealer:
    """Seals texts with a key made of a secret that the processes share (AES-256-GCM). The place is sealed in, too."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=b"streamer: secrets of accounts").derive(secret.encode())
        self._cipher = AESGCM(key)

    def seal(self, account: str, name: str, text: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        return (nonce + self._cipher.encrypt(nonce, text.encode(), f"{account}/{name}".encode())).hex()

    def open(self, account: str, name: str, sealed: str) -> str | None:
        """None for what was sealed with another secret, or for another place."""
        try:
            content = bytes.fromhex(sealed)
            place = f"{account}/{name}".encode()
            return self._cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], place).decode()
        except (InvalidTag, ValueError):
            return None


class LedgerKeeper:
    """The runner's `Keeper` in a worker. `read` gives the stored row of a key; raises NotSent when it is not here."""

    def __init__(
        self,
        sealer: Sealer,
        send: Callable[[list[Output]], Awaitable[None]],
        read: Callable[[str, str], bytes | None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sealer = sealer
        self._send = send
        self._read = read
        self._clock = clock
        self._fresh: dict[tuple[str, str], tuple[str | None, datetime | None]] = {}
        self._current: dict[str, asyncio.Task[None]] = {}

    def forget(self) -> None:
        """Partitions were revoked: others may write now, and only rows count."""
        self._fresh.clear()
        self._current.clear()

    async def recall(self, account: str, name: str) -> str | None:
        """Raises NotSent while the account's rows are not here, or not yet up to date."""
        await self._be_current(account)
        if (account, name) in self._fresh:
            text, expires = self._fresh[account, name]
            return None if expires is not None and self._clock() >= expires else text
        row = self._row(account, name)
        if row is None or row.sealed is None:
            return None
        if row.expires_ms is not None and in_ms(self._clock()) >= row.expires_ms:
            return None
        text = self._sealer.open(account, name, row.sealed)
        if text is None:
            log.error("a kept secret cannot be opened: was the token that the processes share changed?",
                      account=account, name=name)  # fmt: skip
        return text

    async def keep(self, account: str, name: str, value: str | None, expires_in_seconds: float | None) -> None:
        """Returns when Kafka has it."""
        now = self._clock()
        expires = None if expires_in_seconds is None else now + timedelta(seconds=expires_in_seconds)
        await self._write(account, name, value, expires, now)
        self._fresh[account, name] = (value, expires)

    async def _write(self, account: str, name: str, value: str | None, expires: datetime | None, now: datetime) -> None:
        sealed = None if value is None else self._sealer.seal(account, name, value)
        kept = SecretKept(account=account, name=name, sealed=sealed, expires_at=expires, at=now)
        await self._send(outputs_of([kept]))

    def _row(self, account: str, name: str) -> SecretRow | None:
        key = secret_key(account, name)
        stored = self._read(account, key)
        row = read_row(key, stored) if stored is not None else None
        return row if isinstance(row, SecretRow) else None

    async def _be_current(self, account: str) -> None:
        task = self._current.get(account)
        if task is None or (task.done() and task.exception() is not None):
            task = self._current[account] = asyncio.get_running_loop().create_task(self._probe(account))
        await asyncio.shield(task)

    async def _probe(self, account: str) -> None:
        """Writes a mark to the log and waits until it is in its row: then everything before it is, too."""
        mark, now = secrets.token_hex(8), self._clock()
        await self._write(account, PROBE, mark, now + timedelta(seconds=PROBE_SECONDS), now)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                while True:
                    row = self._row(account, PROBE)
                    if row is not None and row.sealed and self._sealer.open(account, PROBE, row.sealed) == mark:
                        return
                    await asyncio.sleep(0.01)
        except TimeoutError as error:
            raise NotSent(f"what was kept for {account} is not up to date yet") from error
