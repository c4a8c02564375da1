"""`streamer apply`: tells every partition the settings."""

from __future__ import annotations

import asyncio

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("apply")
    def apply() -> None:
        """Tell every partition of every log the settings; workers run only with those last applied."""
        result = asyncio.run(apply_settings())
        state = "as before" if result.unchanged else "new"
        typer.echo(
            f"Settings revision {result.revision} ({result.hash}, {state}): "
            f"{result.changed_items} items told, {result.withdrawn_items} withdrawn."
        )


async def apply_settings() -> Result:  # type: ignore[name-defined]  # noqa: F821 - imported late
    """Raises Misconfigured or Unavailable."""
    from streamer import settings as configuration
    from streamer.app import build_accounts
    from streamer.commands.connection import bootstrap_servers
    from streamer.pipeline import applying

    settings = configuration.load()
    accounts = build_accounts(settings)
    return await applying.apply(settings, accounts, bootstrap_servers(settings))
