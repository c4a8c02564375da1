"""The id that Kafka gave a topic when it was made: a topic deleted and made anew has another.

aiokafka speaks Metadata up to version 5; ids come with version 10 (KIP-516), so that one request is spelt out here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from streamer.errors import Misconfigured, Unavailable

NO_ID = bytes(16)


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)

    @classmethod
    def repr(cls, value: bytes) -> str:
        return value.hex()


class _Response(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("topic_authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _RequestV10(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Response
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataWithIds(Request[_RequestV10]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[Any] = [(NO_ID, topic, {}) for topic in topics]

    def build(self, request_struct_class: type[_RequestV10]) -> _RequestV10:
        return request_struct_class(self._topics, False, False, False, {})  # noqa: FBT003 - as the protocol lists them


async def topic_ids(bootstrap_servers: str, topics: Iterable[str]) -> dict[str, str]:
    """Topic -> its id as Kafka's tools print it.

    Raises:
        Misconfigured: a topic is missing, or the broker is too old to give ids.
        Unavailable: no broker answers.
    """
    wanted = sorted(set(topics))
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers)
    try:
        await client.bootstrap()
        answer: Any = await client.send(client.get_random_node(), _MetadataWithIds(wanted))
    except NotImplementedError as error:
        raise Misconfigured(
            "kafka.bootstrap_servers", "the broker gives topics no ids; Kafka 2.8 or newer does"
        ) from error
    except OSError as error:
        raise Unavailable(f"Kafka does not answer at {bootstrap_servers}") from error
    finally:
        await client.close()
    found: dict[str, str] = {}
    for code, name, topic_id, *_ in answer.topics:
        if code == 0 and topic_id != NO_ID:
            found[name] = base64.urlsafe_b64encode(topic_id).rstrip(b"=").decode()
    if missing := [topic for topic in wanted if topic not in found]:
        raise Misconfigured("topics", f"Kafka has no topic {', '.join(missing)}; `streamer topics --create` makes them")
    return found
