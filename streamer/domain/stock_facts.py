"""What is told to a stock row: levels, movements, facts, policies, offers, what is on its way, and holds."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.acts import notice
from streamer.domain.allocation import Touched, add_in, enqueue, recount
from streamer.domain.stock_demand import hand_over, keep_carried, note_demand
from streamer.domain.stock_memory import change_stock, finish
from streamer.domain.stock_planning import day_number
from streamer.domain.stock_rows import (
    MOVED,
    Change,
    Facts,
    MovedRow,
    Open,
    Part,
    StockRow,
)
from streamer.domain.stock_settling import (
    Rows,
    authorities_of,
    remembering_ms,
    row_at,
    settle,
    shortage,
    tell_holding,
)
from streamer.domain.stock_terms import measure, offer_row, policy_row
from streamer.domain.units import DAY_MS, ZERO, ms
from streamer.domain.versions import newer
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Ignored, Malformed, Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.ids import stock_key
from streamer.messages.stock import (
    CarriedDemand,
    Hold,
    Incoming,
    ItemFacts,
    ItemPolicy,
    StockLevel,
    StockMovement,
    SupplierOffer,
)

LARGEST_LEAD_MS = DAY_MS
"""A level from further in the future comes from a wrong clock: it would shut out every level after it."""


def take_level(rows: Rows, event: StockLevel) -> Outcome:
    """An absolute level of an account with authority. Raises Ignored for another account, Refused for a wrong clock."""
    if event.sku is None:
        raise Malformed("a level without SKU belongs on the log catalogue", field="sku")
    settings = settings_of(rows)
    authorities = authorities_of(settings, event.location)
    if authorities and event.account not in authorities:
        raise Ignored("a stock level of an account that has no authority for the location")
    as_of_ms = ms(event.as_of)
    if as_of_ms > rows.now_ms + LARGEST_LEAD_MS:
        raise Refused(f"as_of {event.as_of.isoformat()} lies more than a day in the future")
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
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
    said = shortage(key, row, settings, touched, cause)
    said += settle(rows, key, row, touched, settings, cause)
    return said + tell_holding(key, row)


def take_movement(rows: Rows, event: StockMovement) -> Outcome:
    """A change where nobody gives levels, once by its id. Raises Ignored where levels hold, Refused when too old."""
    settings = settings_of(rows)
    authorities = authorities_of(settings, event.location)
    key = stock_key(event.location, event.sku)
    known = rows.read(key)
    if authorities and (event.account not in authorities or (known is not None and known.level_account is not None)):
        raise Ignored("a movement where stock levels have authority")
    at_ms = ms(event.at)
    remember_ms = remembering_ms(settings)
    moved_key = f"{MOVED}{key}/{event.account}/{event.movement_id}"
    if rows.read(moved_key) is not None:
        return ()
    if at_ms < rows.now_ms - remember_ms:
        raise Refused("the movement is older than ids of movements are remembered")
    rows.put(moved_key, MovedRow(max(at_ms, rows.now_ms) + remember_ms))
    row = row_at(rows, key)
    row.known = row.counted = True
    change_stock(row, at_ms, event.delta)
    if event.reason == "issue":
        note_demand(rows, key, row, settings, -event.delta)
    cause = f"{event.reason} of {plain(event.delta)}"
    touched: Touched = {}
    said = shortage(key, row, settings, touched, cause)
    said += settle(rows, key, row, touched, settings, cause)
    return said + tell_holding(key, row)


def take_facts(rows: Rows, event: ItemFacts) -> Outcome:
    """Kit, supersession and part number as one source knows them."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    known = row.facts.get(event.source)
    if known is not None and not newer(event.version, known.version):
        return ()
    row.known = True
    row.facts[event.source] = Facts(
        event.version, event.description, [Part(part.sku, part.quantity_each) for part in event.kit],
        event.superseded_by, list(event.alternatives), event.part_number, event.superseded_from, event.superseded_each,
        event.use_up, list(event.older), dict(event.shares),
    )  # fmt: skip
    said = settle(rows, key, row, {}, settings_of(rows), "item facts") + tell_holding(key, row)
    return said + hand_over(rows, key, row)


