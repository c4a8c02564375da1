"""One webhook address for several companies: each delivery reaches the accounts of those that it is about."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streamer.errors import Ignored
from streamer.messages.base import Message
from streamer.platforms.base import AccountSettings, Hmac, Platform, Raw, Role
from streamer.platforms.settings import example_settings
from streamer.web.config import WebAccount, WebConfig
from streamer.web.gateway import Gateway

SECRET = "the secret of the app"


class Books(Platform[AccountSettings]):
    """A platform whose deliveries name companies."""

    title = "Books"
    docs = "https://example.com"
    roles = frozenset({Role.SOURCE})
    signature = Hmac(header="X-Signature")

    def realms_in(self, raw: Raw) -> frozenset[str]:
        return frozenset(one["realm"] for one in raw.json())

    def normalise(self, raw: Raw) -> Iterable[Message]:
        return []


def account(name: str, *realms: str, secret: str = SECRET) -> WebAccount:
    settings = example_settings(AccountSettings, {"name": name, "realms": realms, "webhook_secret": secret})
    return WebAccount(name, "books", Books(settings))


class Outbox:
    def __init__(self) -> None:
        self.accounts: list[str] = []

    async def send(self, topic: str, key: str, body: bytes, headers: Any) -> None:
        assert key.startswith(dict(headers)["account"].decode())
        self.accounts.append(dict(headers)["account"].decode())


async def delivered(body: bytes, *accounts: WebAccount) -> list[str]:
    """The accounts that a delivery to the first one reached."""
    outbox = Outbox()
    config = WebConfig("nowhere:9092", Path("unused"), accounts={one.name: one for one in accounts})
    app = web.Application()
    app.add_routes(Gateway(config, outbox).routes())  # type: ignore[arg-type]
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        address = server.make_url(f"/hooks/{accounts[0].name}")
        async with session.post(address, data=body, headers={"X-Signature": signature}) as answer:
            assert answer.status == 200
    return outbox.accounts


def about(*realms: str) -> bytes:
    return orjson.dumps([{"realm": realm} for realm in realms])


@pytest.mark.parametrize(
    ("realms", "reached"),
    [
        (("1",), ["north"]),
        (("2",), ["south"]),
        (("2", "1"), ["north", "south"]),
        (("9",), ["north"]),  # nobody's: the account that was addressed counts it as ignored
    ],
)
async def test_a_delivery_reaches_every_company_that_it_is_about(realms: tuple[str, ...], reached: list[str]) -> None:
    assert await delivered(about(*realms), account("north", "1"), account("south", "2", "3")) == reached


async def test_an_account_with_another_secret_gets_nothing_that_it_would_not_believe() -> None:
    other = account("south", "2", secret="another app")
    assert await delivered(about("2"), account("north", "1"), other) == ["north"]


async def test_accounts_without_companies_are_reached_by_their_own_address_alone() -> None:
    assert await delivered(about("1"), account("north"), account("south")) == ["north"]
    assert await delivered(b"no json", account("north", "1"), account("south", "2")) == ["north"]


def test_what_is_about_companies_of_others_only_is_ignored_with_the_reason() -> None:
    hook = account("north", "1").hook
    with pytest.raises(Ignored, match="company of another account"):
        hook.read(Raw(about("2")))
    assert hook.read(Raw(about("2", "1"))) == []
