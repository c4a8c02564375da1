"""Every recorded request is what the adapter sends for its command, and every recorded refusal is understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from streamer.errors import NotSent, Refused, StreamerError, Unavailable, Unclear, Unsupported
from streamer.platforms.base import example
from streamer.platforms.judging import judge
from streamer.platforms.plain_commands import call_of
from streamer.platforms.samples import Aside, read_sample, reply_of
from streamer.platforms.wire import Call, HttpRequest, MailRequest, RefusedReply, Reply, Request
from tests.contracts.comparing import differences
from tests.contracts.recorded import Recording, requests

REQUESTS = requests()

AGAIN = ("not processed", "nothing was", "not taken", "temporary", "growing pauses", "same as 429", "too fast", "quota")
REFUSED = ("refused", "permanent", "not to be repeated", "no such", "is gone", "no repeat")
LOOKS = ("look", "read it", "read the", "full sync")
ONCE = ("once",)


class Play:
    """One command, played request by request with recorded answers."""

    def __init__(self, recording: Recording) -> None:
        told = recording.told
        self.recording = recording
        self.calls: list[Mapping[str, Any]] = told["calls"]
        self.generated: list[str] = told.get("generated") or []
        sample = read_sample(recording.path)
        self.replies = [exchange.reply for exchange in sample.calls]
        self.platform = example(recording.platform, sample.settings)
        self.command = sample.command

    def sent(self, answers: list[Reply]) -> Iterator[HttpRequest | MailRequest]:
        """Every request; ends when the call does. Raises what the call raises, NotSent where answers run out."""
        left = list(answers)
        call, aside = call_of(self.platform, self.command), Aside()
        try:
            request: Request = next(call)
            while True:
                if not isinstance(request, HttpRequest | MailRequest):
                    request = call.send(aside(request))
                    continue
                yield request
                if not left:
                    raise NotSent("no answer is recorded")
                request = answer(call, request, left.pop(0))
        except StopIteration:
            return


def answer(call: Call[Any], request: HttpRequest | MailRequest, reply: Reply) -> Request:
    """The call's next request."""
    reply = replace(reply, safe=request.safe)
    try:
        judged = judge(request, reply) if isinstance(request, HttpRequest) else smtp(reply)
    except StreamerError as error:
        return call.throw(error)
    return call.send(judged)


def smtp(reply: Reply) -> Reply:
    """What mail.py makes of a server's answer."""
    if reply.status >= 500:
        raise RefusedReply("refused", reply)
    if reply.status >= 400:
        raise Unavailable("later")
    return reply


@pytest.mark.parametrize("recording", REQUESTS)
def test_the_requests_of_a_command_are_those_that_the_platform_accepts(recording: Recording) -> None:
    play = Play(recording)
    if not play.calls:
        with pytest.raises((Unsupported, Refused)):
            list(play.sent([]))
        return
    sent = list(play.sent(play.replies))
    found = []
    for number, (request, recorded) in enumerate(zip(sent, play.calls, strict=False)):
        differing = differences(recorded["request"], request, recording.path.parent, number, play.generated)
        found += [f"call {number}: {difference}" for difference in differing]
    assert found == []
    assert len(sent) == len(play.calls)


ERRORS = [
    pytest.param(case.values[0], number, id=f"{case.id}-{number}-{error.get('status')}")
    for case in REQUESTS
    for number, error in enumerate(case.values[0].told.get("error_responses") or [])
    if "status" in error
]


@pytest.mark.parametrize(("recording", "number"), ERRORS)
def test_every_refusal_is_understood(recording: Recording, number: int) -> None:
    """At one of the calls that it may answer: as the recording says what it means."""
    error = recording.told["error_responses"][number]
    wanted, looks = meaning(error)
    reply = reply_of(error, recording.path.parent)
    outcomes = [outcome(recording, place, reply) for place in range(len(recording.told["calls"]))]
    good = [one for one in outcomes if isinstance(one, wanted) or (looks and one == "asked on")]
    assert good, f"{error['meaning']!r} was understood as {outcomes}"


def outcome(recording: Recording, place: int, reply: Reply) -> StreamerError | str:
    """What becomes of the command when its request number `place` is answered so."""
    play = Play(recording)
    count = 0
    try:
        for _ in play.sent([*play.replies[:place], reply]):
            count += 1
    except NotSent:
        return "asked on" if count > place + 1 else "sent nothing"
    except StreamerError as error:
        return error
    return "done"


def meaning(error: Mapping[str, Any]) -> tuple[tuple[type[StreamerError], ...], bool]:
    """The errors that say so, and whether asking something else first is right, too."""
    words = str(error.get("meaning", "")).lower()
    status = int(error.get("status", 200))
    looks = any(word in words for word in (*LOOKS, *ONCE))
    if words.startswith("refused"):
        return (Refused,), looks
    if status == 429 or any(word in words for word in AGAIN):
        return (Unavailable,), looks
    if any(word in words for word in REFUSED):
        return (Refused,), looks
    if status >= 500 or "unknown" in words:
        return (Unclear,), looks
    return (Refused,), looks
