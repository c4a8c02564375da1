"""Who is asked whether a purchase order may go out, and what they are shown."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from streamer.domain.approval_rules import (
    Bought,
    Demand,
    Given,
    demand,
    may_not_approve,
    uncovered,
    worth_of,
)
from streamer.domain.consolidation import below_minimum
from streamer.domain.purchase_orders import reorder
from streamer.domain.purchasing_rows import NeedRow, OrderedLine, OrderRow, Rows, ShownLine, need_row_key
from streamer.domain.times import local_date, utc
from streamer.domain.view import settings_of
from streamer.messages.applied import Channel, SettingsApplied, SupplierFacts
from streamer.messages.base import plain
from streamer.messages.commands import AskApprovalCommand, ReorderCommand
from streamer.messages.ids import command_id

MOST_CHANGES = 40  # told to a person in one question


def bought_of(row: OrderRow, settings: SettingsApplied, now_ms: int) -> Bought:
    """The order as the rules of approval see it today."""
    today = local_date(now_ms, settings.time_zone)
    worth = worth_of(row.total(), row.currency, settings, today)
    return Bought(row.supplier, tuple(line.sku for line in row.lines), worth)


def given_of(row: OrderRow) -> list[Given]:
    return [Given(one.person, one.tier) for one in row.approvals]


def needed(rows: Rows, row: OrderRow) -> Demand | None:
    """Whose approval the order needs, or None where it needs nobody's."""
    settings = settings_of(rows)
    if settings is None:
        return Demand((1,), four_eyes=False, deadline_seconds=86_400.0, because="no settings were applied")
    because = _not_automatic(rows, row, settings)
    return demand(settings, bought_of(row, settings, rows.now_ms), because)


def _not_automatic(rows: Rows, row: OrderRow, settings: SettingsApplied) -> list[str]:
    """Why the order does not go out by itself; empty where it does."""
    supplier = settings.supplier(row.supplier)
    if supplier is None:
        return [f"suppliers.{row.supplier} is not in the settings"]
    if not row.automatic:
        return ["Not confirmed for automatic reorder"]
    reasons = []
    if (above := _above_limit(row, supplier, settings, local_date(rows.now_ms, settings.time_zone))) is not None:
        reasons.append(above)
    if below_minimum(row, supplier):
        reasons.append(f"Below the supplier's minimum of {plain(supplier.minimum_order or Decimal(0))} {row.currency}")
    reasons += [
        dearer for line in row.lines if (dearer := _other_price(rows, row, line, supplier.price_tolerance_percent))
    ]
    return reasons


def _above_limit(row: OrderRow, supplier: SupplierFacts, settings: SettingsApplied, today: date) -> str | None:
    if supplier.approval_limit is None:
        return None
    total, limit = row.total(), supplier.approval_limit
    if supplier.currency != row.currency:
        worth = worth_of(total, row.currency, settings, today)
        allowed = worth_of(limit, supplier.currency, settings, today)
        if worth is None or allowed is None:
            return f"The limit is in {supplier.currency}, the order in {row.currency}, and no rate is known"
        total, limit = worth, allowed
    return f"Above the limit of {plain(supplier.approval_limit)} {supplier.currency}" if total > limit else None


def _other_price(rows: Rows, row: OrderRow, line: OrderedLine, tolerance_percent: Decimal) -> str | None:
    """A price that is further from that of the last order than a machine may accept."""
    seen = rows.read(need_row_key(row.supplier, line.location, line.sku))
    if not isinstance(seen, NeedRow) or seen.paid is None or seen.paid_currency != row.currency:
        return None
    if not tolerance_percent or abs(line.unit_price - seen.paid) * 100 <= seen.paid * tolerance_percent:
        return None
    return f"{line.sku} costs {plain(line.unit_price)}, in the last order {plain(seen.paid)}"


