"""`streamer up`: everything on one machine: a local Kafka, worker, web, a supplier to try with, and sample events."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from streamer.local.supervisor import Supervised
    from streamer.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "streamer.example.toml"
READY_SECONDS = 120.0


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("up")
    def up(
        sample: Annotated[bool, typer.Option(help="The sample shop with its supplier.")] = True,
        feed: Annotated[bool, typer.Option(help="Events of the sample shop, one every few seconds.")] = True,
        workers: Annotated[int, typer.Option(min=1, max=8, help="Worker processes.")] = 1,
    ) -> None:
        """Start everything here; Ctrl-C stops all of it, the data stays."""
        asyncio.run(run(sample=sample, feed=feed, workers=workers))


async def run(*, sample: bool, feed: bool, workers: int) -> None:
    """Until Ctrl-C. Raises Misconfigured or Unavailable."""
    from rich.console import Console

    from streamer import settings as configuration

    console = Console(highlight=False, markup=False, soft_wrap=True)
    began = time.monotonic()
    if _use_example():
        console.print("No streamer.toml here: the sample shop of streamer.example.toml is used.")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        settings = configuration.load()
        _require_free_ports(settings, sample=sample)
        kafka = await _kafka(settings, stack, console)
        os.environ["STREAMER_KAFKA__BOOTSTRAP_SERVERS"] = kafka
        settings = configuration.load() if not sample else await _sample(settings, stack, console)
        await _topics(settings, kafka, console)
        await _apply(console)
        processes = await _processes(settings, stack, workers, console)
        url = f"http://{settings.web.host}:{settings.web.port}"
        await _until_ready(url, processes, stop)
        feeding = None
        if not stop.is_set():
            console.print(f"Ready after {time.monotonic() - began:.0f} s. Console: {url}   (Ctrl-C stops everything)")
            feeding = asyncio.create_task(_feed(settings, url)) if sample and feed else None
        await stop.wait()
        console.print("\nStopping ...")
        if feeding is not None:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
    console.print("Stopped. The data is in " + str(settings.data_dir) + "; `make clean` deletes it.")


def _use_example() -> bool:
    """Whether the example's settings are taken, since there are no others."""
    if "STREAMER_SETTINGS" in os.environ or Path("streamer.toml").exists():
        return False
    os.environ["STREAMER_SETTINGS"] = str(EXAMPLE)
    return True


def _require_free_ports(settings: Settings, *, sample: bool) -> None:
    """Raises Misconfigured with the setting whose port another program has; perhaps we run already."""
    from streamer.local.sample import Ports

    wanted = {"web.port": (settings.web.host, settings.web.port)}
    if sample:
        wanted |= {name: ("127.0.0.1", port) for name, port in Ports.named(settings).items()}
    for name, (host, port) in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise Misconfigured(
                    name, f"{host}:{port} is taken ({error.strerror}): by `streamer up` elsewhere, or set another port"
                ) from error


async def _kafka(settings: Settings, stack: contextlib.AsyncExitStack, console: Console) -> str:
    from streamer.commands.connection import local_kafka_dir
    from streamer.local.kafka import LocalKafka

    if settings.kafka.bootstrap_servers is not None:
        console.print(f"Kafka: {settings.kafka.bootstrap_servers}")
        return settings.kafka.bootstrap_servers
    console.print("Kafka: starting the local one (the first time its jars are fetched) ...")
    kafka = await stack.enter_async_context(LocalKafka(local_kafka_dir(settings)))
    console.print(f"Kafka: {kafka.bootstrap}")
    return kafka.bootstrap


async def _sample(settings: Settings, stack: contextlib.AsyncExitStack, console: Console) -> Settings:
    """The supplier to try with; its addresses and secrets go into the environment of everything started after it."""
    from streamer.local.sample import start_sample

    sample = await start_sample(settings, stack)
    console.print(sample.words)
    return sample.settings


async def _topics(settings: Settings, kafka: str, console: Console) -> None:
    from streamer.commands.connection import admin_client, platforms_in_use
    from streamer.topics import check, create_missing, expected

    wanted = expected(settings.kafka, platforms_in_use(settings))
    async with admin_client(kafka) as admin:
        made = await create_missing(admin, wanted)
        if differing := await check(admin, wanted):
            raise Unavailable(differing[0])
    console.print(f"Topics: {len(wanted)}, of which {len(made)} new")


async def _apply(console: Console) -> None:
    from streamer.commands.apply import apply_settings

    result = await apply_settings()
    console.print(f"Settings: revision {result.revision}, {result.changed_items} items told")


async def _processes(
    settings: Settings, stack: contextlib.AsyncExitStack, workers: int, console: Console
) -> list[Supervised]:
    from streamer.local.kafka import free_port
    from streamer.local.supervisor import Supervised
    from streamer.private import TOKEN_VARIABLE, shared_token

    ports = [free_port() for _ in range(workers)]
    environ = dict(os.environ)
    environ[TOKEN_VARIABLE] = shared_token(settings.data_dir)
    environ["STREAMER_WORKER_URLS"] = " ".join(f"http://127.0.0.1:{port}" for port in ports)
    logs = settings.data_dir / "log"

    def ended(name: str, code: int) -> None:
        console.print(f"{name} ended with code {code} and is started again; see {logs / name}.log")

    command = [sys.executable, "-m", "streamer"]
    processes = [
        Supervised(
            f"worker-{number}",
            [*command, "worker", "--name", f"worker-{number}", "--view-port", str(port)],
            log=logs / f"worker-{number}.log",
            environ=environ,
            on_end=ended,
        )
        for number, port in enumerate(ports, 1)
    ]
    processes.append(Supervised("web", [*command, "web"], log=logs / "web.log", environ=environ, on_end=ended))
    _first_password(settings, console)
    for process in processes:
        process.start()
        stack.push_async_callback(process.stop)
    return processes


def _first_password(settings: Settings, console: Console) -> None:
    """Made here, so that it is seen; the web process would print it into its log."""
    from streamer.commands.web import web_config
    from streamer.web.users import load_users

    config = web_config(settings)
    _, first = load_users(config.data_dir, config.users)
    for name, password in first.items():
        console.print(f"First login to the console: {name} / {password}   (shown this once)")


async def _until_ready(url: str, processes: list[Supervised], stop: asyncio.Event) -> None:
    import aiohttp

    deadline = time.monotonic() + READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while not stop.is_set():
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{url}/health/ready") as response:
                    if response.status == 200:
                        return
            if time.monotonic() > deadline:
                restarts = ", ".join(f"{process.name} restarted {process.restarts} times" for process in processes)
                raise Unavailable(f"not ready after {READY_SECONDS:.0f} s ({restarts}); see the logs")
            await asyncio.sleep(0.2)


async def _feed(settings: Settings, url: str) -> None:
    from streamer.local.sample import feed_sample

    await feed_sample(settings, url)
