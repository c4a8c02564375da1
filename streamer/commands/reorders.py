"""`streamer reorders`: what the next look at the stock would order, and why; nothing is ordered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("reorders")(reorders)


def reorders(
    location: Annotated[str | None, typer.Option(help="Only this location.")] = None,
    sku: Annotated[str | None, typer.Option(help="Only this SKU.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One need a line, as it would go to purchasing.")] = False,
    day: Annotated[
        str | None, typer.Option(help="As of the morning of another day (ISO date), with today's stock.")
    ] = None,
) -> None:
    """Dry run of the scheduled look, on the live rows as the console has read them; nothing is changed or ordered."""
    from streamer import settings as configuration
    from streamer.errors import Misconfigured, Unavailable
    from streamer.web.console.dry_run import look
    from streamer.web.console.read_model import FILE, Reader

    settings = configuration.load()
    if not (settings.data_dir / FILE).exists():
        raise Unavailable(f"{settings.data_dir / FILE} is not there: `streamer web` (or `streamer up`) makes it")
    try:
        now = datetime.fromisoformat(f"{day}T09:00:00+00:00") if day else datetime.now(UTC)
    except ValueError:
        raise Misconfigured("--day", f"{day!r} is no ISO date") from None
    reader = Reader(settings.data_dir)
    try:
        found = list(look(reader, now, location=location, sku=sku))
    finally:
        reader.close()
    for each in found:
        if as_json:
            for need in each.needs:
                typer.echo(need.to_json().decode())
        else:
            typer.echo(each.in_words())
    if not found and not as_json:
        typer.echo("Nothing would be ordered.")
