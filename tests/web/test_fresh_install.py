"""A console over nothing at all: what would be here, and how it comes here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streamer.web.app import PAGES
from streamer.web.config import WebConfig
from streamer.web.console.acts import Acts
from streamer.web.console.console import Console
from streamer.web.console.live import Live
from streamer.web.console.owner import Owners
from streamer.web.console.projections import TOPICS
from streamer.web.console.read_model import Reader, ReadModel
from streamer.web.outbox import Outbox
from streamer.web.rights import Role
from streamer.web.security import Security
from streamer.web.sessions import Sessions
from streamer.web.users import load_users


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[TestClient[Any, Any]]:
    """Somebody who is logged in; nothing of Kafka is there."""
    config = WebConfig("nowhere:9092", tmp_path, users={"anna": (Role.MANAGER, Role.OPERATOR)})
    sources = {config.changelog(fold): fold for fold in config.folds} | {topic: topic for topic in TOPICS}
    ReadModel(tmp_path, sources).close()
    sessions, reader, owners = Sessions(tmp_path, 1), Reader(tmp_path), Owners((), "")
    await owners.start()
    security = Security(config, load_users(tmp_path, config.users)[0], sessions)
    console = Console(config, security, reader, Acts(Outbox(config.bootstrap_servers)), Live(), owners, None)
    app = web.Application(middlewares=[security.headers, security.guard])
    console.set_up(app)
    for pages in PAGES:
        app.add_routes(pages.routes(console))
    cookies = {security.cookie: sessions.begin("anna")}
    async with TestClient(TestServer(app), cookies=cookies) as client:
        yield client
    await owners.close()
    reader.close()
    sessions.close()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("/orders", "webhooks and polls"),
        ("/stock", "authority for a location"),
        ("/reorders", "Below a reorder point, a suggestion stands here"),
        ("/purchase-orders", "falls below its reorder point"),
        ("/approvals", "not confirmed for automatic reorder comes here"),
        ("/recalls", "accounts that watch recalls"),
        ("/records", "[[routes]]"),
        ("/errors", "An event that cannot be used comes here"),
        ("/errors/group", "An event that cannot be used comes here"),
        ("/accounts", "streamer apply"),
        ("/audit", "Every act of a person"),
        ("/search", "Type a SKU"),
    ],
)
async def test_an_empty_page_says_what_would_be_here_and_how_it_comes_here(
    browser: TestClient[Any, Any], page: str, words: str
) -> None:
    answer = await browser.get(page)
    assert (answer.status, words in await answer.text()) == (200, True)


async def test_the_first_page_leads_a_newcomer_to_the_first_platform_in_three_steps(
    browser: TestClient[Any, Any],
) -> None:
    text = await (await browser.get("/")).text()
    steps = text[text.index("Three steps") : text.index("</section>")]
    assert steps.count("<li>") == 3
    for words in ("[company]", "[accounts.shop]", "streamer apply", str(browser.make_url("/hooks/shop")), "make run"):
        assert words in steps, words
    assert "All is quiet" not in text
