"""What the log `recalls` carries: campaigns, vehicles with their appointments, and where recalled parts lie."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from streamer.messages.base import PERSONAL, AccountId, LocationId, Message, Place, Quantity, Sku, Text, Utc, Value
from streamer.messages.ids import campaign_key, part_key, vehicle_key, vin_key
from streamer.messages.people import Vehicle


class VehicleClass(Value):
    """Vehicles that a campaign names; a VIN range narrows it."""

    make: Text
    model: Text
    year: int
    vin_from: Text | None = None
    vin_to: Text | None = None


class RemedyPart(Value):
    """The part that mends a recalled vehicle, and how many of it."""

    sku: Sku
    quantity: Quantity


class Recall(Message):
    """A campaign: which vehicles and parts, and what mends them. The whole campaign at each change."""

    ce_type: ClassVar[str] = "recall"

    account: AccountId
    platform: Text
    campaign: Text
    version: Text  # hash of the content
    announced_at: Utc | None = None
    manufacturer: Text | None = None
    manufacturer_campaign: Text | None = None
    component: Text | None = None
    summary: Text | None = None
    consequence: Text | None = None
    remedy: Text | None = None
    notes: Text | None = None
    owners_notified: Text | None = None  # ISO date
    units_affected: int | None = None
    do_not_drive: bool | None = None
    park_outside: bool | None = None
    over_the_air: bool | None = None
    vehicles: tuple[VehicleClass, ...] = ()
    parts: tuple[Text, ...] = ()  # recalled part numbers: never ordered
    remedy_parts: tuple[Sku, ...] = ()
    remedy_quantities: tuple[RemedyPart, ...] = ()
    kind: Literal["recall", "bulletin"] = "recall"
    whole: bool = False  # it names every vehicle and part of the campaign: what it leaves out is no longer concerned
    withdrawn: bool = False
    as_of: Utc | None = None  # when this was the feed's word; an older one changes nothing

    def places(self) -> tuple[Place, ...]:
        keys = [vehicle_key(v.make, v.model, v.year) for v in self.vehicles]
        keys += [part_key(part) for part in self.parts]
        keys.append(campaign_key(self.campaign))
        return tuple(Place("recalls", key) for key in dict.fromkeys(keys))

    def message_id(self) -> str:
        return f"{self.campaign}@{self.version}"


class VehicleAppointment(Message):
    """A vehicle comes to a location at a time; `revision` is the order row's."""

    ce_type: ClassVar[str] = "vehicle-appointment"

    account: AccountId
    order_id: Text
    revision: int
    vehicle: Vehicle
    location: LocationId
    scheduled_at: Utc | None = None
    state: Literal["booked", "cancelled", "done"]
    campaigns_done: tuple[Text, ...] = ()  # what was carried out on a vehicle that has left

    def places(self) -> tuple[Place, ...]:
        vehicle = self.vehicle
        if vehicle.make and vehicle.model and vehicle.year:
            return (Place("recalls", vehicle_key(vehicle.make, vehicle.model, vehicle.year)),)
        return (Place("recalls", vin_key(vehicle.vin or "")),)

    def message_id(self) -> str:
        return f"{self.account}/{self.order_id}:{self.revision}"


class VehicleDecoded(Message):
    """What a VIN stands for; `make` is None when the decoder does not know it."""

    ce_type: ClassVar[str] = "vehicle-decoded"

    account: AccountId
    vin: Text
    make: Text | None = None
    model: Text | None = None
    year: int | None = None
    error: Text | None = None
    engine: Text | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("recalls", vin_key(self.vin)),)

    def message_id(self) -> str:
        return f"{self.vin}:{self.make}/{self.model}/{self.year}"


class ResolveVehicle(Message):
    """An appointment asks what its VIN stands for; answered by `VehicleKnown`."""

    ce_type: ClassVar[str] = "resolve-vehicle"

    vin: Text = Field(json_schema_extra=PERSONAL)
    order_key: Text

    def places(self) -> tuple[Place, ...]:
        return (Place("recalls", vin_key(self.vin)),)

    def message_id(self) -> str:
        return f"{self.order_key}?{self.vin}"


class CampaignEnded(Message):
    """A campaign no longer names this class of vehicles, or this part; `as_of` tells it from a newer word."""

    ce_type: ClassVar[str] = "campaign-ended"

    campaign: Text
    row_key: Text
    version: Text  # of the campaign that leaves it out
    as_of: Utc | None = None

    def places(self) -> tuple[Place, ...]:
        return (Place("recalls", self.row_key),)

    def message_id(self) -> str:
        return f"{self.campaign}@{self.version}-{self.row_key}"


class PartHolding(Message):
    """A location has stock of a part number, so a recall of it must reach that row."""

    ce_type: ClassVar[str] = "part-holding"

    part_number: Text
    sku: Sku
    location: LocationId

    def places(self) -> tuple[Place, ...]:
        return (Place("recalls", part_key(self.part_number)),)

    def message_id(self) -> str:
        return f"{self.part_number}@{self.location}/{self.sku}"
