"""Which appointment needs which remedy part: one class of vehicles, its campaigns and its visits."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from streamer.domain import vin
from streamer.domain.acts import notice
from streamer.domain.recalls_rows import Campaign, Remedy, Visit
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import RecallReplacementCommand
from streamer.messages.ids import command_id
from streamer.messages.orders import AddLine
from streamer.messages.people import Vehicle
from streamer.messages.recalls import Recall, VehicleClass


def campaign_of(event: Recall, classes: list[VehicleClass]) -> Campaign:
    """What the recall says about one class of vehicles (named by `classes`, once for each range of VINs)."""
    quantities = {part.sku: part.quantity for part in event.remedy_quantities}
    skus = dict.fromkeys([*event.remedy_parts, *quantities])
    whole = any(named.vin_from is None and named.vin_to is None for named in classes)
    return Campaign(
        version=event.version,
        remedies=[Remedy(sku, quantities.get(sku)) for sku in skus],
        ranges=[] if whole else [(named.vin_from, named.vin_to) for named in classes],
        component=event.component,
        remedy=event.remedy,
        urgent=bool(event.do_not_drive or event.park_outside),
    )


def needed(settings: SettingsApplied | None, name: str, campaign: Campaign, visit: Visit) -> list[Message]:
    """What this visit does not have yet because of this campaign: lines, commands, notices; notes them in the visit."""
    if not visit.booked:
        return []
    covered = _covered(campaign, visit)
    if covered is False:
        return []
    if covered is None:
        return _tell(settings, name, campaign, visit, "its VIN is needed to know whether it is affected")
    if not campaign.remedies:
        return _tell(
            settings, name, campaign, visit, f"no remedy part is set (remedy_parts.{name}), nothing was ordered"
        )
    out: list[Message] = []
    for remedy in campaign.remedies:
        if not any((known, sku) == (name, remedy.sku) for known, sku, _ in visit.added):
            out += _order(settings, name, campaign, visit, remedy)
    return out


def _covered(campaign: Campaign, visit: Visit) -> bool | None:
    """None: only the VIN could tell, and it is not known."""
    if not campaign.ranges:
        return True
    number = visit.vehicle.get("vin")
    if not number:
        return None
    checked = vin.check(str(number))
    if checked.error is not None:
        return None
    return any(vin.in_range(checked.vin, first, last) for first, last in campaign.ranges)


def _order(
    settings: SettingsApplied | None, name: str, campaign: Campaign, visit: Visit, remedy: Remedy
) -> list[Message]:
    quantity = _quantity(settings, remedy)
    visit.added.append((name, remedy.sku, plain(quantity)))
    out: list[Message] = [_line(visit, name, remedy.sku, quantity, withdrawn=False)]
    if (name, remedy.sku) in visit.ordered:
        return out  # told before the appointment was cancelled and booked again
    visit.ordered.append((name, remedy.sku))
    out.append(
        RecallReplacementCommand(
            command_id=command_id("recall-replacement", name, visit.account, visit.order_id, remedy.sku),
            account=visit.account,
            object=f"recall/{visit.order_id}",
            cause=name,
            campaign=name,
            order_id=visit.order_id,
            vehicle=Vehicle(**visit.vehicle),
            location=visit.location,
            scheduled_at=datetime.fromisoformat(visit.scheduled_at) if visit.scheduled_at else None,
            sku=remedy.sku,
            quantity=quantity,
            remedy=campaign.remedy,
        )
    )
    return out


def _quantity(settings: SettingsApplied | None, remedy: Remedy) -> Decimal:
    if remedy.quantity is not None:
        return remedy.quantity
    return Decimal(settings.remedy_quantities.get(remedy.sku, "1")) if settings else Decimal(1)


def withdrawn(visit: Visit) -> list[Message]:
    """The appointment is cancelled: its remedy lines go."""
    lines: list[Message] = [
        _line(visit, name, sku, Decimal(quantity), withdrawn=True) for name, sku, quantity in visit.added
    ]
    visit.added = []
    return lines


def _line(visit: Visit, name: str, sku: str, quantity: Decimal, *, withdrawn: bool) -> AddLine:
    return AddLine(
        account=visit.account,
        order_id=visit.order_id,
        line_id=f"recall-{name}-{sku}",
        sku=sku,
        quantity=quantity,
        cause=name,
        revision=visit.revision,
        withdrawn=withdrawn,
    )


def _tell(settings: SettingsApplied | None, name: str, campaign: Campaign, visit: Visit, why: str) -> list[Message]:
    if name in visit.told:
        return []
    visit.told.append(name)
    part = f" ({campaign.component})" if campaign.component else ""
    return list(
        notice(
            settings,
            ("recall", name, visit.account, visit.order_id),
            f"Recall {name}: a vehicle with an appointment",
            f"Order {visit.account}/{visit.order_id}: recall {name}{part} may concern this vehicle; {why}.",
            severity="urgent" if campaign.urgent else "warning",
            link=f"/recalls/{name}",
        )
    )
