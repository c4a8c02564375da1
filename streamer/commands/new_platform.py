"""`streamer new-platform`: the files of an adapter to be written, in this source tree."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("new-platform")(new_platform)


def new_platform(
    name: Annotated[str, typer.Argument(help="The platform's name in addresses and settings, e.g. acme_parts.")],
    folder: Annotated[Path, typer.Option(help="The root of the source tree.")] = Path(),
) -> None:
    """Write an adapter, its test and its first recorded payload: they pass every test, and say nothing true yet."""
    from streamer.errors import Misconfigured

    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name):
        raise Misconfigured("NAME", f"{name!r} is no name of a module: small letters, digits and _, a letter first")
    if not (folder / "streamer" / "platforms" / "base.py").is_file():
        raise Misconfigured("--folder", f"{folder.absolute()} is not the root of the source tree")
    files = files_of(name)
    for path in files:
        if (folder / path).exists():
            raise Misconfigured("NAME", f"{path} is there already")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        typer.echo(path)
    typer.echo(f"Next: CONTRIBUTING.md, 'Adding a platform'; then `pytest tests/contracts -k {name}`.", err=True)


def files_of(name: str) -> dict[str, str]:
    """Path -> content."""
    words = {"name": name, "title": name.replace("_", " ").title(), "kind": name.title().replace("_", "")}
    words["signature"] = hmac.new(SECRET.encode(), json.loads(f'"{BODY}"').encode(), hashlib.sha256).hexdigest()
    return {
        f"streamer/platforms/{name}.py": _fill(ADAPTER, words),
        f"tests/platforms/test_{name}.py": _fill(TEST, words),
        f"tests/payloads/{name}/order_created.json": _fill(PAYLOAD, words),
        f"tests/payloads/{name}/order_created.expected.json": EXPECTED,
    }


def _fill(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"<{word}>", value)
    return text


ADAPTER = '''"""<title>: what it is for here, in one line.

Good to know:
- One line for each oddity that cost somebody an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from streamer.messages.base import Message
from streamer.messages.orders import Order, OrderLine
from streamer.platforms.base import AccountSettings, Hmac, Platform, Raw, Role, version_of


class <kind>Settings(AccountSettings):
    """`webhook_secret` is the one that <title> signs with."""


class RawLine(BaseModel):
    """The fields of a line that we read."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str
    sku: str | None = None
    quantity: Decimal


class RawOrder(BaseModel):
    """The fields of an order that we read."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: str
    updated_at: AwareDatetime
    lines: tuple[RawLine, ...]


class <kind>(Platform[<kind>Settings]):
    title = "<title>"
    docs = "https://example.com/"
    hosts = ("api.example.com",)
    roles = frozenset({Role.SOURCE})
    settings_type = <kind>Settings
    signature = Hmac(header="X-Example-Signature")

    def normalise(self, raw: Raw) -> Iterable[Message]:
        yield self._order(raw.parse(RawOrder))

    def _order(self, order: RawOrder) -> Order:
        changed: datetime = order.updated_at
        return Order(
            account=self.account,
            platform=self.name,
            kind="sales_order",
            source_id=order.id,
            version=version_of(changed),
            occurred_at=changed,
            location=self.place(None),
            lines=tuple(OrderLine(line_id=line.id, sku=line.sku, quantity=line.quantity) for line in order.lines),
        )
'''

TEST = '''"""What is special about <title>; what holds for every platform stands in tests/contracts."""

from __future__ import annotations

import pytest

from streamer.errors import Malformed
from streamer.platforms.base import example
from streamer.platforms.wire import Raw


def test_an_order_without_an_id_is_refused_with_the_name_of_the_field() -> None:
    with pytest.raises(Malformed, match="id"):
        example("<name>").read(Raw(b'{"updated_at": "2026-01-01T00:00:00Z", "lines": []}'))
'''

SECRET = "not-a-real-secret"  # noqa: S105 - made up
BODY = r"{\"id\": 7, \"updated_at\": \"2026-01-01T09:00:00Z\", \"lines\": []}"
PAYLOAD = f"""{{
  "delivery": {{
    "method": "POST",
    "path": "/hooks/example",
    "headers": {{
      "Content-Type": "application/json",
      "X-Example-Signature": "<signature>"
    }},
    "body_text": "{BODY}"
  }},
  "verify": {{
    "secret": "{SECRET}"
  }}
}}
"""

EXPECTED = """{
  "events": [
    {
      "id": "7",
      "updated_at": "2026-01-01T09:00:00Z"
    }
  ]
}
"""
