"""`streamer simulate`: a history of events through all folds, without Kafka; nothing is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    file: Annotated[Path, typer.Argument(help="The history: JSON lines, or one JSON object; - for standard input.")],
    settings: Annotated[
        Path | None, typer.Option(help="A streamer.toml, instead of the settings that the history brings.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="Print only what goes to this topic (may be given several times).")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Print only messages of this type (may be given several times).")
    ] = None,
) -> None:
    """Run a history through the folds and print what they say, one JSON a line (docs/simulate.md)."""
    import orjson

    from streamer.domain.checks import Invalid
    from streamer.pipeline import simulating

    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Invalid(f"cannot be read ({error.strerror})", field=str(file)) from error
    table, entries = simulating.read_history(text)
    if settings is not None:
        table = simulating.read_settings(settings)
    for line in simulating.simulate(table, entries):
        if (not topic or line["topic"] in topic) and (not kind or line["type"] in kind):
            sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()
