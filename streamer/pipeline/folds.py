"""The agents: seven, a few lines each. They hand batches to the engine; decisions are in `domain/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamer.engine.app import Engine
from streamer.engine.shell import FoldShell, StreamShell

Batches = Any
"""A stream of batches; Faust's interface of a stream lacks `noack`."""


def declare(engine: Engine, streams: Mapping[str, StreamShell], folds: Mapping[str, FoldShell[Any]]) -> None:
    """One agent for each raw topic (`normalise`) and for each fold, on the engine's app."""
    for shell in streams.values():
        _normalise(engine, shell)
    for fold in folds.values():
        _fold(engine, fold)


def _normalise(engine: Engine, shell: StreamShell) -> None:
    @engine.app.agent(shell.channel, name=f"normalise-{shell.topic}")
    async def normalise(batches: Batches) -> None:
        async for batch in batches.noack().events():
            await shell.put(batch)


def _fold(engine: Engine, shell: FoldShell[Any]) -> None:
    @engine.app.agent(shell.channel, name=shell.fold.name)
    async def fold(batches: Batches) -> None:
        async for batch in batches.noack().events():
            await shell.put(batch)
