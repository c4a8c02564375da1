"""The web process's way into Kafka: an idempotent producer whose acknowledgement is awaited, but not for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IllegalOperation,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)

from streamer.errors import Refused, Unavailable

log = logging.getLogger(__name__)

LARGEST_RECORD_BYTES = 4 * 1024 * 1024
RENEW_AFTER_SECONDS = 60.0  # aiokafka issue 1017: an idempotent producer may hang until it is made anew
SPENT = (
    IllegalOperation,
    InvalidProducerEpoch,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)


class Outbox:
    """Sends records, acknowledged by all in-sync replicas. Kafka may be away at the start and come back at any time."""

    def __init__(self, bootstrap_servers: str, *, deadline_seconds: float = 3.0, retry_seconds: float = 1.0) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.deadline_seconds = deadline_seconds
        self.retry_seconds = retry_seconds
        self._producer: AIOKafkaProducer | None = None
        self._connected = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self._failing_since: float | None = None

    async def start(self) -> None:
        """Begins to connect; does not wait for it."""
        self._connecting = asyncio.create_task(self._connect())

    async def close(self) -> None:
        """Lets go of Kafka; what was not acknowledged by then was never promised."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        await self._drop()

    @property
    def ready(self) -> bool:
        """Whether the last attempt to reach Kafka succeeded."""
        return self._connected.is_set() and self._failing_since is None

    async def send(
        self, topic: str, key: str | bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Returns once Kafka has acknowledged the record.

        Raises Unavailable when it did not within the deadline (it may still arrive), Refused when it is too large.
        """
        key_bytes = key.encode() if isinstance(key, str) else key
        try:
            async with asyncio.timeout(self.deadline_seconds):
                try:
                    await self._send(topic, key_bytes, value, headers)
                except SPENT:  # nothing was written: the broker refused the producer, not the record
                    await self._send(topic, key_bytes, value, headers)
        except MessageSizeTooLargeError as error:
            raise Refused("the record is larger than Kafka takes", status=413) from error
        except (TimeoutError, KafkaError) as error:
            self._failing_since = self._failing_since or time.monotonic()
            if time.monotonic() - self._failing_since > RENEW_AFTER_SECONDS:
                self._renew(error)
            raise Unavailable(f"Kafka did not take the record for {topic}", retry_after_seconds=5) from error
        self._failing_since = None

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        await self._connected.wait()
        producer = self._producer
        assert producer is not None
        try:
            acknowledged = await producer.send(topic, value, key=key, headers=list(headers))
            acknowledged.add_done_callback(_retrieve)
            await asyncio.shield(acknowledged)
        except (*SPENT, MessageSizeTooLargeError) as error:
            # A refused batch leaves a hole in aiokafka's sequence numbers: all that follow would be refused, too.
            if producer is self._producer:
                self._renew(error)
            raise

    def _renew(self, error: Exception) -> None:
        log.warning("the producer is made anew after %s", type(error).__name__)
        if not self._connected.is_set():
            return
        self._connected.clear()
        spent, self._producer = self._producer, None
        self._failing_since = None
        self._connecting = asyncio.create_task(self._connect(spent))

    async def _connect(self, spent: AIOKafkaProducer | None = None) -> None:
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap_servers,
                acks="all",
                enable_idempotence=True,
                max_request_size=LARGEST_RECORD_BYTES,
                request_timeout_ms=10_000,
                retry_backoff_ms=100,
                client_id="streamer-web",
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                self._failing_since = self._failing_since or time.monotonic()
                log.warning("Kafka cannot be reached: %s", error)
                await _stop(producer)
                await asyncio.sleep(self.retry_seconds)
            except BaseException:
                await _stop(producer)
                raise
            else:
                self._producer, self._failing_since = producer, None
                self._connected.set()
                break
        if spent is not None:
            await _stop(spent)

    async def _drop(self) -> None:
        self._connected.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


def _retrieve(acknowledged: asyncio.Future[object]) -> None:
    """The outcome of a record whose sender has given up: looked at, so that asyncio does not complain."""
    if not acknowledged.cancelled():
        acknowledged.exception()


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), 2.0)
