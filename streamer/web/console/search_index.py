"""Full text over everything that has a page of its own."""

from __future__ import annotations

import sqlite3

LONGEST_QUERY = 200
WORDS = 8


def put(database: sqlite3.Connection, kind: str, ref: str, *texts: str | None) -> None:
    """The text by which a thing is found; it replaces what was there."""
    text = " ".join(dict.fromkeys(text for text in texts if text))
    known = database.execute("SELECT id, text FROM document WHERE kind = ? AND ref = ?", (kind, ref)).fetchone()
    if known is None:
        row = database.execute("INSERT INTO document (kind, ref, text) VALUES (?, ?, ?)", (kind, ref, text))
        database.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (row.lastrowid, text))
    elif known[1] != text:
        database.execute("INSERT INTO search (search, rowid, text) VALUES ('delete', ?, ?)", known)
        database.execute("UPDATE document SET text = ? WHERE id = ?", (text, known[0]))
        database.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (known[0], text))


def remove(database: sqlite3.Connection, kind: str, ref: str) -> None:
    known = database.execute("SELECT id, text FROM document WHERE kind = ? AND ref = ?", (kind, ref)).fetchone()
    if known is not None:
        database.execute("INSERT INTO search (search, rowid, text) VALUES ('delete', ?, ?)", known)
        database.execute("DELETE FROM document WHERE id = ?", (known[0],))


def match_of(words: str) -> str:
    """A query of FTS5: all the words a person typed, the last letters of each may be missing; never an operator."""
    typed = [word for word in words[:LONGEST_QUERY].split() if _has_letter(word)][:WORDS]
    quoted = [word.replace('"', '""') for word in typed]
    return " AND ".join(f'"{word}"*' for word in quoted)


def _has_letter(word: str) -> bool:
    return any(letter.isalnum() for letter in word)
