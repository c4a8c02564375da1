"""The header of a request signed with HMAC-SHA256 (RFC 5849, sections 3.4 and 3.5). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, quote, urlsplit

from streamer.platforms.wire import HttpRequest

METHOD = "HMAC-SHA256"


def authorization(
    request: HttpRequest,
    *,
    consumer: tuple[str, str],
    token: tuple[str, str],
    realm: str | None,
    timestamp: int,
    nonce: str,
) -> str:
    """The text of `Authorization`. `consumer` and `token` are pairs of key and secret; `timestamp` is in seconds."""
    told = {
        "oauth_consumer_key": consumer[0],
        "oauth_token": token[0],
        "oauth_signature_method": METHOD,
        "oauth_timestamp": str(timestamp),
        "oauth_nonce": nonce,
        "oauth_version": "1.0",
    }
    key = f"{escaped(consumer[1])}&{escaped(token[1])}".encode()
    digest = hmac.new(key, base_string(request, told).encode(), hashlib.sha256).digest()
    told["oauth_signature"] = base64.b64encode(digest).decode()
    parts = [f'{name}="{escaped(text)}"' for name, text in told.items()]
    if realm is not None:
        parts.insert(0, f'realm="{escaped(realm)}"')
    return "OAuth " + ", ".join(parts)


def base_string(request: HttpRequest, oauth: dict[str, str]) -> str:
    """What is signed: method, address without query, and all parameters in order."""
    parts = urlsplit(request.url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *request.query.items(), *oauth.items()]
    if request.form:
        pairs += request.form.items()
    ordered = sorted((escaped(name), escaped(text)) for name, text in pairs)
    parameters = "&".join(f"{name}={text}" for name, text in ordered)
    host = parts.hostname or ""
    if parts.port is not None and parts.port != {"https": 443, "http": 80}.get(parts.scheme):
        host = f"{host}:{parts.port}"
    address = f"{parts.scheme}://{host}{parts.path or '/'}"
    return "&".join(map(escaped, (request.method.upper(), address, parameters)))


def escaped(text: str) -> str:
    return quote(text, safe="~")
