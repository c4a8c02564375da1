"""Campaigns: what a recall says to classes of vehicles, to parts, and as a whole; what it no longer says."""

from __future__ import annotations

from collections.abc import Iterator

from streamer.domain.partitions import partition_of
from streamer.domain.recalls_matching import campaign_of, needed, take_away, tell_known
from streamer.domain.recalls_rows import CampaignRow, PartRow, Rows, VehicleRow, edit_or_new, not_quarantined
from streamer.domain.times import in_ms
from streamer.domain.view import Outcome, settings_of
from streamer.errors import Refused
from streamer.messages.applied import SettingsApplied
from streamer.messages.base import Message
from streamer.messages.ids import campaign_key, part_key, vehicle_key
from streamer.messages.recalls import CampaignEnded, PartHolding, Recall, VehicleClass
from streamer.messages.stock import Hold

MOST_CAMPAIGNS = 200
MOST_KEYS = 4000  # of one campaign: keeps its row small


def recall(rows: Rows, event: Recall) -> Outcome:
    """A campaign names many keys; here are those of this partition."""
    settings = settings_of(rows)
    by_key: dict[str, list[VehicleClass]] = {}
    for named in event.vehicles:
        by_key.setdefault(vehicle_key(named.make, named.model, named.year), []).append(named)
    mine = {key: classes for key, classes in by_key.items() if is_mine(rows, settings, key)}
    parts = [key for key in dict.fromkeys(map(part_key, event.parts)) if is_mine(rows, settings, key)]
    whole = campaign_key(event.campaign)
    here = [whole] if is_mine(rows, settings, whole) else []
    for key in [*mine, *parts, *here]:
        not_quarantined(rows.read(key))
    out: list[Message] = []
    as_of_ms = _as_of_ms(event)
    for key, classes in mine.items():
        if event.withdrawn:
            out += _end_class(rows, key, event.campaign, as_of_ms)
        else:
            out += _class(rows, settings, key, event, classes)
    for key in parts:
        out += _part(rows, key, event.campaign, as_of_ms, named=not event.withdrawn)
    if here:
        out += _whole(rows, whole, event, [*by_key, *map(part_key, event.parts)])
    return out


def campaign_ended(rows: Rows, event: CampaignEnded) -> Outcome:
    """The campaign names this class, or this part, no longer; a newer word that it does goes before."""
    not_quarantined(rows.read(event.row_key))
    as_of_ms = in_ms(event.as_of) if event.as_of is not None else 0
    if event.row_key.startswith("part/"):
        return list(_part(rows, event.row_key, event.campaign, as_of_ms, named=False))
    return _end_class(rows, event.row_key, event.campaign, as_of_ms)


def holding(rows: Rows, event: PartHolding) -> Outcome:
    """A location has a numbered part; a campaign that names it holds it back."""
    key = part_key(event.part_number)
    known = rows.read(key)
    not_quarantined(known)
    if isinstance(known, PartRow) and (event.location, event.sku) in known.holdings:
        return ()
    row = edit_or_new(rows, key, PartRow)
    row.holdings.append((event.location, event.sku))
    return [_hold(event.location, event.sku, campaign, held=True) for campaign in row.campaigns]


def part_map(rows: Rows, before: SettingsApplied | None, now: SettingsApplied) -> list[Message]:
    """The settings say anew what recalled parts are called here: those are held, others are free again."""
    out: list[Message] = []
    old = _by_key(before)
    new = _by_key(now)
    for key in dict.fromkeys([*old, *new]):
        row = rows.read(key) if is_mine(rows, now, key) else None
        if not isinstance(row, PartRow) or row.quarantined is not None:
            continue
        lies = set(row.holdings)
        gone = [place for place in old.get(key, ()) if place not in new.get(key, ()) and place not in lies]
        come = [place for place in new.get(key, ()) if place not in old.get(key, ())]
        for campaign in row.campaigns:
            out += [_hold(location, sku, campaign, held=False) for location, sku in gone]
            out += [_hold(location, sku, campaign, held=True) for location, sku in come]
    return out


def is_mine(rows: Rows, settings: SettingsApplied | None, key: str) -> bool:
    """Whether this partition owns the key."""
    if settings is None or settings.partitions < 1:
        return True
    return partition_of(key, settings.partitions) == rows.partition


