"""Secrets that the processes of one installation share: made once, in the data folder, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

TOKEN_VARIABLE = "STREAMER_WORKER_TOKEN"  # noqa: S105 - the name of a variable


def shared_token(data_dir: Path) -> str:
    """The token by which the web process proves itself to workers: from the environment, else the folder's."""
    if given := os.environ.get(TOKEN_VARIABLE):
        return given
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / "worker.token"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as output:
        token = secrets.token_urlsafe(32)
        output.write(token)
    return token
