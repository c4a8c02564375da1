"""What order lines do to a stock row: ask, ask again, give back, ship."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.allocation import (
    NOT_ENOUGH,
    Touched,
    add_in,
    committed_parts,
    enqueue,
    free,
    free_in_all,
    leave_queue,
    serve,
)
from streamer.domain.channels import account_of, limit_of, room, rules_of
from streamer.domain.stock_answers import decision, order_key_of
from streamer.domain.stock_memory import change_stock, finish
from streamer.domain.stock_rows import Line, StockRow
from streamer.domain.units import ZERO, ms
from streamer.domain.view import View
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.stock import LineRequest, LineShipped


def _keeps_time(row: StockRow, settings: SettingsApplied | None, account: str) -> bool:
    """Whether the time of the order matters: where this account's levels are, or may be, counted as `available`."""
    if row.level_account == account and row.counts == "available":
        return True
    facts = settings.accounts.get(account) if settings is not None else None
    return facts is None or facts.counts == "available"


def ask(
    rows: View[object],
    row: StockRow,
    event: LineRequest,
    settings: SettingsApplied | None,
    touched: Touched,
    *,
    passed: Decimal = ZERO,
    book_only: bool = False,
) -> None:
    """Grants, or puts on the waitlist, what a new line or a higher revision asks for; or only notes it.

    So many units as `passed` come from its cart.
    """
    key = event.line_key
    line = row.lines.get(key)
    if line is None:
        line = _new_line(row, event, settings)
        row.lines[key] = line
        more = line.short
    else:
        add_in(row, key, line, -1)
        more = _revise(rows, row, event, line)
    _set_wishes(row, key, line, event)
    if book_only:
        add_in(row, key, line)
        return
    if passed:
        more -= _pass_on(line, min(passed, more))
    _grant_or_wait(row, key, line, more, settings, touched)


def _new_line(row: StockRow, event: LineRequest, settings: SettingsApplied | None) -> Line:
    """The line as it asks; what had left of it before it was forgotten counts as shipped."""
    key = event.line_key
    shipped = ZERO
    if row.finished:
        done = row.finished.get(key)
        if done is not None:
            shipped = min(done.quantity, event.quantity)
            row.finished = {name: entry for name, entry in row.finished.items() if name != key}
    line = Line(event.quantity, event.quantity - shipped, shipped=shipped, decision=0)
    if key.rpartition("/")[0] != event.order_key:
        line.order_length = len(event.order_key)
    if event.placed_at is not None and _keeps_time(row, settings, event.account):
        line.placed_ms = ms(event.placed_at)
        if event.changed_at is not None:
            line.early, line.changed_ms = ZERO, ms(event.changed_at)
    return line


def _grant_or_wait(
    row: StockRow, key: str, line: Line, more: Decimal, settings: SettingsApplied | None, touched: Touched
) -> None:
    """The line, which is in none of the row's sums, gets `more` or waits for it."""
    if more and not row.queue and not row.holds and _enough(row, key, line, more, settings):
        _pass_on(line, more)  # the common case: nobody waits and there is enough
        add_in(row, key, line)
    elif more and _must_not_wait(row, key, line, settings):
        touched[key] = _take_what_is_there(row, key, line)
        return
    else:
        add_in(row, key, line)
        if more:
            enqueue(row, key, line, more)
            serve(row, touched, rules_of(row, settings))
    touched[key] = None
    if line.short:
        touched[key] = _refuse_rest(row, key, line, settings) if line.waiting and not line.back_order else NOT_ENOUGH


def _pass_on(line: Line, quantity: Decimal) -> Decimal:
    line.short -= quantity
    if not line.short:
        line.short = ZERO
    return quantity


def take_over(
    rows: View[object], key: str, row: StockRow, event: LineRequest, remember_ms: int
) -> tuple[Decimal, list[Message]]:
    """What the cart of an order holds here becomes the order's: nobody who waits comes between."""
    began = f"{event.cart_key}/"
    units = ZERO
    said: list[Message] = []
    for name, line in list(row.lines.items()):
        if line.expires_ms is None or not name.startswith(began):
            continue
        units += line.open
        give_back(row, name, line)
        finish(rows, row, name, line.revision, line.shipped, remember_ms)
        said.append(
            decision(
                order_key_of(name, line), name, key, line.revision, line.decision + 1, "released", rows.now_ms,
                approved=line.shipped, reason=f"became order {event.order_key}",
            )
        )  # fmt: skip
    return units, said


def _must_not_wait(row: StockRow, key: str, line: Line, settings: SettingsApplied | None) -> bool:
    """The usual line that is refused: nobody is before it, nothing is set aside or shared out between accounts."""
    if line.back_order or row.queue or row.holds or row.counts != "on_hand":
        return False
    return limit_of(row, settings, account_of(key)) is None


def _take_what_is_there(row: StockRow, key: str, line: Line) -> str:
    """What `serve` and `_refuse_rest` do for a line that asks for too much, has nobody before it and must not wait."""
    there = free(row) - line.open
    if there > 0 and line.partial:
        line.short -= there
        there = ZERO
    add_in(row, key, line)
    return f"{NOT_ENOUGH}: {plain(there) if there > 0 else 0} available"