def _class(
    rows: Rows, settings: SettingsApplied | None, key: str, event: Recall, classes: list[VehicleClass]
) -> list[Message]:
    known = rows.read(key)
    campaign = campaign_of(event, classes)
    if isinstance(known, VehicleRow):
        before = known.campaigns.get(event.campaign)
        newest_ms = before.as_of_ms if before is not None else known.ended.get(event.campaign, 0)
        if campaign.as_of_ms and campaign.as_of_ms < newest_ms:
            return []
        if before is not None:
            campaign.told_known = before.told_known
            if campaign == before or (campaign.version == before.version and not campaign.as_of_ms):
                return []
        elif len(known.campaigns) >= MOST_CAMPAIGNS:
            raise Refused(f"{MOST_CAMPAIGNS} campaigns are open for {key} already")
    row = edit_or_new(rows, key, VehicleRow)
    row.campaigns[event.campaign] = campaign
    row.ended.pop(event.campaign, None)
    out: list[Message] = []
    for visit in row.visits.values():
        if visit.forget_ms > rows.now_ms:
            out += needed(settings, row, event.campaign, visit)
    return out + tell_known(settings, row, key, event.campaign)


def _end_class(rows: Rows, key: str, campaign: str, as_of_ms: int) -> list[Message]:
    """Lines that the campaign had added go again; on which vehicles it was done stays known."""
    known = rows.read(key)
    if not isinstance(known, VehicleRow):
        return []
    open_ = known.campaigns.get(campaign)
    if open_ is None or (as_of_ms and as_of_ms < open_.as_of_ms):
        return []
    row = edit_or_new(rows, key, VehicleRow)
    del row.campaigns[campaign]
    if as_of_ms:
        row.ended = {**dict(list(row.ended.items())[-MOST_CAMPAIGNS:]), campaign: as_of_ms}
    out: list[Message] = []
    for visit in row.visits.values():
        out += take_away(visit, campaign)
        visit.told = [told for told in visit.told if told not in (campaign, f"!{campaign}")]
    return out


def _part(rows: Rows, key: str, campaign: str, as_of_ms: int, *, named: bool) -> Iterator[Message]:
    """The campaign names the part, or no longer does: what lies of it is held back, or free again."""
    known = rows.read(key)
    if isinstance(known, PartRow):
        if (campaign in known.campaigns) == named or (as_of_ms and as_of_ms < known.as_of_ms.get(campaign, 0)):
            return
    elif not named:
        return
    row = edit_or_new(rows, key, PartRow)
    if as_of_ms:
        row.as_of_ms[campaign] = as_of_ms
    row.campaigns = [*row.campaigns, campaign] if named else [name for name in row.campaigns if name != campaign]
    for location, sku in dict.fromkeys([*row.holdings, *_by_key(settings_of(rows)).get(key, ())]):
        yield _hold(location, sku, campaign, held=named)


def _by_key(settings: SettingsApplied | None) -> dict[str, list[tuple[str, str]]]:
    """Where recalled parts may lie, as the settings call them: part row's key -> location and SKU."""
    if settings is None:
        return {}
    places: dict[str, list[tuple[str, str]]] = {}
    for number, skus in settings.recalled_parts.items():
        places.setdefault(part_key(number), []).extend((place, sku) for sku in skus for place in settings.locations)
    return places


def _hold(location: str, sku: str, campaign: str, *, held: bool) -> Hold:
    return Hold(location=location, sku=sku, cause=f"recall {campaign}", held=held)


def _whole(rows: Rows, key: str, event: Recall, named: list[str]) -> list[Message]:
    """Keeps what the campaign names. What it named before and leaves out now is told that it is free."""
    known = rows.read(key)
    before = known if isinstance(known, CampaignRow) else CampaignRow(event.campaign)
    as_of_ms = _as_of_ms(event)
    if as_of_ms and as_of_ms < before.as_of_ms:
        return []
    ends = event.whole or event.withdrawn
    keys = sorted(set(named)) if ends else list(dict.fromkeys([*before.keys, *sorted(set(named))]))
    now = CampaignRow(
        event.campaign,
        keys=keys[:MOST_KEYS],
        as_of_ms=as_of_ms,
        component=event.component,
        remedy=event.remedy,
        remedies=list(dict.fromkeys([*event.remedy_parts, *(part.sku for part in event.remedy_quantities)])),
        urgent=bool(event.do_not_drive or event.park_outside),
        bulletin=event.kind == "bulletin",
        withdrawn=event.withdrawn,
    )
    if now == before:
        return []
    rows.put(key, now)
    dropped = [name for name in before.keys if name not in set(keys)] if ends else []
    return [
        CampaignEnded(campaign=event.campaign, row_key=name, version=event.version, as_of=event.as_of)
        for name in dropped
    ]


def _as_of_ms(event: Recall) -> int:
    return in_ms(event.as_of) if event.as_of is not None else 0
