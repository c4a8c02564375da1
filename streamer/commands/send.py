"""`streamer send`: a record to a topic, from a file or standard input."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from streamer.errors import Malformed, Refused

if TYPE_CHECKING:
    from streamer.settings import Settings

Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """One record to be sent."""

    key: bytes | None
    value: bytes
    headers: Headers


def register(app: typer.Typer) -> None:
    app.command("send")(send)


def send(
    topic: Annotated[str, typer.Argument(help="Where to, for instance raw.shopify.")],
    file: Annotated[str, typer.Argument(help="The value; - reads standard input.")],
    key: Annotated[str | None, typer.Option(help="The record's key; for a raw record its account.")] = None,
    header: Annotated[list[str] | None, typer.Option(help="name=value; may be given several times.")] = None,
    message_type: Annotated[
        str | None, typer.Option("--type", help="The value is such a message: it is checked, key and headers are made.")
    ] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Each line is a record of its own.")] = False,
) -> None:
    """Send a record to a topic."""
    from streamer import settings as configuration

    content = sys.stdin.buffer.read() if file == "-" else _read(Path(file))
    values = [line for line in content.splitlines() if line.strip()] if lines else [content]
    given = tuple(_header(text) for text in header or ())
    records = [record(topic, value, key=key, given=given, message_type=message_type) for value in values]
    last = asyncio.run(_send(configuration.load(), topic, records))
    typer.echo(f"{len(records)} sent to {topic}; the last is {last}.")


def record(topic: str, value: bytes, *, key: str | None, given: Headers, message_type: str | None) -> Record:
    """Raises Malformed for a value that is no such message, Refused for a message that does not belong on the topic."""
    if message_type is None:
        return Record(key.encode() if key is not None else None, value, given)
    from pydantic import ValidationError

    from streamer.messages.envelope import headers_of
    from streamer.messages.registry import MESSAGES

    if message_type not in MESSAGES:
        raise Malformed(f"there is no message {message_type!r}; `schemas/` holds one file for each", field="--type")
    try:
        message = MESSAGES[message_type].from_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Malformed(first["msg"], field=".".join(map(str, first["loc"])) or "value") from error
    keys = [place.key for place in message.places() if place.topic == topic]
    if not keys and key is None:
        raise Refused(f"{message_type} does not go to {topic}; --key sends it all the same.")
    return Record((key if key is not None else keys[0]).encode(), value, (*headers_of(message), *given))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error


def _header(text: str) -> tuple[str, bytes]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Malformed(f"{text!r} is not name=value", field="--header")
    return name, value.encode()


async def _send(settings: Settings, topic: str, records: Sequence[Record]) -> str:
    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    from streamer.commands.connection import admin_client, bootstrap_servers

    bootstrap = bootstrap_servers(settings)
    async with admin_client(bootstrap) as admin:
        if topic not in await admin.list_topics():
            raise Refused(f"There is no topic {topic}; `streamer topics` lists them.")
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, max_request_size=16 * 1024 * 1024
    ) as producer:
        last = "none"
        try:
            for one in records:
                done = await producer.send_and_wait(topic, one.value, key=one.key, headers=list(one.headers))
                last = f"partition {done.partition}, offset {done.offset}"
        except KafkaError as error:
            raise Refused(f"Kafka did not take the record: {error}") from error
    return last
