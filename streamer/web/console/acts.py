"""What people do, as messages on the topics of those whom it concerns, and a line in the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from streamer.messages.applied import Channel
from streamer.messages.base import Message
from streamer.messages.commands import OperatorAct, PollAct
from streamer.messages.envelope import headers_of
from streamer.messages.purchasing import Approval, Decision, GoodsReceipt, ReceivedLine
from streamer.messages.records import Backfill, RecordAct, RecordKind
from streamer.messages.status import AuditEntry
from streamer.messages.stock import ReorderAct, RowRelease
from streamer.web.outbox import Outbox

ENGINE_HEADERS = frozenset({"src", "srcw"})
REPLAY_OF = "replay-of"


class Acts:
    """Every method returns once Kafka has acknowledged; raises Unavailable when it has not.

    `act_id` comes from the form: the same form sent twice is one act.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def decide(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        supplier: str,
        reference: str,
        version: int,
        decision: Decision,
        quantities: Mapping[str, Decimal],
        reason: str | None,
        channel: Channel = "console",
    ) -> None:
        """Decides about a purchase order as it was on the screen. The fold has the last word, and audits it."""
        await self._send(
            Approval(
                supplier=supplier,
                reference=reference,
                version=version,
                decision=decision,
                quantities=dict(quantities),
                reason=reason,
                actor=actor,
                act_id=act_id,
                at=at,
                channel=channel,
            )
        )

    async def receive(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        supplier: str,
        reference: str,
        counted: Mapping[str, Decimal],
    ) -> None:
        """Goods of a purchase order arrived: how many of each line were counted. The fold audits it."""
        lines = tuple(ReceivedLine(line=line, quantity=quantity) for line, quantity in counted.items())
        await self._send(
            GoodsReceipt(supplier=supplier, reference=reference, receipt_id=act_id, lines=lines, actor=actor, at=at)
        )

    async def reorder(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        location: str,
        sku: str,
        act: Literal["snooze", "order_now"],
        until: str | None,
        reason: str | None,
    ) -> None:
        """Leaves a reorder alone for a while, or has it ordered now. The fold audits it."""
        await self._send(
            ReorderAct(
                location=location, sku=sku, act=act, until=until, reason=reason, actor=actor, act_id=act_id, at=at
            )
        )

    async def settle(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        account: str,
        command_id: str,
        act: Literal["confirm", "reject", "send_again"],
        reason: str,
        external_reference: str | None,
    ) -> None:
        """Says what became of a call that no machine can decide. The fold writes the audit entry."""
        await self._send(
            OperatorAct(
                account=account,
                command_id=command_id,
                act=act,
                reason=reason,
                actor=actor,
                act_id=act_id,
                external_reference=external_reference,
                at=at,
            )
        )

    async def release(self, actor: str, act_id: str, *, topic: Any, row_key: str, log_key: str) -> None:
        """Lets a quarantined row decide again. The fold writes the audit entry."""
        await self._send(RowRelease(topic=topic, row_key=row_key, log_key=log_key, actor=actor, act_id=act_id))

    async def replay(
        self, actor: str, act_id: str, at: datetime, letter: Any, reason: str | None, *, mended: bytes | None = None
    ) -> None:
        """Puts a dead letter's bytes back on the topic that they came from, or `mended` ones as a new record there.

        Either way the record names the letter; the trail has the hashes of both, never the bytes.
        """
        headers = [(name, bytes.fromhex(value)) for name, value in json.loads(letter["headers"])]
        kept = [(name, value) for name, value in headers if name not in ENGINE_HEADERS and name != REPLAY_OF]
        kept.append((REPLAY_OF, letter["id"].encode()))
        value = letter["value"] if mended is None else mended
        await self._outbox.send(letter["topic"], letter["key"], value, kept)
        before = {"topic": letter["topic"], "reason": letter["reason"], "sha256": _hash(letter["value"])}
        await self.note(
            actor,
            "dead-letter.replay" if mended is None else "dead-letter.mend",
            f"dead-letter/{letter['id']}",
            act_id,
            at,
            before=before,
            after={} if mended is None else {"sha256": _hash(mended), "bytes": str(len(mended))},
            reason=reason,
        )

    async def copy_record(
        self, actor: str, act_id: str, at: datetime, *, route: str, order_key: str, reason: str | None
    ) -> None:
        """Copies a record now. The fold writes the audit entry."""
        await self._send(RecordAct(order_key=order_key, route=route, reason=reason, actor=actor, act_id=act_id, at=at))

    async def backfill(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        account: str,
        kind: RecordKind,
        since: datetime | None,
        until: datetime | None,
        ids: tuple[str, ...],
        dry_run: bool,
    ) -> None:
        """Has records of an account read again. The fold writes the audit entry."""
        await self._send(
            Backfill(
                account=account,
                kinds=(kind,),
                since=since,
                until=until,
                ids=ids,
                dry_run=dry_run,
                actor=actor,
                act_id=act_id,
                at=at,
            )
        )

    async def poll(
        self,
        actor: str,
        act_id: str,
        at: datetime,
        *,
        account: str,
        resource: str | None,
        act: Literal["look_now", "pause", "resume"],
        reason: str | None,
    ) -> None:
        """Has an account looked at now, or its polls stopped or taken up again. The fold writes the audit entry."""
        await self._send(
            PollAct(account=account, resource=resource, act=act, reason=reason, actor=actor, act_id=act_id, at=at)
        )

    async def note(
        self,
        actor: str,
        act: str,
        subject: str,
        act_id: str,
        at: datetime,
        *,
        before: Mapping[str, str] | None = None,
        after: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> None:
        """An entry of the audit trail for what no fold hears of."""
        await self._send(
            AuditEntry(
                actor=actor,
                act=act,
                subject=subject,
                before=dict(before or {}),
                after=dict(after or {}),
                reason=reason,
                act_id=act_id,
                at=at,
            )
        )

    async def _send(self, message: Message) -> None:
        value, headers = message.to_json(), headers_of(message)
        for topic, key in message.places():
            await self._outbox.send(topic, key, value, headers)


def _hash(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()
