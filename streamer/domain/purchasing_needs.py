"""Needs of stock rows become drafts of purchase orders; each need counts once."""

from __future__ import annotations

from streamer.domain.consolidation import closes_ms, too_small
from streamer.domain.purchase_orders import MOST_NEEDS, add_need, count_needs, fits
from streamer.domain.purchasing_rows import NeedRow, OrderRow, Rows, SupplierRow, need_row_key, order_row_key
from streamer.domain.purchasing_turn import Turn, edit_order
from streamer.domain.times import in_ms, local_date
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Malformed, Refused
from streamer.messages.applied import SettingsApplied, SupplierFacts
from streamer.messages.ids import reference
from streamer.messages.purchasing import Need

NEEDS_KEPT = 32


def need(rows: Rows, event: Need) -> Outcome:
    """Into the draft that collects its kind, or a new order. Raises Refused and Malformed."""
    number = _number(event.need_id)
    key = need_row_key(event.supplier, event.location, event.sku)
    seen = rows.read(key)
    if isinstance(seen, NeedRow) and _seen_before(seen, event, number):
        return ()
    settings = settings_of(rows)
    supplier = settings.supplier(event.supplier) if settings else None
    if settings is None or supplier is None:
        raise Refused(f"suppliers.{event.supplier} is not in the settings")
    known = rows.read(event.supplier)
    if isinstance(known, SupplierRow) and known.quarantined is not None:
        raise Refused(f"row is in quarantine: {known.quarantined}")
    asked = isinstance(seen, NeedRow) and seen.ask_until_ms is not None and rows.now_ms < seen.ask_until_ms
    automatic = (event.automatic or supplier.automatic) and not asked
    turn = _draft_for(rows, event, settings, supplier, automatic=automatic)
    add_need(turn.row, event)
    _note_need(rows, key, event, turn.row.reference)
    row = turn.row
    over = row.window_until_ms is not None and row.window_until_ms <= rows.now_ms
    if row.waits_for is not None:
        row.waits_for = too_small(row, supplier)
        over = over or (row.waits_for is None and not supplier.until_cut_off)
    if over:
        turn.close_draft()
    return turn.done()


def _seen_before(seen: NeedRow, event: Need, number: int) -> bool:
    """Whether this very need came before. Raises Refused for an id that stood for another need."""
    if seen.quarantined is not None:
        raise Refused(f"row is in quarantine: {seen.quarantined}")
    at_ms = seen.seen.get(event.need_id)
    if at_ms is None:
        return number <= seen.forgotten
    if at_ms != in_ms(event.at):
        raise Refused(f"{event.need_id} was the id of another need: did its stock row lose its counter?")
    return True


def _note_need(rows: Rows, key: str, event: Need, reference: str) -> None:
    row = rows.edit(key)
    if not isinstance(row, NeedRow):
        row = NeedRow()
        rows.put(key, row)
    row.reference = reference
    row.seen[event.need_id] = in_ms(event.at)
    if len(row.seen) > NEEDS_KEPT:
        oldest = min(row.seen, key=_number)
        row.forgotten = max(row.forgotten, _number(oldest))
        del row.seen[oldest]


def _number(need_id: str) -> int:
    """The counter of the stock row, with which each need id ends."""
    last = need_id.rpartition("/")[2]
    if not last.isdecimal():
        raise Malformed("must end with the counter of its stock row", field="need_id")
    return int(last)


def _draft_for(rows: Rows, event: Need, settings: SettingsApplied, supplier: SupplierFacts, *, automatic: bool) -> Turn:
    """The draft that still collects needs of this kind, or a new order with the next number."""
    group = f"{event.location}|{event.currency}|{'automatic' if automatic else 'asked'}"
    mine = rows.edit(event.supplier)
    if not isinstance(mine, SupplierRow):
        mine = SupplierRow()
        rows.put(event.supplier, mine)
    open_draft = rows.read(order_row_key(event.supplier, mine.drafts[group])) if group in mine.drafts else None
    if (
        isinstance(open_draft, OrderRow)
        and open_draft.state == "draft"
        and open_draft.quarantined is None
        and (open_draft.window_until_ms or 0) > rows.now_ms
        and count_needs(open_draft) < MOST_NEEDS
        and fits(open_draft, event)
    ):
        turn = Turn(rows, edit_order(rows, event.supplier, open_draft.reference))
        turn.row.version += 1
        return turn
    mine.counter += 1
    row = OrderRow(
        supplier=event.supplier,
        reference=reference(event.supplier, mine.counter),
        location=event.location,
        currency=event.currency,
        automatic=automatic,
        group=group,
        order_date=local_date(rows.now_ms, settings.time_zone).isoformat(),
        created_ms=rows.now_ms,
        window_until_ms=closes_ms(supplier, rows.now_ms),
    )
    mine.drafts[group] = row.reference
    rows.put(order_row_key(event.supplier, row.reference), row)
    return Turn(rows, row, new=True)
