"""How accounts prove who they are: tokens that are fetched once, renewed once and never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from streamer.errors import Misconfigured, NotSent, Refused, Unavailable
from streamer.platforms.auth import BasicAuth, Key, OAuth1, OAuth2, OAuthSettings, Session, ask_as
from streamer.platforms.http import MemoryKeeper, Runner
from streamer.platforms.judging import judge, play
from streamer.platforms.oauth1 import authorization, base_string
from streamer.platforms.wire import AskMoment, HttpRequest, Keep, Moment, Recall, Reply, get, post
from tests.platforms.vendors import Account

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TOKENS = "/oauth/token"


def settings(**changes: Any) -> OAuthSettings:
    given = {"client_id": "our-app", "client_secret": "app-secret", "base_url": "https://api.example.com", **changes}
    return OAuthSettings.model_validate(given)


class World:
    """Answers requests by a function; keeps what calls keep, as a worker does."""

    def __init__(self, answer: Callable[[HttpRequest], Reply]) -> None:
        self.asked: list[HttpRequest] = []
        self.kept: dict[str, str] = {}
        self.order: list[str] = []
        self._answer = answer

    def __call__(self, request: Any) -> Any:
        match request:
            case Recall():
                return self.kept.get(request.name)
            case Keep():
                self.order.append(f"keep {request.name}")
                if request.value is None:
                    self.kept.pop(request.name, None)
                else:
                    self.kept[request.name] = request.value
                return None
            case AskMoment():
                return Moment(NOW, "00112233445566778899aabbccddeeff")
            case HttpRequest():
                self.asked.append(request)
                self.order.append(request.url.rpartition("/")[2])
                return judge(request, self._answer(request))
        return None

    def forms(self) -> list[dict[str, str]]:
        return [dict(request.form) for request in self.asked if request.form is not None]


def vendor(*, rotates: bool = False, dead: tuple[str, ...] = ()) -> Callable[[HttpRequest], Reply]:
    """Gives tokens t1, t2 …; `dead` ones are refused with 401. With `rotates` each refresh token holds once."""
    given = 0
    valid = "first"

    def answer(request: HttpRequest) -> Reply:
        nonlocal given, valid
        if request.url.endswith(TOKENS):
            assert request.form is not None
            if rotates and request.form["refresh_token"] != valid:
                return Reply(400, {}, b'{"error": "invalid_grant"}')
            given += 1
            valid = f"r{given}"
            told = {"access_token": f"t{given}", "expires_in": "3600", **({"refresh_token": valid} if rotates else {})}
            return Reply(200, {}, orjson.dumps(told))
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return Reply(401, {}, b"{}", request.safe) if token in dead else Reply(200, {}, b'{"ok": true}', request.safe)

    return answer


def test_a_token_is_fetched_once_and_used_until_it_ends() -> None:
    world, auth = World(vendor()), OAuth2(TOKENS)
    for _ in range(3):
        play(ask_as(auth, settings(), get("https://api.example.com/items")), world)
    assert world.order == ["token", "keep token", "items", "items", "items"]
    assert world.forms() == [
        {"grant_type": "client_credentials", "client_id": "our-app", "client_secret": "app-secret"}
    ]


def test_client_and_secret_may_be_wanted_in_the_header() -> None:
    world = World(vendor())
    play(ask_as(OAuth2(TOKENS, client="basic"), settings(), get("https://api.example.com/items")), world)
    assert world.asked[0].headers["Authorization"] == "Basic b3VyLWFwcDphcHAtc2VjcmV0"
    assert "client_secret" not in world.forms()[0]


def test_a_token_that_is_refused_is_renewed_once_and_the_question_asked_again() -> None:
    world = World(vendor(dead=("t1",)))
    play(ask_as(OAuth2(TOKENS), settings(), post("https://api.example.com/orders", {"a": 1})), world)
    assert world.order == ["token", "keep token", "orders", "keep token", "token", "keep token", "orders"]


def test_a_token_that_is_refused_twice_is_no_reason_to_ask_for_a_third() -> None:
    world = World(vendor(dead=("t1", "t2")))
    with pytest.raises(Refused, match="401"):
        play(ask_as(OAuth2(TOKENS), settings(), get("https://api.example.com/items")), world)
    assert world.order.count("token") == 2


def test_a_refresh_token_that_rotates_is_kept_before_the_new_token_is_used() -> None:
    world = World(vendor(rotates=True, dead=("t1",)))
    auth = OAuth2(TOKENS, grant="refresh_token")
    play(ask_as(auth, settings(refresh_token="first"), get("https://api.example.com/items")), world)
    assert world.order.index("keep refresh_token") < world.order.index("items")
    assert [form["refresh_token"] for form in world.forms()] == ["first", "r1"]


def test_a_worker_that_starts_again_goes_on_with_the_refresh_token_that_was_kept() -> None:
    world = World(vendor(rotates=True))
    auth = OAuth2(TOKENS, grant="refresh_token")
    play(ask_as(auth, settings(refresh_token="first"), get("https://api.example.com/items")), world)
    del world.kept["token"]  # its time is over
    play(ask_as(auth, settings(refresh_token="first"), get("https://api.example.com/items")), world)
    assert [form["refresh_token"] for form in world.forms()] == ["first", "r1"]


def test_somebody_who_signs_in_anew_is_believed_more_than_what_was_kept() -> None:
    world = World(lambda _: Reply(200, {}, b'{"access_token": "t", "refresh_token": "r9"}'))
    auth = OAuth2(TOKENS, grant="refresh_token")
    play(auth.token(settings(refresh_token="first")), world)
    world.kept.pop("token")
    play(auth.token(settings(refresh_token="second")), world)
    assert [form["refresh_token"] for form in world.forms()] == ["first", "second"]


def test_a_token_request_that_is_refused_did_nothing_and_names_the_account() -> None:
    world = World(vendor(rotates=True))
    auth = OAuth2(TOKENS, grant="refresh_token")
    with pytest.raises(Unavailable, match=r"accounts\.example"):
        play(ask_as(auth, settings(refresh_token="stolen"), get("https://api.example.com/items")), world)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "x"}', b'{"access_token": 5}', b"<html>"])
def test_an_answer_without_a_token_is_none(body: bytes) -> None:
    with pytest.raises(Unavailable):
        play(OAuth2(TOKENS).token(settings()), World(lambda _: Reply(200, {}, body)))


def test_a_given_access_token_is_used_as_it_is_and_not_renewed() -> None:
    world = World(vendor(dead=("given",)))
    with pytest.raises(Refused):
        play(ask_as(OAuth2(TOKENS), settings(access_token="given"), get("https://api.example.com/items")), world)
    assert world.order == ["items"]


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"accounts\.example\.client_secret"):
        play(OAuth2(TOKENS).token(OAuthSettings(client_id="x", base_url="https://x.example")), World(vendor()))


def test_a_service_account_signs_its_claims_for_an_hour() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    class ServiceSettings(OAuthSettings):
        private_key: str = ""

    auth = OAuth2(
        "https://oauth2.example.com/token",
        grant="jwt_bearer",
        claims=lambda given: {"iss": given.client_id, "aud": "https://oauth2.example.com/token", "scope": "sheets"},
    )
    world = World(lambda _: Reply(200, {}, b'{"access_token": "t", "expires_in": 3600}'))
    play(auth.token(ServiceSettings(client_id="robot@example.com", private_key=pem.replace("\n", "\\n"))), world)
    [form] = world.forms()
    token = jwt.decode(form["assertion"], RSAKey.import_key(pem), algorithms=["RS256"])
    assert token.claims["exp"] - token.claims["iat"] == 3540
    assert token.claims["iat"] == int(NOW.timestamp())
    assert (token.claims["iss"], token.claims["scope"]) == ("robot@example.com", "sheets")
    with pytest.raises(Misconfigured, match="private_key"):
        play(auth.token(ServiceSettings(client_id="r", private_key="no key")), World(vendor()))


def test_what_is_signed_is_the_base_string_of_the_published_example() -> None:
    """RFC 5849, section 3.4.1.1."""
    request = HttpRequest(
        "POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", form={"c2": "", "a3": "2 q"}
    )
    told = {
        "oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1", "oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a",
    }  # fmt: skip
    assert base_string(request, told) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D"
        "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3D"
        "HMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_a_request_to_netsuite_is_signed_as_its_recording_is() -> None:
    request = HttpRequest(
        "PUT", "https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/eid:WEB-20031"
    )
    header = authorization(
        request,
        consumer=("ck", "consumer-secret-not-real"),
        token=("tk", "token-secret-not-real"),
        realm="1234567",
        timestamp=1763647512,
        nonce="Zk3f8QpL1x",
    )
    assert 'oauth_signature="%2BzkyfipotAelqjrbDJ0jPuYRC7ogYavdFk%2F5tu1zdWE%3D"' in header


def test_fixed_keys_go_where_the_platform_wants_them() -> None:
    given = settings(access_token="k")
    ask = get("https://api.example.com/x")

    def signed(auth: Any) -> HttpRequest:
        request: HttpRequest = play(auth.sign(given, ask), World(vendor()))
        return request

    assert signed(Key()).headers == {"Authorization": "Bearer k"}
    assert signed(Key(header="X-API-Key", prefix="")).headers == {"X-API-Key": "k"}
    assert signed(Key(query="api_token")).query == {"api_token": "k"}
    assert signed(BasicAuth("client_id", "client_secret")).headers["Authorization"].startswith("Basic ")
    assert "oauth_nonce" in signed(
        OAuth1("client_id", "client_secret", "client_id", "client_secret")
    ).headers["Authorization"]  # fmt: skip


def session_vendor(lives: int) -> Callable[[HttpRequest], Reply]:
    """Sessions s1, s2 …, of which each answers `lives` questions."""
    begun, used = 0, 0

    def answer(request: HttpRequest) -> Reply:
        nonlocal begun, used
        if request.url.endswith("/Login"):
            begun, used = begun + 1, 0
            return Reply(200, {}, b"{}", cookies=(f"SESSION=s{begun}", "ROUTE=.node1"))
        used += 1
        return Reply(200 if used <= lives else 401, {}, b"{}", request.safe)

    return answer


SESSION = Session(lambda given: post(f"{given.base_url}/Login", {"user": given.client_id}))


def test_a_session_is_begun_once_and_its_cookies_are_sent_along() -> None:
    world = World(session_vendor(lives=9))
    for _ in range(2):
        play(ask_as(SESSION, settings(), get("https://api.example.com/Orders")), world)
    assert world.order == ["Login", "keep session", "Orders", "Orders"]
    assert world.asked[-1].headers["Cookie"] == "SESSION=s1; ROUTE=.node1"


def test_a_session_that_ended_is_begun_anew_exactly_once() -> None:
    world = World(session_vendor(lives=1))
    for _ in range(2):
        play(ask_as(SESSION, settings(), get("https://api.example.com/Orders")), world)
    assert world.order.count("Login") == 2
    dead = World(session_vendor(lives=0))
    with pytest.raises(Refused):
        play(ask_as(SESSION, settings(), get("https://api.example.com/Orders")), dead)
    assert dead.order.count("Login") == 2


async def test_calls_that_need_a_token_at_the_same_time_fetch_one_over_real_sockets() -> None:
    fetched, orders = 0, 0

    async def tokens(request: web.Request) -> web.Response:
        nonlocal fetched
        fetched += 1
        assert dict(parse_qsl(await request.text()))["refresh_token"] == ("first" if fetched == 1 else "r1")
        await asyncio.sleep(0.05)
        return web.json_response({"access_token": "t", "refresh_token": "r1", "expires_in": 3600})

    async def items(request: web.Request) -> web.Response:
        nonlocal orders
        orders += 1
        assert request.headers["Authorization"] == "Bearer t"
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.post(TOKENS, tokens), web.get("/items", items)])
    async with TestServer(app) as server, Runner(MemoryKeeper()) as runner:
        account = Account.at(str(server.make_url("")), OAuth2(TOKENS, grant="refresh_token"))
        calls = [account.ask(get(f"{account.base('')}/items")) for _ in range(5)]
        await asyncio.gather(*(runner.run(call, account) for call in calls))
    assert (fetched, orders) == (1, 5)


async def test_calls_whose_token_is_refused_one_after_the_other_renew_it_once() -> None:
    """What one call has renewed, another that was refused with the old one does not throw away."""
    fetched, refused = 0, 0

    async def tokens(request: web.Request) -> web.Response:
        nonlocal fetched
        fetched += 1
        return web.json_response({"access_token": f"t{fetched}", "refresh_token": f"r{fetched}", "expires_in": 3600})

    async def items(request: web.Request) -> web.Response:
        nonlocal refused
        if request.headers["Authorization"] == "Bearer old":
            refused += 1
            await asyncio.sleep(0.05 * refused)
            return web.json_response({}, status=401)
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.post(TOKENS, tokens), web.get("/items", items)])
    keeper = MemoryKeeper()
    async with TestServer(app) as server, Runner(keeper) as runner:
        account = Account.at(str(server.make_url("")), OAuth2(TOKENS, grant="refresh_token"))
        await keeper.keep(account.account, "token", "old", None)
        calls = [account.ask(get(f"{account.base('')}/items")) for _ in range(4)]
        await asyncio.gather(*(runner.run(call, account) for call in calls))
    assert (refused, fetched) == (4, 1)


async def test_a_worker_that_lost_the_account_does_not_use_its_refresh_token_up() -> None:
    async def never(request: web.Request) -> web.Response:
        raise AssertionError("the token endpoint was asked")

    def too_late() -> None:
        raise NotSent("the partition belongs to another worker now")

    app = web.Application()
    app.add_routes([web.post(TOKENS, never)])
    async with TestServer(app) as server, Runner(MemoryKeeper()) as runner:
        account = Account.at(str(server.make_url("")), OAuth2(TOKENS, grant="refresh_token"))
        with pytest.raises(NotSent):
            await runner.run(account.ask(get(f"{account.base('')}/items")), account, may_start=too_late)
