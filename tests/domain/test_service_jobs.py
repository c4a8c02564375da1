"""Appointments: which parts a service needs for this vehicle, by when, and what happens when nobody comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streamer.domain.order_services import NOT_CONFIRMED, NOT_IN_THE_SET
from streamer.messages.commands import FetchCommand, NotifyCommand
from streamer.messages.people import Vehicle
from streamer.messages.recalls import VehicleDecoded
from streamer.messages.services import ServiceType, Workshop
from streamer.messages.stock import LineRequest
from tests.domain.garage import FRONT_BRAKES, OIL_CHANGE, VIN, Garage, appointment, parts, shelf, work
from tests.domain.memory import START, of

BY_VIN = Vehicle(vin=VIN)


def requests(made: list[Any]) -> dict[str, Decimal]:
    return {request.sku: request.quantity for request in of(LineRequest, made)}


# -- which service


def test_a_service_named_in_the_set_asks_for_the_kit_of_its_variant() -> None:
    garage = Garage()
    assert requests(garage.send(appointment())) == {"PAD-A": 1, "FLUID": 1}
    newer = appointment(order_id="RO-2", vehicle=Vehicle(make="HONDA", model="accord", year=2012))
    assert requests(garage.send(newer)) == {"PAD-B": 1, "FLUID": 1}


@pytest.mark.parametrize("word", ["front_brakes", "FRONT BRAKES", "brake-service front", "New front pads and brakes"])
def test_names_and_patterns_of_the_set_recognise_a_service(word: str) -> None:
    assert requests(Garage().send(appointment(service=word))) == {"PAD-A": 1, "FLUID": 1}


def test_a_platforms_own_code_goes_before_names_and_patterns() -> None:
    labour = appointment(service=None, lines=(work("BRKF", description="Oil change"),))
    assert requests(Garage().send(labour)) == {"PAD-A": 1, "FLUID": 1}
    elsewhere = labour.model_copy(update={"account": "mail"})
    assert requests(Garage().send(elsewhere)) == {"OIL": 4}


def test_a_service_that_is_not_in_the_set_is_ignored_and_counted() -> None:
    garage = Garage()
    made = garage.send(appointment(service="Windscreen"))
    assert requests(made) == {}
    assert garage.ignored == [NOT_IN_THE_SET]
    assert of(NotifyCommand, made) == []
    assert requests(garage.send(appointment(2))) == {"PAD-A": 1, "FLUID": 1}


def test_without_a_set_an_appointment_is_taken_as_it_is() -> None:
    assert requests(Garage(services=()).send(appointment())) == {"Front brakes": 1}


def test_parts_that_the_platform_names_itself_are_taken_instead_of_the_kit() -> None:
    own = appointment(lines=(work("PAD-X", line_id="1").model_copy(update={"service": False}),))
    assert requests(Garage().send(own)) == {"PAD-X": 1}


def test_a_kit_of_the_items_is_in_the_set_too() -> None:
    made = Garage(kits=("SVC-WIPERS",)).send(appointment(service=None, lines=(work("SVC-WIPERS"),)))
    assert requests(made) == {"SVC-WIPERS": 1}


def test_a_text_that_may_mean_two_services_goes_to_a_person() -> None:
    both = (FRONT_BRAKES, ServiceType(name="brake-check", patterns=("brake",)))
    garage = Garage(services=both)
    made = garage.send(appointment(service="Front pads and brake fluid"))
    assert requests(made) == {}
    (told,) = of(NotifyCommand, made)
    assert "front-brakes, brake-check" in told.text
    assert garage.order().lines["service"].decision == "rejected"


def test_a_service_without_parts_is_approved() -> None:
    garage = Garage()
    assert requests(garage.send(appointment(service="inspection"))) == {}
    assert garage.order().lines["service"].decision == "approved"


def test_a_vehicle_that_no_variant_is_for_goes_to_a_person_and_is_never_guessed() -> None:
    garage = Garage()
    made = garage.send(appointment(vehicle=Vehicle(make="Honda", model="Civic", year=2003)))
    assert requests(made) == {}
    (told,) = of(NotifyCommand, made)
    assert "no variant for Honda Civic 2003" in told.text
    line = garage.order().lines["service"]
    assert (line.decision, line.reason) == ("rejected", "service front-brakes has no variant for Honda Civic 2003")
    assert requests(garage.send(appointment(2))) == {"PAD-A": 1, "FLUID": 1}


def test_nothing_is_guessed_of_a_vehicle_of_which_too_little_is_known() -> None:
    made = Garage().send(appointment(vehicle=Vehicle(make="Honda", model="Accord")))
    assert requests(made) == {}
    assert "the vehicle's year must be known" in of(NotifyCommand, made)[0].text


# -- the vehicle by its VIN


def test_a_vehicle_known_by_its_vin_alone_is_decoded_and_then_its_variant_is_asked_for() -> None:
    garage = Garage()
    made = garage.send(appointment(vehicle=BY_VIN))
    assert requests(made) == {}
    (fetch,) = of(FetchCommand, made)
    assert (fetch.resource, fetch.ids) == ("vin", (VIN,))
    assert garage.order().lines["service"].decision == "pending"
    decoded = VehicleDecoded(account="nhtsa", vin=VIN, make="HONDA", model="Accord", year=2003)
    assert requests(garage.send(decoded)) == {"PAD-A": 1, "FLUID": 1}
    assert requests(garage.send(appointment(2, vehicle=BY_VIN, number="9"))) == {}


def test_a_vin_that_nobody_decodes_in_time_goes_to_a_person_and_is_served_should_it_come_later() -> None:
    garage = Garage()
    garage.send(appointment(vehicle=BY_VIN))
    made = garage.tick(seconds=121)
    assert "nobody has said what its VIN stands for" in of(NotifyCommand, made)[0].text
    assert garage.order().lines["service"].decision == "rejected"
    decoded = VehicleDecoded(account="nhtsa", vin=VIN, make="HONDA", model="Accord", year=2003)
    assert requests(garage.send(decoded)) == {"PAD-A": 1, "FLUID": 1}


def test_a_mistyped_vin_is_told_at_once() -> None:
    made = Garage().send(appointment(vehicle=Vehicle(vin="1HGCM82613A004352")))
    texts = " ".join(told.text for told in of(NotifyCommand, made))
    assert "check digit" in texts
    assert "1HGCM82613A004352" not in texts


# -- by when


def test_parts_are_needed_a_working_day_before_the_appointment() -> None:
    garage = Garage()
    made = garage.send(appointment(day="2026-03-16"))  # a Monday
    assert {request.needed_by for request in of(LineRequest, made)} == {"2026-03-13"}


def test_holidays_and_closed_days_of_the_workshop_count() -> None:
    workshop = Workshop(parts_ready_days=2, country="DE", closed=("2026-04-01",))
    made = Garage(workshops={"main": workshop}).send(appointment(day="2026-04-07"))  # the Tuesday after Easter
    assert {request.needed_by for request in of(LineRequest, made)} == {"2026-03-31"}


def test_the_day_of_an_appointment_is_the_workshops_own() -> None:
    late = datetime(2026, 3, 17, 2, 30, tzinfo=UTC)  # still Monday the 16th in New York
    workshop = Workshop(parts_ready_days=0, time_zone="America/New_York")
    made = Garage(workshops={"main": workshop}).send(appointment(at=late))
    assert {request.needed_by for request in of(LineRequest, made)} == {"2026-03-16"}


def test_a_new_date_moves_the_demand_and_keeps_the_reservation() -> None:
    garage = Garage()
    garage.send(*shelf("PAD-A", 1), *shelf("FLUID", 1), appointment())
    made = garage.send(appointment(2, day="2026-03-18"))
    assert {request.needed_by for request in of(LineRequest, made)} == {"2026-03-17"}
    assert garage.reserved() == {"PAD-A": 1, "FLUID": 1}
    assert garage.order().lines["service"].decision == "approved"
    (line,) = garage.stock("PAD-A").lines.values()
    assert line.needed_by == "2026-03-17"


def test_another_vehicle_gives_the_parts_back_and_takes_those_of_its_own() -> None:
    garage = Garage()
    garage.send(*shelf("PAD-A", 1), *shelf("PAD-B", 1), *shelf("FLUID", 1), appointment())
    garage.send(appointment(2, vehicle=Vehicle(make="Honda", model="Accord", year=2010)))
    assert garage.reserved() == {"PAD-B": 1, "FLUID": 1}


@pytest.mark.parametrize("change", [{"state": "cancelled"}, {"word": "No-Show"}, {"status": "did not show"}])
def test_a_cancelled_or_missed_appointment_gives_its_parts_back(change: dict[str, Any]) -> None:
    garage = Garage()
    garage.send(*shelf("PAD-A", 1), *shelf("FLUID", 1), appointment())
    garage.send(appointment(2, **change))
    assert garage.reserved() == {}
    garage.send(appointment(3, day="2026-03-20"))
    assert garage.reserved() == {"PAD-A": 1, "FLUID": 1}


def test_an_appointment_that_is_not_confirmed_asks_for_nothing_yet() -> None:
    garage = Garage()
    assert requests(garage.send(appointment(state="held"))) == {}
    assert garage.order().lines["service"].reason == NOT_CONFIRMED
    assert requests(garage.send(appointment(2))) == {"PAD-A": 1, "FLUID": 1}
    garage.send(appointment(3, state="held"))
    assert garage.reserved() == {}


def test_a_week_after_its_day_an_appointment_of_which_nothing_is_heard_counts_as_a_no_show() -> None:
    garage = Garage()
    garage.send(*shelf("PAD-A", 1), *shelf("FLUID", 1), appointment())
    garage.tick(to=START + timedelta(days=20))
    assert garage.reserved() == {"PAD-A": 1, "FLUID": 1}
    made = garage.tick(to=START + timedelta(days=23))
    assert garage.reserved() == {}
    assert [told.subject for told in of(NotifyCommand, made)] == ["An appointment counts as a no-show"]
    garage.send(appointment(2, number="somebody has edited a note"))
    assert garage.reserved() == {}
    garage.send(appointment(3, day="2026-03-30"))
    assert garage.reserved() == {"PAD-A": 1, "FLUID": 1}


def test_an_appointment_that_is_told_after_its_day_is_waited_for_a_week_from_then() -> None:
    """Shops reopen, postpone and sync late: who tells of it now still expects the vehicle."""
    garage = Garage()
    garage.send(*shelf("PAD-A", 1), *shelf("FLUID", 1), appointment(day="2026-02-02"))
    garage.tick(to=START + timedelta(days=6))
    assert garage.reserved() == {"PAD-A": 1, "FLUID": 1}
    garage.tick(to=START + timedelta(days=9))
    assert garage.reserved() == {}


def test_each_line_says_why_it_asks_for_this_part() -> None:
    made = Garage().send(appointment())
    assert {request.because for request in of(LineRequest, made)} == {"service front-brakes for Honda Accord -2007"}


# -- any history

STEP = st.tuples(
    st.sampled_from(["open", "open", "held", "cancelled"]),
    st.sampled_from(["Front brakes", "Oil change", "Windscreen"]),
    st.sampled_from([2003, 2012, None]),
    st.sampled_from(["2026-03-16", "2026-03-20"]),
)


@examples(max_examples=80, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_what_is_held_is_what_the_newest_version_needs_in_whatever_order_versions_come(
    steps: list[Any], chance: Any
) -> None:
    versions = []
    for number, (state, service, year, day) in enumerate(steps, 1):
        vehicle = Vehicle(make="Honda", model="Accord", year=year)
        versions.append(appointment(number, state=state, service=service, vehicle=vehicle, day=day))
    state, service, year, day = steps[-1]
    kits = {2003: {"PAD-A": 1, "FLUID": 1}, 2012: {"PAD-B": 1, "FLUID": 1}, None: {}}
    needs = {"Front brakes": kits[year], "Oil change": {"OIL": 4}, "Windscreen": {}}[service]
    shuffled = [*versions, *versions]
    chance.shuffle(shuffled)
    garage = Garage()
    for sku in ("PAD-A", "PAD-B", "FLUID", "OIL"):
        garage.send(*shelf(sku, 5))
    garage.send(*shuffled)
    assert garage.reserved() == (needs if state == "open" else {})
    needed = {"2026-03-16": "2026-03-13", "2026-03-20": "2026-03-19"}[day]
    for sku in garage.reserved():
        assert {line.needed_by for line in garage.stock(sku).lines.values()} == {needed}
    garage.send(appointment(99, state="cancelled"))
    assert garage.reserved() == {}
    assert all(garage.stock(sku).on_hand == 5 for sku in ("PAD-A", "PAD-B", "FLUID", "OIL"))


def test_a_kit_may_name_a_kit_of_the_items() -> None:
    wipers = ServiceType(name="wipers", kit=parts(("SVC-WIPERS", 2)))
    assert requests(Garage(services=(wipers, OIL_CHANGE)).send(appointment(service="Wipers"))) == {"SVC-WIPERS": 2}
