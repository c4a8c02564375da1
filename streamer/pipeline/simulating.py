"""`streamer simulate`: reads a history, runs it through all folds, and says as JSON what they said."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import orjson
from pydantic import ValidationError

from streamer.domain.checks import Invalid
from streamer.domain.simulation import Answer, Refusal, Said, Simulation, at_ms
from streamer.domain.terms import read
from streamer.domain.units import utc
from streamer.errors import Malformed, Misconfigured
from streamer.messages.applied import AccountFacts
from streamer.messages.registry import MESSAGES
from streamer.pipeline.applying import settings_event
from streamer.pipeline.item_messages import item_messages, places_of
from streamer.pipeline.message_fold import message_of
from streamer.platforms.base import find
from streamer.settings import settings_of_table
from streamer.settings.items import policies_by_pattern

START = datetime.fromisoformat("2026-01-01T00:00:00Z")
"""Where a history begins that names no time."""
ENTRIES = ("settings", "answer", "type", "time")


class GivenAccount:
    """Stands for an adapter in a simulation: it can do everything, since nothing is called."""

    unsupported: ClassVar[dict[str, str]] = {}
    record_kinds: frozenset[str] = frozenset()
    backfills: frozenset[str] = frozenset()

    def __init__(self, facts: AccountFacts) -> None:
        self._facts = facts
        self.title = facts.platform

    def facts(self) -> AccountFacts:
        return self._facts

    def can(self, _what: str) -> bool:
        return True


def read_history(text: bytes) -> tuple[Any, list[dict[str, Any]]]:
    """Settings (None where it has none) and entries in order: JSON lines, or one object with `settings` and `history`.

    Raises Invalid, naming the entry.
    """
    settings = None
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = [_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if isinstance(whole, dict) and "history" in whole:
        settings, whole = whole.get("settings"), whole["history"]
    entries = whole if isinstance(whole, list) else [whole]
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not set(ENTRIES) & set(entry):
            raise Invalid(f"must be an object with one of {', '.join(ENTRIES)}", field=f"history.{number}")
    return settings, entries


def _line(number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"is not JSON ({error})", field=f"line {number}") from error


def read_settings(path: Path) -> dict[str, Any]:
    """The table of a `streamer.toml`. Raises Misconfigured."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(str(path), f"cannot be read: {error}") from error


def simulate(settings: Any, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What all folds say, in order. Raises Invalid or Misconfigured for an entry that cannot be."""
    shop = Simulation(_first_time_ms(entries))
    revision = 0
    if settings is not None:
        revision = 1
        yield from map(told, _apply(shop, settings, revision))
    for number, entry in enumerate(entries, 1):
        try:
            if "time" in entry:
                yield from map(told, shop.go_to(at_ms(_time(entry["time"]))))
            if "answer" in entry:
                shop.answers.append(read(entry["answer"], Answer, "answer"))
            if "settings" in entry:
                revision += 1
                yield from map(told, _apply(shop, entry["settings"], revision))
            if "type" in entry:
                yield from map(told, shop.send(_event(entry)))
        except Malformed as error:
            raise Invalid(error.reason, field=f"history.{number}.{error.field}" if error.field else None) from error


def _first_time_ms(entries: list[dict[str, Any]]) -> int:
    text = next((entry["time"] for entry in entries if "time" in entry), None)
    try:
        return at_ms(_time(text) if text is not None else START)
    except Invalid:
        return at_ms(START)  # it is refused with its place when its turn comes


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise Invalid(f"{text!r} is no ISO 8601 time", field="time") from None


def _event(entry: Mapping[str, Any]) -> Any:
    """An event as `streamer normalise` prints it, or with its fields in `data`."""
    kind = str(entry["type"])
    if kind not in MESSAGES:
        raise Invalid(f"{kind[:60]!r} is no message of ours", field="type")
    data = entry["data"] if "data" in entry else {key: entry[key] for key in entry if key not in ("type", "time")}
    return message_of(kind, orjson.dumps(data))


def _apply(shop: Simulation, table: Any, revision: int) -> Iterator[Said]:
    """As `streamer apply`: the settings to all, and its items to their stock rows. One partition holds all."""
    if not isinstance(table, dict):
        raise Invalid("must be a table like that of streamer.toml", field="settings")
    settings = settings_of_table(table, "settings")
    accounts: Any = {name: GivenAccount(_account(name, account)) for name, account in settings.accounts.items()}
    applied = settings_event(settings, accounts, revision).model_copy(update={"partitions": 1})
    yield from shop.apply(applied)
    policies = policies_by_pattern(settings.policies)
    for item in settings.items:
        for location in places_of(settings, item):
            yield from shop.send(*item_messages(settings, item, location, revision, policies))


def _abilities(platform: str) -> dict[str, Any]:
    """What the adapter says of itself; nothing of a platform that is made up for the scenario."""
    try:
        kind = find(platform)
    except Misconfigured:
        return {}
    return {
        "asks_by": kind.asks_by,
        "cancels_orders": kind.can("cancel_order"),
        "changes_orders": kind.can("change_order"),
    }


def _account(name: str, account: Mapping[str, Any]) -> AccountFacts:
    """What folds know of an account; fields that only its adapter knows are left out."""
    try:
        known = {**_abilities(str(account.get("platform"))), **account}
        facts = AccountFacts.model_validate_json(orjson.dumps(known, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Misconfigured(f"accounts.{name}.{first['loc'][0]}", first["msg"]) from error
    return facts.model_copy(update={"polls": {}})  # nothing is fetched in a simulation


def told(said: Said) -> dict[str, Any]:
    """One line: when, on which topic, for which key, and what."""
    head = {"time": utc(said.at_ms).isoformat().replace("+00:00", "Z"), "topic": said.topic, "key": said.key}
    if isinstance(said.message, Refusal):
        refused = said.message
        body = {"event": refused.event, "reason": refused.reason, "error": refused.error}
        return {**head, "type": refused.kind, "data": body}
    return {**head, "type": said.message.ce_type, "data": msgspec.json.decode(said.message.to_json())}