def take_policy(rows: Rows, event: ItemPolicy) -> Outcome:
    """When and how much to reorder, of the highest revision of the settings. Raises Invalid, naming the field."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    if row.policy is not None and row.policy.version >= event.version:
        return ()
    policy = policy_row(event)
    row.known = True
    row.policy = policy
    row.unable = None
    return settle(rows, key, row, {}, settings_of(rows), f"policy of revision {event.version}")


def take_offer(rows: Rows, event: SupplierOffer) -> Outcome:
    """What one supplier asks, of the highest revision of the settings. Raises Invalid, naming the field."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    known = row.offers.get(event.supplier)
    if known is not None and known.version >= event.version:
        return ()
    offer = offer_row(event)
    row.known = True
    row.offers[event.supplier] = offer
    if row.policy is not None:
        row.policy.nothing_at = None
    return settle(rows, key, row, {}, settings_of(rows), f"offer of {event.supplier}")


def take_carried(rows: Rows, event: CarriedDemand) -> Outcome:
    """The history of a SKU that this one supersedes."""
    key = stock_key(event.location, event.sku)
    row = rows.read(key)
    return keep_carried(rows, key, row if isinstance(row, StockRow) else None, event)


def take_incoming(rows: Rows, event: Incoming) -> Outcome:
    """How a need of this row stands; what was received is there, or waits for the next level to count it."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    done = row.finished.get(event.need_id)
    need = row.incoming.get(event.need_id)
    if (done is not None and done.revision >= event.revision) or (need is not None and need.revision >= event.revision):
        return ()
    settings = settings_of(rows)
    before = need.received if need is not None else done.quantity if done is not None else ZERO
    arrived = _pieces(event.received, event.units_each)
    received = arrived - before
    if received > 0:
        row.known = row.counted = True
        if authorities_of(settings, event.location):
            row.arrived.append(Change(rows.now_ms, received))
        else:
            change_stock(row, rows.now_ms, received)
    if event.state in ("received", "cancelled"):
        row.incoming.pop(event.need_id, None)
        finish(rows, row, event.need_id, event.revision, max(before, arrived), remembering_ms(settings))
        if event.state == "received" and need is not None and need.ordered_day:
            measure(row, event.supplier, day_number(settings, key, rows.now_ms) - need.ordered_day)
        if event.state == "cancelled":
            if row.policy is not None:
                row.policy.done_day = 0
            row.no_need_before_ms = rows.now_ms + DAY_MS  # who cancelled shall not find the same need again at once
    else:
        row.finished.pop(event.need_id, None)
        row.incoming[event.need_id] = Open(
            _pieces(event.quantity, event.units_each), event.supplier, event.revision, event.reference,
            max(before, arrived), event.expected_date, need.late_told if need is not None else None,
            need.ordered_day if need is not None and need.ordered_day else day_number(settings, key, rows.now_ms),
        )  # fmt: skip
    return settle(rows, key, row, {}, settings, f"{event.reference} {event.state}") + tell_holding(key, row)


def take_hold(rows: Rows, event: Hold) -> Outcome:
    """A recall forbids to hand out, or frees again."""
    key = stock_key(event.location, event.sku)
    row = row_at(rows, key)
    if event.held == (event.cause in row.holds):
        return ()
    settings = settings_of(rows)
    touched: Touched = {}
    said: list[Message] = []
    row.holds = [*row.holds, event.cause] if event.held else [cause for cause in row.holds if cause != event.cause]
    if event.held and row.quarantined is None:
        said = _take_out(key, row, event.cause, settings, touched)
    return said + settle(rows, key, row, touched, settings, f"hold {event.cause}")


def _take_out(key: str, row: StockRow, cause: str, settings: SettingsApplied | None, touched: Touched) -> list[Message]:
    """What is reserved and not handed out yet must not be handed out: those lines wait again, before all others."""
    taken = [(name, line) for name, line in row.lines.items() if line.open > 0]
    for name, line in reversed(taken):
        quantity = line.open
        add_in(row, name, line, -1)
        line.short += quantity
        add_in(row, name, line)
        if line.back_order:
            enqueue(row, name, line, quantity, first=True)
        touched[name] = f"held: {cause}"
    coming = sum((need.quantity for need in row.incoming.values()), ZERO)
    if row.on_hand <= 0 and not taken and not coming:
        return []
    words = f"{cause}: {plain(max(row.on_hand, ZERO))} of {key} are held back and must not be handed out."
    if taken:
        words += " Lines that lost their reservation: " + ", ".join(name for name, _ in taken[:50]) + "."
    if coming:
        words += f" {plain(coming)} more are on order."
    why = ("hold", key, cause, plain(row.on_hand), plain(coming), *(name for name, _ in taken[:50]))
    return list(notice(settings, why, f"{key} is held back", words, link=f"/stock/{key}"))


def _pieces(quantity: Decimal, units_each: Decimal) -> Decimal:
    """Purchase units as stock units, with no more decimals than a quantity carries."""
    return quantity if units_each == 1 else round(quantity * units_each, 6).normalize() + ZERO
