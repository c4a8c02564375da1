"""Who gets in, what forms may do, and what browsers are told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from yarl import URL

from streamer.web.attempts import PER_PERSON, WINDOW_SECONDS, Attempts
from streamer.web.rights import Role
from streamer.web.security import local_path
from streamer.web.sessions import FILE as SESSIONS
from streamer.web.sessions import Sessions
from streamer.web.users import FILE as USERS
from streamer.web.users import load_users
from tests.web import shop
from tests.web.running import CHEAP, Person, RunningConsole, password

LETTER = "/errors/" + "d" * 26
PAGES = ("/", "/orders", "/stock", "/approvals", "/errors", LETTER, "/audit", "/search?q=lamp", "/events", "/accounts")
SECRET_ACT = {"act_id": "x" * 24, "version": "1", "decision": "approve"}


@pytest.fixture(scope="module")
def console(console_kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    topics = shop.Topics("streamer")
    with RunningConsole(console_kafka, tmp_path_factory.mktemp("security"), shop.a_day(topics)) as running:
        yield running


@pytest.fixture
async def person(console: RunningConsole) -> AsyncIterator[Person]:
    async with Person(console.url) as somebody:
        yield somebody


@pytest.mark.parametrize("page", PAGES)
async def test_who_is_not_logged_in_sees_the_door_and_nothing_else(person: Person, page: str) -> None:
    assert await person.get(page) == 200
    assert person.path == "/login"
    assert "BOSCH" not in person.page
    assert await person.get(page, headers={"Accept": "application/json"}) == 401


async def test_a_wrong_password_is_refused_and_after_five_there_is_a_pause(person: Person) -> None:
    for _ in range(PER_PERSON):
        assert await person.log_in("nobody", "guess") == 401
    assert await person.log_in("nobody", "guess") == 429
    assert int(person.headers["Retry-After"]) > 0
    assert await person.log_in("anna") == 200


def test_the_pause_ends_and_a_right_password_forgets_the_slips() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(PER_PERSON):
        attempts.failed("a", "anna")
    assert attempts.pause_seconds("a", "anna") > 0
    assert attempts.pause_seconds("b", "anna") == 0
    now = WINDOW_SECONDS + 1
    assert attempts.pause_seconds("a", "anna") == 0
    attempts.failed("a", "anna")
    attempts.succeeded("a", "anna")
    for _ in range(PER_PERSON - 1):
        attempts.failed("a", "anna")
    assert attempts.pause_seconds("a", "anna") == 0


async def test_a_session_that_somebody_planted_is_not_the_one_that_is_opened(
    console: RunningConsole, person: Person
) -> None:
    person.session.cookie_jar.update_cookies({"streamer_session": "planted"}, URL(console.url))
    assert await person.log_in("anna") == 200
    cookies = {cookie.key: cookie.value for cookie in person.session.cookie_jar}
    assert cookies["streamer_session"] != "planted"
    async with Person(console.url) as thief:
        thief.session.cookie_jar.update_cookies({"streamer_session": "planted"}, URL(console.url))
        await thief.get("/orders")
        assert thief.path == "/login"


async def test_logging_out_ends_the_session_on_our_side(console: RunningConsole, person: Person) -> None:
    await person.log_in("anna")
    kept = {cookie.key: cookie.value for cookie in person.session.cookie_jar}
    await person.post("/logout", person.form("/logout"))
    async with Person(console.url) as thief:
        thief.session.cookie_jar.update_cookies(kept, URL(console.url))
        await thief.get("/orders")
        assert thief.path == "/login"


async def test_the_cookie_is_for_the_server_alone(console: RunningConsole) -> None:
    async with Person(console.url) as person:
        await person.get("/login")
        form = {"name": "anna", "password": password("anna"), "csrf": person.field("csrf")}
        await person.post("/login", form, allow_redirects=False)
        cookies = [line for line in person.headers.getall("Set-Cookie") if "streamer_session" in line]
        assert len(cookies) == 1
        assert "HttpOnly" in cookies[0]
        assert "SameSite=Lax" in cookies[0]
        assert "Path=/" in cookies[0]


async def test_a_form_of_another_site_or_without_the_token_does_nothing(
    console: RunningConsole, person: Person
) -> None:
    await person.log_in("anna")
    await person.get("/approvals")
    token = person.field("csrf")
    good = {**SECRET_ACT, "csrf": token}
    act = "/approvals/BOSCH-2"
    assert await person.post(act, good, origin="https://evil.example") == 403
    assert await person.post(act, good, origin="null") == 403
    assert await person.post(act, good, origin=None) == 403
    assert await person.post(act, SECRET_ACT) == 403
    assert await person.post(act, {**good, "csrf": token[:-1] + "ü"}) == 403
    async with Person(console.url) as other:
        await other.log_in("anna")
        assert await other.post(act, good) == 403
    assert await person.post("/login", {"name": "anna", "password": password("anna")}) == 403
    assert await console.records("purchasing") == []


async def test_an_act_cannot_be_done_by_a_link(person: Person) -> None:
    await person.log_in("anna")
    for act in ("/approvals/BOSCH-2", f"{LETTER}/replay", f"{LETTER}/reveal", "/errors/rows/release", "/logout"):
        assert await person.get(act) in (404, 405)


@pytest.mark.parametrize("name", ["vera", "bert"])
async def test_who_may_only_look_can_do_nothing(console: RunningConsole, person: Person, name: str) -> None:
    await person.log_in(name)
    await person.get("/approvals")
    assert "BOSCH-2" in person.page
    assert ">Approve" not in person.page
    form = {**SECRET_ACT, "csrf": person.field("csrf"), "reason": "because", "fold": "stock", "key": "north/LAMP-01"}
    for act in (
        "/approvals/BOSCH-2",
        f"{LETTER}/replay",
        f"{LETTER}/resolve",
        f"{LETTER}/reveal",
        "/errors/rows/release",
        "/errors/group/replay",
    ):
        assert await person.post(act, form) == 403, act
    if name == "vera":
        assert await person.post("/errors/calls/bosch-mail/" + "A" * 26, {**form, "act": "confirm"}) == 403
    assert await console.records("purchasing") == []
    assert await console.records("raw.lampshop") == []
    assert await console.records("commands") == []


@pytest.mark.parametrize(
    "path", ["/login", "/static/console.css", "/nothing", "/hooks/none", "/health/live", "/", "/orders/none"]
)
async def test_every_answer_tells_browsers_what_not_to_do(person: Person, path: str) -> None:
    await person.log_in("anna")
    await person.get(path)
    policy = person.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert person.headers["X-Content-Type-Options"] == "nosniff"
    assert person.headers["Referrer-Policy"] == "same-origin"


async def test_static_files_are_those_of_the_folder_and_no_others(console: RunningConsole) -> None:
    import asyncio

    port = int(console.url.rpartition(":")[2])
    for path in (
        "/static/../schema.py",
        "/static/%2e%2e/schema.py",
        "/static/..%2fschema.py",
        "/static/",
        "/static/%00",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head = (await reader.read()).split(b"\r\n")[0]
        writer.close()
        assert b" 404 " in head or b" 403 " in head or b" 401 " in head or b" 400 " in head, (path, head)


async def test_metrics_are_for_this_machine_unless_a_proxy_stands_before_us(person: Person) -> None:
    assert await person.get("/metrics") == 200
    assert "streamer_hooks_total" in person.page
    assert await person.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}) == 404


async def test_no_page_and_no_metric_holds_a_password_or_a_token(person: Person) -> None:
    await person.log_in("anna")
    session = next(cookie.value for cookie in person.session.cookie_jar if cookie.key == "streamer_session")
    for page in (*PAGES[:6], "/metrics"):
        await person.get(page)
        assert session not in person.page
        assert password("anna") not in person.page


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "/a\r\nX: y", ""],
)
def test_after_the_login_nobody_is_led_to_another_site(path: str) -> None:
    assert local_path(path) == "/"


def test_a_page_of_ours_is_where_the_login_leads() -> None:
    assert local_path("/stock?state=shortage") == "/stock?state=shortage"


def test_the_first_password_is_told_once_and_kept_as_a_hash_for_the_owner_alone(tmp_path: Path) -> None:
    wanted = {"admin": (Role.MANAGER,)}
    users, first = load_users(tmp_path, wanted, CHEAP)
    assert users.check("admin", first["admin"]) is not None
    assert users.check("admin", first["admin"] + "x") is None
    assert users.check("nobody", first["admin"]) is None
    text = (tmp_path / USERS).read_text()
    assert first["admin"] not in text
    assert json.loads(text)["admin"].startswith("$argon2id$")
    assert (tmp_path / USERS).stat().st_mode & 0o777 == 0o600
    again, told = load_users(tmp_path, wanted, CHEAP)
    assert told == {}
    assert again.check("admin", first["admin"]) is not None


def test_a_session_ends_by_itself_and_its_id_stands_nowhere(tmp_path: Path) -> None:
    now = 1_000.0
    sessions = Sessions(tmp_path, hours=1, clock=lambda: now)
    session_id = sessions.begin("anna")
    assert sessions.find(session_id) is not None
    assert sessions.find(session_id[:-1]) is None
    now += 3_601
    assert sessions.find(session_id) is None
    sessions.close()
    assert session_id.encode() not in (tmp_path / SESSIONS).read_bytes()
    assert (tmp_path / SESSIONS).stat().st_mode & 0o777 == 0o600
