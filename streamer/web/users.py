"""People who may log in: names, roles and argon2 hashes, kept in one file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from streamer.errors import Misconfigured
from streamer.web.rights import Role

FILE = "web-users.json"
LONGEST_PASSWORD = 1_000  # characters; argon2 would work through more
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that can be taken for another


@dataclass(frozen=True)
class User:
    """A person with a login."""

    name: str
    roles: tuple[Role, ...]
    password_hash: str = field(repr=False)


class Users:
    """Checks passwords. `check` takes the same time for a name that nobody has."""

    def __init__(self, users: Mapping[str, User], hasher: PasswordHasher | None = None) -> None:
        self.users = users
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def check(self, name: str, password: str) -> User | None:
        """The user, or None. Takes tens of milliseconds of a processor: call it in a thread."""
        user = self.users.get(name)
        try:
            self._hasher.verify(user.password_hash if user else self._nobody, password[:LONGEST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return user


def load_users(
    data_dir: Path, wanted: Mapping[str, tuple[Role, ...]], hasher: PasswordHasher | None = None
) -> tuple[Users, dict[str, str]]:
    """The users of `data_dir`, and the passwords of those that were made just now, to be shown once.

    Roles come from `wanted`; who is no longer there cannot log in. Raises Misconfigured for a file that is not ours.
    """
    hasher = hasher or PasswordHasher()
    path = data_dir / FILE
    known = _read(path)
    first: dict[str, str] = {}
    for name in wanted:
        if name not in known:
            first[name] = new_password()
            known[name] = hasher.hash(first[name])
    if first:
        _write(path, known)
    return Users({name: User(name, roles, known[name]) for name, roles in wanted.items()}, hasher), first


def set_password(data_dir: Path, name: str, password: str, hasher: PasswordHasher | None = None) -> None:
    """A new password for `name`; sessions that are open stay open until they end."""
    path = data_dir / FILE
    _write(path, {**_read(path), name: (hasher or PasswordHasher()).hash(password[:LONGEST_PASSWORD])})


def new_password() -> str:
    """Four groups of five: 98 bits, and still to be typed from paper."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


def _read(path: Path) -> dict[str, str]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise Misconfigured(str(path), "cannot be read; delete it to have new passwords made") from error
    if not isinstance(table, dict):
        raise Misconfigured(str(path), "is not a table of hashes; delete it to have new passwords made")
    return {str(name): str(text) for name, text in table.items()}


def _write(path: Path, hashes: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(hashes), file)
    new.replace(path)
