"""The command line: `streamer COMMAND`. Each command is a module that is imported only when it is asked for."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from streamer.errors import Misconfigured, StreamerError, Unavailable

# Command -> its module below `streamer/commands/`, which has `register(app)`. In the order in which people need them.
COMMANDS = {
    "up": "up",
    "worker": "worker",
    "web": "web",
    "apply": "apply",
    "topics": "topics",
    "send": "send",
    "backfill": "backfill",
    "normalise": "normalise",
    "show-call": "show_call",
    "platforms": "platforms",
    "plan": "plan",
    "simulate": "simulate",
    "reorders": "reorders",
    "doctor": "doctor",
    "schemas": "schemas",
    "new-platform": "new_platform",
}
EXIT_CODES = {Misconfigured: 78, Unavailable: 69}  # of sysexits.h: EX_CONFIG, EX_UNAVAILABLE
EXIT_FAILED = 1


class LazyCommands(TyperGroup):
    """Imports a command's module when the command is run or described, so that one command does not pay for all."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        return [name for name, module in COMMANDS.items() if find_spec(f"streamer.commands.{module}")]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # as above
        if cmd_name not in self.list_commands(ctx):
            return None
        own = typer.Typer()
        own.callback()(lambda: None)  # without a callback, an app of one command is no group
        importlib.import_module(f"streamer.commands.{COMMANDS[cmd_name]}").register(own)
        return typer.main.get_group(own).commands[cmd_name]


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Supply-order stream processor: raw platform events in, supplier orders and order status out.",
)


@app.callback()
def options(
    settings: Annotated[
        Path | None, typer.Option(help="The settings file; else STREAMER_SETTINGS, else streamer.toml here.")
    ] = None,
) -> None:
    if settings is not None:
        os.environ["STREAMER_SETTINGS"] = str(settings)  # processes that we start read the same


def main() -> None:
    """Runs the command line. What the product refuses is one sentence on standard error and an exit code."""
    # What Kafka's client mutters while a broker starts is said by commands in their own words; a process that keeps a
    # log (logs.py) has it there.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        app()
    except StreamerError as error:
        typer.echo(f"streamer: {error}", err=True)
        sys.exit(EXIT_CODES.get(type(error), EXIT_FAILED))


if __name__ == "__main__":
    main()
