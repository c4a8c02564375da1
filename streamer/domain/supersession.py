"""Parts that replace parts: which SKU serves a demand today, in which order, and over which hops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from streamer.domain.checks import ZERO, Invalid, positive

Interchange = Literal[
    "one_way",  # the new part serves demand for the old one, not the other way round
    "both",  # either serves demand for the other
]


class Supersession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`old` is replaced by `new` from a day on; `quantity_each` new parts do the work of one old part."""

    old: str
    new: str
    interchange: Interchange = "one_way"
    valid_from: date | None = None
    quantity_each: Decimal = Decimal(1)
    use_up: bool = True  # what is left of the old part is sold first

    def __post_init__(self) -> None:
        if not self.old:
            raise Invalid("must not be empty", field="old")
        if not self.new:
            raise Invalid("must not be empty", field="new")
        positive("quantity_each", self.quantity_each)


class Served(NamedTuple):
    """So many of `sku`, for `serves` of what was asked for; `hops` leads from the SKU asked for to this one."""

    sku: str
    quantity: Decimal
    serves: Decimal
    hops: tuple[str, ...]


class Source(NamedTuple):
    """A SKU that may serve a demand, how many of it do the work of one, and the way to it."""

    sku: str
    quantity_each: Decimal
    hops: tuple[str, ...]


class Chains:
    """All supersessions of a catalogue. Raises Invalid, naming the link, for a cycle or a part replaced twice."""

    __slots__ = ("_from", "_to")

    def __init__(self, links: Iterable[Supersession]) -> None:
        self._to: dict[str, Supersession] = {}
        self._from: dict[str, list[Supersession]] = {}
        for index, link in enumerate(links):
            field = f"supersessions.{index}"
            if link.old in self._to:
                raise Invalid(f"{link.old} is already superseded by {self._to[link.old].new}", field=f"{field}.old")
            hops = [link.old, link.new]
            while hops[-1] != link.old and hops[-1] in self._to:
                hops.append(self._to[hops[-1]].new)
            if hops[-1] == link.old:
                raise Invalid(f"circular supersession: {' > '.join(hops)}", field=f"{field}.new")
            self._to[link.old] = link
            self._from.setdefault(link.new, []).append(link)

    def latest(self, sku: str, on: date) -> Source:
        """What to order instead of `sku`: the end of its chain on that day, and the hops to it."""
        each, hops = Decimal(1), [sku]
        while (link := self._to.get(hops[-1])) and _in_force(link, on):
            each *= link.quantity_each
            hops.append(link.new)
        return Source(hops[-1], each, tuple(hops))

    def predecessors(self, sku: str) -> tuple[str, ...]:
        """All SKUs that were replaced by `sku`, over any number of hops: their demand history is carried over."""
        found: list[str] = []
        waiting = [sku]
        while waiting:
            for link in self._from.get(waiting.pop(), ()):
                found.append(link.old)
                waiting.append(link.old)
        return tuple(sorted(found))

    def sources(self, sku: str, on: date) -> tuple[Source, ...]:
        """What may serve a demand for `sku`, the stock to use up first.

        Older parts that are interchangeable in both directions come first, oldest first, then the part itself, then
        its successors, nearest first. A link with `use_up` off puts the new part before the old one.
        """
        order = [*reversed(self._older(sku, on)), Source(sku, Decimal(1), (sku,))]
        each, hops = Decimal(1), [sku]
        while (link := self._to.get(hops[-1])) and _in_force(link, on):
            each *= link.quantity_each
            hops.append(link.new)
            source = Source(link.new, each, tuple(hops))
            if link.use_up:
                order.append(source)
            else:
                order.insert(_place(order, link.old), source)
        return tuple(order)

    def older(self, sku: str, on: date) -> tuple[str, ...]:
        """Interchangeable older parts whose stock is used up before that of `sku`, the oldest first."""
        return tuple(source.sku for source in reversed(self._older(sku, on)))

    def _older(self, sku: str, on: date) -> list[Source]:
        """Nearest first."""
        found: list[Source] = []
        waiting = [Source(sku, Decimal(1), (sku,))]
        while waiting:
            current = waiting.pop(0)
            for link in sorted(self._from.get(current.sku, ()), key=lambda each: each.old):
                if link.interchange == "both" and link.use_up and _in_force(link, on):
                    each = current.quantity_each / link.quantity_each
                    source = Source(link.old, each, (*current.hops, link.old))
                    found.append(source)
                    waiting.append(source)
        return found

    def serve(self, sku: str, quantity: Decimal, available: Mapping[str, Decimal], on: date) -> tuple[Served, ...]:
        """Take `quantity` of `sku` from what is `available`, in the order of `sources`, in whole replacements.

        What nobody can serve is not in the answer: compare the sum of `serves` with `quantity`.
        """
        left = quantity
        taken = []
        for source in self.sources(sku, on):
            serves = min(left, _whole(available.get(source.sku, ZERO) / source.quantity_each, source.quantity_each))
            if serves > 0:
                taken.append(Served(source.sku, serves * source.quantity_each, serves, source.hops))
                left -= serves
        return tuple(taken)


def explain(served: Sequence[Served], sku: str, quantity: Decimal) -> tuple[str, ...]:
    """Each hop in words, and what is missing."""
    lines = [
        f"{each.quantity:f} of {each.sku}" + ("" if each.sku == sku else f" instead of {sku} ({' > '.join(each.hops)})")
        for each in served
    ]
    missing = quantity - sum((each.serves for each in served), ZERO)
    return (*lines, f"{missing:f} of {sku} missing") if missing else tuple(lines)


def _in_force(link: Supersession, on: date) -> bool:
    return link.valid_from is None or link.valid_from <= on


def _place(order: Sequence[Source], sku: str) -> int:
    return next(index for index, source in enumerate(order) if source.sku == sku)


def _whole(quantity: Decimal, each: Decimal) -> Decimal:
    """Parts that replace one for one may be fractions (oil); two for one serve whole ones only."""
    return quantity if each == 1 else quantity // 1
