"""`streamer show-call`: the requests that a command would make, secrets masked. Sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("show-call")(show_call)


def show_call(
    platform: Annotated[str, typer.Argument(help="The platform's name; `streamer platforms` lists them.")],
    file: Annotated[Path, typer.Argument(help="A command: plain facts, or a message with its `type`.")],
    replies: Annotated[
        Path | None, typer.Option(help="Answers, where a request needs the one before; else the file's `calls`.")
    ] = None,
) -> None:
    """Print the requests of a command, one JSON a line. What it comes to, or why it stops, goes to standard error."""
    import orjson

    from streamer.errors import StreamerError
    from streamer.platforms.base import example
    from streamer.platforms.plain_commands import call_of
    from streamer.platforms.samples import read_replies, read_sample
    from streamer.platforms.showing import Shown, show

    sample = read_sample(file)
    adapter = example(platform, sample.settings)
    answers = read_replies(replies) if replies else [exchange.reply for exchange in sample.calls]
    shown = Shown(adapter)
    try:
        for line in show(call_of(adapter, sample.command), shown, answers):
            typer.echo(orjson.dumps(line).decode())
    except StreamerError as error:
        typer.echo(f"{type(error).__name__}: {shown.mask(str(error))}", err=True)
        raise typer.Exit(1) from None
    typer.echo(shown.mask(shown.end), err=True)
