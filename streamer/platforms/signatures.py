"""How a sender proves who it is, as values. All comparisons take the same time whatever the difference is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import SecretStr

from streamer.errors import BadSignature
from streamer.platforms.settings import AccountSettings
from streamer.platforms.wire import Raw

Signed = Callable[[Raw], bytes]


class Signature(Protocol):
    """A way to prove a sender; a platform has one as a class attribute."""

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        """Raises BadSignature."""


def the_body(raw: Raw) -> bytes:
    """Most platforms sign the body alone."""
    return raw.body


def same(given: str | bytes, wanted: str | bytes) -> bool:
    """Equal, in constant time; text that is not ASCII is compared too instead of raising."""
    return hmac.compare_digest(_bytes(given), _bytes(wanted))


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def secrets_of(settings: AccountSettings, field: str) -> Iterator[str]:
    """The secret that `field` names and the one before it; raises BadSignature when there is none."""
    found = False
    for name in (field, f"{field}_previous"):
        value = getattr(settings, name, None)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text:
            found = True
            yield str(text)
    if not found:
        raise BadSignature(f"accounts.{settings.name}.{field} is needed to check who sends events, and is not set")


@dataclass(frozen=True, slots=True)
class Hmac:
    """An HMAC over the body, or over what `signed` makes of the event, in a header.

    `prefix` stands before the digest ("sha256="). `separator`: the header holds several, one right one is enough.
    `key` says how the secret's text becomes the key. With `timestamp` the sender's time is checked against
    `tolerance_seconds`.
    """

    header: str
    encoding: Literal["base64", "hex"] = "hex"
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    prefix: str = ""
    secret: str = "webhook_secret"
    key: Literal["text", "base64", "hex"] = "text"
    signed: Signed = the_body
    separator: str | None = None
    timestamp: Callable[[Raw], datetime] | None = None
    tolerance_seconds: float = 300.0

    def sign(self, raw: Raw, secret: str) -> str:
        """The header's text for this event."""
        digest = hmac.digest(self._key(secret), self.signed(raw), self.algorithm)
        text = digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        return self.prefix + text

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        given = raw.header(self.header)
        if not given:
            raise BadSignature(f"the header {self.header} is missing")
        texts = given.split(self.separator) if self.separator else [given]
        if self.encoding == "hex":
            texts = [text.lower() for text in texts]
        good = False
        for secret in secrets_of(settings, self.secret):
            wanted = self.sign(raw, secret)
            for text in texts:
                good |= same(text.strip(), wanted)
        if not good:
            raise BadSignature(f"{self.header} does not fit the body; look at accounts.{settings.name}.{self.secret}")
        if self.timestamp is not None:
            fresh(self.timestamp(raw), at, self.tolerance_seconds)

    def _key(self, secret: str) -> bytes:
        try:
            if self.key == "base64":
                return base64.b64decode(secret, validate=True)
            if self.key == "hex":
                return bytes.fromhex(secret)
        except (binascii.Error, ValueError) as error:
            raise BadSignature(f"the setting {self.secret} is not {self.key} text") from error
        return secret.encode()


@dataclass(frozen=True, slots=True)
class Token:
    """A secret of our own choice in a header or in the query; `field` of the settings may name another header."""

    header: str | None = None
    query: str | None = None
    prefix: str = ""
    secret: str = "webhook_secret"
    header_setting: str | None = None  # the settings field that holds the header's name

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        header = (getattr(settings, self.header_setting, None) if self.header_setting else None) or self.header
        given = raw.header(header) if header else ""
        if not given and self.query:
            given = raw.query.get(self.query, "")
        place = header or f"query parameter {self.query}"
        if not given:
            raise BadSignature(f"{place} is missing")
        if not any(same(given, self.prefix + secret) for secret in secrets_of(settings, self.secret)):
            raise BadSignature(f"{place} is not what accounts.{settings.name}.{self.secret} says")


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic; the secret is `user:password`."""

    secret: str = "webhook_secret"

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        scheme, _, given = raw.header("authorization").partition(" ")
        if scheme.lower() != "basic" or not given:
            raise BadSignature("the header Authorization with Basic credentials is missing")
        wanted = [base64.b64encode(secret.encode()).decode() for secret in secrets_of(settings, self.secret)]
        if not any(same(given.strip(), text) for text in wanted):
            raise BadSignature(f"the credentials are not what accounts.{settings.name}.{self.secret} says")


@dataclass(frozen=True, slots=True)
class Either:
    """One of several proofs is enough."""

    ways: tuple[Signature, ...]

    def check(self, raw: Raw, settings: Any, at: datetime) -> None:
        reasons = []
        for way in self.ways:
            try:
                return way.check(raw, settings, at)
            except BadSignature as error:
                reasons.append(str(error))
        raise BadSignature("; ".join(reasons))


def fresh(sent: datetime, at: datetime, tolerance_seconds: float) -> None:
    """Raises BadSignature when a signed time is too far from ours, in either direction."""
    if abs(at - sent) > timedelta(seconds=tolerance_seconds):
        raise BadSignature(f"the signed time is more than {tolerance_seconds:g} s away from ours")


def unix_time(text: str, *, per_second: int = 1) -> datetime:
    """A time in seconds (or, with `per_second=1000`, milliseconds) since 1970; raises BadSignature."""
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadSignature("the signed time is not a number")
    try:
        return datetime.fromtimestamp(int(text) / per_second, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise BadSignature("the signed time is no time") from error


def sha256_hex(data: bytes) -> str:
    """For ids made of content."""
    return hashlib.sha256(data).hexdigest()
