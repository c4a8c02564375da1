"""Whether a request equals a recorded one: by value, in all that the other side would notice."""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import re
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from lxml import etree

from streamer.platforms.wire import HttpRequest, MailRequest

GENERATED = re.compile(r"^calls\[(\d+)\]\.request\.([^:]+)(?::\s*(.*))?$")


def differences(recorded: Mapping[str, Any], sent: HttpRequest | MailRequest, folder: Path, number: int,
                generated: list[str]) -> list[str]:  # fmt: skip
    """What differs, in words. `generated`: places (of call `number`) whose values differ on every call."""
    free: dict[str, list[str]] = {}
    for place in generated:
        if (match := GENERATED.match(place)) and int(match.group(1)) == number:
            inner = [part.strip() for part in (match.group(3) or "").split(",") if part.strip()]
            free.setdefault(match.group(2).strip(), []).extend(inner)
    if isinstance(sent, MailRequest):
        return [*_envelope(recorded, sent), *_mail(_content(recorded, folder), sent.message)]
    found = []
    if sent.method != recorded.get("method", "GET"):
        found.append(f"method {sent.method}, not {recorded.get('method')}")
    found += _address(recorded, sent)
    found += _headers(recorded.get("headers", {}), sent, free)
    found += _body(recorded, sent, folder, free)
    return found


def _address(recorded: Mapping[str, Any], sent: HttpRequest) -> list[str]:
    given = urlsplit(str(recorded.get("url") or recorded.get("path", "")))
    ours = urlsplit(sent.url)
    query = recorded.get("query", {})
    wanted = dict(parse_qsl(given.query, keep_blank_values=True))
    wanted |= dict(parse_qsl(query)) if isinstance(query, str) else {str(k): str(v) for k, v in query.items()}
    actual = dict(parse_qsl(ours.query, keep_blank_values=True)) | {k: str(v) for k, v in sent.query.items()}
    found = []
    if unquote(ours.path) != unquote(given.path):
        found.append(f"path {ours.path}, not {given.path}")
    if given.netloc and (ours.scheme, ours.netloc) != (given.scheme, given.netloc):
        found.append(f"host {ours.scheme}://{ours.netloc}, not {given.scheme}://{given.netloc}")
    if actual != wanted:
        found.append(f"query {actual}, not {wanted}")
    return found


def _headers(wanted: Mapping[str, str], sent: HttpRequest, free: Mapping[str, list[str]]) -> list[str]:
    _, kind = sent.content()
    ours = {name.lower(): text for name, text in ({"content-type": kind or ""} | dict(sent.headers)).items()}
    ours.setdefault("accept", "application/json")
    found = []
    for name, text in wanted.items():
        inner = free.get(f"headers.{name}")
        actual = ours.get(name.lower())
        if actual is None:
            found.append(f"header {name} is missing")
        elif inner is not None and not inner:
            continue
        elif _header(name, actual, inner or []) != _header(name, text, inner or []):
            found.append(f"header {name}: {actual!r}, not {text!r}")
    return found


def _header(name: str, text: str, free: list[str]) -> object:
    if name.lower() == "content-type":
        kind, _, more = text.partition(";")
        return kind.strip().lower(), more.replace(" ", "").lower().replace("charset=utf-8", "").strip(";")
    if placeholder := re.fullmatch(r"Basic <base64 (.*)>", text):
        return re.sub("[<>]", "", placeholder.group(1))
    if text.startswith("Basic "):
        try:
            return re.sub("[<>]", "", base64.b64decode(text[6:]).decode())
        except (binascii.Error, UnicodeDecodeError):
            return text
    if text.startswith("OAuth "):
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', text))
        return {key: "" if key in free else value for key, value in pairs.items()}
    return text


def _body(recorded: Mapping[str, Any], sent: HttpRequest, folder: Path, free: Mapping[str, list[str]]) -> list[str]:
    content, kind = sent.content()
    kind = next((text for name, text in sent.headers.items() if name.lower() == "content-type"), kind) or ""
    wanted = _content(recorded, folder)
    places = {place.removeprefix("body_file").removeprefix("body").lstrip("."): inner
              for place, inner in free.items() if place.startswith("body")}  # fmt: skip
    if not wanted and not content:
        return []
    actual = content or b""
    if "xml" in kind or wanted.lstrip()[:1] == b"<":
        names = [name for inner in places.values() for name in inner]
        return _compare("body", canonical(actual, names), canonical(wanted, names))
    if "form" in kind and "multipart" not in kind:
        return _compare("body", dict(parse_qsl(actual.decode())), dict(parse_qsl(wanted.decode())))
    try:
        given, ours = orjson.loads(wanted), orjson.loads(actual)
    except orjson.JSONDecodeError:
        return _compare("body", actual, wanted)
    return _compare("body", _plain(ours, places), _plain(given, places))


