"""The bytes of a record as text that a person can change, and back."""

from __future__ import annotations

import json
import re

LONGEST = 64_000  # characters that are given to a person to edit

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def editable(value: bytes) -> str | None:
    """The text to change: JSON laid out with each number and string as it stands; None: no text, or too long."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    if len(text) > LONGEST or "\0" in text:
        return None
    return _laid_out(text) if "\n" not in text and _is_json(text) else text


def edited(text: str, before: bytes) -> bytes:
    """What a form brought back: a browser ends lines with CR LF, whatever they ended with before."""
    return (text if b"\r\n" in before else text.replace("\r\n", "\n")).encode()


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _laid_out(text: str) -> str:
    out, depth = [], 0
    for piece in _PIECE.findall(text):
        if piece in "{[":
            depth += 1
            out.append(piece + "\n" + "  " * depth)
        elif piece in "}]":
            depth -= 1
            out.append("\n" + "  " * depth + piece)
        else:
            out.append({",": ",\n" + "  " * depth, ":": ": "}.get(piece, piece))
    return "".join(out)
