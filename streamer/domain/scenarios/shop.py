"""A shop with one order, in memory: the folds of the stream are told what lies where, then the order comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from streamer.domain.checks import Invalid
from streamer.domain.order_rows import OrderRow
from streamer.domain.shelves import Level, OrderedLine, Site
from streamer.domain.simulation import Refusal, Simulation
from streamer.domain.supersession import Chains, Supersession
from streamer.domain.units import ms
from streamer.messages.applied import AccountFacts, AllocationRules, SalesChannel, SettingsApplied, SourcingRule
from streamer.messages.base import Message
from streamer.messages.ids import order_key
from streamer.messages.orders import KitPart, Order
from streamer.messages.people import Address
from streamer.messages.status import OrderLineStatus
from streamer.messages.stock import ItemFacts, ItemPolicy, LineRequest, StockLevel

CHANNEL, OTHERS, ORDER = "plan", "others", "order"
NOON = time(12, tzinfo=UTC)
ANYWHERE = "DE"  # the only country there is: the ways to it are those of the scenario

M = TypeVar("M", bound=BaseModel)


class Shop:
    """What lies at each location, in the order in which they serve; then one order."""

    def __init__(
        self, sites: Sequence[Site], lines: Sequence[OrderedLine], on: date, chains: Chains,
        supersessions: Sequence[Supersession],
    ) -> None:  # fmt: skip
        self.sites = sites
        self.lines = lines
        self.on = on
        self.chains = chains
        self.links = {link.old: link for link in supersessions}
        self.now = datetime.combine(on, NOON)
        self.folds = Simulation(ms(self.now))

    def decided(self, rule: SourcingRule, *, all_or_nothing: bool) -> dict[str, OrderLineStatus]:
        """The last status of each line. Raises Invalid for what the stream would refuse."""
        told: dict[str, OrderLineStatus] = {}
        for said in self.folds.apply(self._settings(rule)):
            _no_refusal(said.message)
        for event in (*self._stock(), self._order(all_or_nothing=all_or_nothing)):
            for said in self.folds.send(event):
                _no_refusal(said.message)
                if isinstance(said.message, OrderLineStatus):
                    told[said.message.line_id] = said.message
        for index, line in enumerate(self.lines):
            if line.line not in told:
                raise Invalid("is never decided", field=f"lines.{index}")
        return told

    def asked_in_turn(self) -> list[str]:
        """The locations as the order asks them now."""
        row = self.folds.partitions["orders"].row(order_key(CHANNEL, ORDER))
        assert isinstance(row, OrderRow)
        best = next(iter(row.lines.values())).sites
        return list(best) or [site.location for site in self.sites]

    def _settings(self, rule: SourcingRule) -> SettingsApplied:
        names = tuple(site.location for site in self.sites)
        ways = {site.location: float(site.distance_km) for site in self.sites if site.distance_km is not None}
        channel = _made(SalesChannel, "", locations=names, sourcing=rule)
        return _made(
            SettingsApplied, "", revision=1, hash="", rules=1, company="", currency="EUR", time_zone="UTC",
            accounts={CHANNEL: AccountFacts(platform=CHANNEL)}, suppliers={}, locations=names,
            allocation=AllocationRules(channels={CHANNEL: channel}, distances_km={ANYWHERE: ways}),
        )  # fmt: skip

    def _stock(self) -> Iterator[Message]:
        """Of every SKU that may serve, at every location: what it is, who came first, and how much is there."""
        kits = {line.sku: line.kit for line in self.lines if line.kit}
        skus = {*kits, *(line.sku for line in self.lines), *(part.sku for kit in kits.values() for part in kit)}
        skus |= {name for link in self.links.values() for name in (link.old, link.new)}
        for index, site in enumerate(self.sites):
            for sku in sorted(skus | set(site.stock)):
                place = f"locations.{index}.stock.{sku}"
                level = site.stock.get(sku) or Level(on_hand=Decimal(0))
                yield self._facts(site.location, sku, kits, level)
                yield self._level(site.location, sku, Decimal(0), place, minutes=-2)
                if sku in kits:
                    continue  # what is sold as a kit is not on a shelf
                if level.safety:
                    yield _made(
                        ItemPolicy, place, location=site.location, sku=sku, version=1, reorder_point=Decimal(0),
                        order_up_to=Decimal(0), safety=level.safety,
                    )  # fmt: skip
                for account, quantity in ((OTHERS, level.reserved), (CHANNEL, level.waitlisted)):
                    if quantity:
                        yield _made(
                            LineRequest, place, order_key=f"{account}/before", line_key=f"{account}/before/1",
                            revision=1, account=account, sku=sku, location=site.location, quantity=quantity,
                            follow="none",
                        )  # fmt: skip
                yield self._level(site.location, sku, level.on_hand, place, minutes=-1)

    def _facts(self, location: str, sku: str, kits: dict[str, Any], level: Level) -> ItemFacts:
        link = self.links.get(sku)
        return _made(
            ItemFacts, "", location=location, sku=sku, version="1", source="settings",
            kit=tuple(_made(KitPart, "lines", sku=part.sku, quantity_each=part.quantity_each)
                      for part in kits.get(sku, ())),
            superseded_by=link.new if link is not None else None,
            superseded_from=link.valid_from.isoformat() if link is not None and link.valid_from is not None else None,
            superseded_each=link.quantity_each if link is not None else Decimal(1),
            use_up=link.use_up if link is not None else True,
            older=self.chains.older(sku, self.on),
            shares={CHANNEL: level.share} if level.share != 1 else {},
        )  # fmt: skip

    def _level(self, location: str, sku: str, quantity: Decimal, place: str, *, minutes: int) -> StockLevel:
        return _made(
            StockLevel, place, account=OTHERS, platform=OTHERS, location=location, sku=sku, level=quantity,
            counts="on_hand", as_of=self.now + timedelta(minutes=minutes),
        )  # fmt: skip

    def _order(self, *, all_or_nothing: bool) -> Order:
        return _made(
            Order, "", account=CHANNEL, platform=CHANNEL, kind="sales_order", source_id=ORDER,
            version=self.now.isoformat(), occurred_at=self.now, all_or_nothing=all_or_nothing,
            ship_to=Address(country=ANYWHERE),
            lines=tuple(
                {"line_id": line.line, "sku": line.sku, "quantity": line.quantity,
                 "partial_allowed": line.partial_allowed, "back_order_allowed": line.back_order_allowed}
                for line in self.lines
            ),
        )  # fmt: skip


_FIELDS = {"line_id": "line", "level": "on_hand"}
"""Names that a scenario has for fields of the messages."""


def _made(made: type[M], where: str, /, **fields: Any) -> M:
    """Raises Invalid, naming the field of the scenario, for what no message may carry."""
    try:
        return made(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = [where, *(_FIELDS.get(str(name), str(name)) for name in first["loc"])]
        raise Invalid(first["msg"].lower(), field=".".join(name for name in names if name)) from error


def _no_refusal(message: Message | Refusal) -> None:
    if isinstance(message, Refusal) and message.kind == "dead-letter":
        raise Invalid(message.reason, field=message.event)
