"""One turn of a purchase order: what is changed in its row, and who must hear of it."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.acts import Severity, notice
from streamer.domain.consolidation import wait
from streamer.domain.order_standing import contradictions, shortages
from streamer.domain.purchase_orders import (
    cancellation,
    in_words,
    incomings,
    public_status,
    reorder,
    settle_state,
    shares,
)
from streamer.domain.purchasing_asking import ask, needed
from streamer.domain.purchasing_lateness import LATE, late_things, next_look_ms
from streamer.domain.purchasing_rows import NeedRow, OrderRow, Rows, SupplierRow, need_row_key, order_row_key
from streamer.domain.times import DAY_MS, local_date, utc
from streamer.domain.view import Effect, settings_of
from streamer.errors import Refused
from streamer.messages.applied import SupplierFacts
from streamer.messages.base import Message, plain
from streamer.messages.status import AuditEntry

NOTICES_KEPT = 50
CONFLICT_KEPT_MS = 400 * DAY_MS
ASK_AFTER_REFUSAL_MS = DAY_MS  # what was refused is not ordered again by machine: the next order asks a person


def order_of(rows: Rows, supplier: str, reference: str) -> OrderRow:
    """Raises Refused when no order has this reference."""
    row = rows.read(order_row_key(supplier, reference))
    if not isinstance(row, OrderRow) or not row.lines:
        raise Refused(f"{reference} is no order of ours (it may have been forgotten)")
    return row


def edit_order(rows: Rows, supplier: str, reference: str) -> OrderRow:
    """The same, to be changed."""
    order_of(rows, supplier, reference)
    row = rows.edit(order_row_key(supplier, reference))
    assert isinstance(row, OrderRow)
    return row


class Turn:
    """Changes to one order. Begin before the row is changed; `done` gives the messages, those to stock first."""

    def __init__(self, rows: Rows, row: OrderRow, *, new: bool = False) -> None:
        self.rows = rows
        self.row = row
        self.settings = settings_of(rows)
        self.out: list[Message | Effect] = []
        self._shares = {} if new else shares(row)
        self._lines = list(row.lines)
        self._was_over = not new and _over(row)

    @property
    def supplier(self) -> SupplierFacts | None:
        return self.settings.supplier(self.row.supplier) if self.settings else None

    def close_draft(self) -> None:
        """The window is over: the draft waits for more, goes out at once, or a person is asked."""
        row, supplier = self.row, self.supplier
        if self.settings is not None and supplier is not None:
            waiting = wait(row, supplier, self.rows.now_ms, self.settings.time_zone)
            if waiting is not None:
                row.window_until_ms, row.waits_for, row.waits_until_ms = waiting.look_ms, waiting.why, waiting.latest_ms
                return
        self.leave_drafts()
        self.approve_or_ask()

    def approve_or_ask(self) -> None:
        """Sends what needs nobody, or nobody more; else asks those who may approve it."""
        row = self.row
        needs = needed(self.rows, row)
        if needs is not None:
            row.state, row.because = "awaiting_approval", needs.because
            asked = ask(self.rows, row, needs)
            self.out += asked
            if not asked:
                about = f"{row.version}, {len(row.approvals)} approved"
                text = f"{in_words(row)}. {needs.because}"
                self.tell("Purchase order waits for approval", text, severity="information", about=about)
            return
        self.out.append(
            AuditEntry(
                actor="streamer",
                act="purchase-order.approve-automatically",
                subject=row.reference,
                after={"version": str(row.version), "total": f"{plain(row.total())} {row.currency}"},
                act_id=f"{row.reference}.{row.version}:automatic",
                origin="fold",
                at=utc(self.rows.now_ms),
            )
        )
        self.send()

    def escalate(self) -> None:
        """Nobody decided in time: those above are asked, and everybody hears of it. Nothing goes out by that."""
        row = self.row
        needs = needed(self.rows, row)
        if needs is None:  # the settings ask for less by now, but a person has seen that it waits: they decide
            row.deadline_ms = self.rows.now_ms + ASK_AFTER_REFUSAL_MS
            return
        row.because = needs.because
        self.out += ask(self.rows, row, needs, escalate=True)
        self.tell(
            "Nobody decided about a purchase order",
            f"{in_words(row)} waits for approval: {needs.because}",
            severity="urgent",
            about=f"deadline {row.rounds}",
        )

    def look_whether_late(self) -> None:
        """Tells people once of each thing that is late by now."""
        row = self.row
        for late in late_things(row, self.settings):
            if late.from_ms <= self.rows.now_ms:
                row.late_since = min(filter(None, (row.late_since, late.day)), default=None)
                self.tell(LATE, late.text, about=late.about)

    def leave_drafts(self) -> None:
        """Later needs go into another order."""
        row = self.row
        row.window_until_ms = row.waits_for = row.waits_until_ms = None
        mine = self.rows.read(row.supplier)
        if isinstance(mine, SupplierRow) and mine.drafts.get(row.group) == row.reference:
            mine = self.rows.edit(row.supplier)
            assert isinstance(mine, SupplierRow)
            del mine.drafts[row.group]

    def send(self) -> None:
        """Raises Refused when the supplier is no longer in the settings."""
        row, supplier = self.row, self.supplier
        if self.settings is None or supplier is None:
            raise Refused(f"suppliers.{row.supplier} is not in the settings")
        row.order_date = local_date(self.rows.now_ms, self.settings.time_zone).isoformat()
        command = reorder(row, supplier)
        row.command_id, row.account, row.reply_token = command.command_id, command.account, command.reply_token
        row.sent_ms, row.deadline_ms, row.because, row.shown = self.rows.now_ms, None, None, []
        for line in row.lines:
            for need in line.needs:
                need.why = None  # the command carries it from here on
            seen = self.rows.edit(need_row_key(row.supplier, line.location, line.sku))
            if isinstance(seen, NeedRow):
                seen.paid, seen.paid_currency = line.unit_price, row.currency
        settle_state(row)
        self.out.append(command)

    def cancel(self, reason: str) -> None:
        """Asks the supplier to cancel; the order stays what it is until he, or his system, says so."""
        row, supplier = self.row, self.supplier
        if supplier is None or row.account is None or row.command_id is None:
            raise Refused(f"suppliers.{row.supplier} is not in the settings")
        facts = self.settings.accounts.get(row.account) if self.settings else None
        if facts is not None and not facts.cancels_orders:
            raise Refused(f"account {row.account} cannot cancel: speak to the supplier, then close the order here")
        command = cancellation(row, supplier, row.account, row.command_id, reason)
        row.cancel_id = command.command_id
        self.ask_next_time()
        self.out.append(command)

    def ask_next_time(self) -> None:
        """The order was refused: for a day, what it held is not ordered again without a person."""
        for line in self.row.lines:
            key = need_row_key(self.row.supplier, line.location, line.sku)
            seen = self.rows.edit(key)
            if isinstance(seen, NeedRow):
                seen.ask_until_ms = self.rows.now_ms + ASK_AFTER_REFUSAL_MS

    def tell(self, subject: str, text: str, *, severity: Severity = "warning", about: str | None = None) -> None:
        """Tells people once about this version of the order, or about `about`."""
        row = self.row
        mark = f"{subject}|{about or row.version}"
        if mark in row.noticed:
            return
        row.noticed = [*row.noticed[1 - NOTICES_KEPT :], mark]
        cause = ("purchase-order", row.reference, subject, about or str(row.version))
        link = f"/purchase-orders/{row.reference}"
        self.out += notice(self.settings, cause, subject, text, severity=severity, link=link)

    def done(self) -> list[Message | Effect]:
        """What everybody must hear, after all changes of this turn."""
        row = self.row
        settle_state(row)
        row.revision += 1
        tolerance = self.supplier.price_tolerance_percent if self.supplier is not None else Decimal(0)
        found = (contradictions(row.facts, row.lines, tolerance) if row.sent() else []) + row.remarks
        conflict = "; ".join(found) or None
        if conflict is not None and conflict != row.conflict:
            self.tell(
                "Purchase order: contradiction", f"{row.reference}: {conflict}", severity="urgent", about=conflict
            )
        row.conflict = conflict
        if row.sent() and (less := shortages(row.facts, row.lines)):
            self.tell("Less comes than was ordered", f"{row.reference}: {'; '.join(less)}", about="; ".join(less))
        told: list[Message | Effect] = [
            *incomings(row, self._shares, self._lines),
            public_status(row, self.rows.now_ms),
        ]
        over = _over(row)
        if over and not self._was_over and row.state == "rejected":
            self.ask_next_time()
            self.tell(
                "Purchase order refused",
                f"{row.reference}: {row.reason or 'no reason given'}. Its needs are open again.",
                about="refused",
            )
        remember_ms = (self.settings.remember_days if self.settings else 40) * DAY_MS
        row.forget_ms = self.rows.now_ms + (remember_ms if row.conflict is None else CONFLICT_KEPT_MS) if over else None
        if over:
            row.watch_ms = row.late_since = None
        elif row.sent():
            row.watch_ms = next_look_ms(row, self.settings, self.rows.now_ms)
        return [*told, *self.out]


def _over(row: OrderRow) -> bool:
    return row.state in ("received", "rejected", "cancelled")
