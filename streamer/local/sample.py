"""The sample shop of `streamer up`: the supplier to try with, stand-ins for foreign servers, secrets, a feed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from streamer import settings as configuration
from streamer.errors import Misconfigured
from streamer.local.erp import LocalErp
from streamer.local.stand_ins import StandIns
from streamer.local.supplier import LocalSupplier
from streamer.platforms.settings import environment_name
from streamer.settings import Settings

SECRET_FIELDS: Mapping[str, tuple[str, ...]] = {
    "shopify": ("webhook_secret", "access_token"),
    "local_supplier": ("webhook_secret", "token"),
    "email": ("imap_password",),
    "local_erp": ("webhook_secret", "token"),
}


class Sample(NamedTuple):
    settings: Settings
    words: str


async def start_sample(settings: Settings, stack: contextlib.AsyncExitStack) -> Sample:
    """Starts what the accounts of the settings reach on loopback. Raises Misconfigured for an account elsewhere."""
    make_secrets(settings)
    ports = Ports.of(settings)
    supplier = LocalSupplier(
        settings.data_dir / "supplier",
        token=_secret(settings, "local_supplier", "token"),
        webhook_secret=_secret(settings, "local_supplier", "webhook_secret"),
        webhook_url=f"http://{settings.web.host}:{settings.web.port}/hooks/{_account(settings, 'local_supplier')}",
        mailbox_password=_secret(settings, "email", "imap_password"),
    )
    await supplier.start(http_port=ports.supplier_http, smtp_port=ports.smtp, imap_port=ports.imap)
    stack.push_async_callback(supplier.stop)
    stand_ins = StandIns()
    await stand_ins.start(ports.stand_ins)
    stack.push_async_callback(stand_ins.stop)
    erp = await _start_erp(settings, stack)
    words = (
        f"Supplier to try with: HTTP {supplier.http_port}, SMTP {supplier.smtp_port}, IMAP {supplier.imap_port}; "
        f"stand-ins for shop and recall servers: {ports.stand_ins}"
        + (f"; ERP to copy into: {erp.port}" if erp is not None else "")
    )
    return Sample(configuration.load(), words)


async def _start_erp(settings: Settings, stack: contextlib.AsyncExitStack) -> LocalErp | None:
    """The ERP to copy into, where the settings have an account for it."""
    if all(table.get("platform") != "local_erp" for table in settings.accounts.values()):
        return None
    erp = LocalErp(
        settings.data_dir / "erp",
        token=_secret(settings, "local_erp", "token"),
        webhook_url=f"http://{settings.web.host}:{settings.web.port}/hooks/{_account(settings, 'local_erp')}",
        webhook_secret=_secret(settings, "local_erp", "webhook_secret"),
    )
    await erp.start(_port(settings, "local_erp", "base_url"))
    stack.push_async_callback(erp.stop)
    return erp


PLACES = (("shopify", "base_url"), ("local_supplier", "base_url"), ("email", "smtp"), ("email", "imap"))
"""Where the sample's ports stand in the settings, in the order of `Ports`."""


class Ports(NamedTuple):
    """Where the sample's accounts expect their other side, all on this machine."""

    stand_ins: int
    supplier_http: int
    smtp: int
    imap: int

    @classmethod
    def of(cls, settings: Settings) -> Ports:
        """Raises Misconfigured."""
        return cls(*(_port(settings, platform, field) for platform, field in PLACES))

    @classmethod
    def named(cls, settings: Settings) -> dict[str, int]:
        """By the settings that name them. Raises Misconfigured."""
        there = {table.get("platform") for table in settings.accounts.values()}
        places = (*PLACES, ("local_erp", "base_url")) if "local_erp" in there else PLACES
        return {
            f"accounts.{_account(settings, platform)}.{field}": _port(settings, platform, field)
            for platform, field in places
        }


def make_secrets(settings: Settings) -> None:
    """Secrets of the sample's accounts, made once and kept in the data folder; what the environment has goes first."""
    file = settings.data_dir / "sample.secrets"
    known: dict[str, str] = orjson.loads(file.read_bytes()) if file.exists() else {}
    for account, table in settings.accounts.items():
        for field in SECRET_FIELDS.get(str(table.get("platform")), ()):
            name = environment_name(account, field)
            if name not in os.environ:
                os.environ[name] = known.setdefault(name, secrets.token_urlsafe(24))
    _write_privately(file, orjson.dumps(known))


def _write_privately(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(content)


async def feed_sample(settings: Settings, gateway_url: str) -> None:
    """Sends the sample's events to the gateway, gently."""
    from streamer.local.feed import feed

    await feed(
        gateway_url,
        account=_account(settings, "shopify"),
        secret=_secret(settings, "shopify", "webhook_secret"),
    )


def _account(settings: Settings, platform: str) -> str:
    for name, table in settings.accounts.items():
        if table.get("platform") == platform:
            return name
    raise Misconfigured("accounts", f"the sample needs one of the platform {platform}; use `streamer up --no-sample`")


def _secret(settings: Settings, platform: str, field: str) -> str:
    return os.environ[environment_name(_account(settings, platform), field)]


def _port(settings: Settings, platform: str, field: str) -> int:
    account = _account(settings, platform)
    parts = urlsplit(str(settings.accounts[account].get(field, "")))
    if parts.hostname not in ("127.0.0.1", "localhost") or parts.port is None:
        raise Misconfigured(
            f"accounts.{account}.{field}", "the sample needs http://127.0.0.1:PORT; use `streamer up --no-sample`"
        )
    return parts.port
