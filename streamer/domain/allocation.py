"""Who gets what of one row: grants, the waitlist, and what happens when less lies there than was promised.

A level that counts `available` has the platform's own orders taken off. A line of the same account that was placed at
or before the level's `as_of` is *committed*: its quantity was set aside by the platform, so it is added back to what
lies there and granted out of that, past the waitlist. It does not matter whether the line or the level came first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from streamer.domain.channels import PLAIN, Limit, Rules, account_of, room
from streamer.domain.stock_rows import Line, StockRow, Wait
from streamer.domain.units import ZERO

Touched = dict[str, str | None]
"""Lines whose decision changed, with the reason, in the order in which they changed."""

NOT_ENOUGH = "not enough stock"
SHORTAGE = "stock fell below what was reserved"


def committed_parts(row: StockRow, line_key: str, line: Line) -> tuple[Decimal, Decimal]:
    """How much of a line the platform has set aside, and how much of that is granted and still there."""
    placed_ms = line.placed_ms
    if row.counts != "available" or placed_ms is None or row.as_of_ms < placed_ms:
        return ZERO, ZERO
    if not line_key.startswith(f"{row.level_account}/"):
        return ZERO, ZERO
    quantity = line.quantity
    if line.early is not None and row.as_of_ms < line.changed_ms:
        quantity = min(line.early, quantity)
    wanted = max(ZERO, quantity - line.shipped)
    return wanted, min(wanted, line.open)


def add_in(row: StockRow, line_key: str, line: Line, sign: int = 1) -> None:
    """Keeps the sums of the row: called with -1 before a line changes and with 1 afterwards."""
    still_here = line.quantity - line.short - line.shipped
    row.reserved = row.reserved + still_here if sign > 0 else row.reserved - still_here
    if row.counts == "available":
        wanted, granted = committed_parts(row, line_key, line)
        row.committed += sign * wanted
        row.committed_granted += sign * granted


def recount(row: StockRow) -> None:
    """The sums afresh, after the level changed what is committed."""
    row.reserved = row.committed = row.committed_granted = ZERO
    for line_key, line in row.lines.items():
        add_in(row, line_key, line)


def free_in_all(row: StockRow) -> Decimal:
    """What lies there and is granted to nobody."""
    return row.on_hand - row.reserved


def free(row: StockRow) -> Decimal:
    """What a line may have that the platform has not set aside for: no safety stock, nothing set aside for others."""
    unpromised = row.level + row.changed - row.reserved
    if row.counts == "available":
        unpromised = min(unpromised + row.committed, unpromised + row.committed_granted)
    policy = row.policy
    return unpromised if policy is None else unpromised - policy.safety


def waiting(row: StockRow) -> Decimal:
    return sum((wait.quantity for wait in row.queue), ZERO)


def enqueue(row: StockRow, line_key: str, line: Line, quantity: Decimal, *, first: bool = False) -> None:
    """A place behind all of the same or higher priority, or (`first`) before all of the same priority."""
    place = len(row.queue)
    priority = line.priority
    while place and (row.queue[place - 1].priority < priority or (first and row.queue[place - 1].priority == priority)):
        place -= 1
    row.queue.insert(place, Wait(line_key, quantity, priority))
    line.waiting += quantity


def leave_queue(row: StockRow, line_key: str, line: Line, quantity: Decimal) -> None:
    """So many of the line wait no longer; its last places go first."""
    if not quantity:
        return
    line.waiting -= quantity
    kept: list[Wait] = []
    for wait in reversed(row.queue):
        if quantity > 0 and wait.line_key == line_key:
            taken = min(quantity, wait.quantity)
            quantity -= taken
            if taken < wait.quantity:
                kept.append(Wait(line_key, wait.quantity - taken, wait.priority))
        else:
            kept.append(wait)
    row.queue = kept[::-1]


def _grant(row: StockRow, place: int, amount: Decimal, touched: Touched) -> None:
    wait = row.queue[place]
    line = row.lines[wait.line_key]
    add_in(row, wait.line_key, line, -1)
    line.short -= amount
    line.waiting -= amount
    if not line.waiting:
        line.waiting = ZERO
        line.promised = None
    if not line.short:
        line.short = ZERO
    add_in(row, wait.line_key, line)
    wait.quantity -= amount
    if not wait.quantity:
        del row.queue[place]
    touched.setdefault(wait.line_key, NOT_ENOUGH if line.short else None)


def serve(row: StockRow, touched: Touched, rules: Rules = PLAIN) -> None:
    """Gives what is free to those who wait: what was set aside first, then strictly from the head.

    A head that only its own channel's limit stops blocks its channel, not the others. The alternative is best fit.
    """
    if row.holds or not row.queue:
        return
    if row.committed > row.committed_granted:
        _serve_set_aside(row, touched)
    if rules.best_fit:
        _serve_best_fit(row, touched, rules)
        return
    if rules.limits:
        _serve_within_limits(row, touched, rules)
        return
    while row.queue:
        head = row.queue[0]
        amount = min(head.quantity, free(row))
        whole = amount == head.quantity
        if amount <= 0 or not (whole or row.lines[head.line_key].partial):
            return
        _grant(row, 0, amount, touched)
        if not whole:
            return


def _may_have(row: StockRow, line_key: str, limits: Mapping[str, Limit], there: Decimal) -> Decimal:
    account = account_of(line_key)
    limit = limits.get(account)
    return there if limit is None else room(row, account, limit, there)


def _serve_within_limits(row: StockRow, touched: Touched, rules: Rules) -> None:
    full: set[str] = set()  # channels whose limit is reached
    place = 0
    while place < len(row.queue):
        wait = row.queue[place]
        account = account_of(wait.line_key)
        if account in full:
            place += 1
            continue
        there = free(row)
        may = _may_have(row, wait.line_key, rules.limits, there)
        amount = min(wait.quantity, may)
        whole = amount == wait.quantity
        if amount > 0 and (whole or row.lines[wait.line_key].partial):
            _grant(row, place, amount, touched)
            if whole:
                continue
        if may >= there:
            return  # the row itself has no more
        full.add(account)
        place += 1


def _serve_best_fit(row: StockRow, touched: Touched, rules: Rules) -> None:
    """Of one priority the line that uses up most; where none fits whole, the first that takes a part."""
    while True:
        best: tuple[int, Decimal] | None = None
        best_place = -1
        for place, wait in enumerate(row.queue):
            if wait.quantity > _may_have(row, wait.line_key, rules.limits, free(row)):
                continue
            value = (wait.priority, wait.quantity)
            if best is None or value > best:
                best, best_place = value, place
        if best is None:
            break
        _grant(row, best_place, best[1], touched)
    for place, wait in enumerate(row.queue):
        amount = min(wait.quantity, _may_have(row, wait.line_key, rules.limits, free(row)))
        if amount > 0 and row.lines[wait.line_key].partial:
            _grant(row, place, amount, touched)
            return


def _serve_set_aside(row: StockRow, touched: Touched) -> None:
    place = 0
    while place < len(row.queue):
        wait = row.queue[place]
        line = row.lines[wait.line_key]
        wanted, granted = committed_parts(row, wait.line_key, line)
        if wanted > granted:
            amount = min(wait.quantity, wanted - granted, free_in_all(row))
            whole = amount == wait.quantity
            if amount <= 0 or not (whole or line.partial):
                return
            _grant(row, place, amount, touched)
            if whole:
                continue
        place += 1


def take_back(row: StockRow, touched: Touched) -> Decimal:
    """Where less lies there than is granted, carts and then the youngest of the lowest priority lose it.

    Gives back how many units. What is confirmed stays: `uncovered` says how much of it is not there.
    """
    lost = ZERO
    others = row.reserved - row.committed_granted
    over = others - max(ZERO, row.level + row.changed)
    if over > 0:
        lost += _revoke(row, over, touched, lambda key, line: line.open - committed_parts(row, key, line)[1])
    if free_in_all(row) < 0:
        lost += _revoke(row, -free_in_all(row), touched, lambda _, line: line.open)
    return lost


def uncovered(row: StockRow) -> Decimal:
    """How much is promised for good and not there."""
    return min(row.reserved, max(ZERO, -free_in_all(row))) if row.reserved > 0 else ZERO


def _revoke(row: StockRow, over: Decimal, touched: Touched, at_stake: Callable[[str, Line], Decimal]) -> Decimal:
    lost = ZERO
    for line_key, line in _youngest_first(row):
        if over <= lost:
            break
        stake = at_stake(line_key, line)
        if stake <= 0 or line.confirmed:
            continue
        amount = min(stake, over - lost) if line.partial else line.open
        add_in(row, line_key, line, -1)
        line.short += amount
        add_in(row, line_key, line)
        if line.back_order:
            enqueue(row, line_key, line, amount, first=True)
        touched[line_key] = SHORTAGE
        lost += amount
    return lost


def _youngest_first(row: StockRow) -> list[tuple[str, Line]]:
    """Carts first, then lines of the lowest priority; of one priority the one that asked last before the others."""
    latest_first = list(reversed(row.lines.items()))
    return sorted(latest_first, key=lambda item: (item[1].expires_ms is None, item[1].priority))


def promise(row: StockRow, touched: Touched) -> None:
    """The day on which each waiting line can be served by what is on its way, in the order of the waitlist."""
    if not row.queue:
        return
    dated = sorted(
        (need.expected, number, need.quantity) for number, need in enumerate(row.incoming.values()) if need.expected
    )
    if not dated and not any(row.lines[wait.line_key].promised for wait in row.queue):
        return
    supply = free(row)
    coming = iter(dated)
    date: str | None = None
    promised: dict[str, str | None] = {}
    demand = ZERO
    for wait in row.queue:
        demand += wait.quantity
        while supply < demand and (arrival := next(coming, None)) is not None:
            date = arrival[0]
            supply += arrival[2]
        promised[wait.line_key] = date if supply >= demand else None
    for line_key, day in promised.items():
        line = row.lines[line_key]
        if line.promised != day:
            line.promised = day
            touched.setdefault(line_key, NOT_ENOUGH)
