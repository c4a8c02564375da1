"""What lies at which location, and what a customer asks for."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from streamer.domain.checks import ZERO, Invalid, finite, not_negative, positive


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One SKU at one location. `waitlisted` are those who came first; `safety` and what exceeds `share` stay."""

    on_hand: Decimal
    reserved: Decimal = ZERO
    waitlisted: Decimal = ZERO
    safety: Decimal = ZERO
    share: Decimal = Decimal(1)  # of what is available: what this sales channel may take

    def __post_init__(self) -> None:
        finite("on_hand", self.on_hand)
        for field in ("reserved", "waitlisted", "safety", "share"):
            not_negative(field, getattr(self, field))
        if self.share > 1:
            raise Invalid(f"must be at most 1, is {self.share}", field="share")

    @property
    def free(self) -> Decimal:
        available = self.on_hand - self.reserved - self.safety
        given = available if self.share == 1 else (available * self.share) // 1
        return max(ZERO, given - self.waitlisted)


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A location that may serve the order."""

    location: str
    stock: dict[str, Level]
    rank: int = 1
    distance_km: Decimal | None = None

    def __post_init__(self) -> None:
        if self.distance_km is not None:
            not_negative("distance_km", self.distance_km)


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component of a kit."""

    sku: str
    quantity_each: Decimal

    def __post_init__(self) -> None:
        positive("quantity_each", self.quantity_each)


class OrderedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the customer asks for. A kit is given in whole units, all parts of one unit from one location."""

    line: str
    sku: str
    quantity: Decimal
    kit: tuple[Part, ...] = ()
    partial_allowed: bool = True
    back_order_allowed: bool = True

    def __post_init__(self) -> None:
        positive("quantity", self.quantity)
        if len({part.sku for part in self.kit}) < len(self.kit):
            raise Invalid("names a part twice", field="kit")
