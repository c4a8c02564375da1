"""The state machine of one command: when to call, when to repeat, when to look up, when to ask a person.

`intended` -> `sending` -> `confirmed` | `rejected` | `unknown` -> (`sending` again | `looking_up` | `human`). A call
starts by an effect, after the row that says `sending` is durable; what came of attempt n is folded whatever the state
is by then.
"""

from __future__ import annotations

from streamer.domain import dispatch_records
from streamer.domain.acts import notice
from streamer.domain.dispatch_reports import learn_external, report
from streamer.domain.dispatch_rows import Attempt, LedgerRow, QueueRow, Rows, command_key, queue_key
from streamer.domain.dispatch_rules import (
    ATTEMPTS_KEPT,
    RETRY_FOR_MS,
    answer_ms,
    pause_ms,
    rule_of,
    unresolved,
    wait_ms,
    way_on,
)
from streamer.domain.effects import Mode, StartCall
from streamer.domain.times import DAY_MS
from streamer.domain.view import Effect, settings_of
from streamer.messages.applied import AccountFacts
from streamer.messages.base import Message
from streamer.messages.commands import AttemptResult, Command, RecordCommand, ReorderCommand

NO_SETTINGS_PAUSE_MS = 60_000
TOLD_BY_PURCHASING = ("reorder", "cancel-order", "change-order")  # that fold tells people of its own orders


