"""Which appointment needs which remedy part: one class of vehicles, its campaigns and its visits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from streamer.domain import vin
from streamer.domain.acts import notice
from streamer.domain.recalls_rows import Campaign, Remedy, VehicleRow, Visit
from streamer.domain.times import in_ms
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message, plain
from streamer.messages.commands import RecallReplacementCommand
from streamer.messages.ids import campaign_number, command_id
from streamer.messages.orders import AddLine
from streamer.messages.people import Vehicle
from streamer.messages.recalls import Recall, RemedyPart, VehicleClass


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
        do_not_drive=bool(event.do_not_drive),
        as_of_ms=in_ms(event.as_of) if event.as_of is not None else 0,
        bulletin=event.kind == "bulletin",
    )


def needed(settings: SettingsApplied | None, row: VehicleRow, name: str, visit: Visit) -> list[Message]:
    """What this visit does not have yet because of this campaign, and what it has and no longer needs.

    Notes it in the visit. A vehicle on which it was done, or that gets it at another visit, needs nothing.
    """
    campaign = row.campaigns[name]
    if not visit.booked:
        return []
    covered = covers(campaign, visit.vin)
    if covered is False or is_done(row, name, visit.vin):
        return take_away(visit, name)
    if visit.vin and any(
        other is not visit and other.booked and other.vin == visit.vin and _has(other, name)
        for other in row.visits.values()
    ):
        return []
    if covered is None:
        why = "its VIN is needed to know whether it is affected"
        return _tell(settings, name, campaign, visit, f"may concern this vehicle; {why}", name)
    out: list[Message] = []
    if campaign.do_not_drive:
        words = "concerns this vehicle, and its owner is told NOT TO DRIVE it until it is mended"
        out += _tell(settings, name, campaign, visit, words, f"!{name}")
    if not campaign.remedies:
        out += take_away(visit, name)
        words = f"may concern this vehicle; no remedy part is set (remedy_parts.{name}), nothing was ordered"
        return out + _tell(settings, name, campaign, visit, words, name)
    wanted = {remedy.sku: plain(_quantity(settings, remedy)) for remedy in campaign.remedies}
    out += take_away(visit, name, keep=wanted)
    new = [sku for sku in wanted if (name, sku) not in {(known, sku) for known, sku, _ in visit.added}]
    for sku in new:
        visit.added.append((name, sku, wanted[sku]))
        out.append(_line(visit, name, sku, Decimal(wanted[sku]), withdrawn=False))
    unordered = [sku for sku in new if (name, sku) not in visit.ordered]
    if unordered:
        visit.ordered += [(name, sku) for sku in unordered]
        out.append(_command(name, campaign, visit, {sku: Decimal(wanted[sku]) for sku in unordered}))
    return out


def covers(campaign: Campaign, number: str | None) -> bool | None:
    """Whether the campaign is about the vehicle; None: only the VIN could tell, and it is not known."""
    if not campaign.ranges:
        return True
    if not number:
        return None
    checked = vin.check(number)
    if checked.error is not None:
        return None
    return any(vin.in_range(checked.vin, first, last) for first, last in campaign.ranges)


def is_done(row: VehicleRow, name: str, number: str | None) -> bool:
    """Whether the campaign was carried out on this vehicle."""
    seen = row.seen.get(number) if number else None
    return seen is not None and campaign_number(name) in seen.done


def uncalled(row: VehicleRow, name: str) -> list[str]:
    """VINs of known vehicles that the campaign is, or may be, about and that have no appointment."""
    booked = {visit.vin for visit in row.visits.values() if visit.booked}
    campaign = row.campaigns[name]
    return [
        number
        for number in row.seen
        if number not in booked and covers(campaign, number) is not False and not is_done(row, name, number)
    ]


def tell_known(settings: SettingsApplied | None, row: VehicleRow, key: str, name: str) -> list[Message]:
    """People are told how many known vehicles without an appointment are concerned: once, and when a remedy comes."""
    campaign = row.campaigns[name]
    state = "remedy" if campaign.remedies else "none"
    if campaign.told_known == state:
        return []
    count = len(uncalled(row, name))
    if not count:
        return []
    campaign.told_known = state
    class_ = key.partition("/")[2].replace("/", " ")
    vehicles = "1 vehicle" if count == 1 else f"{count} vehicles"
    remedy = (
        "its remedy part can be had: they can be called"
        if campaign.remedies
        else f"no remedy part is set (remedy_parts.{name}): they are on the waiting list"
    )
    return list(
        notice(
            settings,
            ("recall-known", name, key, state),
            f"{_word(campaign)} {name}: vehicles without an appointment",
            f"{_word(campaign)} {name}{_part(campaign)} may concern {vehicles} ({class_}) that were here before; "
            f"{remedy}." + (" Their owners are told NOT TO DRIVE them." if campaign.do_not_drive else ""),
            severity="urgent" if campaign.urgent else "warning",
            link=f"/recalls/{name}",
        )
    )


def take_away(visit: Visit, name: str | None = None, keep: dict[str, str] | None = None) -> list[Message]:
    """Lines that go again: of one campaign, less those to `keep` (SKU and quantity), or all of a cancelled visit."""
    keep = keep or {}
    gone = [
        (campaign, sku, quantity)
        for campaign, sku, quantity in visit.added
        if name is None or (campaign == name and keep.get(sku) != quantity)
    ]
    if not gone:
        return []
    if name is not None:
        visit.changes += 1
    lines: list[Message] = [
        _line(visit, campaign, sku, Decimal(quantity), withdrawn=True) for campaign, sku, quantity in gone
    ]
    if name is not None:
        visit.changes += 1  # what is said next about these lines is newer
    visit.added = [added for added in visit.added if added not in gone]
    return lines


def serve_others(settings: SettingsApplied | None, row: VehicleRow, number: str | None) -> Iterator[Message]:
    """A visit of the vehicle has fallen away: its other visits may need what that one had."""
    if number is None:
        return
    for other in row.visits.values():
        if other.booked and other.vin == number:
            for name in row.campaigns:
                yield from needed(settings, row, name, other)


def _has(visit: Visit, name: str) -> bool:
    return any(campaign == name for campaign, _, _ in visit.added)


def _command(name: str, campaign: Campaign, visit: Visit, parts: dict[str, Decimal]) -> RecallReplacementCommand:
    first = next(iter(parts))
    return RecallReplacementCommand(
        command_id=command_id("recall-replacement", name, visit.account, visit.order_id, first),
        account=visit.account,
        object=f"recall/{visit.order_id}",
        cause=name,
        campaign=name,
        order_id=visit.order_id,
        vehicle=Vehicle(**visit.vehicle),
        location=visit.location,
        scheduled_at=datetime.fromisoformat(visit.scheduled_at) if visit.scheduled_at else None,
        sku=first,
        quantity=parts[first],
        remedy=campaign.remedy,
        parts=tuple(RemedyPart(sku=sku, quantity=quantity) for sku, quantity in parts.items()),
        do_not_drive=campaign.do_not_drive,
    )


def _quantity(settings: SettingsApplied | None, remedy: Remedy) -> Decimal:
    if remedy.quantity is not None:
        return remedy.quantity
    return Decimal(settings.remedy_quantities.get(remedy.sku, "1")) if settings else Decimal(1)


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
        sequence=visit.changes,
    )


def _tell(
    settings: SettingsApplied | None, name: str, campaign: Campaign, visit: Visit, words: str, mark: str
) -> list[Message]:
    if mark in visit.told:
        return []
    visit.told.append(mark)
    cause = ("recall", name, visit.account, visit.order_id)
    return list(
        notice(
            settings,
            cause if mark == name else (*cause, "do not drive"),
            f"{_word(campaign)} {name}: a vehicle with an appointment",
            f"Order {visit.account}/{visit.order_id}: {_word(campaign).lower()} {name}{_part(campaign)} {words}.",
            severity="urgent" if campaign.urgent else "warning",
            link=f"/recalls/{name}",
        )
    )


def _word(campaign: Campaign) -> str:
    return "Bulletin" if campaign.bulletin else "Recall"


def _part(campaign: Campaign) -> str:
    return f" ({campaign.component})" if campaign.component else ""
