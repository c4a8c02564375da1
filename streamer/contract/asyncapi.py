"""The AsyncAPI 3 document: every topic a channel, every message with its schema, who writes and who reads."""

from __future__ import annotations

from typing import Any

import yaml

from streamer.messages.registry import MESSAGES
from streamer.topics import Declaration, declarations

VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_type", "ce_source", "ce_id"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string"},
        "ce_id": {"type": "string", "description": "made from the meaning: a replay has the same"},
        "ce_sequence": {"type": "string", "description": "revision of what is told, where readers compare it"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def asyncapi() -> bytes:
    """The document as YAML, in a fixed order."""
    shown = [declaration for declaration in declarations() if declaration.kind != "changelog"]
    document: dict[str, Any] = {
        "asyncapi": VERSION,
        "info": {
            "title": "Supply-order stream processor",
            "version": "1.0.0",
            "description": "CloudEvents 1.0, Kafka protocol binding, binary mode; JSON values, UTF-8 keys.",
        },
        "defaultContentType": "application/json",
        "channels": {_id(declaration): _channel(declaration) for declaration in shown},
        "operations": dict(operation for declaration in shown for operation in _operations(declaration)),
        "components": {
            "messages": {
                ce_type: {
                    "name": ce_type,
                    "title": ce_type.replace("-", " "),
                    "summary": " ".join((message.__doc__ or "").split("\n\n", maxsplit=1)[0].split()),
                    "contentType": "application/json",
                    "headers": {"$ref": "#/components/schemas/headers"},
                    "payload": {
                        "schemaFormat": "application/schema+json;version=draft-2020-12",
                        "schema": {"$ref": f"./{ce_type}.json"},
                    },
                }
                for ce_type, message in MESSAGES.items()
            },
            "schemas": {"headers": HEADERS},
        },
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def _id(declaration: Declaration) -> str:
    return declaration.name.replace(".", "-").replace("{", "").replace("}", "")


def _channel(declaration: Declaration) -> dict[str, Any]:
    kafka: dict[str, Any] = {
        "topicConfiguration": {
            "cleanup.policy": [declaration.policy],
            "max.message.bytes": declaration.max_message_bytes,
        },
        "bindingVersion": KAFKA_BINDING,
    }
    if declaration.retention_days is not None:
        kafka["topicConfiguration"]["retention.ms"] = declaration.retention_days * 86_400_000
    if isinstance(declaration.partitions, int):
        kafka["partitions"] = declaration.partitions
    channel: dict[str, Any] = {
        "address": declaration.name,
        "description": " ".join(declaration.description.split()) + f" Key: {declaration.key}.",
        "messages": {ce_type: {"$ref": f"#/components/messages/{ce_type}"} for ce_type in declaration.carries},
        "bindings": {"kafka": kafka},
    }
    if "{platform}" in declaration.name:
        channel["parameters"] = {"platform": {"description": "name of a platform that has an account"}}
    return channel


def _operations(declaration: Declaration) -> list[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{_id(declaration)}"}
    return [
        (
            f"write-{_id(declaration)}",
            {"action": "send", "channel": channel, "summary": "written by " + ", ".join(declaration.writers)},
        ),
        (
            f"read-{_id(declaration)}",
            {"action": "receive", "channel": channel, "summary": "read by " + ", ".join(declaration.readers)},
        ),
    ]
