"""The table of platforms, made from the adapters' declarations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamer.errors import Misconfigured
from streamer.platforms.base import Platform, Role, find, platform_names

BEGIN = "<!-- platforms: written by `streamer platforms --readme README.md` -->"
END = "<!-- end of platforms -->"
SHORT = {Role.SOURCE: "events in", Role.STOCK_SOURCE: "stock", Role.PARTS_SOURCE: "parts and prices",
         Role.ORDER_SINK: "purchase orders", Role.RECORD_SINK: "records", Role.STATUS_TARGET: "answers",
         Role.NOTIFIER: "notices", Role.APPROVER: "approvals", Role.REPLY_READER: "suppliers' replies"}  # fmt: skip


def facts_of_all() -> list[dict[str, Any]]:
    """One entry for each platform, in the order of their names."""
    return [facts_of(find(name)) for name in platform_names()]


def facts_of(kind: type[Platform[Any]]) -> dict[str, Any]:
    """What one platform declares, as JSON."""
    return {
        "name": kind.name,
        "title": kind.title,
        "docs": kind.docs,
        "roles": [role.value for role in Role if role in kind.roles],
        "events": events_of(kind),
        "signature": type(kind.signature).__name__ if kind.signature is not None else None,
        "polls": dict(kind.polls),
        "subscriptions": list(kind.subscriptions),
        "sink_class": kind.sink_class,
        "rates": [{"calls": rate.calls, "seconds": rate.seconds} for rate in kind.rates()],
        "limits": kind.limits,
        "unsupported": dict(kind.unsupported),
    }


def events_of(kind: type[Platform[Any]]) -> str:
    """How events reach us, in words."""
    ways = []
    if kind.signature is not None:
        ways.append("webhook")
    if kind.polls:
        ways.append("poll")
    return " and ".join(ways) or "none"


def markdown() -> str:
    """The table for the README."""
    head = ["platform", "name", *SHORT.values(), "how events come", "an order sent twice"]
    rows = [head, ["---"] * len(head)]
    for name in platform_names():
        kind = find(name)
        roles = ["●" if role in kind.roles else "" for role in SHORT]
        rows.append([f"[{kind.title}]({kind.docs})", f"`{name}`", *roles, events_of(kind), SINKS[kind.sink_class]])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


SINKS = {
    "A": "is known by its key",
    "B": "is looked up first",
    "C": "is never sent by a machine",
    None: "",
}
"""What keeps an order from being placed twice, by the class of the sink."""


def update(readme: Path) -> bool:
    """Writes the table between the marks; whether the file changed. Raises Misconfigured for a file without marks."""
    text = readme.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise Misconfigured(str(readme), f"has no lines {BEGIN} and {END}")
    new = f"{head}{BEGIN}\n{markdown()}\n{END}{tail}"
    if new != text:
        readme.write_text(new, encoding="utf-8")
    return new != text
