"""`streamer normalise`: what an adapter makes of a payload; without Kafka, account or network."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from streamer.errors import StreamerError
    from streamer.messages.base import Message
    from streamer.platforms.base import Platform
    from streamer.platforms.samples import Sample


def register(app: typer.Typer) -> None:
    app.command("normalise")(normalise)


def normalise(
    platform: Annotated[str, typer.Argument(help="The platform's name; `streamer platforms` lists them.")],
    file: Annotated[Path, typer.Argument(help="A recorded payload, or a bare body.")],
    headers: Annotated[
        Path | None, typer.Option(help="The headers of a bare body: a JSON object, or lines `Name: value`.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the signature as well.")] = False,
    secret: Annotated[str | None, typer.Option(help="The webhook secret; else the file's `verify`.")] = None,
    at: Annotated[datetime | None, typer.Option(help="The time of arrival, for signatures that hold a time.")] = None,
) -> None:
    """Print the events of a payload, one JSON a line. Refused: a dead letter. Ignored: the reason on standard error."""
    from streamer.errors import BadSignature
    from streamer.platforms.base import example
    from streamer.platforms.samples import arrivals, followed, messages_of, read_headers, read_sample

    sample = read_sample(file, read_headers(headers) if headers else None)
    adapter = example(platform, _settings(platform, sample, secret))
    if sample.delivery is not None and (answer := adapter.challenge(sample.delivery)) is not None:
        typer.echo(f"a handshake: answered with {answer.status}, no event", err=True)
        return
    try:
        if check:
            _verify(adapter, sample, at)
    except BadSignature as error:
        _print([error])
        return
    told = list(messages_of(adapter, arrivals(adapter, sample)))
    _print(told)
    if sample.followups:
        _print(followed(adapter, told, sample.followups))


def _settings(platform: str, sample: Sample, secret: str | None) -> dict[str, Any]:
    from streamer.platforms.base import find

    given = secret or sample.verify.get("secret")
    field = getattr(find(platform).signature, "secret", "webhook_secret")
    return {**sample.settings, **({field: given} if given else {})}


def _verify(adapter: Platform[Any], sample: Sample, at: datetime | None) -> None:
    """Raises BadSignature. What was polled needs no proof."""
    raw = sample.delivery
    if raw is None:
        return
    if at is not None:
        raw = raw._replace(received_at=at if at.tzinfo else at.replace(tzinfo=UTC))
    adapter.verify(raw, raw.received_at or datetime.now(UTC))


def _print(told: Iterable[Message | StreamerError]) -> None:
    import orjson

    from streamer.errors import Ignored, StreamerError

    for one in told:
        if isinstance(one, Ignored):
            typer.echo(f"ignored: {one}", err=True)
        elif isinstance(one, StreamerError):
            letter = {"type": "dead-letter", "class": type(one).__name__, "reason": str(one)}
            typer.echo(orjson.dumps(letter).decode())
        else:
            typer.echo(f'{{"type":"{one.ce_type}",'.encode() + one.to_json()[1:])
