"""What order lines ask of a stock row, and what it answers: requests, releases, shipments."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.allocation import Touched, add_in
from streamer.domain.stock_answers import decision
from streamer.domain.stock_demand import note_demand
from streamer.domain.stock_jobs import BOOKED, book, next_start_ms, unbook, waits_for_its_day
from streamer.domain.stock_lines import ask, give_back, is_done, ship, take_over
from streamer.domain.stock_memory import finish
from streamer.domain.stock_patterns import booked_of, count
from streamer.domain.stock_referrals import Referral, refer
from streamer.domain.stock_rows import (
    StockRow,
)
from streamer.domain.stock_settling import (
    Rows,
    refuse_in_quarantine,
    remembering_ms,
    row_at,
    settle,
    shortage,
)
from streamer.domain.units import ZERO
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Malformed
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.ids import stock_key
from streamer.messages.orders import KitPart, ReferKind
from streamer.messages.stock import (
    LineRelease,
    LineRequest,
    LineShipped,
)

_NOTHING: list[Message] = []


def take_request(rows: Rows, event: LineRequest) -> Outcome:
    """Answers a line, once for each revision. Raises Malformed for a foreign line key, Refused in quarantine."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    line = row.lines.get(event.line_key)
    if line is not None and line.revision >= event.revision:
        return ()
    done = row.finished.get(event.line_key) if row.finished else None
    if done is not None and done.revision >= event.revision:
        return ()
    refuse_in_quarantine(row)
    if not event.line_key.startswith(f"{event.order_key}/"):
        raise Malformed("does not begin with the order's key", field="line_key")
    settings = settings_of(rows)
    elsewhere = _elsewhere(rows, key, row, event, settings)
    if elsewhere is not None:
        return elsewhere
    touched: Touched = {}
    passed, said = ZERO, _NOTHING
    if event.cart_key is not None:
        passed, said = take_over(rows, key, row, event, remembering_ms(settings))
    before = booked_of(line)
    later = waits_for_its_day(key, row, event, settings, rows.now_ms)
    if line is not None and line.reserve_from is not None and not later:
        unbook(row, event.line_key, line)
    ask(rows, row, event, settings, touched, passed=passed, book_only=later)
    asked = row.lines[event.line_key]
    if later:
        assert event.reserve_from is not None
        book(row, event.line_key, asked, event.reserve_from)
        touched[event.line_key] = BOOKED
        start_ms = next_start_ms(row, key, settings)
        row.due = min(start_ms, row.due) if start_ms is not None and row.due is not None else start_ms or row.due
    count(rows, key, before, booked_of(asked))
    lost = asked.short and asked.short != asked.waiting and not later  # nobody waits for it
    if lost and line is None and done is None and not event.probe:
        note_demand(rows, key, row, settings, asked.short - asked.waiting)
    settled = settle(rows, key, row, touched, settings, event.line_key)
    return [*said, *settled] if said else settled


def _elsewhere(
    rows: Rows, key: str, row: StockRow, event: LineRequest, settings: SettingsApplied | None
) -> Outcome | None:
    """The answer of a row that is not what is asked for, or does not give all of it; None for the usual row."""
    referral = refer(row, event, rows.now_ms) if row.facts else None
    if referral is not None:
        if referral.gives and not waits_for_its_day(key, row, event, settings, rows.now_ms):
            return _give_and_refer(rows, key, row, event, settings, referral)
        return _answer_once(rows, key, row, event, settings, referral.reason, referral.parts, referral.kind)
    if event.service and not row.as_of_ms and not row.level and not row.policy:
        return _answer_once(rows, key, row, event, settings, "service without parts", ())
    if not row.known:
        return _answer_once(rows, key, row, event, settings, f"unknown SKU at {event.location}", None)
    return None


