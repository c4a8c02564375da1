"""Writes `schemas/` and says whether it is current. An older version of a schema is kept in `schemas/history/`."""

from __future__ import annotations

from pathlib import Path

import orjson

from streamer.contract.asyncapi import asyncapi
from streamer.contract.compatibility import unreadable
from streamer.contract.schemas import rendered, schema_of
from streamer.errors import Refused
from streamer.messages.registry import MESSAGES


def current() -> dict[str, bytes]:
    """Every file of `schemas/` as it should be, by its name."""
    files = {f"{ce_type}.json": rendered(schema_of(message)) for ce_type, message in MESSAGES.items()}
    files["asyncapi.yaml"] = asyncapi()
    return files


def outdated(folder: Path) -> list[str]:
    """Names of files that are missing, differ, or belong to no message any more."""
    wanted = current()
    there = {path.name for path in folder.iterdir() if path.suffix in (".json", ".yaml")}
    differing = [
        name for name, content in wanted.items() if name not in there or (folder / name).read_bytes() != content
    ]
    return sorted(differing + [name for name in there if name not in wanted and name != "openapi.yaml"])


def incompatible(folder: Path) -> list[str]:
    """What today's schemas can no longer read of anything that an earlier version allowed."""
    found = []
    for path in sorted((folder / "history").glob("*.json")):
        ce_type = path.name.rsplit(".", 2)[0]
        if ce_type not in MESSAGES:
            found.append(f"{ce_type}: was published and is gone")
            continue
        old = orjson.loads(path.read_bytes())
        found += [
            f"{ce_type} ({path.name}): {difference}" for difference in unreadable(schema_of(MESSAGES[ce_type]), old)
        ]
    return found


def write(folder: Path, *, published: bool) -> list[str]:
    """Writes what is outdated and returns its names.

    With `published`, the version before goes to `history/`. Raises Refused when the new one cannot read what was
    written before.
    """
    changed = outdated(folder)
    wanted = current()
    (folder / "history").mkdir(parents=True, exist_ok=True)
    for name in changed:
        path = folder / name
        if published and path.suffix == ".json" and path.exists():
            ce_type = path.stem
            version = len(list((folder / "history").glob(f"{ce_type}.*.json"))) + 1
            (folder / "history" / f"{ce_type}.{version}.json").write_bytes(path.read_bytes())
        if name in wanted:
            path.write_bytes(wanted[name])
        else:
            path.unlink()
    if broken := incompatible(folder):
        raise Refused("a changed message cannot read what was written before: " + "; ".join(broken))
    return changed
