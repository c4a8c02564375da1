"""Customers, addresses and vehicles, with their personal fields marked."""

from __future__ import annotations

from pydantic import Field

from streamer.messages.base import PERSONAL, PersonalText, Text, Utc, Value


class Address(Value):
    """A postal address."""

    name: PersonalText | None = None
    company: Text | None = None
    street: PersonalText | None = None
    street2: PersonalText | None = None
    city: PersonalText | None = None
    region: Text | None = None
    postal_code: PersonalText | None = None
    country: Text | None = None  # ISO 3166-1 alpha-2 where the platform gives it


class Customer(Value):
    """Who ordered. `id` is the platform's own."""

    id: Text | None = None
    number: Text | None = None
    name: PersonalText | None = None
    email: PersonalText | None = None
    phone: PersonalText | None = None
    company: Text | None = None
    company_id: Text | None = None
    groups: tuple[Text, ...] = ()  # the platform's customer groups or tags; the settings may give a group priority
    contact: PersonalText | None = None
    contact_id: Text | None = None
    tax_id: PersonalText | None = None
    address: Address | None = None


class Vehicle(Value):
    """A vehicle; any of the fields may be unknown."""

    vin: Text | None = Field(default=None, json_schema_extra=PERSONAL)
    make: Text | None = None
    model: Text | None = None
    year: int | None = None
    engine: Text | None = None
    registration: PersonalText | None = None

    @property
    def class_known(self) -> bool:
        """Whether make, model and year are known, so that campaigns can be matched."""
        return bool(self.make and self.model and self.year)


class Appointment(Value):
    """When a vehicle comes for which service."""

    service_type: Text | None = None
    scheduled_at: Utc | None = None
    scheduled_date: Text | None = None  # ISO date, where the platform gives no time
    state: Text | None = None  # the platform's own word
    campaign: Text | None = None
    vehicle: Vehicle | None = None
