"""What the web process needs to know, as one frozen value; the command fills it from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamer.web.rights import Role


@dataclass(frozen=True)
class WebAccount:
    """One configured account: its platform's name and its adapter (None where it takes no webhooks)."""

    name: str
    platform: str
    hook: Any = None  # a `gateway.Hook`
    title: str = ""


@dataclass(frozen=True)
class WebConfig:
    """One web process. Tokens never appear in `repr`."""

    bootstrap_servers: str
    data_dir: Path
    app_id: str = "streamer"
    host: str = "127.0.0.1"
    port: int = 8080
    session_hours: float = 12.0
    max_body_bytes: int = 1_048_576
    body_seconds: float = 10.0  # for the whole body, from its first byte
    idle_seconds: float = 20.0  # for a connection to bring one whole request head
    public_origin: str | None = None  # https://… where a proxy stands in front
    time_zone: str = "UTC"
    company: str = ""
    accounts: Mapping[str, WebAccount] = field(default_factory=dict)
    suppliers: Mapping[str, str] = field(default_factory=dict)  # code -> name for people
    locations: Mapping[str, str] = field(default_factory=dict)  # id -> name for people
    people: Mapping[str, str] = field(default_factory=dict)  # id of who may approve -> name
    users: Mapping[str, tuple[Role, ...]] = field(default_factory=lambda: {"admin": (Role.MANAGER, Role.OPERATOR)})
    worker_urls: tuple[str, ...] = ()  # private addresses of the workers' views
    worker_token: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)  # without one, only loopback may read /metrics
    topics: tuple[str, ...] = ("order-status", "dead-letters", "commands", "audit")
    folds: tuple[str, ...] = ("catalogue", "orders", "stock", "recalls", "purchasing", "dispatch")

    @property
    def secure_cookies(self) -> bool:
        return bool(self.public_origin and self.public_origin.startswith("https://"))

    def changelog(self, fold: str) -> str:
        """The topic that holds the rows of `fold`."""
        return f"{self.app_id}-{fold}-changelog"
