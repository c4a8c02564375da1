"""Where calls may go: only to declared hosts, only to public addresses unless the account says otherwise."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from streamer.errors import NotSent

SCHEMES = frozenset({"https", "http"})


class ForbiddenAddress(NotSent):
    """The call would go where this account's calls may not go."""


def check_url(url: str, allowed: Collection[str], *, private: bool) -> None:
    """Raises ForbiddenAddress unless the URL's scheme and host are allowed. Names are checked again when resolved."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in SCHEMES or (parts.scheme == "http" and not private):
        raise ForbiddenAddress(f"calls go by https, not {parts.scheme or 'without a scheme'} (allow_private_addresses)")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("an address with a user name in it is not called")
    if not host or not any(_matches(host, pattern) for pattern in allowed):
        raise ForbiddenAddress(f"the host {host!r} is not one of {', '.join(allowed) or 'none'} (base_url)")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    check_address(str(address), private=private, plain=parts.scheme == "http")


def check_address(text: str, *, private: bool, plain: bool = False) -> None:
    """Raises ForbiddenAddress for an address that is not public, unless `private` and it is one of a private network.

    `plain`: without encryption, which only goes to private addresses.
    """
    address = ipaddress.ip_address(text.split("%", 1)[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    address = mapped or address
    ours = address.is_loopback or (address.is_private and not address.is_link_local and not address.is_unspecified)
    ours = ours and not address.is_reserved and not address.is_multicast
    if ours and private:
        return
    if plain:
        raise ForbiddenAddress(f"{text} is not a private address, and http goes only there")
    if not address.is_global or address.is_multicast:
        raise ForbiddenAddress(f"{text} is not a public address (allow_private_addresses)")


def _matches(host: str, pattern: str) -> bool:
    host, pattern = host.lower(), pattern.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


class PublicResolver(AbstractResolver):
    """Resolves a name and hands on only what may be called; the connection then goes to that address and no other."""

    def __init__(self, *, private: bool, plain: bool) -> None:
        self._private, self._plain = private, plain
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            check_address(result["host"], private=self._private, plain=self._plain)
        return found

    async def close(self) -> None:
        await self._inner.close()