def ask(rows: Rows, row: OrderRow, needs: Demand, *, escalate: bool = False) -> list[AskApprovalCommand]:
    """A question to each person whose approval would count now: first those of the lowest tier that is enough, after a
    deadline the next tier, and in the end all of them again.
    """
    settings = settings_of(rows)
    row.deadline_ms = rows.now_ms + int(needs.deadline_seconds * 1000)
    supplier = settings.supplier(row.supplier) if settings else None
    if settings is None or supplier is None:
        return []
    people = _whom(rows, row, needs, settings)
    fresh = [name for name in people if name not in row.asked]
    if fresh:
        first = min(settings.people[name].tier for name in fresh)
        if escalate or not any(name in row.asked for name in people):
            people = [name for name in fresh if settings.people[name].tier == first]
        else:
            people = []  # somebody who can still answer was asked already
    elif not escalate:
        people = []
    row.rounds += 1
    row.asked = [*row.asked, *(name for name in people if name not in row.asked)]
    order = document(row, supplier)
    return [
        AskApprovalCommand(
            command_id=command_id("ask-approval", row.reference, str(row.version), str(row.rounds), account, name),
            account=account,
            object=f"approval/{row.reference}.{row.version}/{name}",
            cause=f"{row.reference} version {row.version}, asked {row.rounds} times",
            person=name,
            channel=channel,
            supplier=row.supplier,
            reference=row.reference,
            version=row.version,
            order=order,
            worth=worth_in_words(row, settings, rows.now_ms),
            because=needs.because,
            changes=tuple(changes(row))[:MOST_CHANGES],
            urgent=escalate,
            expires_at=utc(rows.now_ms) + timedelta(seconds=settings.approval_link_seconds),
        )
        for name in people
        for account, channel in _ways(settings, name)
    ]


def _whom(rows: Rows, row: OrderRow, needs: Demand, settings: SettingsApplied) -> list[str]:
    """Everybody who can be asked and whose approval would count now, by tier and name."""
    bought, given = bought_of(row, settings, rows.now_ms), given_of(row)
    able = [
        name
        for name, person in settings.people.items()
        if _ways(settings, name)
        and may_not_approve(name, person, settings, bought, needs, given, row.changed_by) is None
    ]
    return sorted(able, key=lambda name: (settings.people[name].tier, name))


def _ways(settings: SettingsApplied, name: str) -> list[tuple[str, Channel]]:
    """By which accounts a person can be asked, each with its channel."""
    person = settings.people[name]
    known = {"email": person.email, "slack": person.slack is not None, "console": False}
    asks = [(account, settings.accounts[account].asks_by) for account in settings.approval_accounts
            if account in settings.accounts]  # fmt: skip
    return [(account, channel) for account, channel in asks if channel is not None and known[channel]]


def open_tiers(row: OrderRow, needs: Demand) -> tuple[int, ...]:
    """The tiers whose approval is still missing."""
    return uncovered(needs, given_of(row))


def document(row: OrderRow, supplier: SupplierFacts) -> ReorderCommand:
    """The order as it will be sent, without what only machines need: the numbers behind it, the token of replies."""
    order = reorder(row, supplier)
    lines = tuple(line.model_copy(update={"why": (), "need_ids": ()}) for line in order.lines)
    return order.model_copy(update={"lines": lines, "reply_token": None})


def worth_in_words(row: OrderRow, settings: SettingsApplied, now_ms: int) -> str:
    total = f"{plain(row.total())} {row.currency}"
    worth = bought_of(row, settings, now_ms).worth
    if row.currency == settings.currency:
        return total
    return f"{total} ({plain(worth)} {settings.currency})" if worth is not None else f"{total} (no exchange rate)"


def shown_lines(row: OrderRow) -> list[ShownLine]:
    """The lines as people see them now."""
    return [ShownLine(line.line, line.sku, line.quantity, line.unit_price) for line in row.lines]


def changes(row: OrderRow) -> list[str]:
    """What is different from what people were shown before, in words."""
    if not row.shown:
        return []
    before = {line.line: line for line in row.shown}
    found = []
    for line in row.lines:
        old = before.pop(line.line, None)
        if old is None:
            found.append(f"line {line.line}: {plain(line.quantity)} {line.sku}, new")
            continue
        if old.quantity != line.quantity:
            found.append(f"line {line.line}: {plain(line.quantity)} {line.sku} instead of {plain(old.quantity)}")
        if old.unit_price != line.unit_price:
            found.append(f"line {line.line}: {plain(line.unit_price)} each instead of {plain(old.unit_price)}")
    found += [f"line {old.line}: {plain(old.quantity)} {old.sku}, taken out" for old in before.values()]
    return found
