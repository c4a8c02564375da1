"""Carries out what the ledger started: one task a call, whose result goes back into the log `commands` as an event.

Nothing here decides. A call may begin only while `may_start` allows it (lease and deadline); what could not be found
out is reported as `unknown`, never as success.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from streamer.domain.dispatch_rows import PollRow
from streamer.domain.effects import Bounds, StartCall, StartPoll
from streamer.engine.fold import Output
from streamer.errors import Misconfigured, NotSent, Refused, StreamerError, Unavailable, Unclear, Unsupported
from streamer.messages.base import Message
from streamer.messages.commands import (
    AskApprovalCommand,
    AttemptOutcome,
    AttemptResult,
    Command,
    FetchCommand,
    PollMoved,
    ReorderCommand,
)
from streamer.messages.records import Asked
from streamer.pipeline.dead_letters import explain
from streamer.pipeline.message_fold import outputs_of
from streamer.pipeline.raw_records import raw_output
from streamer.platforms.base import Approver, Call, Page, Placed, Platform, RawPage, Span
from streamer.platforms.http import Runner

log = structlog.get_logger()

FINISH_SECONDS = 8.0  # less than supervisors wait between SIGTERM and SIGKILL

Send = Callable[[list[Output]], Awaitable[None]]
"""Sends records and returns when Kafka has acknowledged all of them; ends the process when it cannot."""

MayStart = Callable[[], None]
"""Raises NotSent when the lease or the deadline of the effect has passed."""


class Callers:
    """The calls under way in this process; those of a revoked partition may end: a late outcome is folded, too."""

    def __init__(
        self,
        accounts: Mapping[str, Platform[Any]],
        runner: Runner,
        send: Send,
        approver: Callable[[AskApprovalCommand], Approver] | None = None,
    ) -> None:
        self._accounts = accounts
        self._approver = approver
        self._runner = runner
        self._send = send
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, effects: list[object], may_start: MayStart) -> None:
        """Begins the effects of a chunk whose rows are durable."""
        for effect in effects:
            if isinstance(effect, StartCall):
                work = self._call(effect, may_start)
            elif isinstance(effect, StartPoll):
                work = self._poll(effect, may_start)
            else:
                raise TypeError(f"no caller for {type(effect).__name__}")
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """This worker ends: calls under way may end too, so that their outcome is known. What takes longer is left to
        the next owner, who finds it begun and of unknown fate; `may_start` forbids what has not begun.
        """
        tasks = set(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _call(self, effect: StartCall, may_start: MayStart) -> None:
        command = effect.command
        outputs: list[Output] = []
        try:
            platform = self._platform(effect.account)
            if effect.mode == "look_up":
                outcome = await self._look_up(platform, effect, may_start)
            elif isinstance(command, FetchCommand):
                page = await self._run(platform.fetch(command), platform, may_start)
                outputs.append(raw_output(platform, page, cause=command.command_id, asked=command.asked))
                outcome = _outcome(effect, "confirmed")
            else:
                placed = await self._run(self._begin(platform, command), platform, may_start)
                outcome = _outcome(
                    effect, "confirmed", external_reference=placed.external_reference, evidence=dict(placed.evidence)
                )
        except Exception as error:  # noqa: BLE001 - each failure is an outcome
            outcome = _failure(effect, error)
        await self._send(outputs + outputs_of([outcome]))

    def _begin(self, platform: Platform[Any], command: Command) -> Call[Placed]:
        if isinstance(command, AskApprovalCommand):
            if self._approver is None:
                raise Refused("this process does not know the people of the settings")
            return platform.ask_approval(command, self._approver(command))
        return platform.carry_out(command)

    async def _look_up(self, platform: Platform[Any], effect: StartCall, may_start: MayStart) -> AttemptOutcome:
        command = effect.command
        if not isinstance(command, ReorderCommand):
            raise Unsupported(f"{platform.title}: only purchase orders can be looked up")
        found = await self._run(platform.find_order(command), platform, may_start)
        if found is None:
            return _outcome(effect, "not_found")
        return _outcome(effect, "found", external_reference=found.external_reference, evidence=dict(found.evidence))

    async def _poll(self, effect: StartPoll, may_start: MayStart) -> None:
        cursor, records, error = dict(effect.cursor), 0, None
        try:
            platform = self._platform(effect.account)
            more = True
            asked = asked_by(effect.bounds)
            while more:
                page: Page = await self._run(_looking(platform, effect, cursor), platform, may_start)
                await self._send([raw_output(platform, one, cause=None, asked=asked) for one in page.records])
                records += len(page.records)
                cursor, more = dict(page.cursor), page.more
        except Exception as problem:  # noqa: BLE001 - each failure is told in the poll's row
            error = explain(problem)
            log.warning("a poll failed", account=effect.account, resource=effect.resource, reason=error)
        moved = PollMoved(
            account=effect.account,
            resource=effect.resource,
            sequence=effect.sequence,
            cursor=cursor,
            records=records,
            error=error,
            at=datetime.now(UTC),
        )
        await self._send(outputs_of([moved]))

    def _platform(self, account: str) -> Platform[Any]:
        platform = self._accounts.get(account)
        if platform is None:
            raise Refused(f"accounts.{account}: there is no such account")
        return platform

    async def _run(self, call: Call[Any], platform: Platform[Any], may_start: MayStart) -> Any:
        return await self._runner.run(call, platform, may_start=may_start)


def _looking(platform: Platform[Any], effect: StartPoll, cursor: Mapping[str, str]) -> Call[Page]:
    bounds = effect.bounds
    if bounds is None:
        return platform.look(effect.resource, cursor)
    since, until = (datetime.fromisoformat(text) if text else None for text in (bounds.since, bounds.until))
    return platform.backfill(bounds.resource, Span(since, until, bounds.ids), cursor)


def asked_by(bounds: Bounds | None) -> Asked | None:
    """Who asked for what a look within bounds brings."""
    return Asked(act_id=bounds.act_id, route=bounds.route, dry_run=bounds.dry_run) if bounds is not None else None


def _outcome(effect: StartCall, result: AttemptResult, **more: Any) -> AttemptOutcome:
    return AttemptOutcome(
        account=effect.account,
        command_id=effect.command_id,
        attempt=effect.attempt,
        result=result,
        at=datetime.now(UTC),
        **more,
    )


def _failure(effect: StartCall, error: Exception) -> AttemptOutcome:
    """What an error means for the ledger; what nobody foresaw is `unknown`, since something may have been done."""
    reason = explain(error)
    match error:
        case NotSent() | Misconfigured():
            return _outcome(effect, "not_started", reason=reason)
        case Unavailable():
            return _outcome(effect, "retry_later", reason=reason, retry_after_seconds=error.retry_after_seconds)
        case Unsupported():
            return _outcome(effect, "unsupported", reason=reason)
        case Refused():
            return _outcome(effect, "rejected", reason=reason)
        case Unclear():
            return _outcome(effect, "unknown", reason=reason)
    if not isinstance(error, StreamerError):
        log.error(
            "a call failed in a way that nobody foresaw",
            account=effect.account,
            command=effect.command_id,
            exc_info=error,
        )
    return _outcome(effect, "unknown", reason=reason)


def ended_with_owner(account: str, command_id: str, attempt: int) -> Message:
    """For an attempt that a worker left behind: whoever recovers a row in `sending` treats it as unknown."""
    return AttemptOutcome(
        account=account,
        command_id=command_id,
        attempt=attempt,
        result="unknown",
        reason="the worker that made the attempt is gone",
        at=datetime.now(UTC),
    )


def poll_ended_with_owner(row: PollRow) -> Message:
    """For a poll that a worker left behind: its cursor has not moved, and it is asked again soon."""
    return PollMoved(
        account=row.account,
        resource=row.resource,
        sequence=row.sequence,
        cursor=dict(row.cursor),
        records=0,
        error="the worker that asked is gone",
        at=datetime.now(UTC),
    )


__all__ = ["Callers", "MayStart", "RawPage", "Send", "ended_with_owner", "poll_ended_with_owner"]
