"""`streamer schemas`: renders the published contract, or says whether it is current."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FOLDER = Path(__file__).parents[2] / "schemas"


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("schemas")
    def schemas(
        check: Annotated[
            bool, typer.Option("--check", help="Change nothing; exit 1 when something is not current.")
        ] = False,
        publish: Annotated[
            bool,
            typer.Option(
                "--publish", help="Keep the version before in schemas/history/: from now on it must stay readable."
            ),
        ] = False,
    ) -> None:
        """Render schemas/ from the messages and the topics."""
        from streamer.contract.files import incompatible, outdated, write

        if check:
            found = outdated(FOLDER) + incompatible(FOLDER)
            for one in found:
                typer.echo(one)
            raise typer.Exit(1 if found else 0)
        for name in write(FOLDER, published=publish):
            typer.echo(f"schemas/{name}")
