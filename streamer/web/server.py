"""The HTTP server around the handlers: slow and silent clients are let go, compressed bodies are not unpacked."""

from __future__ import annotations

from aiohttp import web

from streamer.errors import Misconfigured
from streamer.web.config import WebConfig


def runner_of(app: web.Application, config: WebConfig) -> web.AppRunner:
    """A runner whose connections must bring a whole request head within `config.idle_seconds`."""
    return web.AppRunner(
        app,
        access_log=None,  # addresses carry tokens of platforms and names of customers
        auto_decompress=False,  # nothing that comes compressed is read, so no bomb goes off
        keepalive_timeout=config.idle_seconds,  # also for the first head: aiohttp starts it with the connection
        lingering_time=2.0,
        shutdown_timeout=5.0,
        handle_signals=False,
    )


async def listen(runner: web.AppRunner, host: str, port: int) -> int:
    """Opens the port (0: a free one) and gives its number. Raises Misconfigured where it cannot be had."""
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        raise Misconfigured("web.port", f"{host}:{port} cannot be listened on ({error.strerror})") from error
    address: tuple[str, int] = runner.addresses[0][:2]
    return address[1]
