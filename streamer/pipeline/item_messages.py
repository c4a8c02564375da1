"""The items of the settings as messages for their stock rows."""

from __future__ import annotations

from collections.abc import Iterator

from streamer.domain.defaults import Defaults
from streamer.messages.base import LocationId, Message
from streamer.messages.orders import KitPart
from streamer.messages.stock import ItemFacts
from streamer.settings import Settings
from streamer.settings.allocation import older_of
from streamer.settings.items import Item, PatternPolicy, policy_for


def item_messages(
    settings: Settings, item: Item, location: LocationId, revision: int, policies: Defaults[PatternPolicy]
) -> Iterator[Message]:
    """Facts, policy and offers of one item at one location, as of settings revision `revision`."""
    yield ItemFacts(
        location=location,
        sku=item.sku,
        version=f"{revision:012d}",
        source="settings",
        description=item.description,
        kit=tuple(KitPart(sku=part.sku, quantity_each=part.quantity) for part in item.kit),
        superseded_by=item.superseded_by,
        superseded_from=item.superseded_from.isoformat() if item.superseded_from is not None else None,
        superseded_each=item.superseded_each,
        use_up=item.use_up,
        older=older_of(settings.items, item.sku),
        shares=item.shares,
        alternatives=item.alternatives,
        part_number=item.part_number,
    )
    policy = policy_for(item, location, policies)
    if policy is not None:
        yield policy.message(location, item.sku, revision)
    for place, offer in enumerate(item.offers, 1):
        yield offer.message(location, item.sku, place, revision, settings.suppliers[offer.supplier].currency)


def places_of(settings: Settings, item: Item) -> tuple[LocationId, ...]:
    """The locations where an item is kept."""
    return item.locations or tuple(settings.locations)
