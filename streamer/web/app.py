"""The web process put together: gateway, console, metrics and health behind one port."""

from __future__ import annotations

import asyncio
import logging
from importlib.resources import files
from pathlib import Path
from typing import Self

from aiohttp import web

from streamer.errors import Unavailable
from streamer.web.config import WebConfig
from streamer.web.console.acts import Acts
from streamer.web.console.console import Console
from streamer.web.console.follower import Follower
from streamer.web.console.live import Live
from streamer.web.console.owner import Owners
from streamer.web.console.pages import (
    accounts,
    approvals,
    errors,
    login,
    orders,
    others,
    purchase_orders,
    records,
    reorders,
    stock,
    today,
)
from streamer.web.console.projections import TOPICS, Change
from streamer.web.console.read_model import Reader, ReadModel
from streamer.web.gateway import Gateway
from streamer.web.metrics import metrics_page
from streamer.web.outbox import Outbox
from streamer.web.security import SESSION, Handler, Security
from streamer.web.server import listen, runner_of
from streamer.web.sessions import Sessions
from streamer.web.users import Users

log = logging.getLogger(__name__)

PAGES = (approvals, today, orders, stock, reorders, purchase_orders, records, errors, accounts, others, login)
STATIC = Path(str(files("streamer.web.console"))) / "static"


class WebProcess:
    """`async with WebProcess(config, users) as web_process:` listens on `web_process.port` until the block ends."""

    def __init__(self, config: WebConfig, users: Users) -> None:
        self.config = config
        self.users = users
        self.port = config.port

    async def __aenter__(self) -> Self:
        config = self.config
        self.outbox = Outbox(config.bootstrap_servers)
        self.sessions = Sessions(config.data_dir, config.session_hours)
        sources = {config.changelog(fold): fold for fold in config.folds} | {topic: topic for topic in TOPICS}
        self.model = ReadModel(config.data_dir, sources)
        self.reader = Reader(config.data_dir)
        self.live = Live()
        loop = asyncio.get_running_loop()

        def tell(changes: set[Change]) -> None:
            loop.call_soon_threadsafe(self.live.publish, changes)

        self.follower = Follower(config.bootstrap_servers, self.model, sources, tell)
        self.owners = Owners(config.worker_urls, config.worker_token)
        self.security = Security(config, self.users, self.sessions)
        self.console = Console(
            config, self.security, self.reader, Acts(self.outbox), self.live, self.owners, self.follower
        )
        app = self._app()
        await self.outbox.start()
        await self.owners.start()
        self.follower.start()
        self.runner = runner_of(app, config)
        self.port = await listen(self.runner, config.host, config.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.live.close()
        await self.runner.cleanup()
        await asyncio.to_thread(self.follower.stop)
        await self.owners.close()
        await self.outbox.close()
        self.reader.close()
        self.model.close()
        self.sessions.close()

    def _app(self) -> web.Application:
        app = web.Application(
            client_max_size=self.config.max_body_bytes,
            middlewares=[self.security.headers, self._errors, self.security.guard],
        )
        self.console.set_up(app)
        app.add_routes(Gateway(self.config, self.outbox).routes())
        app.add_routes(
            [metrics_page(self.config), web.get("/health/live", self.live_page), web.get("/health/ready", self.ready)]
        )
        app.add_routes([web.static("/static", STATIC, show_index=False, follow_symlinks=False)])
        for pages in PAGES:
            app.add_routes(pages.routes(self.console))
        return app

    async def live_page(self, _request: web.Request) -> web.Response:
        """The process answers and its threads run."""
        if not self.follower.alive:
            raise web.HTTPServiceUnavailable(text="the read model has ended\n")
        return web.Response(text="alive\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Webhooks can be taken. The console may still be reading: `read_model_lag` says how much."""
        body = {"kafka": self.outbox.ready, "read_model_lag": self.follower.lag}
        return web.json_response(body, status=200 if self.outbox.ready else 503)

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refusals of the console as pages for those who look at pages; never a word of an exception."""
        try:
            return await handler(request)
        except web.HTTPException as answer:
            if answer.status < 400 or not self._is_page(request):
                raise
            return self._error_page(request, answer.status, answer.text or answer.reason)
        except Unavailable:
            return self._error_page(request, 503, "Kafka did not take it. Nothing is lost: send the form again.")
        except Exception:
            log.exception("a page failed: %s", request.match_info.route.resource)
            if not self._is_page(request):
                raise web.HTTPInternalServerError from None
            return self._error_page(request, 500, "This page could not be made. The log says why.")

    def _is_page(self, request: web.Request) -> bool:
        return SESSION in request and "text/html" in request.headers.get("Accept", "")

    def _error_page(self, request: web.Request, status: int, words: str) -> web.Response:
        if SESSION not in request:
            return web.Response(status=status, text=words)
        return self.console.page(request, "message.html", status=status, number=status, words=words.strip())
