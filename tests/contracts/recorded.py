"""Where recorded payloads and requests lie: our own, and those beside the repository where there are any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from streamer.platforms.base import platform_names

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests" / "payloads"
SHARED = "shared/platforms/samples"


def shared_samples() -> Path | None:
    """The collection beside the repository (or where STREAMER_SAMPLES says); None where there is none."""
    if given := os.environ.get("STREAMER_SAMPLES"):
        return Path(given)
    return next((parent / SHARED for parent in ROOT.parents if (parent / SHARED).is_dir()), None)


class Recording(NamedTuple):
    """One recorded file of a platform."""

    platform: str
    path: Path

    @property
    def expected(self) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(self.path.with_suffix(".expected.json").read_bytes())
        return told

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(self.path.read_bytes())
        return told


def folders(platform: str) -> Iterator[Path]:
    for above in (OWN, shared_samples()):
        if above is not None and (above / platform).is_dir():
            yield above / platform


def payloads() -> list[Any]:
    """Every payload of every platform, as parameters of a test."""
    return [
        _parameter(name, path)
        for name in platform_names()
        for folder in folders(name)
        for path in sorted(folder.glob("*.json"))
        if path.with_suffix(".expected.json").is_file()
    ]


def requests() -> list[Any]:
    """Every recorded request of every platform."""
    return [
        _parameter(name, path)
        for name in platform_names()
        for folder in folders(name)
        for path in sorted(folder.glob("*.request.json"))
    ]


def _parameter(platform: str, path: Path) -> Any:
    kind = "own" if path.is_relative_to(OWN) else "shared"
    return pytest.param(Recording(platform, path), id=f"{platform}-{path.name.split('.')[0]}-{kind}")