def _content(recorded: Mapping[str, Any], folder: Path) -> bytes:
    if "body_file" in recorded:
        return folder.joinpath(str(recorded["body_file"])).read_bytes()
    if "body_text" in recorded:
        return str(recorded["body_text"]).encode()
    return orjson.dumps(recorded["body"]) if "body" in recorded else b""


def _plain(body: Any, free: Mapping[str, list[str]]) -> Any:
    """Without what is generated; GraphQL by operation and variables; documents inside JSON by what they say."""
    if (
        isinstance(body, dict)
        and isinstance(body.get("query"), str)
        and re.match(r"\s*(query|mutation)\b", body["query"])
    ):
        body = {**body, "query": operation(body["query"])}
        body.pop("operationName", None)
    for place, inner in free.items():
        body = _without(body, place.split("."), inner)
    return body


def _without(body: Any, path: list[str], inner: list[str]) -> Any:
    if isinstance(body, dict) and path[0] in body:
        if len(path) > 1:
            return {**body, path[0]: _without(body[path[0]], path[1:], inner)}
        return {**body, path[0]: _document(body[path[0]], inner) if inner else "generated"}
    return body


def _document(text: Any, inner: list[str]) -> object:
    told = str(text)
    if told.lstrip().startswith("<"):
        return canonical(told.encode(), inner)
    raw = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
    return readable(raw)


def operation(query: str) -> tuple[str, ...]:
    """Kind of a GraphQL operation, and the first field of it with the names of its arguments."""
    kind = re.match(r"\s*(\w+)", query)
    field = re.search(r"\{\s*(\w+)", query)
    return (kind.group(1) if kind else "", field.group(1) if field else "")


def canonical(document: bytes, free: list[str]) -> str:
    """XML in its canonical form, without space between elements; `free` elements and attributes emptied."""
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True, remove_comments=True, no_network=True))
    for place in free:
        *_above, name = place.split("/")
        for element in root.iter("{*}*"):
            if name.startswith("@") and name[1:] in element.attrib:
                element.attrib[name[1:]] = ""
            elif etree.QName(element).localname == name:
                element.text = ""
    for element in root.iter("{*}*"):
        element.text = (element.text or "").strip()
        element.tail = ""
    return etree.tostring(root, method="c14n2").decode()


def _envelope(recorded: Mapping[str, Any], sent: MailRequest) -> list[str]:
    ours = {
        "MAIL FROM": " ".join((f"<{sent.sender}>", *sent.sender_options)),
        "RCPT TO": " ".join((f"<{sent.recipient}>", *sent.recipient_options)),
    }
    return [*_compare("server", sent.url, recorded.get("url")), *_compare("envelope", ours, recorded.get("headers"))]


def _mail(wanted: bytes, actual: bytes) -> list[str]:
    return _compare("mail", readable(actual), readable(wanted))


def readable(mail: bytes) -> dict[str, Any]:
    """A mail by its headers and parts; of texts only the words with figures in them, since wording is free."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    free = ("date", "content-type", "mime-version", "content-transfer-encoding")
    headers = {name.lower(): str(text) for name, text in message.items() if name.lower() not in free}
    parts = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_content()
        kind = part.get_content_type()
        if "xml" in kind:
            content = canonical(content if isinstance(content, bytes) else content.encode(), [])
        elif kind == "text/plain" and part.get_filename() is None:
            content = sorted(set(re.findall(r"[\w.-]*\d[\w.-]*\w|\d", content)))
        elif isinstance(content, str):
            content = content.replace("\r\n", "\n")
        parts.append((kind, part.get_filename(), content))
    return {"headers": headers, "parts": parts}


def _compare(what: str, actual: Any, wanted: Any, path: str = "") -> list[str]:
    """The innermost differences."""
    if isinstance(actual, dict) and isinstance(wanted, dict):
        found = []
        for name in dict.fromkeys([*wanted, *actual]):
            if name not in actual:
                found.append(f"{what}{path}.{name} is missing, {wanted[name]!r} expected")
            elif name not in wanted:
                found.append(f"{what}{path}.{name}={actual[name]!r} is too much")
            else:
                found += _compare(what, actual[name], wanted[name], f"{path}.{name}")
        return found
    if isinstance(actual, list) and isinstance(wanted, list) and len(actual) == len(wanted):
        return [one for place, pair in enumerate(zip(actual, wanted, strict=True))
                for one in _compare(what, *pair, f"{path}[{place}]")]  # fmt: skip
    same = actual == wanted and isinstance(actual, bool) == isinstance(wanted, bool)
    return [] if same else [f"{what}{path}: {actual!r}, not {wanted!r}"]
