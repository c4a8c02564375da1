"""What a stock row remembers besides what is there: changes that no level counts yet, and lines that are done."""

from __future__ import annotations

from decimal import Decimal

from streamer.domain.stock_rows import Change, Finished, StockRow
from streamer.domain.view import View

LARGEST_PENDING = 200
"""Changes that no level counts yet; more are merged, on the safe side."""

LOOK_AT_ALL = 32


def finish(rows: View[object], row: StockRow, key: str, revision: int, quantity: Decimal, remember_ms: int) -> None:
    """Remembers what is done, and forgets what cannot come again.

    The oldest are looked at each time, all of them only now and then: a popular SKU has hundreds while its sender lags.
    """
    finished = row.finished
    finished.pop(key, None)
    before_ms = rows.now_ms - remember_ms
    if len(finished) % LOOK_AT_ALL == LOOK_AT_ALL - 1:
        finished = {name: entry for name, entry in finished.items() if not forgettable(rows, entry, before_ms)}
        row.finished = finished
    else:
        while finished and forgettable(rows, finished[oldest := next(iter(finished))], before_ms):
            del finished[oldest]
    finished[key] = Finished(revision, quantity, rows.now_ms, *(rows.source or ()))


def forgettable(rows: View[object], entry: Finished, before_ms: int) -> bool:
    """Whether no event about it can come any more: its sender has passed it, or it is older than platforms repeat."""
    if entry.source is not None and rows.passed(entry.source, entry.offset):
        return True
    return entry.at_ms < before_ms


def change_stock(row: StockRow, at_ms: int, delta: Decimal) -> None:
    """Something came or went at `at_ms`; what the level counts already changes nothing."""
    if not delta or (row.as_of_ms and at_ms <= row.as_of_ms):
        return
    if not row.as_of_ms:
        row.level += delta
        return
    row.changes = [*row.changes, Change(at_ms, delta)]
    row.changed += delta
    if len(row.changes) > LARGEST_PENDING:
        row.changes = _merged(row.changes)


def _merged(changes: list[Change]) -> list[Change]:
    """Two neighbours of one sign become one: what left counts for longer, what came for shorter, than it should."""
    for place in range(len(changes) - 1):
        one, two = changes[place], changes[place + 1]
        if (one.delta > 0) == (two.delta > 0):
            at_ms = min(one.at_ms, two.at_ms) if one.delta > 0 else max(one.at_ms, two.at_ms)
            return [*changes[:place], Change(at_ms, one.delta + two.delta), *changes[place + 2 :]]
    return changes
