"""Logging in and out, and the stream that tells browsers what changed."""

from __future__ import annotations

import asyncio
import logging

import aiohttp_jinja2
from aiohttp import web

from streamer.web.attempts import Attempts
from streamer.web.console.console import Console
from streamer.web.metrics import LOGINS
from streamer.web.security import FORM_TOKEN, local_path

log = logging.getLogger(__name__)

AT_ONCE = 2  # passwords that are checked at the same time: each takes a processor and 64 MiB for a moment


def routes(console: Console) -> list[web.RouteDef]:
    pages = Login(console)
    return [
        web.get("/login", pages.show, allow_head=False),
        web.post("/login", pages.enter),
        web.post("/logout", pages.leave),
        web.get("/events", pages.events, allow_head=False),
    ]


class Login:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.security = console.security
        self.attempts = Attempts()
        self._checks = asyncio.Semaphore(AT_ONCE)

    async def show(self, request: web.Request) -> web.Response:
        return self._form(request, request.query.get("next", "/"))

    async def enter(self, request: web.Request) -> web.Response:
        form = await request.post()
        name, password, token, after = (str(form.get(field, "")) for field in ("name", "password", FORM_TOKEN, "next"))
        address = request.remote or ""
        if (pause := self.attempts.pause_seconds(address, name)) > 0:
            LOGINS.labels("paused").inc()
            return self._form(request, after, "Too many attempts. Wait a few minutes.", status=429, pause_seconds=pause)
        if not self.security.login_token_fits(request, token):
            return self._form(request, after, "This form was too old. Try again.", status=403)
        async with self._checks:
            user = await asyncio.to_thread(self.security.users.check, name, password)
        if user is None:
            self.attempts.failed(address, name)
            LOGINS.labels("refused").inc()
            log.warning("a login was refused")
            return self._form(request, after, "Name and password do not fit.", status=401)
        self.attempts.succeeded(address, name)
        LOGINS.labels("welcome").inc()
        response = web.Response(status=303, headers={"Location": local_path(after)})
        self.security.begin(request, response, user.name)
        return response

    async def leave(self, request: web.Request) -> web.Response:
        response = web.Response(status=303, headers={"Location": "/login"})
        self.security.end(request, response)
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        cookie = request.cookies.get(self.security.cookie)
        return await self.console.live.events(request, lambda: self.security.sessions.find(cookie) is not None)

    def _form(
        self, request: web.Request, after: str, words: str = "", *, status: int = 200, pause_seconds: float = 0
    ) -> web.Response:
        response = web.Response(status=status, content_type="text/html")
        context = {
            "company": self.console.config.company,
            "words": words,
            "next": local_path(after),
            "csrf": self.security.login_token(response),
        }
        response.text = aiohttp_jinja2.render_string("login.html", request, context)
        if pause_seconds:
            response.headers["Retry-After"] = str(int(pause_seconds) + 1)
        return response