class Ledger:
    """One turn of the ledger for one account: the rows it changes, and in `out` what came of it."""

    def __init__(self, rows: Rows, account: str) -> None:
        self.rows = rows
        self.account = account
        self.now_ms = rows.now_ms
        self.settings = settings_of(rows)
        self.out: list[Message | Effect] = []

    @property
    def facts(self) -> AccountFacts | None:
        return self.settings.accounts.get(self.account) if self.settings else None

    def edit(self, command_id: str) -> LedgerRow | None:
        row = self.rows.edit(command_key(self.account, command_id))
        return row if isinstance(row, LedgerRow) else None

    # -- the queue of an object

    def enqueue(self, command_id: str, row: LedgerRow) -> None:
        """Begins the command, or lets it wait for what is under way for the same object."""
        command = row.command()
        if isinstance(command, RecordCommand) and not dispatch_records.arrive(self, command_id, row, command):
            return
        if rule_of(row.kind).queued:
            self.take_place(command_id, row)
        else:
            self.begin(command_id, row)

    def take_place(self, command_id: str, row: LedgerRow) -> None:
        """Behind those that are in the queue of its object already."""
        key = queue_key(self.account, row.object)
        queue = self.rows.edit(key)
        if not isinstance(queue, QueueRow):
            queue = QueueRow()
            self.rows.put(key, queue)
        queue.waiting.append(command_id)
        queue.latest = command_id
        queue.due_ms = None
        if queue.waiting[0] == command_id:
            self.begin(command_id, row)
        else:
            row.due_ms = None

    def leave_queue(self, command_id: str, row: LedgerRow) -> None:
        """The command is done with: the next one for its object begins."""
        key = queue_key(self.account, row.object)
        known = self.rows.read(key)
        if not isinstance(known, QueueRow) or command_id not in known.waiting:
            return
        queue = self.rows.edit(key)
        assert isinstance(queue, QueueRow)
        was_first = queue.waiting[0] == command_id
        queue.waiting.remove(command_id)
        if not queue.waiting:
            queue.due_ms = self.now_ms + self._remember_ms()
        elif was_first:
            following = self.edit(queue.waiting[0])
            if following is not None and following.state == "intended" and following.quarantined is None:
                self.begin(queue.waiting[0], following)

    # -- attempts

    def begin(self, command_id: str, row: LedgerRow) -> None:
        """Starts what may be done now about a command that is the first for its object."""
        facts = self.facts
        if facts is None:
            if self.settings is None:
                row.due_ms = self.now_ms + NO_SETTINGS_PAUSE_MS
            else:
                self.ask_person(command_id, row, f"accounts.{self.account} is not in the settings")
            return
        command = row.command()
        if isinstance(command, RecordCommand) and dispatch_records.must_wait(self, command_id, row, command):
            return
        mode = way_on(row, facts, self.now_ms) if row.state == "unknown" or _key_matters(row, facts) else "send"
        if mode is None:
            self.ask_person(command_id, row, row.reason or "it may have been carried out")
            return
        self._start(command_id, row, mode, facts)

    def _start(self, command_id: str, row: LedgerRow, mode: Mode, facts: AccountFacts) -> None:
        row.attempt += 1
        row.state = "sending" if mode == "send" else "looking_up"
        row.attempts = [*row.attempts[1 - ATTEMPTS_KEPT :], Attempt(row.attempt, mode, self.now_ms)]
        row.due_ms = self.now_ms + answer_ms(facts)
        if mode == "send" and row.first_sent_ms is None:
            row.first_sent_ms = self.now_ms
        command: Command = row.command()
        if row.sent_again and mode == "send" and isinstance(command, ReorderCommand):
            command = command.model_copy(update={"copy_of": command.command_id})
        if isinstance(command, RecordCommand):
            command = dispatch_records.enriched(self.rows, self.account, row, command)
        self.out.append(StartCall(self.account, command_id, row.attempt, mode, command))

    def outcome(
        self,
        command_id: str,
        row: LedgerRow,
        result: AttemptResult,
        *,
        at_ms: int,
        retry_after_seconds: float | None = None,
    ) -> None:
        """What the current attempt came to, other than success. The attempt has its result already."""
        attempt = row.current()
        looked_up = attempt is not None and attempt.mode == "look_up"
        if result in ("not_started", "retry_later"):
            self._try_again(command_id, row, retry_after_seconds, at_ms=at_ms, looked_up=looked_up)
        elif result == "unknown":
            self._unknown(command_id, row, at_ms=at_ms, looked_up=looked_up)
        elif result == "not_found":
            for earlier in row.attempts:
                if earlier.mode == "send" and earlier.result in (None, "unknown"):
                    earlier.result = "not_found"
            row.state, row.pauses, row.retry_since_ms = "intended", 0, None
            row.first_sent_ms = None
            if row.unclear >= self._attempts():
                self.ask_person(command_id, row, f"{row.unclear} attempts ended without an answer and made nothing")
            else:
                self.begin(command_id, row)
        elif looked_up:
            self.ask_person(command_id, row, f"it could not be looked up: {row.reason or result}")
        elif unresolved(row):
            self.ask_person(
                command_id, row, f"an earlier attempt may have been carried out; this one was refused: {row.reason}"
            )
        else:
            self.reject(command_id, row, row.reason or result)

    def _try_again(
        self, command_id: str, row: LedgerRow, retry_after_seconds: float | None, *, at_ms: int, looked_up: bool
    ) -> None:
        since = row.retry_since_ms if row.retry_since_ms is not None else self.now_ms
        if self.now_ms - since >= RETRY_FOR_MS:
            self.ask_person(command_id, row, f"nothing could be sent for a day: {row.reason or 'no reason given'}")
            return
        row.retry_since_ms = since
        row.state = "unknown" if looked_up else "intended"
        row.due_ms = max(self.now_ms, at_ms) + pause_ms(row.pauses, retry_after_seconds)
        row.pauses += 1

    def _unknown(self, command_id: str, row: LedgerRow, *, at_ms: int, looked_up: bool) -> None:
        facts = self.facts
        row.unclear += 1
        row.retry_since_ms = None
        if facts is None:
            self.ask_person(command_id, row, f"accounts.{self.account} is not in the settings")
            return
        first_time = row.state != "unknown"
        row.state = "unknown"
        if way_on(row, facts, self.now_ms) is None:
            self.ask_person(command_id, row, f"it may have been carried out: {row.reason or 'no answer'}")
            return
        if row.unclear >= self._attempts() * (2 if looked_up else 1):
            self.ask_person(
                command_id, row, f"{row.unclear} attempts ended without an answer: {row.reason or 'no answer'}"
            )
            return
        # The clock of who saw the end counts too: the partition's time may lag behind it by a tick.
        row.due_ms = max(self.now_ms, at_ms) + wait_ms(row, facts, max(self.now_ms, at_ms))
        row.pauses += 1
        if first_time and not looked_up:
            self._report(row)

    # -- ends

    def confirm(
        self, command_id: str, row: LedgerRow, external_reference: str | None, *, tell_purchasing: bool = True
    ) -> None:
        """It was carried out. Said of what was refused, or with another id of theirs, it is a conflict."""
        if row.state == "confirmed":
            if external_reference is None or external_reference == row.external_reference:
                return
            if row.external_reference is not None:
                self._conflict(command_id, row, f"carried out as {row.external_reference} and as {external_reference}")
                return
            row.external_reference = external_reference
            self._report(row, tell_purchasing=tell_purchasing)
            self.out += learn_external(self.rows, self.account, row, self.now_ms)
            return
        if row.state == "rejected":
            self._conflict(command_id, row, "first refused, then carried out")
        row.state = "confirmed"
        row.external_reference = external_reference or row.external_reference
        row.reason = None
        self._close(row)
        self._report(row, tell_purchasing=tell_purchasing)
        self.out += learn_external(self.rows, self.account, row, self.now_ms)
        if row.kind == "record":
            dispatch_records.learned(self, row, row.external_reference)
        self.leave_queue(command_id, row)

    def reject(
        self,
        command_id: str,
        row: LedgerRow,
        reason: str,
        *,
        tell_purchasing: bool = True,
        notice_people: bool = True,
    ) -> None:
        """Refused for good: nothing was made."""
        row.state, row.reason = "rejected", reason
        self._close(row)
        self._report(row, tell_purchasing=tell_purchasing)
        if notice_people and rule_of(row.kind).notice and row.kind not in TOLD_BY_PURCHASING:
            self._tell(command_id, row, f"{row.kind} refused", reason, "warning")
        self.leave_queue(command_id, row)
        if row.kind == "record":
            dispatch_records.failed(self, row)

    def ask_person(self, command_id: str, row: LedgerRow, reason: str) -> None:
        """No machine can decide any more."""
        rule = rule_of(row.kind)
        row.state, row.reason = "human", reason
        row.due_ms = None if rule.blocks else self.now_ms + self._remember_ms()
        self._report(row)
        if rule.notice:
            self._tell(command_id, row, f"{row.kind} needs a decision", reason, "urgent" if rule.blocks else "warning")
        if not rule.blocks:
            self.leave_queue(command_id, row)
        if row.kind == "record":
            dispatch_records.failed(self, row)

    def _report(self, row: LedgerRow, *, tell_purchasing: bool = True) -> None:
        row.reports += 1
        self.out += report(row, self.facts, self.now_ms, tell_purchasing=tell_purchasing)

    def _conflict(self, command_id: str, row: LedgerRow, text: str) -> None:
        if row.conflict != text:
            row.conflict = text
            self._tell(command_id, row, f"{row.kind}: contradiction", text, "urgent")

    def _tell(self, command_id: str, row: LedgerRow, subject: str, reason: str, severity: str) -> None:
        text = f"Command {command_id} of account {self.account} for {row.object}: {reason}"
        cause = ("command", command_id, str(row.attempt), str(len(row.acts)), subject, reason)
        self.out += notice(
            self.settings,
            cause,
            subject,
            text,
            severity="urgent" if severity == "urgent" else "warning",
            link=f"/commands/{self.account}/{command_id}",
        )

    def _close(self, row: LedgerRow) -> None:
        row.closed_ms = self.now_ms
        row.due_ms = self.now_ms + self._remember_ms()
        row.pauses, row.retry_since_ms = 0, None

    def _remember_ms(self) -> int:
        return (self.settings.remember_days if self.settings else 40) * DAY_MS

    def _attempts(self) -> int:
        return self.facts.attempts if self.facts else 1


def _key_matters(row: LedgerRow, facts: AccountFacts) -> bool:
    """A send may only be repeated while the idempotency key lives, also when the try in between came to nothing."""
    return rule_of(row.kind).repeat in ("by_class", "by_key") and facts.sink_class == "A" and unresolved(row)
