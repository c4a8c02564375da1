"""The fold of the log `stock`: one row for each SKU at each location."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from streamer.domain.allocation import Touched, promise, recount, serve, take_back
from streamer.domain.stock_lines import (
    answer,
    ask,
    change_stock,
    decision,
    finish,
    forgettable,
    give_back,
    is_done,
    order_key_of,
    ship,
)
from streamer.domain.stock_needs import reorder
from streamer.domain.stock_rows import (
    MOVED,
    AnyRow,
    Change,
    Facts,
    MovedRow,
    Offer,
    Open,
    Part,
    Policy,
    StockRow,
    read_row,
    write_row,
)
from streamer.domain.units import DAY_MS, ZERO, ms
from streamer.domain.versions import newer
from streamer.domain.view import SETTINGS_KEY, Outcome, View, settings_of
from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import NotifyCommand
from streamer.messages.ids import command_id, stock_key
from streamer.messages.orders import KitPart
from streamer.messages.recalls import PartHolding
from streamer.messages.stock import (
    Hold,
    Incoming,
    ItemFacts,
    ItemPolicy,
    LineRelease,
    LineRequest,
    LineShipped,
    RowRelease,
    StockLevel,
    StockMovement,
    SupplierOffer,
)

__all__ = ["NAME", "due_ms", "fold", "quarantine", "read_row", "row_key", "wake", "write_row"]

NAME = "stock"
HOUR_MS = 3_600_000
"""So long a first level may take before a line that waits for a part nobody has counted makes us order it."""
REMEMBER_DAYS = 40  # until settings say otherwise
LARGEST_LEAD_MS = DAY_MS
"""A level from further in the future comes from a wrong clock: it would shut out every level after it."""

Rows = View[Any]


def row_key(event: Message) -> str:
    """The row that an event is about."""
    if isinstance(event, SettingsApplied):
        return SETTINGS_KEY
    return event.row_key if isinstance(event, RowRelease) else event.places()[0].key


def due_ms(row: AnyRow) -> int | None:
    if isinstance(row, StockRow):
        return row.due
    return row.forget_ms if isinstance(row, MovedRow) else None


def quarantine(rows: Rows, key: str, reason: str) -> None:
    """The row decides nothing any more until an operator releases it; facts still enter."""
    if not key or key.startswith(("~", MOVED)):
        return
    row = rows.edit(key)
    if row is None:
        rows.put(key, StockRow(quarantined=reason))
    else:
        row.quarantined = reason


def fold(rows: Rows, event: Message) -> Outcome:
    """Raises Malformed or Refused for a bad event, Ignored for one that means nothing here."""
    handler = _HANDLERS.get(type(event))
    if handler is None:
        raise Malformed(f"{event.ce_type} does not belong on the log {NAME}", field="ce_type")
    return handler(rows, event)


def wake(rows: Rows, key: str) -> Outcome:
    """Releases expired reservations; once a day looks afresh at what to order and forgets what cannot come again."""
    row = rows.edit(key)
    if not isinstance(row, StockRow):
        rows.delete(key)
        return ()
    now_ms = rows.now_ms
    settings = settings_of(rows)
    said: list[Message] = []
    touched: Touched = {}
    for name, line in list(row.lines.items()):
        if line.expires_ms is None or line.expires_ms > now_ms:
            continue
        give_back(row, name, line)
        finish(rows, row, name, line.revision, line.shipped, _remember_ms(settings))
        said.append(
            decision(
                order_key_of(name, line),
                name,
                key,
                line.revision,
                line.decision + 1,
                "released",
                now_ms,
                approved=line.shipped,
                reason="the reservation has expired",
            )
        )
    if row.check_ms is not None and row.check_ms <= now_ms:
        before_ms = now_ms - _remember_ms(settings)
        row.finished = {name: entry for name, entry in row.finished.items() if not forgettable(rows, entry, before_ms)}
        row.arrived = [change for change in row.arrived if change.at_ms > now_ms - DAY_MS]
        row.check_ms = None
    said += _settle(rows, key, row, touched, settings, "daily reconciliation", uncounted=True)
    row.due = min((line.expires_ms for line in row.lines.values() if line.expires_ms is not None), default=None)
    _plan_check(row, now_ms)
    if row == StockRow():
        rows.delete(key)
    return said


def _remember_ms(settings: SettingsApplied | None) -> int:
    return (settings.remember_days if settings is not None else REMEMBER_DAYS) * DAY_MS


def _plan_check(row: StockRow, now_ms: int) -> None:
    if not row.counted and row.queue and row.offers and not row.incoming:
        row.check_ms = min(row.check_ms or now_ms + HOUR_MS, now_ms + HOUR_MS)
    if row.check_ms is None and (row.policy is not None or row.offers or row.finished or row.arrived):
        row.check_ms = now_ms + DAY_MS
    if row.check_ms is not None and (row.due is None or row.check_ms < row.due):
        row.due = row.check_ms


def _settle(
    rows: Rows,
    key: str,
    row: StockRow,
    touched: Touched,
    settings: SettingsApplied | None,
    cause: str,
    *,
    uncounted: bool = False,
) -> list[Message]:
    """What follows from any change of the row, in the same write: serve who waits, tell the lines, order more."""
    said: list[Message] = []
    now_ms = rows.now_ms
    if row.quarantined is None:
        if row.queue:
            serve(row, touched)
            promise(row, touched)
        for line_key, reason in touched.items():
            line = row.lines[line_key]
            said.append(answer(key, line_key, line, reason, now_ms))
            if is_done(line):
                give_back(row, line_key, line)
                finish(rows, row, line_key, line.revision, line.shipped, _remember_ms(settings))
        said += reorder(key, row, settings, now_ms, cause, uncounted=uncounted)
    if row.check_ms is None or row.due is None or not row.counted:
        _plan_check(row, now_ms)
    return said


def _at(rows: Rows, key: str) -> StockRow:
    """The row, to be changed; a new one where there is none."""
    row = rows.edit(key)
    if row is None:
        row = StockRow()
        rows.put(key, row)
    assert isinstance(row, StockRow)
    return row


def _refuse_in_quarantine(row: StockRow) -> None:
    if row.quarantined is not None:
        raise Refused(f"row is in quarantine: {row.quarantined}")


def _request(rows: Rows, event: LineRequest) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    line = row.lines.get(event.line_key)
    if line is not None and line.revision >= event.revision:
        return ()
    if row.finished:
        done = row.finished.get(event.line_key)
        if done is not None and done.revision >= event.revision:
            return ()
    _refuse_in_quarantine(row)
    if not event.line_key.startswith(f"{event.order_key}/"):
        raise Malformed("does not begin with the order's key", field="line_key")
    settings = settings_of(rows)
    refer = _refer(row) if row.facts else None
    if refer is not None:
        return _answer_once(rows, key, row, event, settings, *refer)
    if event.service and not row.as_of_ms and not row.level and not row.policy:
        return _answer_once(rows, key, row, event, settings, "service without parts", ())
    if not row.known:
        return _answer_once(rows, key, row, event, settings, f"unknown SKU at {event.location}", None)
    touched: Touched = {}
    ask(rows, row, event, settings, touched)
    return _settle(rows, key, row, touched, settings, event.line_key)


def _refer(row: StockRow) -> tuple[str, tuple[KitPart, ...]] | None:
    """What to ask for instead; what the settings say goes before what a platform says."""
    known = [facts for source in ("settings", "catalogue") if (facts := row.facts.get(source)) is not None]
    for facts in known:
        if facts.kit:
            parts = tuple(KitPart(sku=part.sku, quantity_each=part.quantity_each) for part in facts.kit)
            return "kit of " + ", ".join(f"{plain(part.quantity_each)} {part.sku}" for part in parts), parts
    for facts in known:
        if facts.superseded_by:
            return f"superseded by {facts.superseded_by}", (KitPart(sku=facts.superseded_by, quantity_each=Decimal(1)),)
    return None


def _answer_once(
    rows: Rows, key: str, row: StockRow, event: LineRequest, settings: SettingsApplied | None, reason: str,
    parts: tuple[KitPart, ...] | None,
) -> Outcome:  # fmt: skip
    """A line that takes nothing from this row: referred to `parts`, a service without any, or (None) rejected."""
    number = 1
    line = row.lines.get(event.line_key)
    shipped = ZERO
    if line is not None:
        number, shipped = line.decision + 1, line.shipped
        give_back(row, event.line_key, line)
    finish(rows, row, event.line_key, event.revision, shipped, _remember_ms(settings))
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
        )
    ]
    return said + _settle(rows, key, row, {}, settings, event.line_key)


def _release(rows: Rows, event: LineRelease) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    line = row.lines.get(event.line_key)
    done = row.finished.get(event.line_key)
    if (line is not None and line.revision >= event.revision) or (done is not None and done.revision >= event.revision):
        return ()
    _refuse_in_quarantine(row)
    shipped = done.quantity if done is not None else ZERO
    if line is not None:
        shipped = line.shipped
        give_back(row, event.line_key, line)
    settings = settings_of(rows)
    finish(rows, row, event.line_key, event.revision, shipped, _remember_ms(settings))
    return _settle(rows, key, row, {}, settings, event.line_key)


def _shipped(rows: Rows, event: LineShipped) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    _refuse_in_quarantine(row)
    settings = settings_of(rows)
    touched: Touched = {}
    remember_ms = _remember_ms(settings)
    ship(rows, row, event, remember_ms, touched)
    said = _shortage(key, row, settings, touched, f"{event.line_key} shipped {plain(event.quantity)}")
    line = row.lines.get(event.line_key)
    if line is not None and is_done(line) and event.line_key not in touched:
        give_back(row, event.line_key, line)
        finish(rows, row, event.line_key, line.revision, line.shipped, remember_ms)
    return said + _settle(rows, key, row, touched, settings, event.line_key)


def _authorities(settings: SettingsApplied | None, location: str) -> list[str]:
    if settings is None:
        return []
    return [account for account, facts in settings.accounts.items() if location in facts.authority]


def _level(rows: Rows, event: StockLevel) -> Outcome:
    if event.sku is None:
        raise Malformed("a level without SKU belongs on the log catalogue", field="sku")
    settings = settings_of(rows)
    authorities = _authorities(settings, event.location)
    if authorities and event.account not in authorities:
        raise Ignored("a stock level of an account that has no authority for the location")
    as_of_ms = ms(event.as_of)
    if as_of_ms > rows.now_ms + LARGEST_LEAD_MS:
        raise Refused(f"as_of {event.as_of.isoformat()} lies more than a day in the future")
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    same_moment = as_of_ms == row.as_of_ms
    if as_of_ms < row.as_of_ms or (same_moment and (event.counts != row.counts or event.level >= row.level)):
        return ()  # of two levels of one moment the lower one is safe, in whichever order they come
    row.known = row.counted = True
    row.level, row.as_of_ms, row.counts, row.level_account = event.level, as_of_ms, event.counts, event.account
    row.changes = [change for change in row.changes if change.at_ms > as_of_ms]
    row.changed = sum((change.delta for change in row.changes), ZERO)
    row.arrived = [change for change in row.arrived if change.at_ms > as_of_ms]
    recount(row)
    cause = f"level {plain(event.level)} of {event.account}"
    touched: Touched = {}
    said = _shortage(key, row, settings, touched, cause)
    said += _settle(rows, key, row, touched, settings, cause)
    return said + _tell_holding(key, row)


def _shortage(key: str, row: StockRow, settings: SettingsApplied | None, touched: Touched, cause: str) -> list[Message]:
    """Takes back what is promised and not there, and tells people."""
    if row.quarantined is not None:
        return []
    lost = take_back(row, touched)
    if not lost or settings is None or settings.notify_account is None:
        return []
    lines = ", ".join(touched)
    answers = [f"{name}.{row.lines[name].decision}" for name in touched]
    return [
        NotifyCommand(
            command_id=command_id("notify", "shortage", key, *answers),
            account=settings.notify_account,
            object=f"stock/{key}",
            cause=cause,
            subject=f"{key}: {plain(lost)} short",
            text=f"{cause}: less than was promised. Lines that lost their reservation: {lines}"[:4000],
            severity="urgent",
            link=f"/stock/{key}",
        )
    ]


def _movement(rows: Rows, event: StockMovement) -> Outcome:
    settings = settings_of(rows)
    authorities = _authorities(settings, event.location)
    key = stock_key(event.location, event.sku)
    known = rows.read(key)
    if authorities and (event.account not in authorities or (known is not None and known.level_account is not None)):
        raise Ignored("a movement where stock levels have authority")
    at_ms = ms(event.at)
    remember_ms = _remember_ms(settings)
    moved_key = f"{MOVED}{key}/{event.account}/{event.movement_id}"
    if rows.read(moved_key) is not None:
        return ()
    if at_ms < rows.now_ms - remember_ms:
        raise Refused("the movement is older than ids of movements are remembered")
    rows.put(moved_key, MovedRow(max(at_ms, rows.now_ms) + remember_ms))
    row = _at(rows, key)
    row.known = row.counted = True
    change_stock(row, at_ms, event.delta)
    cause = f"{event.reason} of {plain(event.delta)}"
    touched: Touched = {}
    said = _shortage(key, row, settings, touched, cause)
    said += _settle(rows, key, row, touched, settings, cause)
    return said + _tell_holding(key, row)


def _facts(rows: Rows, event: ItemFacts) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    known = row.facts.get(event.source)
    if known is not None and not newer(event.version, known.version):
        return ()
    row.known = True
    row.facts[event.source] = Facts(
        event.version, event.description, [Part(part.sku, part.quantity_each) for part in event.kit],
        event.superseded_by, list(event.alternatives), event.part_number,
    )  # fmt: skip
    return _settle(rows, key, row, {}, settings_of(rows), "item facts") + _tell_holding(key, row)


def _tell_holding(key: str, row: StockRow) -> list[Message]:
    """Where a numbered part lies, a recall of it must reach this row."""
    if not row.facts or row.on_hand <= 0:
        return []
    number = next((facts.part_number for facts in row.facts.values() if facts.part_number), None)
    if number is None or number == row.holding:
        return []
    row.holding = number
    location, _, sku = key.partition("/")
    return [PartHolding(part_number=number, sku=sku, location=location)]


def _policy(rows: Rows, event: ItemPolicy) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    if row.policy is not None and row.policy.version >= event.version:
        return ()
    row.known = True
    row.policy = Policy(
        event.version, event.reorder_point, event.order_up_to, event.trigger, event.rounding, event.safety,
        event.automatic, event.lead_time_days,
    )  # fmt: skip
    return _settle(rows, key, row, {}, settings_of(rows), f"policy of revision {event.version}")


def _offer(rows: Rows, event: SupplierOffer) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    known = row.offers.get(event.supplier)
    if known is not None and known.version >= event.version:
        return ()
    row.known = True
    row.offers[event.supplier] = Offer(
        event.version, event.unit_price, event.currency, event.unit, event.supplier_sku, event.minimum_quantity,
        event.order_multiple, event.lead_time_days, event.rank, event.withdrawn,
    )  # fmt: skip
    return _settle(rows, key, row, {}, settings_of(rows), f"offer of {event.supplier}")


def _incoming(rows: Rows, event: Incoming) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    done = row.finished.get(event.need_id)
    need = row.incoming.get(event.need_id)
    if (done is not None and done.revision >= event.revision) or (need is not None and need.revision >= event.revision):
        return ()
    settings = settings_of(rows)
    before = need.received if need is not None else done.quantity if done is not None else ZERO
    received = event.received - before
    if received > 0:
        row.known = row.counted = True
        if _authorities(settings, event.location):
            row.arrived.append(Change(rows.now_ms, received))
        else:
            change_stock(row, rows.now_ms, received)
    if event.state in ("received", "cancelled"):
        row.incoming.pop(event.need_id, None)
        finish(rows, row, event.need_id, event.revision, max(before, event.received), _remember_ms(settings))
        if event.state == "cancelled":
            row.no_need_before_ms = rows.now_ms + DAY_MS  # who cancelled shall not find the same need again at once
    else:
        row.finished.pop(event.need_id, None)
        row.incoming[event.need_id] = Open(
            event.quantity, event.supplier, event.revision, event.reference, max(before, event.received),
            event.expected_date, need.late_told if need is not None else None,
        )  # fmt: skip
    return _settle(rows, key, row, {}, settings, f"{event.reference} {event.state}") + _tell_holding(key, row)


def _hold(rows: Rows, event: Hold) -> Outcome:
    key = stock_key(event.location, event.sku)
    row = _at(rows, key)
    if event.held == (event.cause in row.holds):
        return ()
    row.holds = [*row.holds, event.cause] if event.held else [cause for cause in row.holds if cause != event.cause]
    return _settle(rows, key, row, {}, settings_of(rows), f"hold {event.cause}")


def _row_release(rows: Rows, event: RowRelease) -> Outcome:
    row = rows.edit(event.row_key)
    if not isinstance(row, StockRow) or row.quarantined is None:
        return ()
    row.quarantined = None
    settings = settings_of(rows)
    touched: Touched = {}
    said = _shortage(event.row_key, row, settings, touched, f"released by {event.actor}")
    return said + _settle(rows, event.row_key, row, touched, settings, f"released by {event.actor}")


def _apply(rows: Rows, event: SettingsApplied) -> Outcome:
    known = settings_of(rows)
    if known is None or event.revision > known.revision:
        rows.put(SETTINGS_KEY, event)
    return ()


_HANDLERS: dict[type[Message], Callable[[Rows, Any], Outcome]] = {
    LineRequest: _request,
    LineRelease: _release,
    LineShipped: _shipped,
    StockLevel: _level,
    StockMovement: _movement,
    ItemFacts: _facts,
    ItemPolicy: _policy,
    SupplierOffer: _offer,
    Incoming: _incoming,
    Hold: _hold,
    RowRelease: _row_release,
    SettingsApplied: _apply,
}
