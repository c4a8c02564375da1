"""Which command may be repeated by machine, how, and how long to wait for it: values only.

An account's class (A: idempotency key, B: can be looked up by our reference, C: neither) speaks of what makes an order
there. Commands that are harmless by their own meaning have a rule of their own:

- `fetch` only reads.
- `notify`: the same notice twice is a nuisance, one that never came is a loss; so it is repeated.
- `write-back` sets a state; harmless to repeat once the first call can no longer be under way.
- `record` goes by the account's class for records: A upserts by our reference, B finds by it (or by the match key)
  before it creates, so once the first call can no longer be under way a repetition is the look-up; C can do neither.
- `cancel-order` names what it cancels, so a second one finds it cancelled; by mail it would be a second letter, so a
  person decides. `change-order` says how the whole order shall be, so a second one changes nothing; by mail the same.
- `ask-approval` asks a person: twice is a nuisance, never is a loss; answers count by the order's version.
- `set-stock` may add to a level, so only an idempotency key allows a repetition.
- `recall-replacement` has no reference of ours that could be looked up: only an idempotency key allows a repetition.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from streamer.domain.dispatch_rows import LedgerRow
from streamer.domain.effects import START_WITHIN_SECONDS, Mode
from streamer.messages.applied import AccountFacts

SETTLE_MARGIN_SECONDS = 5.0
ANSWER_MARGIN_SECONDS = 60.0  # a call that said nothing for this long after its time-out never will
KEY_LIFETIME_USED = 0.9  # of what the other side promises
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 900.0
RETRY_FOR_MS = 24 * 3_600_000  # nothing could be sent for so long: a person is asked
ATTEMPTS_KEPT = 20

Repeat = Literal[
    "by_class", "by_key", "at_once", "after_settling", "after_settling_except_c", "after_settling_except_record_c"
]


class Rule(NamedTuple):
    """How one kind of command is carried out."""

    repeat: Repeat
    queued: bool  # one at a time for each object
    blocks: bool  # what follows waits while a person must decide; else the newer one stands for the older
    notice: bool  # people are told when it failed


RULES: dict[str, Rule] = {
    "reorder": Rule("by_class", queued=True, blocks=True, notice=True),
    "cancel-order": Rule("after_settling_except_c", queued=True, blocks=True, notice=True),
    "change-order": Rule("after_settling_except_c", queued=True, blocks=True, notice=True),
    "ask-approval": Rule("at_once", queued=False, blocks=False, notice=True),
    "recall-replacement": Rule("by_key", queued=True, blocks=True, notice=True),
    "write-back": Rule("after_settling", queued=True, blocks=False, notice=True),
    "record": Rule("after_settling_except_record_c", queued=True, blocks=False, notice=True),
    "fetch": Rule("at_once", queued=False, blocks=False, notice=False),  # who asked tells people himself
    "notify": Rule("at_once", queued=False, blocks=False, notice=False),  # a notice about a notice would never end
    "set-stock": Rule("by_key", queued=True, blocks=True, notice=True),
}


def rule_of(kind: str) -> Rule:
    """Raises KeyError for what is no command."""
    return RULES[kind]


def pause_ms(pauses: int, given_seconds: float | None) -> int:
    """How long to wait before the next try: what the other side asked for, else 5 s, 10 s, 20 s … up to 15 minutes."""
    seconds = given_seconds if given_seconds is not None else FIRST_PAUSE_SECONDS * 2.0 ** min(pauses, 10)
    return int(min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS if given_seconds is None else 86_400.0) * 1000)


def settle_ms(facts: AccountFacts) -> int:
    """After so long an attempt has either made its order visible or never will: D + time-out + visibility + margin."""
    seconds = START_WITHIN_SECONDS + facts.request_timeout_seconds + facts.visibility_seconds + SETTLE_MARGIN_SECONDS
    return int(seconds * 1000)


def answer_ms(facts: AccountFacts) -> int:
    """After so long an attempt without any outcome is taken as unknown."""
    return int((START_WITHIN_SECONDS + facts.request_timeout_seconds + ANSWER_MARGIN_SECONDS) * 1000)


def key_alive(row: LedgerRow, facts: AccountFacts, at_ms: int) -> bool:
    """Whether a call begun at `at_ms` ends while the other side still remembers the idempotency key."""
    if row.first_sent_ms is None:
        return True
    end_ms = at_ms + int((START_WITHIN_SECONDS + facts.request_timeout_seconds) * 1000)
    return end_ms <= row.first_sent_ms + int(facts.key_lifetime_seconds * KEY_LIFETIME_USED * 1000)


def unresolved(row: LedgerRow) -> bool:
    """Whether an earlier send may have been carried out."""
    return any(attempt.mode == "send" and attempt.result in (None, "unknown") for attempt in row.attempts)


def way_on(row: LedgerRow, facts: AccountFacts, at_ms: int) -> Mode | None:
    """What a machine may do about a command that may have been carried out; None: only a person."""
    repeat = rule_of(row.kind).repeat
    if repeat == "by_class":
        match facts.sink_class:
            case "A":
                return "send" if key_alive(row, facts, at_ms) else "look_up"
            case "B":
                return "look_up"
            case _:
                return None
    if repeat == "by_key":
        return "send" if facts.sink_class == "A" and key_alive(row, facts, at_ms) else None
    neither = facts.sink_class in (None, "C") if repeat == "after_settling_except_c" else facts.record_class == "C"
    return None if repeat in ("after_settling_except_c", "after_settling_except_record_c") and neither else "send"


def wait_ms(row: LedgerRow, facts: AccountFacts, at_ms: int) -> int:
    """How long to wait after an unknown outcome before `way_on`."""
    repeat = rule_of(row.kind).repeat
    pause = pause_ms(row.pauses, None)
    resend_key = repeat in ("by_class", "by_key") and facts.sink_class == "A" and key_alive(row, facts, at_ms + pause)
    if repeat == "at_once" or resend_key:
        return pause
    return max(pause, settle_ms(facts))
