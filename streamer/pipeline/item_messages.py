"""The items of the settings as messages for their stock rows."""

from __future__ import annotations

from collections.abc import Iterator

from streamer.messages.base import LocationId, Message
from streamer.messages.orders import KitPart
from streamer.messages.stock import ItemFacts, ItemPolicy, SupplierOffer
from streamer.settings import Item, Settings


def item_messages(settings: Settings, item: Item, location: LocationId, revision: int) -> Iterator[Message]:
    """Facts, policy and offers of one item at one location, as of settings revision `revision`."""
    yield ItemFacts(
        location=location,
        sku=item.sku,
        version=f"{revision:012d}",
        source="settings",
        description=item.description,
        kit=tuple(KitPart(sku=part.sku, quantity_each=part.quantity) for part in item.kit),
        superseded_by=item.superseded_by,
        alternatives=item.alternatives,
        part_number=item.part_number,
    )
    if item.reorder_point is not None and item.order_up_to is not None:
        yield ItemPolicy(
            location=location,
            sku=item.sku,
            version=revision,
            reorder_point=item.reorder_point,
            order_up_to=item.order_up_to,
            trigger=item.trigger,
            rounding=item.rounding,
            safety=item.safety,
            automatic=item.automatic,
        )
    for rank, offer in enumerate(item.offers, 1):
        yield SupplierOffer(
            location=location,
            sku=item.sku,
            version=revision,
            supplier=offer.supplier,
            supplier_sku=offer.supplier_sku,
            unit_price=offer.unit_price,
            currency=offer.currency or settings.suppliers[offer.supplier].currency,
            unit=offer.unit,
            minimum_quantity=offer.minimum_quantity,
            order_multiple=offer.order_multiple,
            lead_time_days=offer.lead_time_days,
            rank=rank,
        )


def places_of(settings: Settings, item: Item) -> tuple[LocationId, ...]:
    """The locations where an item is kept."""
    return item.locations or tuple(settings.locations)
