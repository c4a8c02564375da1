"""Open sessions, on the server's side: the browser holds a random id, the file holds its hash."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FILE = "web-sessions.sqlite"


@dataclass(frozen=True)
class Session:
    """Who is logged in. `csrf` must come back with each form."""

    user: str
    csrf: str = field(repr=False)
    expires_at: float  # seconds since 1970


class Sessions:
    """A table that survives a restart and is shared by the web processes of one machine."""

    def __init__(self, data_dir: Path, hours: float, clock: Callable[[], float] = time.time) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        path = data_dir / FILE
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._seconds = hours * 3600
        self._clock = clock
        self._database = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS session "
            "(hash TEXT PRIMARY KEY, user TEXT NOT NULL, csrf TEXT NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID"
        )

    def close(self) -> None:
        self._database.close()

    def begin(self, user: str) -> str:
        """Opens a session and gives its id, for the cookie and nothing else."""
        session_id = secrets.token_urlsafe(32)
        now = self._clock()
        self._database.execute("DELETE FROM session WHERE expires_at < ?", (now,))
        self._database.execute(
            "INSERT INTO session VALUES (?, ?, ?, ?)",
            (_hash(session_id), user, secrets.token_urlsafe(24), now + self._seconds),
        )
        return session_id

    def find(self, session_id: str | None) -> Session | None:
        """The session of a cookie, if it is open."""
        if not session_id:
            return None
        row = self._database.execute(
            "SELECT user, csrf, expires_at FROM session WHERE hash = ? AND expires_at > ?",
            (_hash(session_id), self._clock()),
        ).fetchone()
        return Session(*row) if row else None

    def end(self, session_id: str | None) -> None:
        """Closes a session; harmless for one that is not open."""
        if session_id:
            self._database.execute("DELETE FROM session WHERE hash = ?", (_hash(session_id),))


def _hash(session_id: str) -> str:
    return hashlib.sha256(session_id.encode("utf-8", "replace")).hexdigest()
