"""Answers that come in pages. A page's successor is an address, a token or an offset; loops have an end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from streamer.errors import Unavailable
from streamer.platforms.wire import Call, HttpRequest, Reply

MOST_PAGES = 1000
_LINK = re.compile(r'<([^>]*)>\s*((?:;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]+)\s*)*)')

Ask = Callable[[HttpRequest], Call[Reply]]
Next = Callable[[HttpRequest, Reply], HttpRequest | None]
"""The request for the page after this one; None after the last."""


def all_pages(ask: Ask, first: HttpRequest, following: Next, *, most: int = MOST_PAGES) -> Call[list[Reply]]:
    """Every page. Raises Unavailable for a listing that never ends."""
    request: HttpRequest | None = first
    found: list[Reply] = []
    while request is not None:
        if len(found) >= most:
            raise Unavailable(f"the listing has more than {most} pages")
        reply = yield from ask(request)
        found.append(reply)
        request = following(request, reply)
    return found


def by_link(request: HttpRequest, reply: Reply) -> HttpRequest | None:
    """By the header `Link: <…>; rel="next"` (RFC 8288)."""
    return at(request, next_link(reply.headers))


def by_field(*path: str) -> Next:
    """By an address in the body, e.g. `by_field("@odata.nextLink")` (OData 4) or `by_field("d", "__next")`."""

    def following(request: HttpRequest, reply: Reply) -> HttpRequest | None:
        return at(request, dig(reply.json(), *path))

    return following


def by_token(parameter: str, *path: str) -> Next:
    """By a text in the body that goes into the query: cursors and page tokens."""

    def following(request: HttpRequest, reply: Reply) -> HttpRequest | None:
        token = dig(reply.json(), *path)
        return replace(request, query={**request.query, parameter: str(token)}) if token not in (None, "") else None

    return following


def by_offset(parameter: str, step: int, count: Callable[[Reply], int], *, counts_pages: bool = False) -> Next:
    """By a growing offset (or, with `counts_pages`, page number) until a page is not full."""

    def following(request: HttpRequest, reply: Reply) -> HttpRequest | None:
        if count(reply) < step:
            return None
        before = int(request.query.get(parameter, "1" if counts_pages else "0"))
        return replace(request, query={**request.query, parameter: str(before + (1 if counts_pages else step))})

    return following


def at(request: HttpRequest, address: object) -> HttpRequest | None:
    """The same question at another address, which may be relative, on the same host only; None for no address."""
    if not isinstance(address, str) or not address:
        return None
    url = urljoin(request.url, address)
    if urlsplit(url).netloc != urlsplit(request.url).netloc:
        raise Unavailable(f"the next page is on another host: {urlsplit(url).hostname}")
    return replace(request, url=url, query={})


def next_link(headers: Mapping[str, str], relation: str = "next") -> str | None:
    """The address of a relation in the header `Link`."""
    for address, marks in _LINK.findall(headers.get("link", "")):
        told = re.search(r'rel\s*=\s*(?:"([^"]*)"|([^",;\s]+))', marks)
        if told and relation in (told.group(1) or told.group(2)).split():
            return str(address)
    return None


def dig(body: Any, *path: str) -> Any:
    """The value under names, or None where one is missing."""
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


# --- where a poll goes on ---------------------------------------------------------------------------------------------


def since(cursor: Mapping[str, str], now: datetime, *, overlap_seconds: float, back_fill_days: float) -> datetime:
    """From when on to ask: the cursor's `since` less an overlap, for clocks that differ and changes that appear late.

    At the first look so many days back. What is seen twice is harmless: events have versions.
    """
    told = cursor.get("since")
    if told is None:
        return now - timedelta(days=back_fill_days)
    return datetime.fromisoformat(told) - timedelta(seconds=overlap_seconds)


def until(now: datetime) -> dict[str, str]:
    """The cursor after everything up to `now` (taken before the question) was read."""
    return {"since": now.astimezone(UTC).isoformat()}
