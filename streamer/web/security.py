"""The border of the console: who is logged in, what forms may do, and what browsers are told not to do."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from streamer.approval_links import PATH as LINKS
from streamer.web.config import WebConfig
from streamer.web.rights import Right, rights_of
from streamer.web.sessions import Session, Sessions
from streamer.web.users import Users

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = ("/hooks/", "/health/", "/static/")
OPEN_PAGES = frozenset({"/login", "/metrics", "/favicon.ico"})
FORM_TOKEN = "csrf"  # noqa: S105 - the name of a form field
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105
LOGIN_COOKIE = "streamer_login"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # forms of old browsers name where they come from by it; other hosts hear nothing
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)


class Security:
    """Middlewares and the two acts, to log in and to log out."""

    def __init__(self, config: WebConfig, users: Users, sessions: Sessions) -> None:
        self.config = config
        self.users = users
        self.sessions = sessions
        self.cookie = "__Host-streamer" if config.secure_cookies else "streamer_session"

    @web.middleware
    async def headers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Puts the headers on every answer, errors included."""
        try:
            response = await handler(request)
        except web.HTTPException as answer:
            answer.headers.update(self._headers(request))
            raise
        if not response.prepared:
            response.headers.update(self._headers(request))
        return response

    def _headers(self, request: web.Request) -> dict[str, str]:
        if request.path.startswith("/static/"):
            return HEADERS
        return {**HEADERS, "Cache-Control": "no-store"}

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets pass who is logged in, and of forms those that our own pages sent."""
        if request.path.startswith(OPEN) or request.path == "/metrics":
            return await handler(request)
        if request.method not in ("GET", "HEAD"):
            self.check_origin(request)
        if request.path in OPEN_PAGES or request.path.startswith(LINKS):
            return await handler(request)
        session = self.sessions.find(request.cookies.get(self.cookie))
        if session is None or session.user not in self.users.users:
            if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", ""):
                raise web.HTTPSeeOther(f"/login?next={_quoted(request.path_qs)}")
            raise web.HTTPUnauthorized(text="log in first\n")
        request[SESSION] = session
        if request.method not in ("GET", "HEAD"):
            await self._check_token(request, session)
        return await handler(request)

    def check_origin(self, request: web.Request) -> None:
        """Raises HTTPForbidden for a form that another site sent. A browser names its origin with every POST."""
        origin = request.headers.get("Origin") or request.headers.get("Referer")
        if not origin:
            raise web.HTTPForbidden(text="the request does not say where it comes from\n")
        site = urlsplit(origin)
        wanted = self.config.public_origin
        good = f"{site.scheme}://{site.netloc}" == wanted if wanted else site.netloc == request.host
        if not good or request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="the request comes from another site\n")

    async def _check_token(self, request: web.Request, session: Session) -> None:
        given = request.headers.get(TOKEN_HEADER)
        if given is None and request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            value = (await request.post()).get(FORM_TOKEN)
            given = value if isinstance(value, str) else None
        if given is None or not hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf.encode()):
            raise web.HTTPForbidden(text="the form is too old; load the page again\n")

    def rights(self, request: web.Request) -> frozenset[Right]:
        """What the person behind `request` may do; the roles in force now, not those at the login."""
        user = self.users.users.get(request[SESSION].user)
        return rights_of(user.roles) if user else frozenset()

    def need(self, request: web.Request, right: Right) -> None:
        """Raises HTTPForbidden when the person may not do it."""
        if right not in self.rights(request):
            raise web.HTTPForbidden(text=f"your login has not the right to {right.value}\n")

    def begin(self, request: web.Request, response: web.StreamResponse, user: str) -> None:
        """A session with a new id; one that the browser brought along ends (session fixation)."""
        self.sessions.end(request.cookies.get(self.cookie))
        self._set_cookie(response, self.cookie, self.sessions.begin(user), self.config.session_hours * 3600)
        response.del_cookie(LOGIN_COOKIE, path="/login")

    def end(self, request: web.Request, response: web.StreamResponse) -> None:
        """Logs out."""
        self.sessions.end(request.cookies.get(self.cookie))
        response.del_cookie(self.cookie, path="/", secure=self.config.secure_cookies, httponly=True, samesite="Lax")

    def login_token(self, response: web.StreamResponse) -> str:
        """Ties the login form to the browser that it was given to, before there is a session."""
        token = secrets.token_urlsafe(24)
        response.set_cookie(
            LOGIN_COOKIE, token, path="/login", httponly=True, samesite="Strict", secure=self.config.secure_cookies
        )
        return token

    def login_token_fits(self, request: web.Request, given: str) -> bool:
        """Whether the form and the cookie belong together."""
        kept = request.cookies.get(LOGIN_COOKIE, "")
        return bool(kept) and hmac.compare_digest(kept.encode(), given.encode("utf-8", "replace"))

    def _set_cookie(self, response: web.StreamResponse, name: str, value: str, seconds: float) -> None:
        response.set_cookie(
            name,
            value,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self.config.secure_cookies,
            max_age=int(seconds),
        )


def local_path(path: str) -> str:
    """Where to go after the login: a path of ours, never another site."""
    parts = urlsplit(path)
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if ours and "\\" not in path and path.isprintable() else "/"


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path, safe="/")
