"""`streamer normalise`: what an adapter makes of a payload; without Kafka, account or network."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("normalise")(normalise)


def normalise(
    platform: Annotated[str, typer.Argument(help="The platform's name; `streamer platforms` lists them.")],
    file: Annotated[Path, typer.Argument(help="A recorded payload, or a bare body.")],
    headers: Annotated[
        Path | None, typer.Option(help="The headers of a bare body: a JSON object, or lines `Name: value`.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the signature as well.")] = False,
    secret: Annotated[str | None, typer.Option(help="The webhook secret; else the file's `verify`.")] = None,
    at: Annotated[
        str | None, typer.Option(help="The time of arrival (ISO 8601), for signatures that hold a time.")
    ] = None,
) -> None:
    """Print the events of a payload. Refused: a dead letter with its reason. Ignored: the reason on standard error."""
    from streamer.platforms.samples import read_headers, read_sample
    from streamer.platforms.telling import tell

    sample = read_sample(file, read_headers(headers) if headers else None)
    told = tell(platform, sample, check=check, secret=secret, at=_time(at))
    for line in told.lines:
        sys.stdout.buffer.write(line + b"\n")
    for aside in told.asides:
        typer.echo(aside, err=True)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no ISO 8601 time", param_hint="--at") from None
