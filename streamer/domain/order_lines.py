"""What a new version of an order changes in its lines."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from streamer.domain.appointments import needed_day
from streamer.domain.order_asks import release_all, restate
from streamer.domain.order_beginning import begin, change_quantity, cover, follow
from streamer.domain.order_rows import Line, OrderRow
from streamer.domain.order_services import Plan, in_the_set, plan_of, vehicle_of
from streamer.domain.order_shipping import shipped
from streamer.domain.order_terms import Places, place_of, places_of
from streamer.domain.units import ZERO, day_of
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.orders import DecisionState, Order, OrderLine
from streamer.messages.stock import Purpose, ResolveItem

SERVICE_LINE = "service"
"""Id of the line for the service type of an appointment without lines: a service type is a SKU with a kit."""


def wanted_lines(event: Order) -> dict[str, OrderLine]:
    """The lines of the event by id. A line id that comes twice is one line with the sum of both."""
    lines: dict[str, OrderLine] = {}
    for line in event.lines:
        if line.fulfilment == "cancelled":
            continue
        known = lines.get(line.line_id)
        lines[line.line_id] = (
            line if known is None else known.model_copy(update={"quantity": known.quantity + line.quantity})
        )
    if not event.lines and event.appointment is not None and event.appointment.service_type:
        sku = event.appointment.service_type[:100]
        lines[SERVICE_LINE] = OrderLine(line_id=SERVICE_LINE, sku=sku, quantity=Decimal(1), service=True)
    return lines


def needed_by(event: Order, line: OrderLine, settings: SettingsApplied | None, place: str | None) -> str | None:
    """The day by which a line is needed: its own, else the appointment's, else the order's."""
    day = day_of(line.due_date) or needed_day(event, settings, place) or day_of(event.due_date)
    return day.isoformat() if day else None


def _same_place(line: Line, places: Places) -> bool:
    """Whether the line may stay where it is: at its location, or among those from which we choose."""
    if line.sourced:
        return set(places.sites) == set(line.sites or [line.location or ""])
    return not places.sites and line.location == places.location


class Change:
    """One new version of an order, applied line by line."""

    def __init__(
        self, key: str, row: OrderRow, event: Order, settings: SettingsApplied | None, at_ms: int, *, old: bool,
        terms: bool = False,
    ) -> None:  # fmt: skip
        self.key = key
        self.row = row
        self.event = event
        self.settings = settings
        self.at_ms = at_ms  # when the platform made this version
        self.old = old
        self.terms = terms  # priority, expiry or the like have changed
        self.purpose: Purpose = "service" if event.kind == "service_appointment" else "sale"
        self.resolving: dict[str, None] = {}
        self.vehicle = vehicle_of(event, row.decoded)

    @property
    def in_the_set(self) -> bool:
        return in_the_set(self.event, wanted_lines(self.event), self.settings)

    def apply(self) -> Iterator[Message]:
        """Releases what is gone, then asks for what is new or changed, in the order of the lines."""
        wanted = wanted_lines(self.event)
        for line_id, line in list(self.row.lines.items()):
            if line.cause is None and line_id not in wanted:
                yield from release_all(self.key, self.row, line, "the line was removed")
                line.refused = None
                line.decision, line.fulfilment, line.reason = "released", "cancelled", "the line was removed"
                line.approved = line.waitlisted = line.rejected = ZERO
                line.asks = {}
        for line_id, told in wanted.items():
            yield from self._line(line_id, told)
        yield from cover(self.key, self.row, self.at_ms)
        for item_id in self.resolving:
            yield ResolveItem(account=self.event.account, item_id=item_id, order_key=self.key)

    def unasked(self, reason: str, decision: DecisionState = "rejected") -> dict[str, Line]:
        """The lines of an order that asks for nothing: rejected here (or let go), with the reason."""
        lines = {}
        for line_id, told in wanted_lines(self.event).items():
            place = place_of(self.event, told, self.settings)
            lines[line_id] = Line(
                told.quantity, sku=told.sku, item_id=told.item_id, location=place, decision=decision,
                fulfilment="cancelled", rejected=told.quantity if decision == "rejected" else ZERO, reason=reason,
            )  # fmt: skip
        return lines

    def _line(self, line_id: str, told: OrderLine) -> Iterator[Message]:
        row = self.row
        places = places_of(self.event, told, self.settings)
        line = row.lines.get(line_id)
        removed = line is not None and line.fulfilment == "cancelled"
        same_thing = line is not None and (told.sku is None or line.sku == told.sku) and line.item_id == told.item_id
        plan = plan_of(self.event, told, self.vehicle, self.settings)
        if (
            line is None
            or removed
            or not same_thing
            or line.refused is not None
            or not _same_place(line, places)
            or not _as_planned(line, plan)
        ):
            yield from self._ask(line_id, told, places, plan)
        else:
            before = _terms(line)
            line.needed_by = needed_by(self.event, told, self.settings, places.location)
            line.said = told.fulfilment
            line.partial, line.back_order = told.partial_allowed, told.back_order_allowed
            if (self.terms or _terms(line) != before) and line.quantity == told.quantity:
                yield from restate(self.key, row, line)
            if line.quantity != told.quantity:
                line.changed_ms = self.at_ms
                line.quantity = told.quantity
                if not told.quantity:
                    yield from self._refuse(line, "the quantity is zero")
                elif line.asks:
                    yield from change_quantity(self.key, row, line_id, line)
        yield from self._ship(line_id, told)

    def _ask(self, line_id: str, told: OrderLine, places: Places, plan: Plan | None) -> Iterator[Message]:
        """A line that is new, or another thing, or from another place than before."""
        row = self.row
        before = row.lines.get(line_id)
        if before is not None:
            yield from release_all(self.key, row, before, "the line has changed")
        line = Line(
            told.quantity,
            sku=told.sku,
            item_id=told.item_id,
            location=places.location,
            needed_by=needed_by(self.event, told, self.settings, places.location),
            service=told.service,
            purpose=self.purpose,
            sites=list(places.sites) if len(places.sites) > 1 else [],
            sourced=bool(places.sites),
            collect=places.together and len(places.sites) > 1,
            said=told.fulfilment,
            partial=told.partial_allowed,
            back_order=told.back_order_allowed,
        )
        if before is not None:
            line.changed_ms = self.at_ms
            line.decision, line.approved, line.waitlisted = before.decision, before.approved, before.waitlisted
            follow(line, before)
            line.rejected, line.reason, line.told = before.rejected, before.reason, before.told
        row.lines[line_id] = line
        if not told.quantity:
            yield from self._refuse(line, "the quantity is zero")
        elif places.location is None:
            yield from self._refuse(line, f"no location: set accounts.{self.event.account}.default_location")
        elif plan is not None:
            line.shipped = max(told.shipped or ZERO, line.shipped)
            yield from self._work(line_id, line, plan)
        elif told.sku is not None:
            line.shipped = max(told.shipped or ZERO, line.shipped)
            yield from begin(self.key, row, line_id, line, self.at_ms, old=self.old)
        elif told.item_id is not None:
            self.resolving[told.item_id] = None
        else:
            yield from self._refuse(line, "the line names no SKU and no item")

    def _work(self, line_id: str, line: Line, plan: Plan) -> Iterator[Message]:
        """A line of work: its parts, or why they cannot be named."""
        line.service_type, line.because = plan.service or None, plan.reason
        if plan.missing is not None:
            line.waits_for = plan.missing
        elif plan.kit is None:
            yield from self._refuse(line, plan.reason)
        elif plan.kit:
            line.kit = [(part.sku, part.quantity_each) for part in plan.kit]
            yield from begin(self.key, self.row, line_id, line, self.at_ms, old=self.old)
        else:
            line.needs_nothing = True

    def _ship(self, line_id: str, told: OrderLine) -> Iterator[Message]:
        line = self.row.lines[line_id]
        quantity = told.shipped
        if quantity is None and self.event.state == "closed":
            quantity = line.quantity  # a platform that closes orders and tells no shipments: all has left
        if quantity is not None and quantity > line.shipped and line.refused is None:
            line.shipped = quantity
            yield from shipped(self.key, line_id, line, self.at_ms)

    def ship_added(self) -> Iterator[Message]:
        """The job is done: what we had added to it and what had been granted has gone into the vehicle."""
        if any(told.shipped is not None and told.shipped < told.quantity for told in self.event.lines):
            return
        for line_id, line in self.row.lines.items():
            if line.cause is None or line.fulfilment == "cancelled" or line.refused is not None:
                continue
            if line.approved >= line.quantity > line.shipped:
                line.shipped = line.quantity
                yield from shipped(self.key, line_id, line, self.at_ms)

    def _refuse(self, line: Line, reason: str) -> Iterator[Message]:
        yield from release_all(self.key, self.row, line, reason)
        line.asks, line.refused = {}, reason


def _terms(line: Line) -> tuple[str | None, bool, bool, bool]:
    """What the stock rows that serve the line must hear of."""
    return line.needed_by, line.confirmed, line.partial, line.back_order


def _as_planned(line: Line, plan: Plan | None) -> bool:
    """Whether the parts that the line asks for are still those of its service and vehicle."""
    if plan is None:
        return line.service_type is None
    kit = [(part.sku, part.quantity_each) for part in plan.kit or ()]
    return line.service_type == (plan.service or None) and line.kit == kit and line.waits_for == plan.missing
