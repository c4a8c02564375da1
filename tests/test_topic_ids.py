"""A Kafka that is too old is refused in one sentence."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streamer.errors import Misconfigured
from streamer.topic_ids import topic_ids

API_VERSIONS, METADATA = 18, 3


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


class OldBroker:
    """As much of Kafka's protocol as a broker of 2.7 needs to be asked what it can: Metadata up to version 9."""

    def __init__(self) -> None:
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            request = await reader.readexactly(struct.unpack(">i", size)[0])
            key, version, correlation = struct.unpack(">hhi", request[:8])
            answer = struct.pack(">i", correlation) + self.answer(key, version)
            writer.write(struct.pack(">i", len(answer)) + answer)
        writer.close()

    def answer(self, key: int, version: int) -> bytes:
        if key == API_VERSIONS:
            known = [(API_VERSIONS, 0, 0), (METADATA, 0, 9)]
            return struct.pack(">hi", 0, len(known)) + b"".join(struct.pack(">hhh", *one) for one in known)
        assert key == METADATA
        throttled = struct.pack(">i", 0) if version >= 3 else b""
        broker = struct.pack(">ii", 1, 1) + text("127.0.0.1") + struct.pack(">i", self.port)
        rack = struct.pack(">h", -1) if version >= 1 else b""
        cluster = struct.pack(">h", -1) if version >= 2 else b""
        controller = struct.pack(">i", 1) if version >= 1 else b""
        return throttled + broker + rack + cluster + controller + struct.pack(">i", 0)


@asynccontextmanager
async def old_broker() -> AsyncIterator[str]:
    """Its address."""
    broker = OldBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"127.0.0.1:{broker.port}"


async def test_a_kafka_that_gives_topics_no_ids_is_refused_with_the_version_that_does() -> None:
    async with old_broker() as bootstrap:
        with pytest.raises(Misconfigured) as refused:
            await topic_ids(bootstrap, ["orders"])
    assert str(refused.value) == "kafka.bootstrap_servers: the broker gives topics no ids; Kafka 2.8 or newer does"
