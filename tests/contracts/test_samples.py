"""Every recorded payload of every platform means what it must mean, is believed only when signed, and is answered."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streamer.errors import BadSignature
from streamer.platforms.base import example
from streamer.platforms.samples import read_sample
from streamer.platforms.signatures import Token
from streamer.platforms.telling import signing_settings, tell, verify
from streamer.platforms.wire import Raw
from streamer.web.config import WebAccount, WebConfig
from streamer.web.gateway import Gateway
from tests.contracts.facts import missing_facts
from tests.contracts.recorded import Recording, payloads, shared_samples

PAYLOADS = payloads()


def lines_of(recording: Recording, *, check: bool) -> list[dict[str, Any]]:
    """The events of a payload as `streamer normalise` prints them."""
    told = tell(recording.platform, read_sample(recording.path), check=check)
    return [orjson.loads(line) for line in told.lines]


def test_the_collection_beside_the_repository_is_there_or_the_platforms_own_payloads_must_do() -> None:
    if shared_samples() is None:
        pytest.skip("no collection of recorded payloads beside the repository: only tests/payloads is checked")
    assert PAYLOADS


@pytest.mark.parametrize("recording", PAYLOADS)
def test_every_fact_of_a_payload_is_in_its_events(recording: Recording) -> None:
    expected = recording.expected
    lines = lines_of(recording, check=bool(read_sample(recording.path).verify))
    assert missing_facts(expected, lines) == []
    if (tool := _shared_tool()) is not None:
        assert _judged(tool, recording.path.with_suffix(".expected.json"), lines).startswith("0, ")


@pytest.mark.parametrize("recording", PAYLOADS)
def test_a_signature_fits_its_bytes_its_secret_and_its_time_only(recording: Recording) -> None:
    sample = read_sample(recording.path)
    kind = type(example(recording.platform, sample.settings))
    raw = sample.delivery
    if (
        raw is None
        or kind.signature is None
        or not sample.verify
        or "signature" in str(recording.expected.get("refused"))
    ):
        return
    adapter = example(recording.platform, signing_settings(kind, sample, None))
    if adapter.challenge(raw) is not None:
        return
    verify(adapter, sample, None)
    at = raw.received_at or datetime.now(UTC)
    wrongs = forged(raw, signed_headers(kind))
    if getattr(kind.signature, "in_body", False):
        secret = sample.verify["secret"].encode()
        assert secret in raw.body
        wrongs = [raw._replace(body=raw.body.replace(secret, other)) for other in (b"", secret[:-1], secret + b"x")]
    for wrong in wrongs:
        with pytest.raises(BadSignature):
            adapter.verify(wrong, at)
    if "at" in sample.verify:  # the platform signs a time: a replay much later is refused
        with pytest.raises(BadSignature):
            adapter.verify(raw, at + timedelta(days=1))
    other = example(recording.platform, {**signing_settings(kind, sample, "another-secret-of-32-characters!")})
    with pytest.raises(BadSignature):
        other.verify(raw, at)


def signed_headers(kind: Any) -> list[str]:
    """The headers that hold the proof, in lower case."""
    ways = getattr(kind.signature, "ways", (kind.signature,))
    return [header.lower() for way in ways if (header := getattr(way, "header", None) or "authorization")]


def forged(raw: Raw, headers: list[str]) -> list[Raw]:
    """What an attacker may try with a good delivery."""
    found = []
    if headers and all(type_signs_body(raw, header) for header in headers):
        found += [raw._replace(body=raw.body[:-1] + bytes([raw.body[-1] ^ 1])), raw._replace(body=raw.body + b" ")]
    present = {name: text for name, text in raw.headers.items() if name in headers}
    without = {name: text for name, text in raw.headers.items() if name not in headers}
    found += [
        raw._replace(headers=without),
        raw._replace(headers={**without, **{name: text[:-2] for name, text in present.items()}}),
        raw._replace(headers={**without, **dict.fromkeys(present, "ünsigned\u2028")}),
        raw._replace(headers={**without, **{name: text.encode().hex() for name, text in present.items()}}),
    ]
    return found


def type_signs_body(raw: Raw, header: str) -> bool:
    """A token or a password does not depend on the body."""
    return header != "authorization" and "token" not in header and bool(raw.body)


@pytest.mark.parametrize("recording", [one for one in PAYLOADS if "respond" in one.values[0].expected])
async def test_the_gateway_answers_what_the_platform_waits_for(recording: Recording) -> None:
    sample = read_sample(recording.path)
    assert sample.delivery is not None
    wanted = recording.expected["respond"]
    kind = type(example(recording.platform, sample.settings))
    secret = None if sample.verify else OUR_TOKEN
    hook = example(recording.platform, signing_settings(kind, sample, secret))
    outbox = _Outbox()
    at = sample.delivery.received_at or datetime.now(UTC)
    config = WebConfig("nowhere:9092", Path("unused"), accounts={"x": WebAccount("x", recording.platform, hook)},
                       public_origin=_origin(sample.delivery.url))  # fmt: skip
    app = web.Application()
    app.add_routes(Gateway(config, outbox, lambda: at).routes())  # type: ignore[arg-type]
    delivery = sample.delivery
    headers = {**delivery.headers, **(token_headers(kind) if secret else {})}
    async with TestServer(app) as server, aiohttp.ClientSession(skip_auto_headers=("Content-Type",)) as session:
        address = server.make_url("/hooks/x").with_query(dict(delivery.query))
        async with session.request(delivery.method, address, data=delivery.body, headers=headers) as answer:
            body = await answer.read()
            assert answer.status == wanted.get("status", 200)
            for name, text in wanted.get("headers", {}).items():
                assert answer.headers.get(name, "").split(";")[0].strip() == text.split(";")[0].strip()
            assert alike(_read(body), _wanted(wanted, recording.path.parent))


OUR_TOKEN = "a-token-of-our-own-choice"


def token_headers(kind: Any) -> dict[str, str]:
    """The proof for a platform that brings a token along, where the recording has none."""
    ways = [way for way in getattr(kind.signature, "ways", (kind.signature,)) if isinstance(way, Token) and way.header]
    return {ways[0].header: ways[0].prefix + OUR_TOKEN} if ways and ways[0].header else {}


class _Outbox:
    async def send(self, *record: object) -> None:
        """Kafka has it."""


def _origin(url: str) -> str | None:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/')[0]}" if rest else None


def alike(told: object, wanted: object) -> bool:
    """Equal; three points in an XML tag stand for attributes that differ each time."""
    if isinstance(told, bytes) and isinstance(wanted, bytes) and b"..." in wanted:
        pieces = [re.escape(piece) for piece in wanted.split(b"...")]
        return re.fullmatch(b"[^>]*".join(pieces), re.sub(rb"^<\?[^>]*>", b"", told)) is not None
    return told == wanted


def _read(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return b"".join(body.split())


def _wanted(wanted: dict[str, Any], folder: Path) -> object:
    if "body" in wanted:
        return wanted["body"]
    if "body_file" in wanted:
        return _read((folder / wanted["body_file"]).read_bytes())
    return _read(str(wanted.get("body_text", "")).encode())


def _shared_tool() -> Any:
    samples = shared_samples()
    path = samples.parents[1] / "tools" / "facts.py" if samples is not None else None
    if path is None or not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("shared_facts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _judged(tool: Any, expected: Path, lines: list[dict[str, Any]]) -> str:
    """What the collection's own judge says, with its exit status in front."""
    told = io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["facts", os.fspath(expected)], io.StringIO("\n".join(map(str, map(_json, lines))))
    try:
        with redirect_stdout(told):
            status = tool.main()
    finally:
        sys.argv, sys.stdin = before
    return f"{status}, {told.getvalue()}"


def _json(line: dict[str, Any]) -> str:
    return orjson.dumps(line).decode()
