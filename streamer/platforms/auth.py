"""How we prove to a platform who we are, as values; a platform has one as its class attribute `auth`.

A value signs a request (`sign`) and, when the platform says the proof is stale (`stale`, usually 401: nothing was
done), makes a new one exactly once (`renew`). Tokens live in the row of the account's owner, between processes and
restarts.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Protocol
from urllib.parse import urljoin

import orjson
from pydantic import SecretStr

from streamer.errors import Misconfigured, Refused, Unavailable
from streamer.platforms.oauth1 import authorization
from streamer.platforms.settings import AccountSettings
from streamer.platforms.wire import (
    Call,
    HttpRequest,
    RefusedReply,
    Reply,
    alone,
    keep,
    moment,
    recall,
    release,
    send,
)

STALE = frozenset({401})
EARLY_SECONDS = 60.0  # a token is renewed this long before it ends
USUAL_LIFETIME_SECONDS = 3600.0
ASSERTION_SECONDS = 3540  # some take less than an hour only
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN, REFRESH, SESSION = "token", "refresh_token", "session"


class Auth(Protocol):
    """A way to prove ourselves."""

    @property
    def stale(self) -> frozenset[int]:
        """Statuses that say: this proof no longer holds."""

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        """The request with the proof in it."""

    def renew(self, settings: Any) -> Call[bool]:
        """Forget a proof that was refused; whether another can be had."""


def ask_as(auth: Auth | None, settings: Any, request: HttpRequest) -> Call[Reply]:
    """One exchange with a proof; once more with a new one when the platform calls the first stale.

    A proof that another call has renewed meanwhile is used, not renewed again: tokens rotate, and sessions are counted.
    """
    if auth is None:
        return (yield from send(request))
    signed = yield from auth.sign(settings, request)
    try:
        return (yield from send(signed))
    except RefusedReply as refused:
        if refused.status not in auth.stale:
            raise
        again = yield from auth.sign(settings, request)
        if again == signed:
            if not (yield from auth.renew(settings)):
                raise
            again = yield from auth.sign(settings, request)
    return (yield from send(again))


def with_headers(request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
    """The request with these headers besides its own."""
    return replace(request, headers={**request.headers, **headers})


def plain(settings: Any, field: str) -> str:
    """The text of a setting, secret or not; raises Misconfigured when it is not set."""
    text = optional(settings, field)
    if not text:
        raise Misconfigured(f"accounts.{settings.name}.{field}", "is needed to call this platform, and is not set")
    return text


def optional(settings: Any, field: str) -> str:
    """The text of a setting, or ""."""
    value = getattr(settings, field, None)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


@dataclass(frozen=True, slots=True)
class Key:
    """A fixed secret of the settings in a header (`Authorization: Bearer …`, `X-API-Key: …`) or in the query."""

    field: str = "access_token"
    header: str | None = "Authorization"
    prefix: str = "Bearer "
    query: str | None = None
    stale: frozenset[int] = frozenset()

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        yield from ()
        secret = plain(settings, self.field)
        if self.query:
            return replace(request, query={**request.query, self.query: secret})
        return with_headers(request, {self.header or "Authorization": self.prefix + secret})

    def renew(self, settings: Any) -> Call[bool]:
        yield from ()
        return False


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """HTTP Basic of two settings (RFC 7617); of one (`user:password`) where `password` is None."""

    user: str = "username"
    password: str | None = "password"
    stale: frozenset[int] = frozenset()

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        yield from ()
        return with_headers(request, {"Authorization": self.header(settings)})

    def header(self, settings: Any) -> str:
        pair = plain(settings, self.user)
        if self.password is not None:
            pair += f":{optional(settings, self.password)}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    def renew(self, settings: Any) -> Call[bool]:
        yield from ()
        return False


@dataclass(frozen=True, slots=True)
class OAuth1:
    """Signed requests (RFC 5849) with HMAC-SHA256; nonce and time come from the runner."""

    consumer_key: str = "consumer_key"
    consumer_secret: str = "consumer_secret"
    token: str = "token_id"
    token_secret: str = "token_secret"
    realm: str | None = None  # the setting that holds it
    stale: frozenset[int] = frozenset()

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        told = yield from moment()
        header = authorization(
            request,
            consumer=(plain(settings, self.consumer_key), plain(settings, self.consumer_secret)),
            token=(plain(settings, self.token), plain(settings, self.token_secret)),
            realm=plain(settings, self.realm) if self.realm else None,
            timestamp=int(told.now.timestamp()),
            nonce=told.nonce,
        )
        return with_headers(request, {"Authorization": header})

    def renew(self, settings: Any) -> Call[bool]:
        yield from ()
        return False


class OAuthSettings(AccountSettings):
    """For platforms with OAuth 2. A given `access_token` is used as it is, for trying out."""

    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None  # the first one; where it rotates, later ones are kept by the worker
    access_token: SecretStr | None = None
    token_url: str | None = None  # where tokens come from, when not at the usual address


@dataclass(frozen=True, slots=True)
class OAuth2:
    """A token from a token endpoint (RFC 6749), kept until shortly before it ends.

    `refresh_token`: the first one is a setting (somebody signed in with a browser once). An answer that brings another
    one makes it the valid one: it is kept, durably, before the new token is used. A new one in the settings wins over
    what was kept under the old one.
    `jwt_bearer`: an assertion signed with the key of a service account (RFC 7523); `claims` makes what is in it.
    A client `assertion` proves the client by such a signature instead of a secret (RFC 7523, 2.2); the setting `key_id`
    names its certificate.
    """

    token_url: str  # an address, or a path below the account's `base_url`
    grant: Literal["client_credentials", "refresh_token", "jwt_bearer"] = "client_credentials"
    client: Literal["body", "basic", "assertion"] = "body"
    scope: str | None = None
    more: Callable[[Any], Mapping[str, str]] | None = None  # further form fields, of the settings
    claims: Callable[[Any], Mapping[str, Any]] | None = None
    private_key: str = "private_key"
    algorithm: str = "RS256"
    key_id: str | None = None  # the setting that holds it
    header: str = "Authorization"
    prefix: str = "Bearer "
    base: str = ""  # the usual base address, where `token_url` is a path
    stale: frozenset[int] = STALE

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        token = yield from self.token(settings)
        return with_headers(request, {self.header: self.prefix + token})

    def renew(self, settings: Any) -> Call[bool]:
        if optional(settings, "access_token"):
            return False
        yield from keep(TOKEN, None)
        return True

    def token(self, settings: Any) -> Call[str]:
        """A token that still holds. Calls of one account that need one at the same time fetch it once."""
        if given := optional(settings, "access_token"):
            return given
        if held := (yield from recall(TOKEN)):
            return held
        yield from alone(TOKEN)
        token = (yield from recall(TOKEN)) or (yield from self._fetch(settings))
        yield from release(TOKEN)
        return token

    def _fetch(self, settings: Any) -> Call[str]:
        form = {**(yield from self._grant(settings)), **(self.more(settings) if self.more else {})}
        if self.scope:
            form["scope"] = self.scope
        headers = {"Accept": "application/json"}
        if self.client == "assertion":
            form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": (yield from self._signed(settings))}
        elif self.grant != "jwt_bearer":
            if self.client == "basic":
                headers["Authorization"] = BasicAuth("client_id", "client_secret").header(settings)
            else:
                form |= {"client_id": plain(settings, "client_id"), "client_secret": plain(settings, "client_secret")}
        try:
            reply = yield from send(self._request(settings, headers, form))
        except RefusedReply as refused:
            # The command itself was not sent; a person has to sign in again, and the next try may succeed.
            raise Unavailable(f"no token for accounts.{settings.name}: {refused}") from refused
        return (yield from self._keep(settings, reply))

    def _request(self, settings: Any, headers: Mapping[str, str], form: Mapping[str, str]) -> HttpRequest:
        """Nothing of the command itself is done by it; a token that rotates is only for the account's owner."""
        rotates = self.grant == "refresh_token"
        return HttpRequest("POST", self.url(settings), headers, form=form, safe=True, leased=rotates)

    def _keep(self, settings: Any, reply: Reply) -> Call[str]:
        told = reply.json()
        if not isinstance(told, Mapping) or not isinstance(told.get("access_token"), str):
            raise reply.unreadable("holds no access_token")
        if self.grant == "refresh_token" and isinstance(fresh := told.get("refresh_token"), str):
            yield from keep(REFRESH, f"{self._first(settings)}:{fresh}")
        token: str = told["access_token"]
        lifetime = _seconds(told.get("expires_in"))
        yield from keep(TOKEN, token, max(lifetime - EARLY_SECONDS, lifetime / 2))
        return token

    def _grant(self, settings: Any) -> Call[dict[str, str]]:
        match self.grant:
            case "client_credentials":
                return {"grant_type": "client_credentials"}
            case "jwt_bearer":
                assertion = yield from self._signed(settings)
                return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
        kept = yield from recall(REFRESH)
        first, _, token = (kept or "").partition(":")
        if first != self._first(settings):
            token = plain(settings, "refresh_token")
        return {"grant_type": "refresh_token", "refresh_token": token}

    def _signed(self, settings: Any) -> Call[str]:
        header = {"alg": self.algorithm} | ({"kid": plain(settings, self.key_id)} if self.key_id else {})
        claims = self.claims(settings) if self.claims else {}
        return (yield from signed_claims(plain(settings, self.private_key), claims, header=header))

    def _first(self, settings: Any) -> str:
        """Tells refresh tokens of the settings apart without holding one."""
        return hashlib.sha256(plain(settings, "refresh_token").encode()).hexdigest()[:16]

    def url(self, settings: Any) -> str:
        usual = settings.base_url or self.base
        return str(optional(settings, "token_url") or urljoin(f"{usual}/", self.token_url))


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in whose answer gives headers for what follows: cookies, or a token in the body.

    Settings and answer are all that `login` and `read` see. A session that the platform ended is made anew once.
    """

    login: Callable[[Any], HttpRequest]
    read: Callable[[Reply], Mapping[str, str]] | None = None  # None: the cookies
    lifetime_seconds: float = 1200.0
    stale: frozenset[int] = STALE

    def sign(self, settings: Any, request: HttpRequest) -> Call[HttpRequest]:
        held = yield from recall(SESSION)
        if not held:
            yield from alone(SESSION)
            held = (yield from recall(SESSION)) or (yield from self._log_in(settings))
            yield from release(SESSION)
        return with_headers(request, orjson.loads(held))

    def renew(self, settings: Any) -> Call[bool]:
        yield from keep(SESSION, None)
        return True

    def _log_in(self, settings: Any) -> Call[str]:
        try:
            reply = yield from send(replace(self.login(settings), safe=True))
        except Refused as refused:
            raise Unavailable(f"no session for accounts.{settings.name}: {refused}") from refused
        headers = self.read(reply) if self.read else {"Cookie": "; ".join(reply.cookies)}
        if not all(headers.values()):
            raise reply.unreadable("gives no session")
        held = orjson.dumps(dict(headers)).decode()
        yield from keep(SESSION, held, self.lifetime_seconds)
        return held


def signed_claims(private_key: str, claims: Mapping[str, Any], *, header: Mapping[str, Any] | None = None) -> Call[str]:
    """A JSON Web Token (RFC 7519), valid from now for an hour unless `claims` say otherwise.

    Signed with RS256 unless `header` names another algorithm of RSA keys as `alg`.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    now = (yield from moment()).now
    times = {"iat": int(now.timestamp()), "exp": int((now + timedelta(seconds=ASSERTION_SECONDS)).timestamp())}
    told = {"alg": "RS256", "typ": "JWT", **(header or {})}
    try:
        key = RSAKey.import_key(private_key.replace("\\n", "\n"))
        return jwt.encode(told, {**times, **claims}, key, algorithms=[told["alg"]])
    except (JoseError, ValueError) as error:
        raise Misconfigured("private_key", "is no RSA key in PEM form") from error


def _seconds(text: Any) -> float:
    try:
        return max(float(text), 1.0)
    except (TypeError, ValueError):
        return USUAL_LIFETIME_SECONDS
