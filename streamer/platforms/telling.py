"""What an adapter makes of a recorded payload, as lines of JSON: what `streamer normalise` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from streamer.errors import BadSignature, Ignored, StreamerError
from streamer.messages.base import Message
from streamer.platforms.base import OAuthSettings, Platform, find
from streamer.platforms.base import example as example_account
from streamer.platforms.samples import Sample, arrivals, followed, messages_of


class Told(NamedTuple):
    """`lines` are events and dead letters, each with its `type`; `asides` say what was ignored, and why."""

    lines: list[bytes]
    asides: list[str]


def tell(
    platform: str, sample: Sample, *, check: bool = False, secret: str | None = None, at: datetime | None = None
) -> Told:
    """The events of a payload and of what its followups answer. Raises Misconfigured for an unknown platform."""
    kind = find(platform)
    adapter = example_account(platform, {**signing_in(kind), **signing_settings(kind, sample, secret)})
    told = Told([], [])
    if sample.delivery is not None:
        try:
            if (answer := adapter.challenge(sample.delivery)) is not None:
                told.asides.append(f"a handshake, answered with {answer.status}")
                return told
            if check:
                verify(adapter, sample, at)
        except BadSignature as error:
            told.lines.append(dead_letter(error))
            return told
    events = list(messages_of(adapter, arrivals(adapter, sample)))
    _write(told, events)
    if sample.followups:
        _write(told, followed(adapter, events, sample.followups))
    return told


def signing_settings(kind: type[Platform[Any]], sample: Sample, secret: str | None) -> Mapping[str, Any]:
    """The sample's settings with the secret by which its sender is checked."""
    given = secret or sample.verify.get("secret")
    if not given:
        return sample.settings
    return {**sample.settings, **dict.fromkeys(secret_names(kind.signature), given)}


def signing_in(kind: type[Platform[Any]]) -> Mapping[str, str]:
    """A token to ask with: answers out of a file are given to everybody."""
    return {"access_token": "example"} if issubclass(kind.settings_type, OAuthSettings) else {}


def secret_names(signature: Any) -> Iterator[str]:
    """The settings that a signature checks with."""
    for way in getattr(signature, "ways", (signature,)):
        yield getattr(way, "secret", "webhook_secret")


def verify(adapter: Platform[Any], sample: Sample, at: datetime | None) -> None:
    """Raises BadSignature. What was polled needs no proof. `at`: the time of arrival, else the file's."""
    raw = sample.delivery
    if raw is None:
        return
    if at is not None:
        raw = raw._replace(received_at=at if at.tzinfo else at.replace(tzinfo=UTC))
    adapter.verify(raw, raw.received_at or datetime.now(UTC))


def dead_letter(error: StreamerError) -> bytes:
    letter = {"type": "dead-letter", "class": type(error).__name__, "reason": str(error)}
    return orjson.dumps(letter)


def _write(told: Told, found: Iterable[Message | StreamerError]) -> None:
    for one in found:
        if isinstance(one, Ignored):
            told.asides.append(f"ignored: {one}")
        elif isinstance(one, StreamerError):
            told.lines.append(dead_letter(one))
        else:
            told.lines.append(f'{{"type":"{one.ce_type}",'.encode() + one.to_json()[1:])
