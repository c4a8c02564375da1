"""Server-sent events: a browser hears which kinds of things changed, and asks for its page again if it shows them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp_sse import sse_response

from streamer.web.console.projections import Change

PAUSE_SECONDS = 0.5  # between two messages to one browser
PING_SECONDS = 20.0
MOST_LISTENERS = 500


class Live:
    """Knows the browsers that listen."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._pause_seconds = pause_seconds
        self._listeners: dict[asyncio.Event, set[Change]] = {}
        self._closing = False

    def publish(self, changes: Iterable[Change]) -> None:
        """Call it in the loop of the web server; from another thread by `call_soon_threadsafe`."""
        for changed, waiting in self._listeners.items():
            waiting.update(changes)
            changed.set()

    def close(self) -> None:
        """Lets all browsers go, so that the server can stop; they come again by themselves."""
        self._closing = True
        for changed in self._listeners:
            changed.set()

    async def events(self, request: web.Request, still_open: Callable[[], bool]) -> web.StreamResponse:
        """One browser, until it goes, its session ends (`still_open`) or the server stops."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
        changed = asyncio.Event()
        waiting: set[Change] = set()
        self._listeners[changed] = waiting
        try:
            async with sse_response(request) as response:
                await response.send("", event="ready", retry=3_000)
                while not self._closing:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), PING_SECONDS)
                    if not still_open() or not response.is_connected():
                        break
                    changed.clear()
                    if waiting:
                        kinds = sorted(waiting)
                        waiting.clear()
                        await response.send(json.dumps(kinds), event="change")
                        await asyncio.sleep(self._pause_seconds)
            return response
        finally:
            del self._listeners[changed]
