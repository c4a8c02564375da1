"""Who sent a mail, by what our own receiving server found out: Authentication-Results (RFC 8601).

Parts of these headers are the sender's own words (an envelope address may read `dmarc=pass`), so a method's result
counts only at the beginning of its statement, outside quotes and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

METHODS = ("dkim", "spf", "dmarc")
_RESULT = re.compile(r"\s*([a-z0-9-]+)(?:/\d+)?\s*=\s*([a-z]+)(?![^\s;])", re.IGNORECASE)
_PROPERTY = re.compile(r'(?:^|\s)(header\.from|header\.d|header\.i|smtp\.mailfrom)\s*=\s*("[^"]*"|\S+)', re.IGNORECASE)


class Result(NamedTuple):
    """One statement; `domains` are those that the method looked at."""

    method: str
    result: str
    domains: dict[str, str]


def read_results(headers: Iterable[str], *, own: str | None) -> tuple[Result, ...]:
    """What the server `own` found out; anybody else's word is not heard. The topmost header of its counts."""
    for header in headers:
        server, *statements = _statements(header)
        if own is not None and server.split()[:1] == [own]:
            return tuple(_results(statements))
    return ()


def summary(results: Iterable[Result]) -> dict[str, str]:
    """Method -> result; of several results of one method one that is not `pass`, if there is one."""
    found: dict[str, str] = {}
    for one in results:
        if one.method in METHODS and found.get(one.method, "pass") == "pass":
            found[one.method] = one.result
    return found


def proves(results: Iterable[Result], domain: str) -> bool:
    """Whether the results show that a mail whose From is at `domain` comes from there.

    DMARC decides where it was looked at; else a signature or envelope address of the same domain does.
    """
    results = tuple(results)
    policy = [one for one in results if one.method == "dmarc"]
    if policy:
        return all(one.result == "pass" and _aligned(one.domains.get("header.from", domain), domain) for one in policy)
    return any(
        one.result == "pass" and any(_aligned(one.domains.get(name, ""), domain) for name in _PROOFS[one.method])
        for one in results
        if one.method in _PROOFS
    )


_PROOFS = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}


def _aligned(proved: str, domain: str) -> bool:
    """The same domain, or one below the other."""
    one, other = proved.lower().rstrip("."), domain.lower()
    return "." in one and (one == other or one.endswith(f".{other}") or other.endswith(f".{one}"))


def _results(statements: Iterable[str]) -> Iterator[Result]:
    for statement in statements:
        if found := _RESULT.match(statement):
            domains = {
                name.lower(): value.strip('"').rpartition("@")[2]
                for name, value in _PROPERTY.findall(statement[found.end() :])
            }
            yield Result(found.group(1).lower(), found.group(2).lower(), domains)


def _statements(header: str) -> list[str]:
    """The parts between semicolons, comments left out."""
    parts, depth, quoted, escaped = [""], 0, False, False
    for letter in header:
        if escaped or (letter == "\\" and (quoted or depth)):
            escaped = not escaped
        elif letter == '"' and not depth:
            quoted = not quoted
        elif not quoted and letter in "()":
            depth = max(0, depth + (1 if letter == "(" else -1))
            continue
        elif letter == ";" and not quoted and not depth:
            parts.append("")
            continue
        if not depth:
            parts[-1] += letter
    return parts
