"""`streamer web`: the webhook gateway and the operator console."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from streamer.errors import Misconfigured
from streamer.private import shared_token
from streamer.settings import Settings, load
from streamer.web.config import WebAccount, WebConfig
from streamer.web.rights import Role

METRICS_TOKEN = "STREAMER_METRICS_TOKEN"  # noqa: S105 - the name of a variable
WORKER_URLS = "STREAMER_WORKER_URLS"


def web_config(settings: Settings) -> WebConfig:
    """What the web process needs of the settings. Raises Misconfigured."""
    from streamer.platforms.base import build

    if settings.kafka.bootstrap_servers is None:
        raise Misconfigured(
            "kafka.bootstrap_servers", "is not set; `streamer up` starts a local Kafka and the web process"
        )
    accounts = {}
    for name, table in settings.accounts.items():
        platform = build(name, table, os.environ)
        accounts[name] = WebAccount(name, platform.name, platform, platform.title)
    return WebConfig(
        bootstrap_servers=settings.kafka.bootstrap_servers,
        data_dir=settings.data_dir,
        app_id=settings.kafka.app_id,
        host=settings.web.host,
        port=settings.web.port,
        session_hours=settings.web.session_hours,
        max_body_bytes=settings.web.max_body_bytes,
        public_origin=settings.web.public_origin,
        time_zone=settings.company.time_zone,
        company=settings.company.name,
        accounts=accounts,
        suppliers={code: supplier.name for code, supplier in settings.suppliers.items()},
        locations=settings.locations,
        people={name: person.name for name, person in settings.people.items()},
        users=_users(settings),
        worker_urls=tuple(os.environ.get(WORKER_URLS, "").split()),
        worker_token=shared_token(settings.data_dir),
        metrics_token=os.environ.get(METRICS_TOKEN, ""),
    )


def _users(settings: Settings) -> dict[str, tuple[Role, ...]]:
    """Logins: the first one, and those of the people who may approve, with the roles that they have there."""
    users: dict[str, tuple[Role, ...]] = {"admin": (Role.MANAGER, Role.OPERATOR)}
    for person in settings.people.values():
        if person.console is not None:
            users[person.console] = tuple(dict.fromkeys((*users.get(person.console, ()), *map(Role, person.roles))))
    return users


async def serve(settings: Settings) -> None:
    """Listens until SIGTERM or SIGINT; prints the first passwords, once."""
    from streamer.web.app import WebProcess
    from streamer.web.users import load_users

    config = web_config(settings)
    users, first = load_users(config.data_dir, config.users)
    for name, password in first.items():
        typer.echo(f"First login to the console: {name} / {password} (shown this once)")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with WebProcess(config, users) as web_process:
        typer.echo(f"Console: {config.public_origin or f'http://{config.host}:{web_process.port}'}")
        await stop.wait()


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("web")
    def web(settings: Annotated[Path | None, typer.Option(help="The settings file.")] = None) -> None:
        """Take webhooks and show the console."""
        from streamer import logs

        logs.configure()
        asyncio.run(serve(load(settings)))
