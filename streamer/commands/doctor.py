"""`streamer doctor`: looks at everything the product needs, and says what helps."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import typer

from streamer.errors import StreamerError

if TYPE_CHECKING:
    from streamer.settings import Settings

OLDEST_KAFKA = (3, 6)  # KIP-951 and the idempotent producer's fixes; older ones were not tried
LEAST_FREE_BYTES = 1024**3


class Finding(NamedTuple):
    """One thing that was looked at; `words` say what was found and, unless `fine`, what helps."""

    state: Literal["fine", "note", "wrong"]
    what: str
    words: str


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor() -> None:
    """Look whether this machine, the settings and Kafka are ready; exit 1 if not."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    findings = list(examine())
    colours = {"fine": "green", "note": "yellow", "wrong": "red"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(Text(finding.state, colours[finding.state]), Text(finding.what), Text(finding.words))
    Console(highlight=False).print(table)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Everything, in the order in which it has to be mended."""
    yield python_version(sys.version_info[:3])
    yield java()
    from streamer import settings as configuration

    try:
        settings = configuration.load()
    except StreamerError as error:
        yield Finding("wrong", "settings", str(error))
        return
    yield Finding("fine", "settings", f"{settings.company.name}, {len(settings.accounts)} accounts")
    yield data_folder(settings)
    yield port(settings.web.host, settings.web.port)
    yield from asyncio.run(kafka(settings))


def python_version(version: tuple[int, int, int]) -> Finding:
    text = ".".join(map(str, version))
    if version[:2] == (3, 11):
        return Finding("fine", "Python", text)
    return Finding("wrong", "Python", f"{text}; 3.11 is needed: run `make install`, then .venv/bin/streamer")


def java() -> Finding:
    from streamer.local.kafka import find_java, java_version

    try:
        found = find_java()
    except StreamerError as error:
        return Finding("wrong", "Java", f"{error}; needed only for the local Kafka")
    return Finding("fine", "Java", f"{java_version(found)} for the local Kafka ({found})")


def data_folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("wrong", "data_dir", f"{folder} cannot be made: {error.strerror}")
    if free < LEAST_FREE_BYTES:
        return Finding("wrong", "data_dir", f"{folder} has {free >> 20} MB left; a gigabyte is wanted")
    return Finding("fine", "data_dir", f"{folder}, {free >> 30} GB free")


def port(host: str, number: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            return Finding(
                "note", "web.port", f"{host}:{number} is taken ({error.strerror}): by ourselves, or set web.port"
            )
    return Finding("fine", "web.port", f"{host}:{number} is free")


async def kafka(settings: Settings) -> list[Finding]:
    from streamer.commands.connection import admin_client, bootstrap_servers, platforms_in_use
    from streamer.topics import check, expected

    if settings.kafka.bootstrap_servers is None:
        try:
            bootstrap = bootstrap_servers(settings)
        except StreamerError:
            return [Finding("note", "Kafka", "the local one is not running; `streamer up` starts it")]
    else:
        bootstrap = settings.kafka.bootstrap_servers
    try:
        async with admin_client(bootstrap) as admin:
            broker = await _broker_settings(admin)
            differing = await check(admin, expected(settings.kafka, platforms_in_use(settings)))
    except StreamerError as error:
        return [Finding("wrong", "Kafka", f"{error} Is kafka.bootstrap_servers right, and is the broker up?")]
    found = [kafka_version(bootstrap, broker.get("inter.broker.protocol.version"))]
    if broker.get("auto.create.topics.enable") == "true":
        words = (
            "auto.create.topics.enable is on: a misspelt topic would come into being with wrong settings; switch it off"
        )
        found.append(Finding("note", "Kafka", words))
    found += [Finding("wrong", "topics", sentence) for sentence in differing]
    return found if differing else [*found, Finding("fine", "topics", "all as declared")]


def kafka_version(bootstrap: str, protocol: str | None) -> Finding:
    """Kafka 3 tells its version in `inter.broker.protocol.version`; Kafka 4 no longer has that setting."""
    if protocol is None:
        return Finding("fine", "Kafka", f"{bootstrap}, version 4 or later")
    version = tuple(int(number) for number in re.findall(r"\d+", protocol)[:2])
    if version < OLDEST_KAFKA:
        return Finding("wrong", "Kafka", f"{bootstrap} speaks {protocol}; 3.6 or later is needed")
    return Finding("fine", "Kafka", f"{bootstrap}, version {protocol}")


async def _broker_settings(admin: Any) -> dict[str, str]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    broker = (await admin.describe_cluster())["brokers"][0]["node_id"]
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(broker))])
    return {
        entry[0]: entry[1]
        for answer in answers
        for _code, _message, _kind, _name, entries in answer.resources
        for entry in entries
    }
