"""How a raw event stands on `raw.<platform>`: the bytes as they came, and in headers what its adapter reads.

A producer that knows nothing of us writes the body alone; the record's key or the headers `account` say whose it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from streamer.platforms.wire import Raw

Headers = tuple[tuple[str, bytes], ...]

HTTP = "http-"
LONGEST_HEADER = 4096


def raw_headers(
    raw: Raw, *, platform: str, source: str, event_id: str | None = None, reads: Iterable[str] = ()
) -> Headers:
    """CloudEvents attributes (binary mode) and, as `http-<name>`, those request headers that the adapter `reads`.

    `event_id` is the platform's own delivery id where it has one; else a hash of the body.
    """
    event_id = event_id or hashlib.sha256(raw.body).hexdigest()[:32]
    headers: list[tuple[str, str]] = [
        ("ce_specversion", "1.0"),
        ("ce_type", f"raw.{platform}"),
        ("ce_source", source),
        ("ce_id", event_id),
        ("content-type", raw.header("content-type") or "application/octet-stream"),
        ("account", raw.account),
    ]
    if raw.received_at is not None:
        headers.append(("received-at", raw.received_at.isoformat()))
    if raw.resource is not None:
        headers.append(("resource", raw.resource))
    if raw.path:
        headers += [("http-:method", raw.method), ("http-:path", raw.path)]
    headers += [(f"http-?{name}", value) for name, value in raw.query.items()]
    for name in dict.fromkeys(name.lower() for name in (*reads, "content-type")):
        if value := raw.header(name):
            headers.append((HTTP + name, value[:LONGEST_HEADER]))
    return tuple((name, value.encode("utf-8", "replace")) for name, value in headers)


def raw_of(body: bytes, headers: Iterable[tuple[str, bytes]], *, account: str, timestamp_ms: int) -> Raw:
    """The raw event of a record, for account `account`."""
    http: dict[str, str] = {}
    query: dict[str, str] = {}
    plain: dict[str, str] = {}
    for name, value in headers:
        text = value.decode("utf-8", "replace")
        if name.startswith("http-?"):
            query[name[6:]] = text
        elif name.startswith(HTTP):
            http[name[5:]] = text
        else:
            plain.setdefault(name.lower(), text)
    http.setdefault("content-type", plain.get("content-type", ""))
    method, path = http.pop(":method", "POST"), http.pop(":path", "")
    return Raw(body, http, account, plain.get("resource"), method, path, query, _time(plain, timestamp_ms))


def account_of(key: bytes | None, headers: Iterable[tuple[str, bytes]], accounts: Mapping[str, object]) -> str | None:
    """Whose a raw record is: the account that its header `account` or its key names, else the only one there is."""
    for name, value in headers:
        if name == "account":
            text = value.decode("utf-8", "replace")
            return text if text in accounts else None
    if key:
        text = key.decode("utf-8", "replace").split("/", 1)[0]
        if text in accounts:
            return text
    return next(iter(accounts)) if len(accounts) == 1 else None


def _time(plain: Mapping[str, str], timestamp_ms: int) -> datetime:
    try:
        return datetime.fromisoformat(plain["received-at"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
