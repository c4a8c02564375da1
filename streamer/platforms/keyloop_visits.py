"""Repair orders, appointments, and the events that name them. Only parts of their shape are public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streamer.errors import Malformed
from streamer.messages.orders import Order, OrderLine, OrderState
from streamer.messages.people import Appointment, Customer, Vehicle
from streamer.platforms.base import content_hash, version_of
from streamer.platforms.keyloop_payloads import place, text, when
from streamer.platforms.paging import dig
from streamer.platforms.wire import Raw

if TYPE_CHECKING:
    from streamer.platforms.base import Platform


STATES: Mapping[str, OrderState] = {"CANCELLED": "cancelled", "CLOSED": "closed", "INVOICED": "closed"}
PARTS = ("PART", "PARTS")


def visit(platform: Platform[Any], kind: str, number: str, body: Mapping[str, Any], store: str | None,
          raw: Raw) -> Order:  # fmt: skip
    """A repair order or appointment as a service appointment; the parts of its jobs are its lines."""
    zone, details = platform.settings.zone, _part(body, "details")
    state = text(details.get("status") or body.get("status")).upper()
    due = text(details.get("dueInDateTime") or body.get("dueInDateTime"))
    changed = when(_changed(body), zone, "updateHistory")
    jobs = [job for job in _list(body, "jobs") if isinstance(job, Mapping)]
    customer, vehicle = _part(body, "customer"), _part(body, "vehicle")
    identity, described = _part(vehicle, "identification"), _part(vehicle, "description")
    held = platform.settings.field_map.get("service_type")
    first = next((text(job.get("description")) for job in jobs), "")
    service = text(dig(body, *str(held).split("."))) if held else first
    known = {
        "vin": identity.get("vin"),
        "registration": identity.get("licensePlate"),
        "engine": identity.get("engineNumber"),
        "make": described.get("make"),
        "model": described.get("model"),
    }
    car = {name: told for name, value in known.items() if (told := text(value))}
    person = " ".join(filter(None, (text(customer.get("givenName")), text(customer.get("familyName")))))
    customer_id = text(customer.get("customerId"))
    return Order(
        account=platform.account,
        platform=platform.name,
        kind="service_appointment",
        source_id=f"{kind}:{number}",
        number=text(details.get("externalReference")) or number,
        version=version_of(changed) if changed else content_hash(raw.body),
        occurred_at=changed,
        state=STATES.get(state, "open"),
        status=state or None,
        customer=Customer(id=customer_id or None, name=person or None) if customer_id or person else None,
        location=place(platform, store),
        appointment=Appointment(
            service_type=service or None,
            scheduled_at=when(due, zone, "dueInDateTime"),
            state=state or None,
            vehicle=Vehicle.model_validate(car) if car else None,
        ),
        lines=tuple(_job_lines(jobs)),
        extra={"store": store} if store else {},
    )


def _job_lines(jobs: list[Mapping[str, Any]]) -> Iterator[OrderLine]:
    for job_number, job in enumerate(jobs, 1):
        for number, one in enumerate(_list(job, "items"), 1):
            if not isinstance(one, Mapping) or text(one.get("type")).upper() not in PARTS:
                continue  # labour and notes
            if not (code := text(one.get("partCode")) or text(one.get("partId"))):
                raise Malformed("a part without its code", field=f"jobs.{job_number}.items.{number}.part_code")
            quantity = one.get("quantity")
            if not isinstance(quantity, int | float) or isinstance(quantity, bool):
                raise Malformed("is no number", field=f"jobs.{job_number}.items.{number}.quantity")
            yield OrderLine(
                line_id=text(one.get("itemId")) or f"{job_number}.{number}",
                sku=code,
                quantity=Decimal(str(quantity)),
                description=text(one.get("description"))[:500] or None,
            )


def _changed(body: Mapping[str, Any]) -> str:
    """The last time of its history, else its own time of change."""
    times = [text(one.get("dateTime")) for one in _list(body, "updateHistory") if isinstance(one, Mapping)]
    return max(times, default="") or text(body.get("lastUpdatedDateTime"))


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []


def event(body: Mapping[str, Any]) -> tuple[str, Mapping[str, str], Mapping[str, Any]]:
    """Store, ids (`repairorderid` …) and data of an event, in either form that is in use."""
    top = {name.lower(): value for name, value in body.items()}
    context = {name.lower(): value for name, value in _part(body, "context").items()}
    parts = [text(top.get(name)) or text(context.get(name)) for name in ("enterpriseid", "storeid")]
    data = _part(body, "data")
    ids = {name.lower(): text(value) for name, value in data.items() if name.lower().endswith("id")}
    return "/".join(filter(None, parts)), ids, data
