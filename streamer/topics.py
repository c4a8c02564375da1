"""The topics of the product: declared in `topics/*.toml`, created when missing, checked at start.

A declaration is the contract; a `Topic` is what it means for one installation, with names and numbers filled in.
"""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streamer.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

FOLDS: Mapping[str, str] = {
    "catalogue": "catalogue",
    "orders": "orders",
    "stock": "stock",
    "recalls": "recalls",
    "purchasing": "purchasing",
    "dispatch": "commands",
}
"""Each fold and its log."""

DAY_MS = 24 * 60 * 60 * 1000
TOPIC_ALREADY_EXISTS = 36  # error code of Kafka's protocol
CREATION_SECONDS = 15.0
TOPIC_RESOURCE = 2  # resource type of Kafka's protocol
CHECKED = (
    "cleanup.policy",
    "message.timestamp.type",
    "max.message.bytes",
    "min.compaction.lag.ms",
    "delete.retention.ms",
)
"""What a fold or a reader relies on. Retention of a log is the operator's to change."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Example(_Declared):
    """One record as it may stand on the topic; `type` is its CloudEvents type, none on topics of foreign bytes."""

    type: str | None = None
    key: str
    headers: dict[str, str] = {}
    value: str


class Declaration(_Declared):
    """One file of `topics/`. `name` may hold `{platform}`, `{app_id}` and `{fold}`: one topic for each."""

    name: str
    kind: Literal["raw", "log", "changelog", "public"]
    description: str
    carries: tuple[str, ...]
    key: str
    partitions: Literal["logs"] | int  # "logs": as many as every fold's log
    policy: Literal["delete", "compact"]
    retention_days: int | None = Field(default=None, gt=0)
    compaction_lag_days: int | None = Field(default=None, gt=0)
    max_message_bytes: int
    timestamps: Literal["LogAppendTime", "CreateTime"]
    personal: bool
    writers: tuple[str, ...] = Field(min_length=1)
    readers: tuple[str, ...] = Field(min_length=1)
    examples: tuple[Example, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_kept_for_a_stated_time(self) -> Declaration:
        if (self.policy == "delete") != (self.retention_days is not None):
            raise ValueError("retention_days belongs to the policy delete, and only there")
        if (self.policy == "compact") != (self.compaction_lag_days is not None):
            raise ValueError("compaction_lag_days belongs to the policy compact, and only there")
        return self

    def configs(self) -> dict[str, str]:
        """Kafka's topic settings."""
        configs = {
            "cleanup.policy": self.policy,
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": self.timestamps,
            "unclean.leader.election.enable": "false",
        }
        if self.retention_days is not None:
            configs["retention.ms"] = str(self.retention_days * DAY_MS)
        if self.compaction_lag_days is not None:
            lag = str(self.compaction_lag_days * DAY_MS)
            configs |= {"min.compaction.lag.ms": lag, "delete.retention.ms": lag}
        return configs


class Layout(Protocol):
    """How an installation lays its topics out: the section `kafka` of the settings."""

    @property
    def app_id(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def replication_factor(self) -> int: ...
    @property
    def min_insync_replicas(self) -> int: ...


@dataclass(frozen=True)
class Topic:
    """One topic of one installation."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]
    declaration: Declaration


@cache
def declarations() -> tuple[Declaration, ...]:
    """All of `topics/`, by name. Raises Misconfigured with the file that is wrong."""
    found = []
    for file in folder("topics").iterdir():
        if file.name.endswith(".toml"):
            try:
                found.append(Declaration(**tomllib.loads(file.read_text(encoding="utf-8"))))
            except (tomllib.TOMLDecodeError, ValidationError) as error:
                raise Misconfigured(f"topics/{file.name}", str(error)) from error
    return tuple(sorted(found, key=lambda declaration: declaration.name))


def folder(name: Literal["topics", "schemas"]) -> Traversable:
    """A folder of the contract: inside the package when installed from a wheel, beside the code in a checkout."""
    packaged = files("streamer") / "package_data" / name
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / name


def expected(kafka: Layout, platforms: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic of an installation whose accounts are on these platforms."""
    topics = []
    for declaration in declarations():
        for name in _names(declaration, kafka.app_id, sorted(set(platforms))):
            partitions = kafka.partitions if declaration.partitions == "logs" else declaration.partitions
            configs = declaration.configs() | {"min.insync.replicas": str(kafka.min_insync_replicas)}
            topics.append(Topic(name, partitions, kafka.replication_factor, configs, declaration))
    return tuple(topics)


def changelog(app_id: str, fold: str) -> str:
    """The topic that holds the rows of a fold."""
    return f"{app_id}-{fold}-changelog"


def _names(declaration: Declaration, app_id: str, platforms: Sequence[str]) -> list[str]:
    if declaration.kind == "raw":
        return [declaration.name.format(platform=platform) for platform in platforms]
    if declaration.kind == "changelog":
        return [declaration.name.format(app_id=app_id, fold=fold) for fold in FOLDS]
    return [declaration.name]


async def create_missing(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Creates what is not there, waits until it can be seen and returns its names; never changes what is there.

    Raises Unavailable with Kafka's reason.
    """
    from aiokafka.admin import NewTopic

    there = set(await admin.list_topics())
    missing = [topic for topic in topics if topic.name not in there]
    if not missing:
        return []
    answer = await admin.create_topics(
        [
            NewTopic(topic.name, topic.partitions, topic.replication_factor, topic_configs=dict(topic.configs))
            for topic in missing
        ]
    )
    for name, code, *reason in answer.topic_errors:
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise Unavailable(f"Kafka did not create the topic {name}: {' '.join(map(str, reason)) or code}")
    names = [topic.name for topic in missing]
    await _until_seen(admin, names)
    return names


async def _until_seen(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """The controller answers before the brokers know."""
    deadline = time.monotonic() + CREATION_SECONDS
    while unseen := set(names) - set(await _partitions(admin)):
        if time.monotonic() > deadline:
            raise Unavailable(f"Kafka made topics that no broker knows yet: {', '.join(sorted(unseen))}.")
        await asyncio.sleep(0.05)


async def check(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """What differs from the declarations, one sentence each; empty when all is well."""
    found = []
    there = await _partitions(admin)
    known = [topic for topic in topics if topic.name in there]
    configs = await _configs(admin, [topic.name for topic in known])
    for topic in topics:
        if topic.name not in there:
            found.append(f"The topic {topic.name} is missing; `streamer topics --create` makes it.")
            continue
        if there[topic.name] != topic.partitions:
            found.append(
                f"The topic {topic.name} has {there[topic.name]} partitions, declared are {topic.partitions}; "
                "partition counts never change: set kafka.partitions to what is there, or start with a new app_id."
            )
        found += [
            f"The topic {topic.name} has {name}={configs[topic.name].get(name)}, declared is {topic.configs[name]}."
            for name in CHECKED
            if name in topic.configs and configs[topic.name].get(name) != topic.configs[name]
        ]
    return found


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    described: list[dict[str, Any]] = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}


async def _configs(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _code, _message, kind, name, entries in answer.resources
        if kind == TOPIC_RESOURCE
    }
