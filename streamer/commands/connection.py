"""How a command reaches Kafka: the broker of the settings, else the local one that runs on the data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from streamer.errors import Unavailable
from streamer.local.kafka import running_at
from streamer.settings import Settings

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient


def local_kafka_dir(settings: Settings) -> Path:
    """Where the local Kafka keeps its data."""
    return settings.data_dir / "kafka"


def bootstrap_servers(settings: Settings) -> str:
    """Raises Unavailable when the settings name none and no local Kafka runs."""
    found = settings.kafka.bootstrap_servers or running_at(local_kafka_dir(settings))
    if found is None:
        raise Unavailable(
            "No Kafka: kafka.bootstrap_servers is not set and no local one runs; `streamer up` starts one."
        )
    return found


@asynccontextmanager
async def admin_client(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Raises Unavailable when the broker does not answer."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
    except KafkaError as error:
        await admin.close()
        raise Unavailable(f"Kafka does not answer at {bootstrap}.") from error
    try:
        yield admin
    finally:
        await admin.close()


def platforms_in_use(settings: Settings) -> list[str]:
    """The platforms that have an account."""
    return sorted({str(account["platform"]) for account in settings.accounts.values() if "platform" in account})
