"""A made-up platform to try the base with."""

from __future__ import annotations

from typing import Any, Self

from streamer.platforms.auth import Auth, OAuthSettings
from streamer.platforms.base import Platform
from streamer.platforms.settings import example_settings


class Account(Platform[OAuthSettings]):
    """An account of a vendor with whatever way to prove who we are."""

    title = "Made up"
    docs = "https://example.com"
    roles = frozenset()
    settings_type = OAuthSettings

    @classmethod
    def at(cls, url: str, auth: Auth | None = None, **more: Any) -> Self:
        """One that is reached at this address of loopback."""
        given = {"base_url": url.rstrip("/"), "allow_private_addresses": True, "client_id": "our-app",
                 "client_secret": "app-secret", "refresh_token": "first", "calls_per_second": 1000, **more}  # fmt: skip
        account = cls(example_settings(OAuthSettings, given))
        account.auth = auth  # type: ignore[misc]  # each test has its own
        return account
