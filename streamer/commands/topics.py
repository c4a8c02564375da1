"""`streamer topics`: what the topics are, and whether Kafka has them as declared."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from streamer.settings import Settings
    from streamer.topics import Topic


def register(app: typer.Typer) -> None:
    app.command("topics")(topics)


def topics(
    create: Annotated[
        bool, typer.Option("--create", help="Create what is missing; never changes what is there.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say what differs from the declarations; exit 1 if any.")
    ] = False,
) -> None:
    """List the topics of this installation; create or check them in Kafka."""
    from rich.console import Console

    from streamer import settings as configuration
    from streamer.commands.connection import platforms_in_use
    from streamer.topics import expected

    settings = configuration.load()
    wanted = expected(settings.kafka, platforms_in_use(settings))
    console = Console(highlight=False, markup=False)
    if not create and not check:
        _list(wanted, console)
        return
    created, differing = asyncio.run(_apply(settings, wanted, create=create))
    for name in created:
        console.print(f"created {name}", soft_wrap=True)
    for sentence in differing:
        console.print(sentence, soft_wrap=True)
    if differing:
        raise typer.Exit(1)
    console.print(f"{len(wanted)} topics are as declared.")


def _list(wanted: Sequence[Topic], console: Console) -> None:
    from rich.table import Table

    table = Table("topic", "partitions", "policy", "key", "carries", "written by", "read by", box=None, pad_edge=False)
    for topic in wanted:
        declared = topic.declaration
        kept = f"{declared.retention_days} d" if declared.retention_days else "compacted"
        table.add_row(
            topic.name,
            str(topic.partitions),
            kept,
            declared.key,
            ", ".join(declared.carries) or "bytes",
            ", ".join(declared.writers),
            ", ".join(declared.readers),
        )
    console.print(table)


async def _apply(settings: Settings, wanted: Sequence[Topic], *, create: bool) -> tuple[list[str], list[str]]:
    from streamer.commands.connection import admin_client, bootstrap_servers
    from streamer.topics import check, create_missing

    async with admin_client(bootstrap_servers(settings)) as admin:
        created = await create_missing(admin, wanted) if create else []
        return created, await check(admin, wanted)