def _enough(row: StockRow, key: str, line: Line, more: Decimal, settings: SettingsApplied | None) -> bool:
    """Whether all of `more` can be had at once; the line is in none of the row's sums."""
    if row.counts == "on_hand" or line.placed_ms is None or row.as_of_ms < line.placed_ms:
        there = free(row)
        if more + line.open > there:
            return False
        account = account_of(key)
        limit = limit_of(row, settings, account)
        return limit is None or more + line.open <= room(row, account, limit, there, but=key)
    wanted = committed_parts(row, key, line)[0]
    return more <= wanted and more + line.open <= free_in_all(row) + wanted


def _set_wishes(row: StockRow, key: str, line: Line, event: LineRequest) -> None:
    line.revision = event.revision
    line.partial = event.partial_allowed
    line.back_order = event.back_order_allowed
    line.needed_by = event.needed_by
    line.because, line.service = event.because, event.service_type
    line.confirmed = event.confirmed
    line.expires_ms = ms(event.expires_at) if event.expires_at is not None else None
    if line.expires_ms is not None:
        row.due = line.expires_ms if row.due is None else min(row.due, line.expires_ms)
    if event.priority != line.priority:
        line.priority = event.priority
        if line.waiting:
            quantity = line.waiting
            leave_queue(row, key, line, quantity)
            enqueue(row, key, line, quantity)


def _revise(rows: View[object], row: StockRow, event: LineRequest, line: Line) -> Decimal:
    """Fits the line to the new quantity and gives back what is neither granted nor waiting yet."""
    granted = line.granted
    before = line.quantity
    line.quantity = max(event.quantity, line.shipped)
    if line.quantity > before and line.placed_ms is not None:
        if line.early is None or row.as_of_ms >= line.changed_ms:
            line.early = before
        line.changed_ms = ms(event.changed_at) if event.changed_at is not None else rows.now_ms
    if line.quantity <= granted:
        leave_queue(row, event.line_key, line, line.waiting)
        line.short = ZERO
        return ZERO
    line.short = line.quantity - granted
    if line.waiting > line.short:
        leave_queue(row, event.line_key, line, line.waiting - line.short)
    return line.short - line.waiting


def _refuse_rest(row: StockRow, key: str, line: Line, settings: SettingsApplied | None) -> str:
    """A line that must not wait: what is not granted now is rejected."""
    ahead = sum((wait.quantity for wait in row.queue if wait.line_key != key), ZERO)
    leave_queue(row, key, line, line.waiting)
    line.waiting = ZERO
    if row.holds:
        return f"held: {row.holds[0]}"
    there = max(ZERO, free(row))
    limit = limit_of(row, settings, account_of(key))
    if limit is not None and (may := max(ZERO, room(row, account_of(key), limit, there))) < there:
        return f"{NOT_ENOUGH}: {plain(may)} more are for orders of {account_of(key)}, of {plain(there)} available"
    return f"{NOT_ENOUGH}: {plain(there)} available" + (f", {plain(ahead)} asked for before" if ahead else "")


def give_back(row: StockRow, line_key: str, line: Line) -> None:
    """The line leaves the row; what had been granted and is still there is free again."""
    if line.waiting:
        leave_queue(row, line_key, line, line.waiting)
    add_in(row, line_key, line, -1)
    del row.lines[line_key]
    if line.reserve_from is not None:
        row.booked = [name for name in row.booked if name != line_key]


def ship(rows: View[object], row: StockRow, event: LineShipped, remember_ms: int, touched: Touched) -> None:
    """So many of the line have left in all: not reserved any more, and not there any more."""
    key = event.line_key
    at_ms = ms(event.at)
    line = row.lines.get(key)
    if line is None:
        done = row.finished.get(key)
        before = done.quantity if done is not None else ZERO
        if event.quantity > before:
            change_stock(row, at_ms, before - event.quantity)
            finish(rows, row, key, max(event.revision, done.revision if done else 0), event.quantity, remember_ms)
        return
    left = event.quantity - line.shipped
    if left <= 0:
        return
    set_aside = committed_parts(row, key, line)[0]
    if left > set_aside:
        own = row.counts == "available" and key.startswith(f"{row.level_account}/") and line.placed_ms is not None
        change_stock(row, min(at_ms, line.placed_ms or at_ms) if own else at_ms, set_aside - left)
    add_in(row, key, line, -1)
    line.shipped = event.quantity
    if line.shipped > line.granted:
        line.quantity = max(line.quantity, line.shipped)
        line.short = line.quantity - line.shipped
        if line.waiting > line.short:
            leave_queue(row, key, line, line.waiting - line.short)
        touched[key] = None
    add_in(row, key, line)


def is_done(line: Line) -> bool:
    """Nothing of it lies here, nothing is waited for, and it is no job whose day is still to come."""
    return not line.waiting and line.open <= 0 and line.reserve_from is None
