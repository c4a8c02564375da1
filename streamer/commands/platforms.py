"""`streamer platforms`: what each platform can do, from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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


def _print(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("platform", "name", "roles", "events", "orders", "limits", "not possible")
    for row in rows:
        roles, cannot = row["roles"], row["unsupported"]
        assert isinstance(roles, list)
        assert isinstance(cannot, dict)
        words = "; ".join(f"{act.replace('_', ' ')}: {why}" for act, why in cannot.items())
        sink = f"class {row['sink_class']}" if row["sink_class"] else ""
        table.add_row(
            *map(str, (row["title"], row["name"], ", ".join(roles), row["events"], sink, row["limits"], words))
        )
    Console().print(table)
