"""`streamer worker`: the folds, the callers and the pollers."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.errors import Misconfigured

if TYPE_CHECKING:
    from streamer.app import WorkerApp

NAME = "STREAMER_WORKER_NAME"


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("worker")
    def worker(
        name: Annotated[str, typer.Option(envvar=NAME, help="Tells the workers of one machine apart.")] = "worker-1",
        view_port: Annotated[int, typer.Option(help="Port of the private row view; 0 turns it off.")] = -1,
    ) -> None:
        """Fold the logs, carry out commands, poll accounts."""
        from streamer import logs

        logs.configure()
        run(name, view_port)


def run(name: str, view_port: int) -> None:
    """Checks everything that must hold, then works until SIGTERM. Raises Misconfigured or Unavailable."""
    import uvloop

    from streamer import settings as configuration
    from streamer.app import WorkerApp, build_accounts, require_applied
    from streamer.commands.connection import admin_client, bootstrap_servers, platforms_in_use
    from streamer.pipeline.applying import read_told
    from streamer.private import shared_token
    from streamer.topic_ids import topic_ids
    from streamer.topics import FOLDS, check, expected

    settings = configuration.load()
    accounts = build_accounts(settings)
    kafka = bootstrap_servers(settings)
    platforms = platforms_in_use(settings)
    wanted = expected(settings.kafka, platforms)

    async def look() -> tuple[dict[str, str], int]:
        async with admin_client(kafka) as admin:
            if differing := await check(admin, wanted):
                raise Misconfigured("topics", differing[0])
        told = await read_told(kafka)
        require_applied(settings, told.applied)
        ids = await topic_ids(kafka, [*FOLDS.values(), *(f"raw.{platform}" for platform in platforms)])
        return ids, told.applied.revision if told.applied else 0

    ids, revision = asyncio.run(look())
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    work = WorkerApp(
        settings,
        accounts,
        bootstrap_servers=kafka,
        topic_ids=ids,
        state_dir=settings.data_dir / name,
        view_port=settings.worker.view_port if view_port < 0 else view_port,
        token=shared_token(settings.data_dir),
        revision=revision,
    )
    sys.exit(serve(work))


def serve(work: WorkerApp) -> int:
    """Works until a signal ends it; returns the exit code."""
    import structlog

    work.engine.on_ready = lambda: structlog.get_logger().info("ready", pid=os.getpid())
    return work.engine.run()