def _give_and_refer(
    rows: Rows, key: str, row: StockRow, event: LineRequest, settings: SettingsApplied | None, referral: Referral
) -> Outcome:
    """Gives what is there and keeps nobody waiting here: for the rest others are named."""
    taken: list[Message] = []
    passed = ZERO
    if event.cart_key is not None:
        passed, taken = take_over(rows, key, row, event, remembering_ms(settings))
    touched: Touched = {}
    here = event.model_copy(update={"partial_allowed": True, "back_order_allowed": False})
    ask(rows, row, here, settings, touched, passed=passed)
    line = row.lines[event.line_key]
    if not line.short:
        return taken + settle(rows, key, row, touched, settings, event.line_key)
    if not line.granted:
        said = _answer_once(rows, key, row, event, settings, referral.reason, referral.parts, referral.kind)
        return [*taken, *said]
    del touched[event.line_key]
    add_in(row, event.line_key, line, -1)
    line.quantity, line.short = line.granted, ZERO
    add_in(row, event.line_key, line)
    line.decision += 1
    taken.append(
        decision(
            event.order_key,
            event.line_key,
            key,
            event.revision,
            line.decision,
            "partly_approved",
            rows.now_ms,
            approved=line.granted,
            reason=referral.reason,
            refer_to=referral.parts,
            refer_kind=referral.kind,
        )
    )
    if is_done(line):
        give_back(row, event.line_key, line)
        finish(rows, row, event.line_key, line.revision, line.shipped, remembering_ms(settings))
    return taken + settle(rows, key, row, touched, settings, event.line_key)


def _answer_once(
    rows: Rows, key: str, row: StockRow, event: LineRequest, settings: SettingsApplied | None, reason: str,
    parts: tuple[KitPart, ...] | None, kind: ReferKind = "parts",
) -> Outcome:  # fmt: skip
    """A line that takes nothing from this row: referred to `parts`, a service without any, or (None) rejected."""
    number = 1
    line = row.lines.get(event.line_key)
    shipped = ZERO
    if line is not None:
        number, shipped = line.decision + 1, line.shipped
        give_back(row, event.line_key, line)
    finish(rows, row, event.line_key, event.revision, shipped, remembering_ms(settings))
    approved = event.quantity if parts == () else ZERO
    rejected = event.quantity if parts is None else ZERO
    said: list[Message] = [
        decision(
            event.order_key,
            event.line_key,
            key,
            event.revision,
            number,
            "pending" if parts else "rejected" if parts is None else "approved",
            rows.now_ms,
            approved=approved,
            rejected=rejected,
            reason=reason,
            refer_to=parts or (),
            refer_kind=kind,
        )
    ]
    return said + settle(rows, key, row, {}, settings, event.line_key)


def take_release(rows: Rows, event: LineRelease) -> Outcome:
    """Gives back what a line holds; those who wait are served in the same write."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    line = row.lines.get(event.line_key)
    done = row.finished.get(event.line_key)
    if (line is not None and line.revision >= event.revision) or (done is not None and done.revision >= event.revision):
        return ()
    refuse_in_quarantine(row)
    shipped = done.quantity if done is not None else ZERO
    if line is not None:
        shipped = line.shipped
        count(rows, key, booked_of(line), None)
        give_back(row, event.line_key, line)
    settings = settings_of(rows)
    finish(rows, row, event.line_key, event.revision, shipped, remembering_ms(settings))
    return settle(rows, key, row, {}, settings, event.line_key)


def take_shipped(rows: Rows, event: LineShipped) -> Outcome:
    """Takes what has left off the shelf and off the reservation."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    refuse_in_quarantine(row)
    settings = settings_of(rows)
    touched: Touched = {}
    remember_ms = remembering_ms(settings)
    before = _shipped(row, event.line_key)
    if event.quantity <= before:
        return ()
    ship(rows, row, event, remember_ms, touched)
    note_demand(rows, key, row, settings, event.quantity - before)
    said = shortage(key, row, settings, touched, f"{event.line_key} shipped {plain(event.quantity)}")
    line = row.lines.get(event.line_key)
    if line is not None and is_done(line) and event.line_key not in touched:
        give_back(row, event.line_key, line)
        finish(rows, row, event.line_key, line.revision, line.shipped, remember_ms)
    return said + settle(rows, key, row, touched, settings, event.line_key)


def _shipped(row: StockRow, line_key: str) -> Decimal:
    line = row.lines.get(line_key)
    if line is not None:
        return line.shipped
    done = row.finished.get(line_key)
    return done.quantity if done is not None else ZERO
