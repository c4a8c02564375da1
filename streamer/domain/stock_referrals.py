"""What a stock row names instead of itself, or for what it cannot give: parts of a kit, older, newer, other parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from streamer.domain.stock_rows import ONE, Facts, StockRow
from streamer.domain.units import iso_date
from streamer.messages.base import plain
from streamer.messages.orders import KitPart, ReferKind
from streamer.messages.stock import LineRequest


class Referral(NamedTuple):
    """`gives`: the row gives what it can first, and names the others for the rest."""

    kind: ReferKind
    parts: tuple[KitPart, ...]
    reason: str
    gives: bool = False


def refer(row: StockRow, event: LineRequest, now_ms: int) -> Referral | None:
    """What to ask for as well; what the settings say goes before what a platform says."""
    for facts in _known(row):
        if facts.kit:
            parts = tuple(KitPart(sku=part.sku, quantity_each=part.quantity_each) for part in facts.kit)
            names = ", ".join(f"{plain(part.quantity_each)} {part.sku}" for part in parts)
            return Referral("parts", parts, f"kit of {names}")
    if event.follow == "none":
        return None
    if event.follow == "all":
        for facts in _known(row):
            if facts.older:
                return Referral("older", _one_each(facts.older), f"{', '.join(facts.older)} used up first")
    for facts in _known(row):
        if facts.superseded_by and _in_force(facts, now_ms):
            newer = (KitPart(sku=facts.superseded_by, quantity_each=facts.superseded_each),)
            return Referral("newer", newer, f"superseded by {facts.superseded_by}", gives=facts.use_up)
    if event.substitutes:
        for facts in _known(row):
            if facts.alternatives:
                others = ", ".join(facts.alternatives)
                return Referral("alternatives", _one_each(facts.alternatives), f"alternatives: {others}", gives=True)
    return None


def _known(row: StockRow) -> Iterator[Facts]:
    for source in ("settings", "catalogue"):
        facts = row.facts.get(source)
        if facts is not None:
            yield facts


def _one_each(skus: list[str]) -> tuple[KitPart, ...]:
    return tuple(KitPart(sku=sku, quantity_each=ONE) for sku in skus)


def _in_force(facts: Facts, now_ms: int) -> bool:
    return facts.superseded_from is None or facts.superseded_from <= iso_date(now_ms)


def works_for(quantity: Decimal, each: Decimal) -> Decimal:
    """How many units of a line so many of a part make: whole ones, unless it is one for one."""
    return quantity if each in (0, 1) else quantity / each // 1
