"""`streamer plan`: what would be done, and why, for one scenario in a file; nothing is changed or sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("plan")(plan)


def plan(
    file: Annotated[Path, typer.Argument(help="The scenario as JSON; - for standard input.")],
    compact: Annotated[bool, typer.Option("--compact", help="One line instead of an indented page.")] = False,
) -> None:
    """Answer one scenario: replenishment, lots, forecast, allocation or parameters (docs/plan.md)."""
    import orjson

    from streamer.domain.checks import Invalid
    from streamer.domain.scenarios.reading import read

    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Invalid(f"cannot be read ({error.strerror})", field=str(file)) from error
    answer = read(text).answer()
    typer.echo(orjson.dumps(answer, option=0 if compact else orjson.OPT_INDENT_2).decode())
