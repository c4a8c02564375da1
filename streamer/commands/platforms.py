"""`streamer platforms`: what each platform can do, from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    app.command("platforms")(platforms)


def platforms(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array instead of a table.")] = False,
    readme: Annotated[
        Path | None, typer.Option(help="Write the table between the two marks of this file (README.md).")
    ] = None,
) -> None:
    """List the platforms: roles, how events are proved, class of the order sink, limits, and what they cannot do."""
    import orjson

    from streamer.platforms.table import facts_of_all, update

    if readme is not None:
        typer.echo("written" if update(readme) else "was current", err=True)
    elif as_json:
        typer.echo(orjson.dumps(facts_of_all(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(facts_of_all())


def _print(rows: list[dict[str, Any]]) -> None:
    """A few lines for each, which suit every width."""
    for row in rows:
        sink = f"; orders: class {row['sink_class']}" if row["sink_class"] else ""
        typer.echo(f"{row['name']}  {row['title']}: {', '.join(row['roles'])}")
        rates = " and ".join(f"{rate['calls']:g} calls in {rate['seconds']:g} s" for rate in row["rates"])
        typer.echo(f"    events: {row['events']}{sink}; at most {rates}")
        if row["limits"]:
            typer.echo(f"    limits: {row['limits']}")
        for act, reason in row["unsupported"].items():
            typer.echo(f"    cannot {act.replace('_', ' ')}: {reason}")
