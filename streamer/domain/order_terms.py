"""How an order is served, from what it says and what the settings say of its channel and its customer."""

from __future__ import annotations

from typing import NamedTuple

from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.order_walk import reconsider
from streamer.domain.units import ms
from streamer.messages.applied import AllocationRules, SalesChannel, SettingsApplied
from streamer.messages.ids import order_key
from streamer.messages.orders import Order, OrderLine

MINUTE_MS = 60_000
NO_RULES = AllocationRules()
NO_CHANNEL = SalesChannel()


class Places(NamedTuple):
    """Where a line may come from: the location, and all of them in turn where we choose."""

    location: str | None
    sites: tuple[str, ...] = ()
    together: bool = False  # the rule looks at all stock at once


def rules_of(settings: SettingsApplied | None) -> AllocationRules:
    return settings.allocation if settings is not None else NO_RULES


def channel_of(settings: SettingsApplied | None, account: str) -> SalesChannel:
    return rules_of(settings).channels.get(account, NO_CHANNEL)


def set_terms(row: OrderRow, event: Order, settings: SettingsApplied | None, now_ms: int) -> bool:
    """Takes in how the order is to be served; says whether stock rows must hear of it."""
    channel = channel_of(settings, event.account)
    before = (row.priority, row.all_or_nothing, row.back_order, row.reserved_until_ms, row.substitutes)
    row.priority = priority_of(event, settings)
    row.all_or_nothing = event.all_or_nothing or channel.all_or_nothing
    row.back_order = event.back_order_allowed and channel.back_orders and not event.cart
    row.substitutes = channel.substitutes
    row.cart_key = order_key(event.account, event.cart_id) if event.cart_id and not event.cart else None
    row.reserved_until_ms = _reserved_until(event, channel, now_ms)
    return before != (row.priority, row.all_or_nothing, row.back_order, row.reserved_until_ms, row.substitutes)


def _reserved_until(event: Order, channel: SalesChannel, now_ms: int) -> int | None:
    """A cart reserves for a time, and once more with each change of the cart."""
    if not event.cart:
        return None
    if event.reserve_until is not None:
        return ms(event.reserve_until)
    return now_ms + int(channel.cart_minutes * MINUTE_MS)


def priority_of(event: Order, settings: SettingsApplied | None) -> int:
    """The highest of what the order says and of the classes that its customer is in."""
    rules = rules_of(settings)
    if not rules.priorities or event.customer is None:
        return event.priority
    classes = list(event.customer.groups)
    for name in (event.customer.id, event.customer.number, event.customer.company_id):
        if name is not None and (known := rules.customers.get(f"{event.account}/{name}")) is not None:
            classes.append(known)
    return max([event.priority, *(rules.priorities[each] for each in classes if each in rules.priorities)])


def place_of(event: Order, line: OrderLine | None, settings: SettingsApplied | None) -> str | None:
    """Where a line is taken from: what the line says, else the order, else the channel, else the account's default."""
    return places_of(event, line, settings).location


def places_of(event: Order, line: OrderLine | None, settings: SettingsApplied | None) -> Places:
    """A location that the order names is the only one; else the channel's locations serve in the order of its rule."""
    named = (line.location if line is not None else None) or event.location
    if named is not None or settings is None:
        return Places(named)
    channel = settings.allocation.channels.get(event.account)
    if channel is not None and channel.locations:
        sites = channel.locations
        if channel.sourcing == "nearest":
            sites = nearest_first(event, sites, settings.allocation)
        return Places(sites[0], sites, channel.sourcing in ("most_stock", "fewest_splits"))
    facts = settings.accounts.get(event.account)
    return Places(facts.default_location if facts is not None else None)


def nearest_first(event: Order, sites: tuple[str, ...], rules: AllocationRules) -> tuple[str, ...]:
    """By the way to the customer; locations of which no way is known come last, in the order of their rank."""
    ways = _ways(event, rules)
    return tuple(sorted(sites, key=lambda site: ways.get(site, float("inf"))))


def _ways(event: Order, rules: AllocationRules) -> dict[str, float]:
    """The most specific that is known: country and the longest begin of the postal code."""
    address = event.ship_to
    if address is None or not address.country:
        return {}
    code = (address.postal_code or "").replace(" ", "").upper()
    for length in range(len(code), 0, -1):
        known = rules.distances_km.get(f"{address.country}-{code[:length]}")
        if known is not None:
            return known
    return rules.distances_km.get(address.country, {})


def recheck_at(row: OrderRow, now_ms: int, settings: SettingsApplied | None) -> int | None:
    """When to ask again, for what waits at one of several rows, those that had nothing more to give."""
    if row.recheck_ms is not None and row.recheck_ms > now_ms:
        return row.recheck_ms
    if any(_may_come_from_others(line) for line in row.lines.values()):
        return now_ms + int(rules_of(settings).recheck_minutes * MINUTE_MS)
    return None


def recheck(row: OrderRow) -> None:
    """Lines that wait ask the others at the next walk; what they are told stays until then."""
    for line in row.lines.values():
        if _may_come_from_others(line):
            line.recheck = True
            reconsider(line)


def _may_come_from_others(line: Line) -> bool:
    if len(line.asks) < 2 or line.fulfilment == "cancelled" or not line.waitlisted:
        return False
    return any(not ask.waits and ask.revision and ask.kind != "parts" for ask in line.asks.values())
