"""`[allocation]` of the settings: who gets what, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from streamer.messages.applied import AllocationRules, SalesChannel, ShortageRule, SourcingRule, WaitlistRule
from streamer.messages.base import AccountId, LocationId, Sku
from streamer.settings.items import Item
from streamer.settings.sections import Section

Share = Annotated[Decimal, Field(ge=0, le=1)]


class Channel(Section):
    """How the orders of one account are served."""

    all_or_nothing: bool = False
    back_orders: bool = True
    substitutes: bool = False
    share: Share = Decimal(1)
    buffer: Annotated[Decimal, Field(ge=0, le=10_000_000)] = Decimal(0)
    sourcing: SourcingRule = "rank"
    locations: tuple[LocationId, ...] = ()
    cart_minutes: Annotated[float, Field(gt=0, le=43_200)] = 30.0


class Allocation(Section):
    """For all channels."""

    waitlist: WaitlistRule = "first_come"
    shortage: ShortageRule = "youngest_unconfirmed"
    priorities: dict[str, Annotated[int, Field(ge=-1000, le=1000)]] = Field(default_factory=dict)
    customers: dict[str, str] = Field(default_factory=dict)
    distances_km: dict[str, dict[LocationId, Annotated[float, Field(ge=0, le=50_000)]]] = Field(default_factory=dict)
    recheck_minutes: Annotated[float, Field(gt=0, le=10_080)] = 15.0
    channels: dict[AccountId, Channel] = Field(default_factory=dict)

    def rules(self) -> AllocationRules:
        """What the folds must know of it."""
        channels = {account: SalesChannel(**channel.model_dump()) for account, channel in self.channels.items()}
        return AllocationRules(**self.model_dump(exclude={"channels"}), channels=channels)


def check_allocation(
    allocation: Allocation, accounts: Mapping[str, Any], locations: Mapping[str, Any], items: tuple[Item, ...]
) -> None:
    """Raises ValueError, naming the setting, for what names nothing or cannot be."""
    for account, channel in allocation.channels.items():
        if account not in accounts:
            raise ValueError(f"allocation.channels.{account}: {account!r} is not in [accounts]")
        _check_channel(f"allocation.channels.{account}", channel, allocation, locations)
    for area, ways in allocation.distances_km.items():
        _check_places(f"allocation.distances_km.{area}", tuple(ways), locations)
    for customer, name in allocation.customers.items():
        if name not in allocation.priorities:
            raise ValueError(f"allocation.customers.{customer}: {name!r} is not in allocation.priorities")
        if customer.partition("/")[0] not in accounts:
            raise ValueError(f"allocation.customers.{customer}: must begin with an account and a slash")
    for item in items:
        _check_item(item, accounts)


def _check_channel(place: str, channel: Channel, allocation: Allocation, locations: Mapping[str, Any]) -> None:
    _check_places(f"{place}.locations", channel.locations, locations)
    if len(set(channel.locations)) < len(channel.locations):
        raise ValueError(f"{place}.locations: names a location twice")
    if channel.sourcing == "nearest" and not allocation.distances_km:
        raise ValueError(f"{place}.sourcing: nearest needs allocation.distances_km")


def _check_item(item: Item, accounts: Mapping[str, Any]) -> None:
    for account, share in item.shares.items():
        if account not in accounts or not 0 <= share <= 1:
            raise ValueError(f"items.{item.sku}.shares.{account}: an account and a share from 0 to 1 are needed")
    if item.interchange == "both" and item.superseded_each != 1:
        raise ValueError(f"items.{item.sku}.interchange: both directions need one part for one (superseded_each)")


def _check_places(setting: str, names: tuple[str, ...], locations: Mapping[str, Any]) -> None:
    for name in names:
        if name not in locations:
            raise ValueError(f"{setting}: {name!r} is not in [locations]")


def older_of(items: tuple[Item, ...], sku: Sku) -> tuple[Sku, ...]:
    """Interchangeable older parts whose stock is used up before that of `sku`, the oldest first."""
    found: list[Sku] = []
    waiting = [sku]
    while waiting:
        newer = waiting.pop(0)
        for item in sorted(items, key=lambda each: each.sku):
            if item.superseded_by == newer and item.interchange == "both" and item.use_up and item.sku not in found:
                found.append(item.sku)
                waiting.append(item.sku)
    return tuple(reversed(found))
